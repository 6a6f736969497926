# SPDX-License-Identifier: GPL-3.0-or-later
"""One live socket as the hub sees it: what it listens to, and a queue that a slow receiver cannot make grow."""

from __future__ import annotations

import asyncio

from sync.protocol import Bye, LiveDown, Poke, encode
from sync.server.tokens import Grant

__all__ = ["Member"]

_MAX_QUEUED = 1 << 20
_COALESCE_S = 0.02
_CLOSE_CODES = {"token": 4401, "malformed": 4400, "replaced": 4409}


class Member:
    """Belongs to the event loop. `next()` gives what to send; None means close."""

    def __init__(self, grant: Grant, scopes: frozenset[str]) -> None:
        self.grant = grant
        self.scopes = scopes
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queued = 0
        self._pokes: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
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
        self._queued += len(payload)
        self._queue.put_nowait(payload)

    def poke(self, scope: str, head: int) -> None:
        """Tell that a scope moved, together with whatever else moves within 20 ms."""
        if self._closed:
            return
        self._pokes[scope] = max(head, self._pokes.get(scope, 0))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_COALESCE_S, self._flush)

    def close(self, code: str, retry_ms: int = 0) -> None:
        """Say goodbye and end the socket. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.close_code = _CLOSE_CODES.get(code, 1001)
        if self._timer is not None:
            self._timer.cancel()
        self._queue.put_nowait(encode(Bye(code=code, retry_ms=retry_ms)))
        self._queue.put_nowait(None)

    async def next(self) -> bytes | None:
        """Wait for the next message to send."""
        payload = await self._queue.get()
        if payload is not None:
            self._queued -= len(payload)
        return payload

    def _flush(self) -> None:
        self._timer = None
        pokes, self._pokes = self._pokes, {}
        self.send(Poke(heads=pokes))
