# SPDX-License-Identifier: GPL-3.0-or-later
"""A companion's way to the server: one thread with asyncio that sends what was written, hears news, relays signalling.

Calls return at once and may come from any thread; answers are events, given to `listen` on the client's own thread. The
rows (companion.db) are touched on that thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.errors import ServerUnreachable, WorldError
from sync import protocol as live
from sync.customer_api import CustomerApi, CustomerRefused, OtherKey, map_failure
from sync.customer_events import (
    Answered,
    CertificateArrived,
    CustomerEvent,
    Entries,
    EntryKept,
    FileLost,
    HomeArrived,
    InviteArrived,
    KeyExchanged,
    LineChanged,
    PinnedKeys,
    PublishedArrived,
    PublishedRows,
    RedeemAnswered,
    RevocationsArrived,
    Rows,
    RowsFailed,
    SessionClosed,
    SigArrived,
    SigRefused,
    Waiting,
    WrittenChanged,
)
from sync.customer_files import FileRows, FileSender
from sync.network_thread import NetworkThread
from sync.session_protocol import Redeem, Redeemed

__all__ = [
    "Answered",
    "CertificateArrived",
    "CustomerClient",
    "CustomerEvent",
    "Entries",
    "EntryKept",
    "FileLost",
    "HomeArrived",
    "InviteArrived",
    "KeyExchanged",
    "LineChanged",
    "NetworkThread",
    "PublishedArrived",
    "RedeemAnswered",
    "RevocationsArrived",
    "Rows",
    "RowsFailed",
    "SessionClosed",
    "SigArrived",
    "SigRefused",
    "Waiting",
    "WrittenChanged",
]

_BACKOFF_S = (0.5, 1, 2, 4, 8, 15, 30)
_PING_S = 20
_PROOF_S = 3
_REFRESH_S = 60
_TOKEN_MARGIN_S = 60
_REVOCATIONS_S = 3600
_LASTED_S = 30  # a live channel that was open so long broke by a mishap: it is opened again at once


class _Unknown(WorldError):
    """The server does not know this companion, or not any more."""

    code = "companion_revoked"


class CustomerClient:
    """The connection of one enrolled companion. `start` once, `stop` once."""

    def __init__(
        self,
        thread: NetworkThread,
        api: CustomerApi,
        companion: str,
        key: Ed25519PrivateKey,
        org_key: bytes,
        rows: Rows,
        listen: Callable[[CustomerEvent], None],
        published: PublishedRows | None = None,
        keys: PinnedKeys | None = None,
        files: FileRows | None = None,
    ) -> None:
        """`org_key` is the organisation key that was pinned: a server that cannot sign with it is told nothing.

        `keys` says which other key may take its place; without it none may.
        """
        self._thread = thread
        self._api = api
        self._companion = companion
        self._key = key
        self._org_key = org_key
        self._rows = rows
        self._listen = listen
        self._published = published
        self._keys = keys
        self._sender = (
            FileSender(files, api, lambda: self._sign_in(prove=True), self._token_ended, listen)
            if files is not None else None
        )  # fmt: skip
        self._socket: websockets.ClientConnection | None = None
        self._wake = asyncio.Event()
        self._online: bool | None = None
        self._code = ""
        self._token_until = 0.0
        self._heard_of = False
        self._revocations_at = -_REVOCATIONS_S * 1.0
        self._signing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._outgoing: asyncio.Queue[live.LiveUp] = asyncio.Queue(256)

    # --- from any thread -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect and stay connected."""
        self._thread.spawn(self._start())

    def stop(self, grace_s: float = 2.0) -> None:
        """Hand in what can still be handed in within the grace, then leave. Blocks that long at most."""
        with contextlib.suppress(TimeoutError, WorldError):
            self._thread.spawn(self._stop(grace_s)).result(grace_s + 2)

    def poke(self) -> None:
        """Send what waits and ask for home anew, now."""
        self._thread.loop.call_soon_threadsafe(self._wake.set)

    def network_changed(self) -> None:
        """This computer is on another network: a line that does not answer within seconds is opened anew."""
        self._thread.spawn(self._prove())

    def do(self, work: Callable[[], None], then: Callable[[bool], CustomerEvent] | None = None) -> None:
        """Run `work` on the client's thread: writes to the rows. What it raises as WorldError is reported.

        `then` makes the event that tells whether it went well.
        """

        def go() -> None:
            done = False
            try:
                work()
                done = True
            except WorldError as error:
                self._listen(RowsFailed(error.code))
            finally:
                if then is not None:
                    self._listen(then(done))
            self._listen(WrittenChanged())
            self._wake.set()

        self._thread.loop.call_soon_threadsafe(go)

    def send_sig(self, session: bytes, to: str, n: int, data: bytes) -> None:
        """Relay signalling data; what cannot be sent comes back as SigRefused."""
        message = live.Sig(session=session, to=to, n=n, data=data)
        self._thread.loop.call_soon_threadsafe(self._queue_sig, message)

    def call(self, session: bytes, number: int, path: str, body: bytes) -> None:
        """Ask the server something for a session; answered by Answered, whatever comes of it."""
        self._thread.spawn(self._call(session, number, path, body))

    def redeem(self, *, code: str | None = None, iid: str | None = None) -> None:
        """Exchange a code or invitation id; answered by RedeemAnswered."""
        self._thread.spawn(self._redeem(Redeem(code=code, iid=iid)))

    # --- on the client's thread ------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._tasks = [asyncio.create_task(self._talk()), asyncio.create_task(self._hear())]
        if self._sender is not None:
            self._tasks.append(asyncio.create_task(self._sender.run()))

    async def _stop(self, grace_s: float) -> None:
        if self._online:
            with contextlib.suppress(TimeoutError, WorldError):
                async with asyncio.timeout(grace_s):
                    await self._hand_in()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    async def _talk(self) -> None:
        """Sign in, send what waits, fetch home; again when woken, and after a while."""
        tries = 0
        while True:
            self._wake.clear()
            try:
                await self._sign_in()
                await self._hand_in()
                await self._fetch()
                self._say_line(True)
                if self._sender is not None:
                    self._sender.wake()
                tries = 0
            except WorldError as error:
                if isinstance(error, CustomerRefused) and error.status == 401:
                    self._token_until = 0
                self._say_line(False, _reason(error))
                tries += 1
            pause = _REFRESH_S if not tries else _BACKOFF_S[min(tries, len(_BACKOFF_S)) - 1]
            # not wait_for: until Python 3.12 it loses a cancellation that comes together with the event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _token_ended(self) -> None:
        self._token_until = 0.0

    async def _sign_in(self, *, prove: bool = False) -> None:
        """Sign in unless that still holds. `prove`: let the server show whose it is in any case."""
        async with self._signing:
            due = time.monotonic() >= self._token_until
            if due or prove:
                await self._identify()
            if due or time.monotonic() >= self._token_until:
                try:
                    lives_s = await self._api.sign_in(self._companion, self._key)
                except CustomerRefused as error:
                    if error.status in (401, 404):
                        raise _Unknown from error
                    raise
                self._token_until = time.monotonic() + max(lives_s - _TOKEN_MARGIN_S, 5)
                self._listen(CertificateArrived(self._api.certificate))

    async def _identify(self) -> None:
        """Let the server prove whose it is. One that has another key must show that ours vouched for it."""
        try:
            await self._api.identify(self._org_key)
        except OtherKey as error:
            if self._keys is None:
                raise
            try:
                statements = await self._api.key_statements()
            except CustomerRefused as refused:
                raise error from refused
            if not statements:
                raise
            pinned = self._keys.judge(statements)
            await self._api.identify(pinned.key)  # anybody can repeat the statements: only the key itself proves
            self._keys.keep(pinned)
            self._org_key = pinned.key
            self._token_until = 0.0  # what the old key signed about this computer is signed anew
            self._revocations_at = -_REVOCATIONS_S * 1.0
            self._listen(KeyExchanged(pinned))

    async def _hand_in(self) -> None:
        waiting, entries = self._rows.waiting(), self._rows.entries()
        if waiting or entries:  # another server may stand there since the sign-in
            await self._sign_in(prove=True)
        for item in waiting:
            try:
                accepted = await self._api.post_raw(item.path, item.body)
                self._rows.settle(item.id, accepted.number, "")
            except CustomerRefused as error:
                if error.temporary:
                    raise
                self._rows.settle(item.id, None, error.code)
        if waiting:
            self._listen(WrittenChanged())
        while entries:  # a long record has several batches
            for some in entries:
                await self._hand_in_entries(some)
            entries = self._rows.entries()

    async def _hand_in_entries(self, entries: Entries) -> None:
        try:
            await self._api.post_raw("entries", entries.body)
        except CustomerRefused as error:
            if error.temporary:
                raise
            # a record that the server will never take (its session is unknown there) must not be tried for ever
        self._rows.entries_sent(entries)

    async def _fetch(self) -> None:
        if time.monotonic() - self._revocations_at >= _REVOCATIONS_S:
            try:
                self._listen(RevocationsArrived(await self._api.revocations()))
                self._revocations_at = time.monotonic()
            except CustomerRefused:
                self._revocations_at = (
                    -_REVOCATIONS_S * 1.0
                )  # home does not depend on it: asked again with the next one
        got = await self._api.home(self._rows.home_tag())
        now = _now_ms()
        if got is not None:
            home, raw, tag = got
            self._rows.save_home(raw, tag, now)
            self._listen(HomeArrived(home, now))
        else:
            self._listen(HomeArrived(None, now))
        await self._fetch_published()

    async def _fetch_published(self) -> None:
        """Keep what all customers are told. Home does not depend on it: refused, it is asked for with the next one."""
        if self._published is None:
            return
        try:
            got = await self._api.published(self._published.published_tag())
        except CustomerRefused:
            return
        if got is not None:
            told, raw, tag = got
            self._published.save_published(raw, tag)
            self._listen(PublishedArrived(told))

    async def _call(self, session: bytes, number: int, path: str, body: bytes) -> None:
        try:
            await self._sign_in()
            self._listen(Answered(session, number, 200, await self._api.call(path, body)))
        except CustomerRefused as error:
            if error.status == 401:
                self._token_until = 0  # it ended before its time here: the next try signs in anew
            self._listen(Answered(session, number, error.status))
        except WorldError:
            self._listen(Answered(session, number, 0))

    async def _redeem(self, ask: Redeem) -> None:
        try:
            self._listen(RedeemAnswered(await self._redeemed(ask)))
        except WorldError as error:
            code = error.code
            if isinstance(error, CustomerRefused):
                code = "blocked" if error.status == 429 else _reason(error) if error.temporary else "bad_code"
            self._listen(RedeemAnswered(None, code))

    async def _redeemed(self, ask: Redeem) -> Redeemed:
        await self._sign_in()
        try:
            return await self._api.redeem(ask)
        except CustomerRefused as error:
            if error.status != 401:
                raise
        self._token_until = 0  # it ended before its time here, as after a sleep: no word about the code
        await self._sign_in()
        return await self._api.redeem(ask)

    def _say_line(self, online: bool, code: str = "") -> None:
        if (online, code) != (self._online, self._code):
            self._online, self._code = online, code
            self._listen(LineChanged(online, _now_ms(), code))

    # --- live channel ----------------------------------------------------------------------------------------

    async def _hear(self) -> None:
        """Keep the websocket open; every poke leads to a new home."""
        tries = 0
        while True:
            opened = time.monotonic()
            try:
                await self._sign_in(prove=True)  # it was away: its key may be another one since
                await self._live()
                tries = 0
            except (WorldError, OSError, websockets.WebSocketException, live.ProtocolError) as error:
                if not isinstance(error, WorldError):
                    mapped = map_failure(error, self._api.server)
                    tries = tries if isinstance(mapped, ServerUnreachable) else max(tries, 4)
                self._wake.set()  # the other task finds out whether the server is there, and says so
            self._drop_outgoing()
            tries = 1 if time.monotonic() - opened >= _LASTED_S else tries + 1
            await asyncio.sleep(_BACKOFF_S[min(tries, len(_BACKOFF_S)) - 1])

    async def _live(self) -> None:
        url = self._api.server.replace("http", "ws", 1) + "/live"
        async with websockets.connect(
            url, max_size=1 << 20, open_timeout=10, close_timeout=1, proxy=None, compression=None,
            ping_interval=_PING_S, ping_timeout=_PING_S,  # a line that died in silence is found out and opened anew
        ) as socket:  # fmt: skip
            self._socket = socket
            await socket.send(live.encode(live.Auth(token=self._api.access)))
            await socket.send(live.encode(live.Ping()))  # answered when news are told here from then on
            self._heard_of = False
            self._wake.set()
            sender = asyncio.create_task(self._send_all(socket))
            try:
                async for raw in socket:
                    if isinstance(raw, bytes):
                        self._on_live(live.decode(raw, live.LiveDown))
            finally:
                self._socket = None
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)

    async def _prove(self) -> None:
        socket = self._socket
        if socket is None:
            self._wake.set()
            return
        try:
            async with asyncio.timeout(_PROOF_S):
                await (await socket.ping())
        except (TimeoutError, websockets.WebSocketException):
            socket.transport.abort()  # not close: nobody is left who would answer it

    async def _send_all(self, socket: websockets.ClientConnection) -> None:
        token = self._api.access
        while True:
            try:
                async with asyncio.timeout(_PING_S):
                    message: live.LiveUp = await self._outgoing.get()
            except TimeoutError:
                message = live.Ping()
                with contextlib.suppress(WorldError):  # next time, then; what is to be relayed must not wait for it
                    await self._sign_in()
                if self._api.access != token:
                    token = self._api.access
                    await socket.send(live.encode(live.Auth(token=token)))
            await socket.send(live.encode(message))

    def _queue_sig(self, message: live.Sig) -> None:
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            self._listen(SigRefused(message.session, "rate", message.n))

    def _drop_outgoing(self) -> None:
        while not self._outgoing.empty():
            message = self._outgoing.get_nowait()
            if isinstance(message, live.Sig):
                self._listen(SigRefused(message.session, "absent", message.n))

    def _on_live(self, message: Any) -> None:
        if isinstance(message, live.Invite):
            self._listen(InviteArrived(message.iid, message.invitation, message.signature, message.join_secret))
        elif isinstance(message, live.Sig):
            self._listen(SigArrived(message.session, message.n, message.data))
        elif isinstance(message, live.SigNack):
            self._listen(SigRefused(message.session, message.code, message.n))
        elif isinstance(message, live.SessionEnded):
            self._listen(SessionClosed(message.session, message.reason))
        elif isinstance(message, live.Poke | live.Rehello) or (isinstance(message, live.Pong) and not self._heard_of):
            self._heard_of = True  # what moved before that is fetched now, what moves later is told
            self._wake.set()


def _reason(error: WorldError) -> str:
    """Return what a person is told; a refusal of the moment is no news to anybody but the log."""
    return "server_unreachable" if isinstance(error, CustomerRefused) else error.code


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
