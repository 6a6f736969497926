# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a session at the agent's computer: what is offered, one after the other, and what comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, get_args

from PySide6.QtCore import QObject

from app.domain.assist import Phase
from app.domain.session_files import FileStep, FileView
from app.entry.session_files import FileHost, download_folder
from remote_assist import actions as act
from remote_assist.agent_end import AgentEnd
from remote_assist.file_actions import FileAction
from remote_assist.file_desk import FileFailed, FilePrepared

__all__ = ["AgentFiles", "FileControls"]

_FILE_ACTIONS = get_args(FileAction)
_QUEUED_MAX: Final = 20
Perform = Callable[[list[act.Action]], None]


class AgentFiles(QObject):
    """The files of one session. `show` gets a FileView whenever one changed."""

    def __init__(
        self, end: AgentEnd, perform: Perform, show: Callable[[FileView], None], ticket_no: str, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._end, self._perform, self._show = end, perform, show
        self.base: Path | None = None
        self._host = FileHost(lambda: (self.base or download_folder(), ticket_no), "", end, perform, self)
        self._host.prepared.connect(self._prepared)
        self._host.changed.connect(self._changed)
        self._waiting: deque[tuple[Path, str]] = deque(maxlen=_QUEUED_MAX)
        self._why = ""
        self._reading: tuple[int, Path] | None = None
        self._offering = False

    def offer(self, paths: Sequence[Path], why: str = "") -> None:
        """Offer these, one after the other, for one reason; each needs the customer's yes."""
        self._waiting.extend((path, why) for path in paths)
        self._next()

    def stop(self, number: int) -> None:
        """Stop a file, whichever way it goes; those that were to follow are not offered."""
        self._waiting.clear()
        self._perform(self._end.cancel_file(number))

    def do(self, action: act.Action) -> bool:
        """Carry out what is about files; False: it is none of this."""
        if isinstance(action, act.StartChild):
            self._host.child_began()
        elif isinstance(action, act.PhaseChanged) and action.view.phase is Phase.ENDED:
            self.close()
        elif isinstance(action, act.PhaseChanged):
            self._next()  # the grant for the file before this one has fallen
        elif isinstance(action, _FILE_ACTIONS):
            self._host.act(action)
            return True
        return False

    def from_child(self, message: object) -> None:
        """What the child says about its queue."""
        self._host.from_child(message)

    def close(self, *, wait: bool = False) -> None:
        """Remove what is half."""
        self._waiting.clear()
        self._host.close(wait=wait)

    # --- one after the other -----------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._waiting and self._reading is None and not self._offering and self._end.may_offer_file:
            path, self._why = self._waiting.popleft()
            self._reading = (self._end.new_file_id(), path)
            self._host.prepare(*self._reading)

    def _prepared(self, report: FilePrepared | FileFailed) -> None:
        number, path = self._reading or (-1, Path())
        self._reading = None
        if isinstance(report, FileFailed):
            self._show(FileView(number, path.name, 0, True, FileStep.OVER, code=report.code))
            self._next()
            return
        self._offering = self._end.may_offer_file
        if self._offering:
            self._perform(self._end.offer_file(report.offer, self._why))
        else:
            self._host.forget(number)
            self._show(FileView(number, path.name, report.offer.size, True, FileStep.OVER, code="not_allowed"))

    def _changed(self, view: FileView) -> None:
        self._show(view)
        if view.to_customer and view.step is FileStep.OVER:
            self._offering = False
            if view.code in ("refused", "no_answer", "not_allowed", "ended"):
                self._waiting.clear()  # who said no is not asked about the next one
            self._next()


class FileControls:
    """The part of a session's controls that is about files."""

    _files: AgentFiles | None = None

    def offer_files(self, paths: Sequence[Path], why: str = "") -> None:
        """Offer files to the customer."""
        if self._files is not None:
            self._files.offer(paths, why)

    def stop_file(self, number: int) -> None:
        """Stop a file that is on its way."""
        if self._files is not None:
            self._files.stop(number)
