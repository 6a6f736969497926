# SPDX-License-Identifier: GPL-3.0-or-later
"""/live: the websocket of agents, companions and invited guests. MessagePack, one message a frame."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect, WebSocketException
from litestar.handlers import WebsocketRouteHandler

from sync.protocol import LIVE_MAX_BYTES, Auth, LiveUp, ProtocolError, decode
from sync.server.member import Member
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.tokens import Grant

__all__ = ["live_route"]

_AUTH_S = 5.0
_NOT_AUTHENTICATED = 4401
_GONE = (WebSocketDisconnect, WebSocketException, RuntimeError)

_Socket = WebSocket[Any, Any, Any]


def live_route(parts: Parts) -> WebsocketRouteHandler:
    """Return the route handler."""

    @websocket("/live")
    async def live(socket: _Socket) -> None:
        """One socket from its first message to its end."""
        await socket.accept()
        session = _LiveSocket(parts, socket)
        with suppress(*_GONE):
            await session.run()

    return live


class _LiveSocket:
    """Reads one socket and writes what the hub queued for it."""

    def __init__(self, parts: Parts, socket: _Socket) -> None:
        self._parts = parts
        self._socket = socket
        self._expiry: asyncio.TimerHandle | None = None
        self._reader = asyncio.current_task()
        self._writer: asyncio.Task[None] | None = None

    async def run(self) -> None:
        grant = await self._first()
        if grant is None:
            await self._socket.close(_NOT_AUTHENTICATED, "token")
            return
        try:
            member = await self._parts.hub.join(grant)
        except ProblemError:
            await self._socket.close(_NOT_AUTHENTICATED, "token")
            return
        try:
            self._renew(member, grant)
            await self._parts.hub.catch_up(member)
            member.wake = partial(self._wake, member)
            self._wake(member)
            await self._read(member)
        except asyncio.CancelledError:
            if self._reader is None or not member.closed:
                raise
            self._reader.uncancel()  # by our own writer, which has said goodbye
        finally:
            self._parts.hub.leave(member)
            member.wake = _nothing
            if self._expiry is not None:
                self._expiry.cancel()
            if self._writer is not None:
                self._writer.cancel()
                await asyncio.gather(self._writer, return_exceptions=True)

    def _wake(self, member: Member) -> None:
        """Send what is queued; a task lives only as long as there is something."""
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write(member))

    async def _first(self) -> Grant | None:
        try:
            raw = await asyncio.wait_for(self._socket.receive_bytes(), _AUTH_S)
            message = decode(raw, LiveUp)
        except (TimeoutError, ProtocolError, KeyError):
            return None
        return self._parts.hub.check(message.token) if isinstance(message, Auth) else None

    async def _read(self, member: Member) -> None:
        while True:
            raw = await self._socket.receive_bytes()
            try:
                message: LiveUp = decode(raw, LiveUp) if len(raw) <= LIVE_MAX_BYTES else _too_large()
            except ProtocolError:
                member.close("malformed")
                return await asyncio.Future()  # the writer says goodbye and ends the socket
            if isinstance(message, Auth):
                grant = self._parts.hub.check(message.token)
                if grant is None or (grant.kind, grant.device) != (member.grant.kind, member.grant.device):
                    member.close("token")
                    return await asyncio.Future()
                self._renew(member, grant)
            else:
                await self._parts.hub.received(member, message)

    async def _write(self, member: Member) -> None:
        try:
            while (payload := member.take()) is not None:
                await self._socket.send_bytes(payload)
            self._writer = None
            if member.closed:
                await self._end(member)
        except _GONE:
            self._writer = None  # the reader hears of it too

    async def _end(self, member: Member) -> None:
        try:
            await self._socket.close(member.close_code)
        finally:
            if self._reader is not None:
                self._reader.cancel()

    def _renew(self, member: Member, grant: Grant) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        delay = max(0.0, (grant.expires_ms - self._parts.clock()) / 1000)
        self._expiry = asyncio.get_running_loop().call_later(delay, member.close, "token")


def _nothing() -> None:
    """The socket is gone."""


def _too_large() -> LiveUp:
    raise ProtocolError("too_large")
