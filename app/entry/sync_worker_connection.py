# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's way to its server: transport and live channel, opened when needed, dropped when they fail. No Qt."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import WorldError, WrongServer
from app.entry.sync_worker_engine import Engine
from app.entry.sync_worker_live import Live, LiveRetry, News
from app.store.replica import ReplicaStore
from sync.transport import TokenStore, Transport

__all__ = ["Connection"]

_log = get_logger("worker")


class Connection:
    """At most one transport and one live channel, both of the account that is signed in."""

    def __init__(
        self,
        engine: Engine,
        open_tokens: Callable[[ReplicaStore], TokenStore],
        rng: random.Random,
        on_news: Callable[[News], None],
        wake: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._open_tokens = open_tokens
        self._rng = rng
        self._on_news = on_news
        self._wake = wake
        self._transport: Transport | None = None
        self._live: Live | None = None
        self._live_retry = LiveRetry()

    # --- transport ----------------------------------------------------------------------------------------------------

    def transport(self) -> Transport:
        """Return the way to the account's server. Raises WrongServer."""
        if self._transport is None:
            known = self._engine.known
            if known is None:
                raise WrongServer
            self._transport = self.to(known.server)
            self._transport.use_device(known.device)
        return self._transport

    def to(self, server: str) -> Transport:
        """Return a way to a server, for a sign-in. The caller closes it or hands it to `adopt`. Raises WorldError."""
        return Transport(server, self._open_tokens(self._engine.store), time.monotonic)

    def adopt(self, transport: Transport) -> None:
        """Go on with a transport that somebody signed in on."""
        self._transport = transport

    def host(self) -> tuple[str, int] | None:
        """Host and port of the server, or None without a transport."""
        return self._transport.host if self._transport is not None else None

    async def has_token(self) -> bool:
        """Whether this profile can speak with its server."""
        if self._transport is not None:
            return True
        return await self._engine.run(lambda: self._open_tokens(self._engine.store).load()) is not None

    async def keep_token(self, refresh: str | None) -> None:
        """Put a token in its place; None forgets it."""
        await self._engine.run(lambda: self._open_tokens(self._engine.store).save(refresh))

    async def drop(self) -> None:
        """Close everything. Idempotent."""
        await self.drop_live()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    # --- live channel -------------------------------------------------------------------------------------------------

    async def has_lost_live(self) -> bool:
        """Whether the live channel broke since the last call: often the first sign of a lost network."""
        if self._live is None or not self._live.ended:
            return False
        await self.drop_live()
        self._live_retry.ended(time.monotonic(), self._rng)
        return True

    def live_due_s(self) -> float | None:
        """Return in how many seconds the live channel wants to be opened; None while there is one."""
        return self._live_retry.due_s(time.monotonic()) if self._live is None else None

    async def open_live(self) -> None:
        """Open the live channel if it is time. Without one, as behind some proxies, polling does the work."""
        if self.live_due_s() != 0:
            return
        transport = self.transport()
        try:
            channel = await transport.live()
        except WorldError as error:
            _log.info("no live channel", code=error.code)
            self._live_retry.failed(time.monotonic(), self._rng)
            return
        self._live_retry.opened(time.monotonic())
        self._live = Live(channel, transport.access, self._on_news, self._wake)

    async def drop_live(self) -> None:
        """Close the live channel. Idempotent."""
        live, self._live = self._live, None
        if live is not None:
            await live.close()

    async def prove_live(self) -> None:
        """Find out soon whether the live channel still reaches the server."""
        if self._live is not None:
            await self._live.prove()

    async def network_gone(self) -> None:
        """Nothing reaches the server: close the live channel, and open it as soon as anything does again."""
        await self.drop_live()
        self._live_retry.network_gone()

    # --- for the window -----------------------------------------------------------------------------------------------

    async def call(self, message: link.Call) -> link.CallResult:
        """Call the server under /session/v1 for the window; tokens never leave the worker."""
        status, body = 0, b""
        if message.path.startswith("/session/v1/") and self._transport is not None and ".." not in message.path:
            status, body = await self._transport.call(message.method, message.path, message.body)
        return link.CallResult(id=message.id, status=status, body=body)

    async def relay(self, message: link.SigUp | link.PresenceUp) -> bool:
        """Pass a hint of the window on; False when there is no channel."""
        return self._live is not None and await self._live.relay(message)
