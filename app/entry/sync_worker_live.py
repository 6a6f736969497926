# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's end of the live channel: pokes in, presence and signalling both ways. Hints only. No Qt."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from app.domain import link
from app.domain.errors import WorldError
from sync import protocol as wire
from sync.backoff import Backoff
from sync.transport import Answered, LiveChannel

_PING_S = 25.0
_REAUTH_EVERY_PINGS = 8
_SILENCE_S = 60.0
_PROOF_S = 5.0
_GATHER_S = 0.003  # one change may move several scopes, each with a poke of its own
_COALESCE_S = 0.05  # between two pulls while pokes keep coming
_LASTED_S = 30.0

News = link.WorkerToUi | dict[str, int] | None


class LiveRetry:
    """When to try the live channel again: not at once where it cannot be opened or does not last."""

    def __init__(self) -> None:
        self._backoff: Backoff | None = None
        self._not_before = 0.0
        self._opened = 0.0

    def due_s(self, now: float) -> float:
        """Return in how many seconds a try makes sense; 0 for now."""
        return max(0.0, self._not_before - now)

    def opened(self, now: float) -> None:
        """It is open."""
        self._opened = now

    def ended(self, now: float, rng: random.Random) -> None:
        """It broke. One that lasted may be opened again at once."""
        if now - self._opened >= _LASTED_S:
            self._backoff, self._not_before = None, 0.0
        else:
            self.failed(now, rng)

    def failed(self, now: float, rng: random.Random) -> None:
        """It could not be opened, or broke at once."""
        self._backoff = self._backoff or Backoff(rng)
        self._not_before = now + self._backoff.failed_s()

    def network_gone(self) -> None:
        """Nothing reaches the server, so the channel is not to blame: it is tried as soon as anything does again."""
        self._backoff, self._not_before = None, 0.0


class Live:
    """An open channel with the tasks that serve it. `ended` says that it broke."""

    def __init__(
        self,
        channel: LiveChannel,
        access: Callable[[], Awaitable[str]],
        on_news: Callable[[News], None],
        on_end: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._access = access
        self._on_news = on_news
        self._on_end = on_end
        self._heads: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._silence: asyncio.Timeout | None = None
        self.ended = False
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep())]

    async def relay(self, message: link.SigUp | link.PresenceUp) -> bool:
        """Pass a message of the window on; False when the channel is gone."""
        up: wire.LiveUp
        if isinstance(message, link.SigUp):
            up = wire.Sig(session=message.session, to=message.to, n=message.n, data=message.data)
        else:
            up = wire.Presence(type=message.type, id=message.id, state=message.state)
        try:
            await self._channel.send(up)
        except WorldError:
            return False
        return True

    async def prove(self) -> None:
        """Ask whether the other end is there: silence from here on ends the channel after seconds."""
        if self._silence is not None and not self._silence.expired():
            self._silence.reschedule(asyncio.get_running_loop().time() + _PROOF_S)
        with contextlib.suppress(WorldError):
            await self._channel.send(wire.Ping())

    async def close(self) -> None:
        """Close the channel. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()

    async def _read(self) -> None:
        try:
            while True:
                async with asyncio.timeout(_SILENCE_S) as self._silence:
                    message = await self._channel.receive()
                if message is not None:
                    self._take(message)
        except (WorldError, TimeoutError):
            self._end()

    def _end(self) -> None:
        self.ended = True
        self._on_end()

    def _take(self, message: wire.LiveDown) -> None:
        if isinstance(message, wire.Poke):
            for scope, head in message.heads.items():  # in whatever order they come
                self._heads[scope] = max(head, self._heads.get(scope, 0))
            if self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_at(max(loop.time() + _GATHER_S, self._not_before), self._poke)
        elif isinstance(message, wire.Rehello):
            self._on_news(None)
        elif isinstance(message, wire.Sig):
            self._on_news(link.SigDown(session=message.session, n=message.n, data=message.data))
        elif isinstance(message, wire.SigNack):
            self._on_news(link.SigNack(session=message.session, code=message.code, n=message.n))
        elif isinstance(message, wire.SessionEnded):
            self._on_news(link.SessionEnded(session=message.session, reason=message.reason))
        elif isinstance(message, wire.Presence):
            down = link.PresenceDown(type=message.type, id=message.id, state=message.state, who=message.who or b"")
            self._on_news(down)

    def _poke(self) -> None:
        heads, self._heads, self._timer = self._heads, {}, None
        self._not_before = asyncio.get_running_loop().time() + _COALESCE_S
        self._on_news(heads)

    async def _keep(self) -> None:
        """Ping, and show the newest token now and then, so that the server need not close."""
        count = 0
        with contextlib.suppress(WorldError, Answered):
            while True:
                await asyncio.sleep(_PING_S)
                count += 1
                if count % _REAUTH_EVERY_PINGS == 0:
                    await self._channel.send(wire.Auth(token=await self._access()))
                await self._channel.send(wire.Ping())
