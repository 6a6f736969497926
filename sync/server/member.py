# SPDX-License-Identifier: GPL-3.0-or-later
"""One live socket as the hub sees it: what it listens to, and a queue that a slow receiver cannot make grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sync.protocol import Bye, LiveDown, encode
from sync.server.tokens import Grant

__all__ = ["Member"]

_MAX_QUEUED = 1 << 20
_CLOSE_CODES = {"token": 4401, "malformed": 4400, "replaced": 4409}


class Member:
    """Belongs to the event loop. An idle one costs no task: whoever sends sets `wake`, then takes until None."""

    __slots__ = ("_closed", "_messages", "_pokes", "_queued", "close_code", "grant", "scopes", "wake")

    def __init__(self, grant: Grant, scopes: frozenset[str]) -> None:
        self.grant = grant
        self.scopes = scopes
        self._messages: deque[bytes] | None = None  # made when needed: most sockets are idle
        self._pokes: dict[str, bytes] = {}
        self._queued = 0
        self._closed = False
        self.close_code = 1000
        self.wake: Callable[[], None] = _nobody  # called when there is something to take

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
            self.wake()

    def close(self, code: str, retry_ms: int = 0) -> None:
        """Say goodbye and end the socket. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.close_code = _CLOSE_CODES.get(code, 1001)
        self._pokes.clear()
        self._put(encode(Bye(code=code, retry_ms=retry_ms)))

    def take(self) -> bytes | None:
        """Return the next message to send; None if there is none."""
        if self._messages:
            payload = self._messages.popleft()
            self._queued -= len(payload)
            return payload
        self._messages = None
        return self._pokes.pop(next(iter(self._pokes))) if self._pokes else None

    @property
    def closed(self) -> bool:
        """Tell whether the last message was queued."""
        return self._closed

    def _put(self, payload: bytes) -> None:
        if self._messages is None:
            self._messages = deque()
        self._messages.append(payload)
        self._queued += len(payload)
        self.wake()


def _nobody() -> None:
    """The socket is not ready to send yet; what is queued waits for it."""
