# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that come in during a session: what is offered, the limits, and how one grows until its hash is right.

One object per session and end, used by one thread. It asks nobody and opens nothing: whoever drives it hands in what
the grants allow. Sending is in `file_sending`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from app.domain.attachments import MAX_FILE_BYTES
from remote_assist import file_names
from remote_assist.bulk import MAX_ID, Chunk
from remote_assist.file_folder import FileTrouble, PartFile, TicketFolder
from remote_assist.file_marks import mark_downloaded

__all__ = [
    "MAX_OPEN",
    "MAX_SESSION_BYTES",
    "RESERVE_BYTES",
    "Inbox",
    "Offer",
    "Saved",
    "SessionBudget",
    "Step",
    "read_offer",
]

MAX_SESSION_BYTES: Final = 1 << 30
MAX_OPEN: Final = 4
MAX_OFFERS: Final = 100  # of one session
RESERVE_BYTES: Final = 64 << 20  # a disk is not filled to the last byte
_STRAYS_MAX: Final = 1024
_SHA_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Offer:
    """What one end would send. `name` is safe already; whatever it was at its origin is forgotten."""

    id: int
    name: str
    size: int
    sha256: bytes

    @property
    def is_program(self) -> bool:
        """Whether a desktop could run it: to the customer that takes policy and a second warning."""
        return file_names.program_by_name(self.name)

    @property
    def disguise(self) -> str:
        """The harmless ending that a program shows before its real one; or ""."""
        return file_names.disguise(self.name)


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that is whole. `marked`: the system knows that it came from elsewhere."""

    path: Path
    size: int
    sha256: bytes
    marked: bool


class Step(Enum):
    """What became of a chunk. REWIND: bytes are missing; say `fileaccept` again with the offset of `resume`."""

    TAKEN = "taken"
    IGNORED = "ignored"
    REWIND = "rewind"


def read_offer(id_: int, name: str, size: int, sha256: str) -> Offer:
    """Return an offer with a safe name. Raises FileTrouble (bad_offer, too_large)."""
    try:
        mark = bytes.fromhex(sha256) if len(sha256) == _SHA_CHARS else b""
    except ValueError:
        mark = b""
    if not (0 <= id_ <= MAX_ID and size >= 0 and len(mark) == _SHA_CHARS // 2):
        raise FileTrouble("bad_offer")
    if size > MAX_FILE_BYTES:
        raise FileTrouble("too_large")
    return Offer(id_, file_names.safe_name(name), size, mark)


class SessionBudget:
    """The bytes that files may move in one session, both ways together."""

    def __init__(self, limit: int = MAX_SESSION_BYTES) -> None:
        self._left = limit

    def take(self, count: int) -> None:
        """Raises FileTrouble (session_full)."""
        if count > self._left:
            raise FileTrouble("session_full")
        self._left -= count

    def give_back(self, count: int) -> None:
        """What was reserved for a file that did not come."""
        self._left += count


class _Growing:
    """One file between `fileaccept` and `fileend`."""

    def __init__(self, offer: Offer, part: PartFile, *, program: bool) -> None:
        self.offer, self.part, self._program = offer, part, program
        self.offset = 0
        self._hash = hashlib.sha256()
        self._head = b""
        self._strays = 0

    def take(self, chunk: Chunk) -> Step:
        """Write a chunk that follows what is here. Raises FileTrouble."""
        if chunk.end > self.offer.size:
            raise FileTrouble("too_large")
        if chunk.offset != self.offset:
            self._strays += 1
            if self._strays > _STRAYS_MAX:
                raise FileTrouble("out_of_order")
            return Step.REWIND if chunk.offset > self.offset else Step.IGNORED
        self._look_at_head(chunk.data)
        self.part.write(self.offset, chunk.data)
        self._hash.update(chunk.data)
        self.offset = chunk.end
        return Step.TAKEN

    def _look_at_head(self, data: bytes) -> None:
        if len(self._head) >= file_names.HEAD_BYTES:
            return
        self._head += data[: file_names.HEAD_BYTES - len(self._head)]
        if not self._program and file_names.program_by_content(self._head):
            raise FileTrouble("disguised_program")

    def resumed(self) -> int:
        """Return from where to go on: behind what is on the disk unchanged, else from the start. Raises FileTrouble."""
        if not self.part.unchanged():
            raise FileTrouble("part_changed")
        if not self._on_disk():
            self.offset, self._hash, self._head = 0, hashlib.sha256(), b""
        self.part.cut(self.offset)
        return self.offset

    def check(self) -> None:
        """Raises FileTrouble unless the file is whole: what was received, and what the disk holds."""
        if self.offset != self.offer.size:
            raise FileTrouble("incomplete")
        if not hmac.compare_digest(self._hash.digest(), self.offer.sha256):
            raise FileTrouble("hash_differs")
        if self.part.size != self.offset or not self._on_disk():
            raise FileTrouble("part_changed")

    def _on_disk(self) -> bool:
        """Whether what came is still at the start of what the disk holds."""
        again = hashlib.sha256()
        return self.part.feed(self.offset, again.update) and hmac.compare_digest(again.digest(), self._hash.digest())


class Inbox:
    """Offers and files of one session at the receiving end.

    `open_folder` is called at the first file that is accepted. `programs` says whether policy lets programs in at all;
    each also needs `second_warning` at `accept`. `origin` is the server's address, for the mark of a download.
    """

    def __init__(
        self,
        open_folder: Callable[[], TicketFolder],
        budget: SessionBudget,
        now_s: Callable[[], int],
        *,
        programs: bool = False,
        origin: str = "",
    ) -> None:
        self._open_folder, self._budget, self._now_s = open_folder, budget, now_s
        self._programs, self._origin = programs, origin
        self._folder: TicketFolder | None = None
        self._seen: set[int] = set()
        self._offers: dict[int, Offer] = {}
        self._growing: dict[int, _Growing] = {}

    def offered(self, offer: Offer) -> None:
        """Remember an offer until it is answered. Raises FileTrouble (bad_offer, too_many, session_full)."""
        if offer.id in self._seen:
            raise FileTrouble("bad_offer")
        if len(self._seen) >= MAX_OFFERS or len(self._offers) >= MAX_OPEN:
            raise FileTrouble("too_many")
        self._seen.add(offer.id)
        self._offers[offer.id] = offer

    def declined(self, id_: int) -> None:
        """The person said no, or nothing. An unknown number is no error: silence may have answered before."""
        self._offers.pop(id_, None)

    def accept(self, id_: int, *, second_warning: bool = False) -> int:
        """The person said yes to this file. Returns the offset for `fileaccept`, 0.

        Raises FileTrouble (unknown_file, program_refused, too_many, session_full, disk_full, folder_unsafe,
        folder_gone, not_written); the offer is gone then as well.
        """
        offer = self._offers.pop(id_, None)
        if offer is None:
            raise FileTrouble("unknown_file")
        if offer.is_program and not (self._programs and second_warning):
            raise FileTrouble("program_refused")
        if len(self._growing) >= MAX_OPEN:
            raise FileTrouble("too_many")
        self._budget.take(offer.size)
        try:
            part = self._new_part(offer)
        except FileTrouble:
            self._budget.give_back(offer.size)
            raise
        self._growing[id_] = _Growing(offer, part, program=offer.is_program)
        return 0

    def _new_part(self, offer: Offer) -> PartFile:
        if self._folder is None:
            self._folder = self._open_folder()
        promised = sum(each.offer.size - each.offset for each in self._growing.values())
        if offer.size + promised + RESERVE_BYTES > self._folder.free_bytes():
            raise FileTrouble("disk_full")
        return self._folder.create(offer.name)

    def chunk(self, chunk: Chunk) -> Step:
        """Take what came. Raises FileTrouble: an unknown file, or one that cannot go on and is removed."""
        growing = self._known(chunk.id)
        try:
            return growing.take(chunk)
        except FileTrouble:
            self.abort(chunk.id)
            raise

    def resume(self, id_: int) -> int:
        """After a reconnect: return the offset for `fileaccept`. Raises FileTrouble, the file is removed then."""
        growing = self._known(id_)
        try:
            return growing.resumed()
        except FileTrouble:
            self.abort(id_)
            raise

    def finish(self, id_: int) -> Saved:
        """The other end said that it is through. Raises FileTrouble, the file is removed then."""
        growing = self._known(id_)
        try:
            growing.check()
            offer, part = growing.offer, growing.part
            marked = mark_downloaded(part.fd, part.path, self._origin, self._now_s())
            saved = Saved(part.publish(offer.name), offer.size, offer.sha256, marked)
        except FileTrouble:
            self.abort(id_)
            raise
        del self._growing[id_]
        return saved

    def abort(self, id_: int) -> None:
        """Stop one file and remove what is there of it. What did not come is given back to the session. Idempotent."""
        growing = self._growing.pop(id_, None)
        if growing is not None:
            growing.part.discard()
            self._budget.give_back(growing.offer.size - growing.offset)

    @property
    def open_ids(self) -> tuple[int, ...]:
        """The files that grow now."""
        return tuple(self._growing)

    def close(self) -> None:
        """The session is over, or the grant was taken back: nothing half remains. Idempotent."""
        self._offers.clear()
        for id_ in self.open_ids:
            self.abort(id_)
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):
                folder.close()

    def _known(self, id_: int) -> _Growing:
        growing = self._growing.get(id_)
        if growing is None:
            raise FileTrouble("unknown_file")
        return growing
