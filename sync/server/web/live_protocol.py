# SPDX-License-Identifier: GPL-3.0-or-later
"""/live: the websocket of agents, companions and invited guests. MessagePack, one message a frame.

Most sockets say nothing for hours, and there are very many. So each is one small object on its transport: no task, no
timer and no queue while it is idle; one clock for all sends pings and ends those whose token has.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from websockets.http11 import Request
from websockets.server import ServerProtocol

from app.config.logs import get_logger
from sync.protocol import LIVE_MAX_BYTES, Auth, LiveUp, Ping, ProtocolError, decode
from sync.server.member import Member
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy
from sync.server.tokens import Grant
from sync.server.web.frames import BINARY, CLOSE, PING, PONG, FrameError, Frames, close_payload, framed

__all__ = ["LiveSocket", "LiveSockets"]

_AUTH_S = 5.0
_CLOSE_S = 10.0
_TICK_S = 1.0
_PING_TICKS = 25
_NOT_AUTHENTICATED, _GOING_AWAY, _TRY_LATER, _PING_TIMEOUT = 4401, 1001, 1013, 1011
_MAX_HEAD_BYTES = 16 << 10
_PING_FRAME = framed(PING, b"")

_log = get_logger("server.live")


class LiveSockets:
    """All sockets of this process. `make` is what the web server is given as its websocket protocol."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.open: set[LiveSocket] = set()
        self._tick = 0
        self._timer: asyncio.TimerHandle | None = None

    def make(self, *, server_state: Any = None, **_settings: Any) -> LiveSocket:
        """Return the protocol of a new connection; `server_state.connections` are those the web server waits for."""
        return LiveSocket(self, server_state.connections if server_state is not None else set())

    def add(self, socket: LiveSocket) -> None:
        """Begin to look after a socket."""
        self.open.add(socket)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self.tick)

    def tick(self) -> None:
        """Once a second: end sockets whose token has ended; ping the part of them whose turn it is."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self.tick) if self.open else None
        self._tick = (self._tick + 1) % _PING_TICKS
        now = self.parts.clock()
        for socket in list(self.open):
            if socket.expires_ms <= now:
                socket.expired()
            if socket.turn % _PING_TICKS == self._tick:
                socket.ping()


class LiveSocket(asyncio.Protocol):
    """One socket from its first byte to its end."""

    __slots__ = (
        "_alive", "_all", "_closing", "_connections", "_frames", "_gone", "_head", "_inbox", "_owed", "_paused",
        "_task", "_timer", "_transport", "expires_ms", "member", "turn",
    )  # fmt: skip

    def __init__(self, sockets: LiveSockets, connections: set[Any]) -> None:
        self._all = sockets
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._frames: Frames | None = None
        self._inbox: deque[LiveUp] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._owed: bytes | None = None  # the last ping that could not be answered yet
        self._alive = True  # something came since the last ping
        self._paused = self._closing = self._gone = False
        self.member: Member | None = None
        self.expires_ms = 1 << 62
        self.turn = id(self) >> 8

    # --- what the transport calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
        self._connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(_AUTH_S, self._refuse)

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything ends here, whoever ended it."""
        del exc
        self._gone = self._closing = True
        self._connections.discard(self)
        self._all.open.discard(self)
        self._stop_timer()
        if self.member is not None:
            self.member.outlet = None
            self._all.parts.hub.leave(self.member)

    def data_received(self, data: bytes) -> None:
        """Take bytes: of the upgrade, then of frames."""
        self._alive = True
        if self._frames is None:
            self._upgrade(data)
            return
        try:
            for kind, payload in self._frames.feed(data):
                self._frame(kind, payload)
        except FrameError as error:
            self._close(error.code)

    def eof_received(self) -> bool:
        """The other end says nothing more: nor do we."""
        return False

    def pause_writing(self) -> None:
        """The receiver does not keep up: from now on hints collapse and messages wait."""
        self._paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False
        if self._owed is not None and not self._closing:
            owed, self._owed = self._owed, None
            self._pong(owed)
        self.flush()

    def shutdown(self) -> None:
        """The server stops."""
        self._close(_GOING_AWAY)
        if self._transport is not None:
            self._transport.close()

    # --- what the hub calls through the member ----------------------------------------------------------------------

    def send_now(self, payload: bytes) -> bool:
        """Send at once; False if the receiver does not keep up."""
        if self._paused or self._closing or self._transport is None:
            return False
        self._transport.write(framed(BINARY, payload))
        return True

    def flush(self) -> None:
        """Send what is queued, as far as the receiver keeps up."""
        member = self.member
        while member is not None and not self._paused and not self._closing and (payload := member.take()) is not None:
            self.send_now(payload)
        if member is not None and member.closed and not self._paused:
            self._close(member.close_code)

    # --- what the clock calls ---------------------------------------------------------------------------------------

    def expired(self) -> None:
        """The token has ended and no newer one came."""
        if self.member is not None:
            self.member.close("token")

    def ping(self) -> None:
        """Ask whether anybody is there; who has been silent since the last time is not."""
        if self._closing or self._transport is None:
            return
        if not self._alive:
            self._close(_PING_TIMEOUT)
            return
        self._alive = False
        self._transport.write(_PING_FRAME)

    # --- the upgrade ------------------------------------------------------------------------------------------------

    def _upgrade(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end and len(head) <= _MAX_HEAD_BYTES:
            return
        answer, accepted = _shake_hands(head + end)
        self._head = b""
        if self._transport is None:
            return
        self._transport.write(answer)
        if not accepted:
            self._transport.close()
            return
        self._frames = Frames(LIVE_MAX_BYTES)
        self._all.add(self)
        if rest:
            self.data_received(rest)

    # --- messages ---------------------------------------------------------------------------------------------------

    def _frame(self, kind: int, payload: bytes) -> None:
        if self._closing:
            if kind == CLOSE and self._transport is not None:
                self._transport.close()
        elif kind == BINARY:
            self._message(payload)
        elif kind == PING:
            self._pong(payload)
        elif kind == CLOSE:
            self._close(int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1000)
            if self._transport is not None:
                self._transport.close()

    def _pong(self, payload: bytes) -> None:
        """Answer a ping; who asks and does not read gets the last answer alone, once it does (RFC 6455, 5.5.3)."""
        if self._paused:
            self._owed = payload
        elif self._transport is not None:
            self._transport.write(framed(PONG, payload))

    def _message(self, payload: bytes) -> None:
        try:
            message: LiveUp = decode(payload, LiveUp)
        except ProtocolError:
            if self.member is not None:
                self.member.close("malformed")
            else:
                self._refuse()
            return
        if self._task is None and isinstance(message, Ping | Auth) and self.member is not None:
            self._handle_at_once(self.member, message)
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(message)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())
        elif self._transport is not None:
            self._transport.pause_reading()  # what this end cannot take yet waits at the other

    async def _work(self) -> None:
        """Handle what came, one after the other; the task lives only as long as there is something."""
        try:
            while self._inbox and not self._closing:
                await self._handle(self._inbox.popleft())
        except (DatabaseBusy, ProblemError):
            self._close(_TRY_LATER)
        except Exception as error:  # noqa: BLE001 - one socket's trouble must not be the process's
            _log.exception("live socket failed", error=type(error).__name__)
            self._close(_TRY_LATER)
        finally:
            self._task = self._inbox = None
            if not self._gone and self._transport is not None:
                self._transport.resume_reading()

    async def _handle(self, message: LiveUp) -> None:
        if self.member is None:
            grant = self._all.parts.hub.check(message.token) if isinstance(message, Auth) else None
            if grant is None:
                self._refuse()
            else:
                self._stop_timer()  # the other end did its part; how long the database takes is not its fault
                await self._enter(grant)
        elif isinstance(message, Auth):
            self._handle_at_once(self.member, message)
        else:
            await self._all.parts.hub.received(self.member, message)

    def _handle_at_once(self, member: Member, message: LiveUp) -> None:
        if isinstance(message, Auth):
            grant = self._all.parts.hub.check(message.token)
            if grant is None or (grant.kind, grant.device) != (member.grant.kind, member.grant.device):
                member.close("token")
            else:
                self.expires_ms = grant.expires_ms
        else:
            self._all.parts.hub.pong(member)

    async def _enter(self, grant: Grant) -> None:
        hub = self._all.parts.hub
        try:
            member = await hub.join(grant)
        except ProblemError:
            self._refuse()
            return
        if self._gone or self._closing:
            hub.leave(member)
            return
        self.member, self.expires_ms = member, grant.expires_ms
        try:
            await hub.catch_up(member)
        except DatabaseBusy:
            hub.leave(member)
            raise
        member.outlet = self
        self.flush()

    # --- the end ----------------------------------------------------------------------------------------------------

    def _refuse(self) -> None:
        """No good token came first, or none in time."""
        if self._frames is None and self._transport is not None:
            self._transport.close()
        else:
            self._close(_NOT_AUTHENTICATED)

    def _close(self, code: int) -> None:
        """Say the last word; then the other end has a moment to say its own. Idempotent."""
        if self._closing or self._transport is None:
            return
        self._closing = True
        self._stop_timer()
        if self.member is not None:
            self._all.parts.hub.leave(self.member)
        with suppress(RuntimeError):
            self._transport.write(framed(CLOSE, close_payload(code if _may_be_said(code) else 1000)))
        self._timer = asyncio.get_running_loop().call_later(_CLOSE_S, self._transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _may_be_said(code: int) -> bool:
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code < 5000


def _shake_hands(head: bytes) -> tuple[bytes, bool]:
    """Return the answer to an upgrade request, and whether it is accepted."""
    end = ServerProtocol(max_size=LIVE_MAX_BYTES)
    end.receive_data(head)
    requests = [event for event in end.events_received() if isinstance(event, Request)]
    if not requests:
        return b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False
    path = requests[0].path.partition("?")[0]
    response = end.accept(requests[0]) if path == "/live" else end.reject(404, "not found\n")
    end.send_response(response)
    return b"".join(end.data_to_send()), response.status_code == 101
