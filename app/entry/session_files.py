# SPDX-License-Identifier: GPL-3.0-or-later
"""What both programs do about the files of a session: between the worker for the disk and the session's end.

GUI thread; the worker's reports come by a queued signal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal

from app.domain.session_files import FileStep, FileView
from remote_assist.actions import Action, ToChild
from remote_assist.agent_end import AgentEnd
from remote_assist.child_protocol import Fault, Sent
from remote_assist.customer_end import CustomerEnd
from remote_assist.file_actions import DropFile, FileAction, FileChanged
from remote_assist.file_desk import (
    FileDesk,
    FileFailed,
    FileMoved,
    FilePiece,
    FilePrepared,
    FileRead,
    FileReady,
    FileSaved,
    FileWorker,
    Report,
)
from remote_assist.file_folder import TicketFolder

__all__ = ["FileHost", "download_folder"]

Perform = Callable[[list[Action]], None]


def download_folder() -> Path:
    """Return this person's folder for downloads, or the home folder where there is none."""
    found = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation))
    return found if found.is_dir() else Path.home()


class FileHost(QObject):
    """One for a session. `prepared` has FilePrepared or FileFailed of a file that was picked, `changed` a FileView."""

    prepared = Signal(object)
    changed = Signal(object)
    _reported = Signal(object)

    def __init__(
        self,
        place: Callable[[], tuple[Path, str]],
        origin: str,
        end: CustomerEnd | AgentEnd,
        perform: Perform,
        parent: QObject,
        *,
        programs: bool = False,
    ) -> None:
        """`place` returns the folder in which `Deskside/<ticket>` lies, and the ticket's number."""
        super().__init__(parent)
        self._end, self._perform = end, perform
        self._picked: set[int] = set()
        self._views: dict[int, FileView] = {}
        self._closed = False
        self._reported.connect(self._hear, Qt.ConnectionType.QueuedConnection)

        def desk(report: Callable[[Report], None]) -> FileDesk:
            return FileDesk(lambda: TicketFolder(*place()), report, programs=programs, origin=origin)

        self._worker = FileWorker(desk, self._report)

    def prepare(self, id_: int, path: Path) -> None:
        """Read a file that a person picked; `prepared` follows."""
        self._picked.add(id_)
        self._worker.prepare(id_, path)

    def forget(self, id_: int) -> None:
        """A file that was picked is not sent after all."""
        self._picked.discard(id_)
        self._worker.do(DropFile(id_))

    def act(self, action: FileAction) -> None:
        """Do what the end asks for."""
        if isinstance(action, FileChanged):
            self._changed(action.view)
        else:
            self._worker.do(action)

    def from_child(self, message: object) -> None:
        """The child has room again, or dropped what waited."""
        if isinstance(message, Sent) and message.channel == "file":
            self._worker.child_has(-1)
        elif isinstance(message, Fault) and (message.code, message.detail) == ("not_sent", "file"):
            self._worker.child_has(0)

    def child_began(self) -> None:
        """A new child holds nothing yet."""
        if not self._closed:
            self._worker.child_has(0)

    def close(self, *, wait: bool = False) -> None:
        """Remove what is half. Idempotent."""
        self._closed = True
        self._worker.close(wait=wait)

    # --- from the worker ---------------------------------------------------------------------------------------

    def _report(self, report: Report) -> None:
        """In the worker's thread."""
        try:
            self._reported.emit(report)
        except RuntimeError:  # the program is on its way out, and this object gone
            return

    def _hear(self, report: Report) -> None:
        if self._closed:
            return
        match report:
            case FilePrepared(offer):
                self._picked.discard(offer.id)
                self.prepared.emit(report)
            case FileFailed(id_, code):
                if id_ in self._picked:
                    self._picked.discard(id_)
                    self.prepared.emit(report)
                else:
                    self._perform(self._end.file_failed(id_, code))
            case FileReady(id_, offset):
                self._progress(id_, offset)
                self._perform(self._end.file_ready(id_, offset))
            case FilePiece(id_, data, end):
                self._send(self._end.file_part(id_, data))
                self._progress(id_, end)
            case FileRead(id_):
                self._perform(self._end.file_read(id_))
            case FileMoved(id_, done):
                self._progress(id_, done)
            case FileSaved(id_, saved):
                self._saved(id_, saved.path)

    def _saved(self, id_: int, path: Path) -> None:
        """It has its name; unless somebody said stop in the same moment, then that counts."""
        view = self._views.get(id_)
        if view is None or view.step is FileStep.OVER:
            self._worker.remove(path)
            return
        self._views[id_] = replace(view, path=str(path))
        self._perform(self._end.file_saved(id_))

    def _send(self, actions: list[Action]) -> None:
        """A piece that the end holds back takes no room in the child."""
        if not any(isinstance(action, ToChild) for action in actions):
            self._worker.child_has(-1)
        self._perform(actions)

    # --- what is shown -----------------------------------------------------------------------------------------

    def _changed(self, view: FileView) -> None:
        before = self._views.get(view.id)
        if before is not None:
            view = replace(view, done=before.done, path=before.path if not view.code else "")
        self._views[view.id] = view
        self.changed.emit(view)

    def _progress(self, id_: int, done: int) -> None:
        """Pieces are small: a hundredth more is worth showing."""
        view = self._views.get(id_)
        if view is None or view.step is FileStep.OVER:
            return
        shown = 100 * view.done // view.size != 100 * done // view.size if view.size else False
        self._views[id_] = replace(view, done=done)
        if shown:
            self.changed.emit(self._views[id_])
