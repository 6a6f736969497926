# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk's side of files in a session: opens, reads, writes and checks, and tells its end what came of it.

`FileDesk` does it in the thread that calls; `FileWorker` does it in a thread of its own, so that no window waits.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from remote_assist.bulk import Chunk
from remote_assist.file_actions import (
    DropFile,
    FileAction,
    FileBytes,
    FileThrough,
    HoldFile,
    ResumeFile,
    SendFile,
    TakeFile,
)
from remote_assist.file_folder import FileTrouble, TicketFolder
from remote_assist.file_sending import Outgoing
from remote_assist.files import Inbox, Offer, Saved, SessionBudget, Step

__all__ = [
    "FileDesk",
    "FileFailed",
    "FileMoved",
    "FilePiece",
    "FilePrepared",
    "FileRead",
    "FileReady",
    "FileSaved",
    "FileWorker",
    "Report",
]

WINDOW: Final = 4  # messages the child may hold; its own queue has room for eight, some of them left from a break
_WAITING_MAX: Final = 256  # pieces between the line and the disk: 4 MiB
_TOLD_EVERY: Final = 1 << 18
_JOIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class FilePrepared:
    """A file that could go out was opened and read once."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class FileReady:
    """For `file_ready`."""

    id: int
    offset: int


@dataclass(frozen=True, slots=True)
class FilePiece:
    """For `file_part`; `end` is how far the file is read with it."""

    id: int
    data: bytes
    end: int


@dataclass(frozen=True, slots=True)
class FileRead:
    """For `file_read`."""

    id: int


@dataclass(frozen=True, slots=True)
class FileMoved:
    """So much of a file that comes in is written."""

    id: int
    done: int


@dataclass(frozen=True, slots=True)
class FileSaved:
    """For `file_saved`."""

    id: int
    saved: Saved


@dataclass(frozen=True, slots=True)
class FileFailed:
    """For `file_failed`."""

    id: int
    code: str


Report = FilePrepared | FileReady | FilePiece | FileRead | FileMoved | FileSaved | FileFailed


@dataclass(slots=True)
class _Coming:
    size: int
    done: int = 0
    told: int = 0
    through: bool = False
    asked_again: bool = False


class FileDesk:
    """The files of one session at one end. Never raises for what others sent, or for what a disk does."""

    def __init__(
        self,
        open_folder: Callable[[], TicketFolder],
        report: Callable[[Report], None],
        *,
        programs: bool = False,
        origin: str = "",
        now_s: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        self._budget = SessionBudget()
        self._inbox = Inbox(open_folder, self._budget, now_s, programs=programs, origin=origin)
        self._report = report
        self._coming: dict[int, _Coming] = {}
        self._going: dict[int, Outgoing] = {}
        self._sending: int | None = None
        self._in_child = 0

    # --- going out -------------------------------------------------------------------------------------------------

    def prepare(self, id_: int, path: Path) -> None:
        """Open a file and read it once, so that it can be offered."""
        try:
            outgoing = Outgoing(path, id_)
            try:
                self._budget.take(outgoing.offer.size)
            except FileTrouble:
                outgoing.close()
                raise
        except FileTrouble as trouble:
            self._report(FileFailed(id_, trouble.code))
        else:
            self._going[id_] = outgoing
            self._report(FilePrepared(outgoing.offer))

    def child_has(self, count: int) -> None:
        """Say how many messages the child holds less (negative), or that it holds none (0)."""
        self._in_child = max(0, self._in_child + count) if count else 0

    @property
    def can_read(self) -> bool:
        """Whether `read_on` has something to do."""
        return self._sending is not None and self._in_child < WINDOW

    def read_on(self) -> None:
        """Hand over the next piece."""
        id_ = self._sending
        outgoing = self._going.get(id_) if id_ is not None else None
        if id_ is None or outgoing is None:
            self._sending = None
            return
        try:
            piece = outgoing.next_chunk()
        except FileTrouble as trouble:
            self._sending = None
            self._report(FileFailed(id_, trouble.code))
            return
        if piece is None:
            self._sending = None
            self._report(FileRead(id_))
        else:
            self._in_child += 1
            self._report(FilePiece(id_, piece, outgoing.offset))

    # --- what the end asks for -------------------------------------------------------------------------------------

    def act(self, action: FileAction) -> None:
        """Do what an end asked for; actions that are for windows are none of the desk's."""
        try:
            self._act(action)
        except FileTrouble as trouble:
            id_ = action.offer.id if isinstance(action, TakeFile) else getattr(action, "id", -1)
            self._coming.pop(id_, None)
            self._report(FileFailed(id_, trouble.code))

    def _act(self, action: FileAction) -> None:
        match action:
            case TakeFile(offer, warned):
                self._inbox.offered(offer)
                offset = self._inbox.accept(offer.id, second_warning=warned)
                self._coming[offer.id] = _Coming(offer.size)
                self._report(FileReady(offer.id, offset))
            case FileBytes(id_, offset, data):
                self._write(id_, Chunk(id_, offset, data))
            case FileThrough(id_):
                if id_ in self._coming:
                    self._coming[id_].through = True
                    self._finish_if_whole(id_)
            case ResumeFile(id_):
                if id_ in self._coming:
                    self._resume(id_)
            case SendFile(id_, offset):
                if id_ in self._going:
                    self._going[id_].start(offset)
                    self._sending = id_
            case HoldFile(id_):
                self._sending = None if self._sending == id_ else self._sending
            case DropFile(id_):
                self._drop(id_)

    def _write(self, id_: int, chunk: Chunk) -> None:
        coming = self._coming.get(id_)
        if coming is None:
            return
        step = self._inbox.chunk(chunk)
        if step is Step.TAKEN:
            coming.done, coming.asked_again = chunk.end, False
            if coming.done - coming.told >= _TOLD_EVERY or coming.done == coming.size:
                coming.told = coming.done
                self._report(FileMoved(id_, coming.done))
            self._finish_if_whole(id_)
        elif step is Step.REWIND and not coming.asked_again:
            self._resume(id_)
            coming.asked_again = True

    def _resume(self, id_: int) -> None:
        coming = self._coming[id_]
        offset = self._inbox.resume(id_)
        coming.done = coming.told = offset
        coming.through = coming.asked_again = False
        self._report(FileReady(id_, offset))

    def _finish_if_whole(self, id_: int) -> None:
        coming = self._coming[id_]
        if coming.through and coming.done == coming.size:
            del self._coming[id_]
            self._report(FileSaved(id_, self._inbox.finish(id_)))

    def missed(self, id_: int) -> None:
        """A piece of this file could not be kept: ask for it again."""
        self.act(ResumeFile(id_))

    def _drop(self, id_: int) -> None:
        if self._coming.pop(id_, None) is not None:
            self._inbox.abort(id_)
        outgoing = self._going.pop(id_, None)
        if outgoing is not None:
            self._sending = None if self._sending == id_ else self._sending
            self._budget.give_back(outgoing.offer.size - outgoing.offset)
            outgoing.close()

    def close(self) -> None:
        """The session is over: nothing half remains. Idempotent."""
        for id_ in list(self._going):
            self._drop(id_)
        self._coming.clear()
        self._inbox.close()


class FileWorker:
    """A `FileDesk` in a thread of its own, started at the first use. `report` is called in that thread."""

    def __init__(self, make: Callable[[Callable[[Report], None]], FileDesk], report: Callable[[Report], None]) -> None:
        self._make, self._report = make, report
        self._orders: queue.SimpleQueue[Callable[[FileDesk], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pieces = 0
        self._missed: int | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def do(self, action: FileAction) -> None:
        """Have it done; returns at once. Of pieces a bounded number waits, the rest is asked for again."""
        if isinstance(action, FileBytes):
            with self._lock:
                if self._pieces >= _WAITING_MAX:
                    self._missed = action.id
                    return
                self._pieces += 1
            self._order(lambda desk: self._write(desk, action))
        else:
            self._order(lambda desk: desk.act(action))

    def prepare(self, id_: int, path: Path) -> None:
        """Open a file that could go out; `FilePrepared` or `FileFailed` follows."""
        self._order(lambda desk: desk.prepare(id_, path))

    def child_has(self, count: int) -> None:
        """As `FileDesk.child_has`."""
        self._order(lambda desk: desk.child_has(count))

    def remove(self, path: Path) -> None:
        """Remove a file that was saved in the moment in which it was stopped."""

        def work(_desk: FileDesk) -> None:
            with contextlib.suppress(OSError):
                path.unlink()

        self._order(work)

    def close(self, *, wait: bool = False) -> None:
        """Remove what is half and let the thread end. Idempotent."""
        if not self._closed:
            self._closed = True
            self._orders.put(None)
        if wait and self._thread is not None:
            self._thread.join(_JOIN_S)

    def _order(self, work: Callable[[FileDesk], None]) -> None:
        if self._closed:
            return
        self._orders.put(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="session-files", daemon=True)
            self._thread.start()

    def _write(self, desk: FileDesk, action: FileBytes) -> None:
        desk.act(action)
        with self._lock:
            self._pieces -= 1
            missed, self._missed = (self._missed, None) if not self._pieces else (None, self._missed)
        if missed is not None:
            desk.missed(missed)

    def _run(self) -> None:
        desk = self._make(self._report)
        while True:
            try:
                order = self._orders.get(block=not desk.can_read)
            except queue.Empty:
                desk.read_on()
                continue
            if order is None:
                break
            order(desk)
        desk.close()
