# SPDX-License-Identifier: GPL-3.0-or-later
"""One live socket as the hub sees it: what it listens to, and a queue that a slow receiver cannot make grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from sync.protocol import Bye, LiveDown, encode
from sync.server.tokens import Grant

__all__ = ["REPLACED", "Member", "Outlet"]

REPLACED = b"\x00"  # no encoded message is so: the device has a newer socket
_MAX_QUEUED = 1 << 20
_CLOSE_CODES = {"token": 4401, "malformed": 4400, "replaced": 4409}
_PRESENCE_A_SECOND = 5


class Outlet(Protocol):
    """The socket behind a member."""

    def flush(self) -> None:
        """Take what is queued and send it, as far as the receiver keeps up; called when there is something."""
        ...

    def send_now(self, payload: bytes) -> bool:
        """Send at once; False if the receiver does not keep up."""
        ...


class Member:
    """Belongs to the event loop. An idle one costs no task and no queue."""

    __slots__ = (
        "_closed", "_leave", "_messages", "_pokes", "_presence", "_queued", "close_code", "grant", "outlet", "scopes"
    )  # fmt: skip

    def __init__(self, grant: Grant, scopes: frozenset[str], leave: Callable[[Member], None]) -> None:
        """`leave` takes the member out of its hub, when the device comes back elsewhere."""
        self.grant = grant
        self.scopes = scopes
        self._leave = leave
        self._messages: deque[bytes] | None = None  # made when needed: most sockets are idle
        self._pokes: dict[str, bytes] | None = None
        self._presence = (0, 0)
        self._queued = 0
        self._closed = False
        self.close_code = 1000
        self.outlet: Outlet | None = None  # until the socket is ready to send, what is queued waits for it

    def receive(self, payload: bytes) -> None:
        """Take what the bus brings for this device, or that it has come back at another process."""
        if payload == REPLACED:
            self.close("replaced")
            self._leave(self)
        else:
            self.send_raw(payload)

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
        if self._closed:
            return
        idle = self._messages is None and not self._pokes
        if idle and self.outlet is not None and self.outlet.send_now(payload):
            return
        if self._pokes is None:
            self._pokes = {}
        self._pokes[scope] = payload
        self._wake()

    def take_presence(self, now: int) -> bool:
        """Count a presence of this socket; False when it tells more than a person could do."""
        start, count = self._presence
        if not 0 <= now - start < 1000:
            start, count = now, 0
        self._presence = (start, count + 1)
        return count < _PRESENCE_A_SECOND

    def close(self, code: str, retry_ms: int = 0) -> None:
        """Say goodbye and end the socket. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.close_code = _CLOSE_CODES.get(code, 1001)
        self._pokes = None
        self._put(encode(Bye(code=code, retry_ms=retry_ms)))

    def take(self) -> bytes | None:
        """Return the next message to send; None if there is none."""
        if self._messages:
            payload = self._messages.popleft()
            self._queued -= len(payload)
            return payload
        self._messages = None
        if self._pokes:
            return self._pokes.pop(next(iter(self._pokes)))
        self._pokes = None
        return None

    @property
    def closed(self) -> bool:
        """Tell whether the last message was queued."""
        return self._closed

    def _put(self, payload: bytes) -> None:
        if self._messages is None:
            self._messages = deque()
        self._messages.append(payload)
        self._queued += len(payload)
        self._wake()

    def _wake(self) -> None:
        if self.outlet is not None:
            self.outlet.flush()
