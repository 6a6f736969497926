# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the files that go with what a customer wrote: after the words, each once, going on where the line broke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from app.domain.errors import StoreUnavailable, WorldError
from sync.blobs import Parts, Streams, upload
from sync.customer_events import CustomerEvent, FileLost, WrittenChanged
from sync.transport import Answered

__all__ = ["FileRows", "FileSender", "Owed"]

_BACKOFF_S = (0.5, 1, 2, 4, 8, 15, 30)
_LATER_S = 600.0  # the server takes no more of this customer today: asked again now and then
_AGAIN = frozenset({401, 403, 408, 409, 425, 429})


class Owed(Protocol):
    """A file that the server was told of and does not have."""

    @property
    def item(self) -> str:
        """What was written with it."""
        ...

    @property
    def sha256(self) -> str:
        """What names its content, hex."""
        ...

    @property
    def size(self) -> int:
        """How long it is."""
        ...


class FileRows(Protocol):
    """The files as they are kept on this computer. Methods block on the disk and raise StoreUnavailable."""

    def owed_files(self) -> Sequence[Owed]:
        """Return what is to be sent, in order."""
        ...

    def read_file(self, sha256: str, start: int, size: int) -> bytes:
        """Return a piece."""
        ...

    def file_settled(self, sha256: str, item: str) -> None:
        """Keep it no longer for this."""
        ...


class _Kept:
    """`sync.blobs.BlobFile` of something kept."""

    def __init__(self, rows: FileRows, owed: Owed) -> None:
        self._rows, self._owed = rows, owed
        self.sha256 = bytes.fromhex(owed.sha256)
        self.size = owed.size

    def have(self) -> int:
        """All of it, unless its last byte is missing."""
        return self.size if len(self.read(self.size - 1, 1)) == 1 else 0

    def read(self, start: int, size: int) -> bytes:
        """Return a part."""
        return self._rows.read_file(self._owed.sha256, start, min(size, self.size - start))

    def append(self, data: bytes) -> None:
        """Never: it is whole from the beginning."""
        raise NotImplementedError

    def forget(self) -> None:
        """Never: it goes when the server has it."""
        raise NotImplementedError


class FileSender:
    """Belongs to the event loop. `run` goes on for ever; `wake` when the line is there or something was written."""

    def __init__(
        self,
        rows: FileRows,
        streams: Streams,
        sign_in: Callable[[], Awaitable[None]],
        expired: Callable[[], None],
        listen: Callable[[CustomerEvent], None],
    ) -> None:
        """`sign_in` lets the server show whose it is before it gets anything; `expired`: the token held no longer."""
        self._rows, self._streams, self._sign_in, self._expired, self._listen = rows, streams, sign_in, expired, listen
        self._wake = asyncio.Event()
        self._parts = Parts()

    def wake(self) -> None:
        """Look again now."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is owed whenever woken, again after a failure."""
        tries = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            pause = await self._round()
            tries = 0 if pause == 0 else tries + 1
            if pause is None:
                pause = _BACKOFF_S[min(tries, len(_BACKOFF_S)) - 1]
            if pause:
                await asyncio.sleep(pause)
                self._wake.set()

    async def _round(self) -> float | None:
        """Send all; return how long to wait then: 0 when nothing is owed, None for a while that grows."""
        try:
            for owed in await asyncio.to_thread(self._rows.owed_files):
                await self._sign_in()
                await self._send(owed)
        except Answered as answered:
            if answered.status == 401:
                self._expired()
            return _LATER_S if answered.problem.code == "quota" or answered.status == 403 else None
        except WorldError:
            return None
        return 0.0

    async def _send(self, owed: Owed) -> None:
        file, code = _Kept(self._rows, owed), ""
        try:
            whole = await asyncio.to_thread(file.have) == owed.size
        except StoreUnavailable:
            whole = False
        try:
            if whole:
                await upload(self._streams, file, self._parts)
            else:
                code = "file_damaged"
        except Answered as answered:
            if answered.status in _AGAIN or answered.status >= 500 or answered.problem.code == "quota":
                raise
            code = answered.problem.code
        await asyncio.to_thread(self._rows.file_settled, owed.sha256, owed.item)
        if code:
            self._listen(FileLost(owed.item, code))
        self._listen(WrittenChanged())
