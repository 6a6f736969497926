# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP with an end to waiting: for a request's head, for the next bytes of its body, for somebody to read an answer.

Anybody can open connections; one that leads to nothing must not hold its place, and what it has sent, for ever.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["PatientHttp"]

HEAD_S = 20.0  # all of a request's head, from its first byte, or from the connection's beginning
BODY_S = 60.0  # the next bytes of a body: a bad line stands still, but not for so long
READ_S = 120.0  # until somebody who lets an answer pile up takes some of it


class PatientHttp(H11Protocol):
    """One HTTP connection. One timer at most: for what is waited for now."""

    _timer: asyncio.TimerHandle | None = None
    _waits_for: str = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]  # as uvicorn declares it
        self._wait("head", HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head must be whole in its time, a body must go on."""
        super().data_received(data)
        if self._waits_for != "upgraded" and not self.transport.is_closing():
            self._look()

    def on_response_complete(self) -> None:
        """The next request, if one comes, has its own time."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait("reader", READ_S)
        else:
            self._look()

    def timeout_keep_alive_handler(self) -> None:
        """No next request came; what is left of the last answer is still to be read."""
        super().timeout_keep_alive_handler()
        self._wait("reader", READ_S)

    def pause_writing(self) -> None:
        """The answer is not read."""
        super().pause_writing()
        self._wait("reader", READ_S)

    def resume_writing(self) -> None:
        """It is again."""
        super().resume_writing()
        self._stop()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """A live socket has its own times."""
        self._stop()
        self._waits_for = "upgraded"
        super().handle_websocket_upgrade(event)

    def _look(self) -> None:
        state = self.conn.their_state
        if self._waits_for == "reader":
            return
        if state is h11.SEND_BODY:
            self._wait("body", BODY_S)
        elif state is h11.IDLE and self.timeout_keep_alive_task is None:
            if self._waits_for != "head":  # counted from its first byte, whatever drips in
                self._wait("head", HEAD_S)
        else:
            self._stop()

    def _wait(self, what: str, seconds: float) -> None:
        self._stop()
        self._waits_for = what
        self._timer = self.loop.call_later(seconds, self._over)

    def _stop(self) -> None:
        self._waits_for = ""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        if self._waits_for == "body" and self.flow.read_paused:  # it is us who do not read
            self._wait("body", BODY_S)
            return
        self.transport.abort()
