# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves attachments by content: sent and fetched in parts, each try going on where the last one broke off.

The bytes come from and go to a `BlobFile`; what is complete was checked against the SHA-256 that names it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import httpx

from app.domain.errors import ServerUnreachable, WrongServer
from sync.transport import Answered, Transport

PART_BYTES = 4 << 20
SMALL_BYTES = 1 << 20
_LEAST_BYTES = 64 << 10


class Parts:
    """How much of a file goes up at once: less on a line that breaks, more again while it holds."""

    def __init__(self) -> None:
        self.size = PART_BYTES

    def broke(self, sent: int) -> None:
        """So much got no answer."""
        self.size = max(_LEAST_BYTES, min(self.size, sent) // 4)

    def passed(self) -> None:
        """A part arrived."""
        self.size = min(PART_BYTES, self.size * 2)


class Streams(Protocol):
    """Asks the server as somebody who is signed in: an agent's `Transport`, or a Companion's."""

    def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """An answer with any success status. Raises Answered, ServerUnreachable, WrongServer."""
        ...


class BlobFile(Protocol):
    """An attachment's content on this computer, however it is kept. Methods block on the disk."""

    sha256: bytes
    size: int

    def have(self) -> int:
        """Return how many bytes are here, from the beginning."""
        ...

    def read(self, start: int, size: int) -> bytes:
        """Return a part."""
        ...

    def append(self, data: bytes) -> None:
        """Add the next bytes. Raises StoreUnavailable."""
        ...

    def forget(self) -> None:
        """Throw away what is here: it is not what its name says."""
        ...


async def upload(transport: Streams, file: BlobFile, parts: Parts | None = None) -> None:
    """Send what the server does not have yet. Raises Answered, ServerUnreachable, WrongServer, StoreUnavailable."""
    parts = parts or Parts()
    path = f"/blob/{file.sha256.hex()}"
    try:
        async with transport.stream("HEAD", path) as response:
            have, complete = _offset(response.headers)
    except Answered as answered:
        if not is_gone(answered):
            raise
        have, complete = 0, False
    if complete:
        return
    if have == 0 and file.size <= min(SMALL_BYTES, parts.size):
        content = await asyncio.to_thread(file.read, 0, file.size)
        with _watched(parts, len(content)):
            async with transport.stream("PUT", path, content=content):
                return
    while not complete:
        if have >= file.size:
            raise WrongServer(detail="blob")  # it has everything and does not say so
        part = await asyncio.to_thread(file.read, have, parts.size)
        headers = _part_headers(file, have, part)
        with _watched(parts, len(part)):
            async with transport.stream("PATCH", path, headers=headers, content=part) as response:
                at, complete = _offset(response.headers)
        if at <= have and not complete:
            raise WrongServer(detail="blob")
        have = at


async def download(transport: Transport, file: BlobFile) -> None:
    """Fetch what is missing and check the whole. Raises Answered, ServerUnreachable, WrongServer, StoreUnavailable.

    Content that does not match its name is thrown away: the next try starts from the beginning.
    """
    have = await asyncio.to_thread(file.have)
    if have < file.size:
        headers = {"range": f"bytes={have}-", "accept-encoding": "identity"}
        async with transport.stream("GET", f"/blob/{file.sha256.hex()}", headers=headers) as response:
            skip = have if response.status_code == 200 else 0
            async for chunk in response.aiter_raw():
                data = chunk[skip:][: file.size - have]
                skip = max(0, skip - len(chunk))
                await asyncio.to_thread(file.append, data)
                have += len(data)
        if have < file.size:
            raise ServerUnreachable(detail="the answer ends early")
    if not await asyncio.to_thread(is_whole, file):
        await asyncio.to_thread(file.forget)
        raise WrongServer(detail="blob")


@contextlib.contextmanager
def _watched(parts: Parts, size: int) -> Iterator[None]:
    """Note whether a part gets through."""
    try:
        yield
    except ServerUnreachable:
        parts.broke(size)
        raise
    parts.passed()


def is_whole(file: BlobFile) -> bool:
    """Whether everything is here and is what the name says. Blocks."""
    if file.have() != file.size:
        return False
    digest = hashlib.sha256()
    for start in range(0, file.size, PART_BYTES):
        digest.update(file.read(start, PART_BYTES))
    return digest.digest() == file.sha256


def is_gone(answered: Answered) -> bool:
    """Whether an answer means that the server does not have it, or not for this account (any more)."""
    return answered.status in (404, 410)


def _offset(headers: Mapping[str, str]) -> tuple[int, bool]:
    """Return how much the server has and whether that is all. Raises WrongServer."""
    try:
        return int(headers.get("upload-offset", "")), headers.get("upload-complete", "?0") == "?1"
    except ValueError as error:
        raise WrongServer(detail="blob") from error


def _part_headers(file: BlobFile, start: int, part: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    return {
        "upload-offset": str(start),
        "upload-length": str(file.size),
        "content-digest": f"sha-256=:{digest}:",
        "content-type": "application/octet-stream",
    }
