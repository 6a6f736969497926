# SPDX-License-Identifier: GPL-3.0-or-later
"""One live socket as the hub sees it: what it listens to, and a queue that a slow receiver cannot make grow."""

from __future__ import annotations

import asyncio
from collections import deque

from sync.protocol import Bye, LiveDown, encode
from sync.server.tokens import Grant

__all__ = ["Member"]

_MAX_QUEUED = 1 << 20
_CLOSE_CODES = {"token": 4401, "malformed": 4400, "replaced": 4409}


class Member:
    """Belongs to the event loop. `next()` gives what to send; None means close."""

    __slots__ = ("_closed", "_messages", "_pokes", "_queued", "_waiter", "close_code", "grant", "scopes")

    def __init__(self, grant: Grant, scopes: frozenset[str]) -> None:
        self.grant = grant
        self.scopes = scopes
        self._messages: deque[bytes] | None = None  # made when needed: most sockets are idle
        self._pokes: dict[str, bytes] = {}
        self._queued = 0
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self.close_code = 1000

    def send(self, message: LiveDown) -> None:
        """Queue a message."""
        self.send_raw(encode(message))

    def send_raw(self, payload: bytes) -> None:
        """Queue an encoded message; a receiver that lets 1 MiB pile up is told to come back."""
        if self._closed:
            return
        if self._queued + len(payload) > _MAX_QUEUED:
            self.close("slow", 1000)
            return
        self._put(payload)

    def poke(self, scope: str, payload: bytes) -> None:
        """Tell that a scope moved; takes the place of an earlier poke of the same scope that was not sent yet."""
        if not self._closed:
            self._pokes[scope] = payload
            self._wake()

    def close(self, code: str, retry_ms: int = 0) -> None:
        """Say goodbye and end the socket. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.close_code = _CLOSE_CODES.get(code, 1001)
        self._pokes.clear()
        self._put(encode(Bye(code=code, retry_ms=retry_ms)))

    async def next(self) -> bytes | None:
        """Wait for the next message to send."""
        while True:
            if self._messages:
                payload = self._messages.popleft()
                self._queued -= len(payload)
                return payload
            if self._closed:
                return None
            if self._pokes:
                return self._pokes.pop(next(iter(self._pokes)))
            self._messages = None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _put(self, payload: bytes) -> None:
        if self._messages is None:
            self._messages = deque()
        self._messages.append(payload)
        self._queued += len(payload)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
