# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser of a load test: one kept connection, and as little work of its own as HTTP lets it have.

A general client takes longer to ask than the server takes to answer; on two cores that would be what is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

__all__ = ["Answer", "Visitor"]

_ANSWER_S = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    head: str
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    def field(self, name: str) -> str:
        """Return a field of the head, empty if there is none."""
        at = self.head.lower().find(f"\r\n{name}:")
        return self.head[at + len(name) + 3 :].split("\r\n", 1)[0].strip() if at >= 0 else ""


class Visitor:
    """One customer's browser behind a proxy that names its address."""

    def __init__(self, host: str, port: int, address: str) -> None:
        self._where = host, port
        self._head = f"host: {host}:{port}\r\nx-forwarded-for: {address}\r\naccept-language: ko\r\n"
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._events: tuple[asyncio.Task[None], asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Answer:
        """Ask for a page."""
        return await self._ask(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())

    async def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form, as a page of the same site does."""
        body = urlencode(fields).encode()
        kind = "content-type: application/x-www-form-urlencoded\r\nsec-fetch-site: same-origin"
        head = f"POST {path} HTTP/1.1\r\n{self._head}{kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        return await self._ask(head.encode() + body)

    async def listen(self, path: str, moved: Callable[[str], None]) -> int:
        """Open a live line; `moved` is called with the data of each event of this name. Return the status."""
        reader, writer = await asyncio.open_connection(*self._where)
        writer.write(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")

        async def hear() -> None:
            with suppress(ConnectionError):
                while line := await reader.readline():
                    if line == b"event: moved\n":
                        moved((await reader.readline()).decode().removeprefix("data: ").strip())

        self._events = asyncio.ensure_future(hear()), writer
        return int(head[9:12])

    async def close(self) -> None:
        """Close the page."""
        if self._line is not None:
            self._line[1].close()
        if self._events is not None:
            self._events[0].cancel()
            self._events[1].close()

    async def _ask(self, request: bytes) -> Answer:
        kept = self._line
        if kept is not None:
            try:
                return await self._on(kept, request)
            except (ConnectionError, asyncio.IncompleteReadError):  # it ended while it lay idle: browsers ask again
                kept[1].close()
        self._line = await asyncio.open_connection(*self._where)
        return await self._on(self._line, request)

    async def _on(self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> Answer:
        reader, writer = line
        writer.write(request)
        async with asyncio.timeout(_ANSWER_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            answer = Answer(int(head[9:12]), head, b"")
            body = await reader.readexactly(int(answer.field("content-length") or 0))
        if answer.field("connection").lower() == "close":
            writer.close()
            self._line = None
        return Answer(answer.status, head, body)
