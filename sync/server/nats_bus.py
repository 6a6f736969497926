# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus over core NATS, for several server processes. What the broker loses, the devices' polls make good.

Receivers of this process are served directly, so one process goes on without a broker; to others a message goes while
there is one. A signal that nobody here takes is a request: NATS says at once when no process listens, and a process
that does answers after it handed the signal over.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from app.config.logs import get_logger
from app.domain.errors import WorldError
from sync.server.bus import LocalBus, Receiver

__all__ = ["NatsBus", "check_url"]

_log = get_logger("server.bus")
_TAKEN = b"+"
_ANSWER_S = 1.0
_FLUSH_S = 1
_RETRY_S = 1
_PING_S = 10
_MAX_WAITING = 50_000  # hints that wait for the socket; more are dropped, a poll makes them good


def check_url(url: str) -> str:
    """Return the address if it is one of a NATS server. Raises WorldError("bad_nats_url")."""
    for part in url.split(","):
        try:
            split = urlsplit(part.strip())
            usable = split.scheme in ("nats", "tls") and bool(split.hostname) and split.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise WorldError("bad_nats_url")
    return url


class _Inbox:
    """What the client of NATS takes for the future of an answer, except that it takes any number of them.

    With it a message is handed over at once, in the order of arrival.
    """

    def __init__(self, receive: Callable[[Msg], None]) -> None:
        self._receive = receive

    def cancelled(self) -> bool:
        """Say that somebody waits."""
        return False

    def set_result(self, message: Msg) -> None:
        """Take a message."""
        try:
            self._receive(message)
        except Exception as error:  # noqa: BLE001 - one receiver's trouble must not end the connection
            _log.exception("hint failed", error=type(error).__name__)


class NatsBus:
    """Fulfils Bus. `prefix` keeps deployments that share a broker apart."""

    def __init__(self, url: str, prefix: str) -> None:
        self._servers = [part.strip() for part in url.split(",")]
        self._prefix = f"deskside.{prefix}."
        self._local = LocalBus()
        self._client = Client()
        self._subscriptions: dict[str, Subscription] = {}
        self._orders: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._returned: Callable[[], None] = _nothing
        self._inbox = _Inbox(self._received)
        self._unused: asyncio.Queue[Msg] = asyncio.Queue()

    def start(self, returned: Callable[[], None]) -> None:
        """Connect in the background, and again whenever the broker was away."""
        self._returned = returned
        self._tasks = [asyncio.ensure_future(self._connect_and_work())]

    async def stop(self) -> None:
        """Close the connection. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if not self._client.is_closed:
            with contextlib.suppress(Exception):  # a broker that is gone must not keep us from ending
                await asyncio.wait_for(self._client.close(), 2)

    @property
    def state(self) -> str:
        """Tell whether the broker is there."""
        return "ok" if self._client.is_connected else "away"

    def publish(self, subject: str, payload: bytes) -> None:
        """Send to whoever listens now, here and in other processes."""
        self._local.hand_over(subject, payload)
        self._send(subject, payload)

    async def deliver(self, subjects: Sequence[str], payload: bytes) -> bool:
        """Send to whoever listens on any of the subjects; asks other processes if nobody here does."""
        taken = [self._local.hand_over(subject, payload) for subject in subjects]
        if any(taken):
            for subject in subjects:
                self._send(subject, payload)  # others of the same customer may be elsewhere
            return True
        if not self._client.is_connected:
            return False
        return any(await asyncio.gather(*(self._request(subject, payload) for subject in subjects)))

    def subscribe(self, subject: str, receiver: Receiver) -> None:
        """Call `receiver` for every message on a subject."""
        known = self._local.listens(subject)
        self._local.subscribe(subject, receiver)
        if not known:
            self._orders.put_nowait(lambda: self._settle(subject))

    def unsubscribe(self, subject: str, receiver: Receiver) -> None:
        """Stop that."""
        self._local.unsubscribe(subject, receiver)
        if not self._local.listens(subject):
            self._orders.put_nowait(lambda: self._settle(subject))

    async def settled(self) -> None:
        """Return when the broker knows what was subscribed so far; without one, at once."""
        if not self._client.is_connected:
            return
        sent = asyncio.get_running_loop().create_future()

        async def mark() -> None:
            if not sent.done():
                sent.set_result(None)

        self._orders.put_nowait(mark)
        with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
            await asyncio.wait_for(sent, _ANSWER_S)
            await self._client.flush(timeout=_FLUSH_S)

    def _send(self, subject: str, payload: bytes) -> None:
        if self._client.is_connected and self._orders.qsize() < _MAX_WAITING:
            self._orders.put_nowait(lambda: self._client.publish(self._prefix + subject, payload))

    async def _request(self, subject: str, payload: bytes) -> bool:
        try:
            answer = await self._client.request(self._prefix + subject, payload, timeout=_ANSWER_S)
        except (nats.errors.Error, TimeoutError, OSError):
            return False
        return answer.data == _TAKEN

    async def _settle(self, subject: str) -> None:
        """Make the broker's side of a subject what this process wants now, whatever was wanted before."""
        wanted, held = self._local.listens(subject), self._subscriptions.get(subject)
        if wanted and held is None:
            self._subscriptions[subject] = await self._subscribe(self._prefix + subject)
        elif not wanted and held is not None:
            del self._subscriptions[subject]
            await held.unsubscribe()

    async def _subscribe(self, subject: str) -> Subscription:
        """Subscribe without a task and a queue of its own: there is one subscription a device."""
        made = await self._client.subscribe(subject, future=cast("asyncio.Future[Msg]", self._inbox))
        made._pending_queue = self._unused  # noqa: SLF001 - 2.5 KiB each; nothing is ever put there, see _Inbox
        return made

    def _received(self, message: Msg) -> None:
        taken = self._local.hand_over(message.subject.removeprefix(self._prefix), message.data)
        if taken and message.reply and self._client.is_connected:
            reply = message.reply
            self._orders.put_nowait(lambda: self._client.publish(reply, _TAKEN))

    async def _connect_and_work(self) -> None:
        await self._client.connect(
            self._servers, no_echo=True, max_reconnect_attempts=-1, reconnect_time_wait=_RETRY_S, connect_timeout=3,
            ping_interval=_PING_S, tls=_tls(self._servers), error_cb=_failed, disconnected_cb=_went,
            reconnected_cb=self._came_back, name="deskside",
        )  # fmt: skip
        _log.info("broker found")
        self._returned()
        while True:
            order = await self._orders.get()
            try:
                await order()
            except (nats.errors.Error, TimeoutError, OSError) as error:
                _log.warning("broker refused", error=type(error).__name__)

    async def _came_back(self) -> None:
        _log.info("broker is back")
        self._returned()


def _tls(servers: Sequence[str]) -> ssl.SSLContext | None:
    return ssl.create_default_context() if any(server.startswith("tls:") for server in servers) else None


async def _failed(error: Exception) -> None:
    _log.info("broker trouble", error=type(error).__name__)


async def _went() -> None:
    _log.warning("broker is away")


def _nothing() -> None:
    """Nobody asked to be told."""
