# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a session at the customer's computer: the questions, the worker for the disk, and what is shown.

GUI thread, except that the disk is read and written in the worker's own thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.domain.assist import Scope
from app.domain.session_files import FileStep, FileView
from app.entry.session_files import FileHost, download_folder
from remote_assist import actions as act
from remote_assist.customer_end import CustomerEnd
from remote_assist.file_actions import AskFile, FileAction
from remote_assist.file_desk import FileFailed, FilePrepared
from remote_assist.file_names import folder_name
from widgets.companion.files import FileFacts, FileQuestion, FileRequest, FilesWindow
from widgets.foundation import Theme
from widgets.foundation.file_moves import file_outcome

__all__ = ["CompanionFiles", "FilePlace"]

_FILE_ACTIONS = get_args(FileAction)
_SCOPES = (Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT)
Perform = Callable[[list[act.Action]], None]


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where files go (None: the folder for downloads), whether programs may come, and the server they come from."""

    base: Path | None = None
    programs: bool = False
    origin: str = ""


class CompanionFiles(QObject):
    """The files of one session. `cover` is called before a question shows, so that no picture has it in it."""

    def __init__(
        self,
        theme: Theme,
        now_ms: Callable[[], int],
        end: CustomerEnd,
        perform: Perform,
        place: FilePlace,
        cover: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._theme, self._now_ms, self._end, self._perform, self._place = theme, now_ms, end, perform, place
        self._cover = cover
        self._who = ("", "")
        self._ticket = ""
        end.programs = place.programs
        self._host = FileHost(self._open_folder_in, place.origin, end, perform, self, programs=place.programs)
        self._host.prepared.connect(self._prepared)
        self._host.changed.connect(self._show)
        self._chosen: FilePrepared | None = None
        self._reading: int | None = None
        self.over: dict[int, FileView] = {}
        self.question: FileQuestion | None = None
        self.request: FileRequest | None = None
        self.window: FilesWindow | None = None

    def begin(self, who: tuple[str, str], ticket_no: str) -> None:
        """Who asks, for the questions, and which ticket it is, for the folder."""
        self._who, self._ticket = who, ticket_no

    @property
    def windows(self) -> tuple[QWidget, ...]:
        """Questions, and the dialog that shows the customer's folders: nobody else is to see them."""
        dialog = self.request.dialog if self.request is not None else None
        return tuple(window for window in (self.question, self.request, dialog) if window is not None)

    # --- from the session --------------------------------------------------------------------------------------

    def do(self, action: act.Action) -> bool:
        """Carry out what is about files; False: it is none of this."""
        if isinstance(action, AskFile):
            self._ask(action)
        elif isinstance(action, act.AskScope) and action.scope is Scope.FILES_TO_AGENT:
            self._ask_for_one(action)
        elif isinstance(action, act.ScopeSettled) and action.scope in _SCOPES:
            self._settle(action.scope)
        elif isinstance(action, _FILE_ACTIONS):
            self._host.act(action)
        else:
            return False
        return True

    def from_child(self, message: object) -> None:
        """What the child says about its queue."""
        self._host.from_child(message)

    def child_began(self) -> None:
        """A new child holds nothing yet."""
        self._host.child_began()

    def end(self, *, wait: bool = False) -> None:
        """Take everything away, and remove what is half."""
        for scope in _SCOPES:
            self._settle(scope)
        if self.window is not None:
            self.window.end()
        self._host.close(wait=wait)

    # --- questions ---------------------------------------------------------------------------------------------

    def _open_folder_in(self) -> tuple[Path, str]:
        return self._place.base or download_folder(), self._ticket

    def _ask(self, action: AskFile) -> None:
        base, ticket = self._open_folder_in()
        offer = action.offer
        folder = str(base / "Deskside" / folder_name(ticket))
        facts = FileFacts(offer.name, offer.size, folder, offer.is_program, offer.disguise)
        window = FileQuestion(self._theme, self._who, facts, action.deadline_ms, self._now_ms, action.why)
        window.accepted.connect(lambda warned: self._perform(self._end.take_file(offer.id, warned=warned)))
        window.refused.connect(lambda: self._perform(self._end.refuse_scope(Scope.FILES_TO_CUSTOMER)))
        self.question = window
        self._place_window(window)

    def _ask_for_one(self, action: act.AskScope) -> None:
        window = FileRequest(self._theme, self._who, action.why, action.deadline_ms, self._now_ms)
        window.picked.connect(self._picked)
        window.sent.connect(self._give)
        window.refused.connect(lambda: self._perform(self._end.refuse_scope(Scope.FILES_TO_AGENT)))
        window.choosing.connect(self._cover)
        self.request = window
        self._place_window(window)

    def _place_window(self, window: QWidget) -> None:
        area = QGuiApplication.primaryScreen().availableGeometry()
        window.move(area.center() - window.rect().center())
        self._cover()
        window.show()
        window.raise_()

    def _settle(self, scope: Scope) -> None:
        window: FileQuestion | FileRequest | None
        if scope is Scope.FILES_TO_CUSTOMER:
            window, self.question = self.question, None
        else:
            window, self.request = self.request, None
            self._forget_chosen()
        if window is not None:
            window.end()
            window.deleteLater()

    # --- the customer's own file -------------------------------------------------------------------------------

    def _picked(self, path: Path) -> None:
        self._forget_chosen()
        self._reading = self._end.new_file_id()
        self._host.prepare(self._reading, path)

    def _prepared(self, report: FilePrepared | FileFailed) -> None:
        number = report.offer.id if isinstance(report, FilePrepared) else report.id
        if number != self._reading or self.request is None:
            self._host.forget(number)
            return
        self._reading = None
        if isinstance(report, FilePrepared):
            self._chosen = report
            self.request.show_file(FileFacts(report.offer.name, report.offer.size))
        else:
            self.request.show_problem(file_outcome(FileView(number, "", 0, False, FileStep.OVER, code=report.code)))

    def _give(self) -> None:
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            self._perform(self._end.give_file(chosen.offer))

    def _forget_chosen(self) -> None:
        chosen, self._chosen, self._reading = self._chosen, None, None
        if chosen is not None:
            self._host.forget(chosen.offer.id)

    # --- what is shown -----------------------------------------------------------------------------------------

    def _show(self, view: FileView) -> None:
        if view.step is FileStep.OVER:
            self.over[view.id] = view
        if self.window is None:
            self.window = FilesWindow(self._theme, self._who[0])
            self.window.stopped.connect(lambda number: self._perform(self._end.cancel_file(number)))
        self.window.show_file(view)
