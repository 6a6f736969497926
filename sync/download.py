# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a snapshot file as it arrives: independent zstd frames, each a whole piece that need not be sent again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import zstandard

from app.domain.errors import ServerUnreachable, WrongServer
from sync.fetch import Fetch
from sync.protocol import FrameReader, ProtocolError, PullFrame
from sync.transport import Transport

_BITE = 4096  # a few bytes may inflate to very many
_PIECE_MAX_BYTES = 256 << 20


class Pieces:
    """Cuts a file into its zstd frames: (the frame's own bytes, the messages in it). Raises ProtocolError."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._start()

    def _start(self) -> None:
        self._inflater = zstandard.ZstdDecompressor().decompressobj()
        self._reader = FrameReader()
        self._frames: list[PullFrame] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[bytes, list[PullFrame]]]:
        """Yield each whole piece."""
        for start in range(0, len(data), _BITE):
            bite = data[start : start + _BITE]
            while bite:
                bite, whole = self._take(bite)
                if whole:
                    yield bytes(self._raw), self._frames
                    self._raw.clear()
                    self._start()

    def _take(self, bite: bytes) -> tuple[bytes, bool]:
        try:
            out = self._inflater.decompress(bite)
        except zstandard.ZstdError as error:
            raise ProtocolError("malformed", str(error)) from error
        self._size += len(out)
        if self._size > _PIECE_MAX_BYTES:
            raise ProtocolError("too_large", "a piece of a snapshot")
        self._frames += self._reader.feed(out)
        rest = self._inflater.unused_data
        self._raw += bite[: len(bite) - len(rest)]
        if self._inflater.eof and self._reader.rest:
            raise ProtocolError("malformed", "a piece ends within a message")
        return rest, self._inflater.eof

    @property
    def is_between(self) -> bool:
        """Whether the last piece is whole."""
        return not self._raw


async def snapshot(transport: Transport, ask: Fetch) -> AsyncGenerator[tuple[bytes, list[PullFrame]], None]:
    """Yield the pieces of a snapshot file from `ask.offset` on.

    Raises Answered (404, 410, 416: it is gone), ServerUnreachable when the answer ends early, WrongServer.
    """
    headers = {"range": f"bytes={ask.offset}-", "accept-encoding": "identity"}
    pieces = Pieces()
    came = ask.offset
    if ask.offset >= ask.size:
        return  # whole already: only the check is missing
    async with transport.stream("GET", f"/sync/v1/snapshot/{ask.id.hex()}", headers=headers) as response:
        skip = ask.offset if response.status_code == 200 else 0
        async for chunk in response.aiter_raw():
            data = chunk[skip:]
            skip = max(0, skip - len(chunk))
            came += len(data)
            try:
                for piece in pieces.feed(data):
                    yield piece
            except ProtocolError as error:
                raise WrongServer(detail=error.code) from error
    if not pieces.is_between or came < ask.size:
        raise ServerUnreachable(detail="the answer ends early")
