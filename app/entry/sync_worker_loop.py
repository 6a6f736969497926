# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's life: engine, store and transport joined; goes offline and online, drains, and ends. No Qt.

The asyncio loop carries sockets; everything that touches the disk runs in one thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import SignInRefused, StoreUnavailable, WorldError, WrongServer
from app.domain.ids import UserId
from app.domain.ports import Identity
from app.domain.replica import Applied
from app.entry.sync_worker_device import NoTokens, Renumbering, WipeMark, Wiper
from app.entry.sync_worker_hints import ChangeNotes, StatusBoard
from app.entry.sync_worker_live import Live, LiveRetry
from app.entry.sync_worker_oidc import Cancelled, code_from_browser, tell_offer
from app.entry.sync_worker_socket import WindowServer
from app.entry.sync_worker_wait import NetworkWatch
from app.store.cipher import Database
from app.store.pending import read_identity
from app.store.replica import ReplicaStore
from sync.download import snapshot
from sync.engine import Backoff, ClientCore, Fetch, Request
from sync.protocol import (
    Account,
    Hello,
    Login,
    NewDevice,
    OidcCode,
    ProtocolError,
    Pull,
    PullFrame,
    Push,
    Tokens,
    Wiped,
)
from sync.transport import Answered, TokenStore, Transport

DRAIN_S = 60.0
_POLL_OUTBOX_S = 2.0
_STORE_RETRY_S = 10.0
_LOCKED_RETRY_S = 60.0
_WIPE_WAIT_S = 60.0
_WIPE_LOOK_S = 0.2
_T = TypeVar("_T")
_log = get_logger("worker")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, as the worker keeps it in the replica: the window may not have stored it yet."""

    server: str
    account: bytes
    login: str
    name: str
    roles: list[str]
    device: bytes
    device_code: str

    def message(self) -> link.SignedIn:
        """Return it as the window is told."""
        return link.SignedIn(
            server=self.server, account=self.account, login=self.login, name=self.name, roles=self.roles,
            device=self.device, device_code=self.device_code,
        )  # fmt: skip


def known_of(identity: Identity) -> Known:
    """Return what pending.db says."""
    return Known(
        server=identity.server, account=identity.account, login=identity.login, name=identity.name,
        roles=sorted(identity.roles), device=identity.device, device_code=identity.device_code,
    )  # fmt: skip


class Worker:
    """One profile's worker process."""

    def __init__(
        self,
        pending: Database,
        open_store: Callable[[], tuple[ReplicaStore, bool]],
        socket_token: bytes,
        open_tokens: Callable[[ReplicaStore], TokenStore],
        rng: random.Random | None = None,
        wiper: Wiper | None = None,
    ) -> None:
        self._pending = pending
        self._open_store = open_store
        self._open_tokens = open_tokens
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._windows = WindowServer(socket_token, self._on_window, self._greeting, self._wake_up)
        self._status = StatusBoard(self._windows.tell, lambda: time.time_ns() // 1_000_000)
        self._notes = ChangeNotes(self._windows.tell)
        self._network = NetworkWatch()
        self._wake = asyncio.Event()
        self._quit = False
        self._wiper = wiper
        self._locked = ""
        self._renumbering: Renumbering | None = None
        self._guard_told: tuple[int, int] | None = None
        self._live_retry = LiveRetry()
        self._alone_since: float | None = None
        self._sign_in: link.SignIn | None = None
        self._sign_in_asked: str | None = None
        self._cancel_sign_in = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._store: ReplicaStore
        self._core: ClientCore
        self._known: Known | None = None
        self._transport: Transport | None = None
        self._live: Live | None = None
        self._backoff = Backoff(self._rng)

    # --- life ---------------------------------------------------------------------------------------------------------

    async def serve(self, socket: Path) -> None:
        """Serve until the window is gone and everything is sent, or it says quit. Raises StoreUnavailable, OSError."""
        await self._on_disk(self._open)
        self._alone_since = time.monotonic()
        await self._windows.listen(socket)
        watch = asyncio.create_task(self._watch_outbox())
        mark = self._wiper.order() if self._wiper is not None else None
        if mark is not None:
            self._spawn(self._report_wipe(mark))  # of an earlier life: the files went, the word did not
        try:
            while not self._is_done():
                self._wake.clear()
                await self._round()
        finally:
            watch.cancel()
            await self._close()

    def _open(self) -> None:
        self._store, aside = self._open_store()
        if aside:
            _log.warning("replica set aside", code="store_damaged")
            self._windows.tell(link.Reopen(why="store_damaged"))
        with self._pending.read() as tx:
            identity = read_identity(tx)
        kept = self._store.meta("known")
        self._renumbering = self._unfinished(identity)
        self._known = known_of(identity) if identity else msgspec.msgpack.decode(kept, type=Known) if kept else None
        if self._known is not None:
            self._store.use_device(self._known.device)
        self._core = ClientCore(self._store, self._rng)
        self._status.last_sync = self._store.last_sync()

    def _unfinished(self, identity: Identity | None) -> Renumbering | None:
        """Return the new device id that the window has not taken up yet."""
        raw = self._store.meta("renumber")
        if raw is None:
            return None
        waits = msgspec.msgpack.decode(raw, type=Renumbering)
        if identity is not None and identity.device == waits.replaces:
            return waits
        self._store.set_meta("renumber", None)
        return None

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop_transport()
        self._notes.flush()
        await self._windows.close()
        await self._on_disk(self._store.close)
        self._disk.shutdown()

    def _is_done(self) -> bool:
        if self._quit:
            return True
        if self._windows.has_window:
            self._alone_since = None
            return False
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        alone = now - self._alone_since
        # a window that is just starting has not connected yet
        return alone > DRAIN_S or (alone > _POLL_OUTBOX_S and self._status.was_joined and not self._has_outbox())

    def _has_outbox(self) -> bool:
        return bool(self._known) and self._store.last_mid() > self._core.acknowledged

    async def _on_disk(self, work: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *args)

    # --- one round ----------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        """Do the next thing, or wait for one. What the world does ends in a status and a pause, never in a crash."""
        try:
            if self._renumbering is not None:
                await self._hand_over()
            elif self._sign_in is not None:
                await self._do_sign_in()
            elif self._known is None or not await self._has_token():
                self._ask_to_sign_in(None)
                await self._wait(None)
            else:
                await self._step()
        except Answered as answered:
            await self._on_answered(answered)
        except StoreUnavailable as error:
            await self._on_store(error)
        except (WorldError, ProtocolError) as error:
            await self._on_unreachable(error if isinstance(error, WorldError) else WrongServer())

    async def _step(self) -> None:
        transport = self._connected()
        if self._live is not None and self._live.ended:
            # the first sign of a lost network: ask at once instead of waiting for the next poll
            await self._drop_live()
            self._live_retry.ended(time.monotonic(), self._rng)
            self._core.rehello()
        request = await self._on_disk(self._core.next, _now_ms())
        if self._core.keep_above is not None:
            await self._take_new_device(transport, self._core.keep_above)
            return
        if request is None:
            await self._rest(transport)
            return
        self._show_activity(request)
        if isinstance(request, Hello):
            await self._hello(transport, request)
        elif isinstance(request, Push):
            answer = await transport.push(request)
            await self._on_disk(self._core.on_push, answer)
        elif isinstance(request, Fetch):
            await self._fetch(transport, request)
        else:
            await self._pull(transport, request)
        self._backoff.succeeded()

    async def _rest(self, transport: Transport) -> None:
        """Nothing is left to say: show it, and wait for news or for the next poll."""
        if self._core.stuck:
            self._status.set("stuck", detail=await self._on_disk(self._core.diagnostics))
        else:
            self._status.set("live")
        if self._live is None and self._live_retry.is_due(time.monotonic()):
            await self._open_live(transport)
        await self._wait((self._core.next_poll_ms - _now_ms()) / 1000)

    async def _open_live(self, transport: Transport) -> None:
        """Open the live channel. Without one, as behind a proxy that knows none, polling does the work."""
        try:
            channel = await transport.live()
        except WorldError as error:
            _log.info("no live channel", code=error.code)
            self._live_retry.failed(time.monotonic(), self._rng)
            return
        self._live_retry.opened(time.monotonic())
        self._live = Live(channel, transport.access, self._on_live, self._wake_up)

    def _show_activity(self, request: Request) -> None:
        if isinstance(request, Hello):
            if self._status.phase not in ("live", "offline"):
                self._status.set("connecting")
        elif self._core.loading:
            self._status.set("loading", percent=self._core.percent)
        elif isinstance(request, Push):
            self._status.set("syncing")

    async def _hello(self, transport: Transport, request: Hello) -> None:
        answer = await transport.hello(request)
        self._unlock()
        self._notes.add(await self._on_disk(self._core.on_hello, answer, _now_ms()))
        if self._live is None and self._live_retry.is_due(time.monotonic()):
            await self._open_live(transport)
        _log.info("hello answered", scopes=len(answer.scopes), lmid=answer.lmid)

    async def _pull(self, transport: Transport, request: Pull) -> None:
        complete = False
        try:
            async for frames in transport.pull(request):
                self._notes.add(await self._on_disk(self._take, frames))
                if self._core.loading:
                    self._status.set("loading", percent=self._core.percent, detail=self._place())
            complete = True
        finally:
            if not complete:
                self._notes.add(await self._on_disk(self._core.on_cut))
        self._notes.add(await self._on_disk(self._core.on_pull_end, _now_ms()))
        self._status.last_sync = _now_ms()
        if self._core.guard is not None and self._core.guard != self._guard_told:
            self._windows.tell(link.GuardAsked(tickets=self._core.guard[0], total=self._core.guard[1]))
        elif self._core.guard is None and self._guard_told is not None:
            self._windows.tell(link.GuardAsked(tickets=0, total=0))  # the question is over
        self._guard_told = self._core.guard

    def _place(self) -> dict[str, Any]:
        """Name what is being loaded: of the scopes that are not complete, the one that comes first."""
        scopes = (s for s in self._core.state.scopes.values() if s.state == "loading")
        first = min(scopes, key=lambda s: (s.prio, s.id), default=None)
        return {} if first is None else {"scope": first.id}

    async def _fetch(self, transport: Transport, request: Fetch) -> None:
        """Download a snapshot. A refusal says that it is gone; anything else keeps what came."""
        try:
            async for raw, frames in snapshot(transport, request):
                self._notes.add(await self._on_disk(self._core.on_snapshot, raw, frames))
                if self._core.loading:
                    self._status.set("loading", percent=self._core.percent)
        except Answered:
            raise
        except BaseException:
            self._notes.add(await self._on_disk(self._core.on_cut))
            raise
        self._notes.add(await self._on_disk(self._core.on_snapshot_end))

    def _take(self, frames: list[PullFrame]) -> Applied | None:
        out: Applied | None = None
        for frame in frames:
            out = self._core.on_frame(frame) or out
        return out

    # --- trouble ------------------------------------------------------------------------------------------------------

    async def _on_answered(self, answered: Answered) -> None:
        verdict = self._core.on_problem(answered.status, answered.problem, answered.retry_s)
        _log.warning("server refused", code=verdict.code, status=answered.status)
        if verdict.kind == "token":
            await self._drop_transport()
            await self._on_disk(self._open_tokens(self._store).save, None)
            self._ask_to_sign_in("token")
        elif verdict.kind == "locked":
            await self._on_locked(answered)
        elif verdict.kind == "device":
            return  # the next round takes a new id
        elif verdict.kind == "stop":
            self._status.set("refused", code=verdict.code)
            await self._wait(self._backoff.failed_s(60))
            self._core.rehello()
        elif verdict.code in ("epoch", "reset", "gap", "too_large"):
            await self._wait(self._backoff.failed_s() if self._backoff.failures else 0.01)
        else:
            self._status.set("offline", code="busy")
            await self._wait(self._backoff.failed_s(verdict.retry_s))

    async def _on_locked(self, answered: Answered) -> None:
        """The server's word on this device: wait until it is lifted, or end everything here."""
        code, known = answered.problem.code, self._known
        self._locked = code
        self._status.set("refused", code=code)
        if code == "revoked" and self._wiper is not None and known is not None:
            mark = WipeMark(server=known.server, device=known.device, wipe_token=answered.problem.wipe_token)
            await self._on_disk(self._wiper.destroy_keys, mark)
            self._windows.tell(link.Locked(why="revoked"))
            await self._wipe(self._wiper, mark)
            return
        self._windows.tell(link.Locked(why=code))
        await self._drop_live()
        await self._wait(min(self._backoff.failed_s(), _LOCKED_RETRY_S))
        self._core.rehello()

    def _unlock(self) -> None:
        if self._locked:
            self._locked = ""
            self._windows.tell(link.Locked(why=""))

    async def _wipe(self, wiper: Wiper, mark: WipeMark) -> None:
        """Remove the files once the window let go of them, report it, and end."""
        await self._drop_live()
        await self._on_disk(self._store.close)
        until = time.monotonic() + _WIPE_WAIT_S
        while not await self._on_disk(wiper.remove_files) and time.monotonic() < until:
            await asyncio.sleep(_WIPE_LOOK_S)
        await self._report_wipe(mark)
        _log.warning("data of a revoked device removed", code="revoked")
        self._quit = True

    async def _report_wipe(self, mark: WipeMark) -> None:
        """Tell the server that the data is gone; if that fails, the next start does."""
        if mark.wipe_token is None or self._wiper is None:
            return
        with contextlib.suppress(WorldError, Answered):
            transport = Transport(mark.server, NoTokens(), time.monotonic)
            try:
                await transport.wiped(Wiped(device=mark.device, wipe_token=mark.wipe_token))
                self._wiper.reported()
            finally:
                await transport.close()

    async def _take_new_device(self, transport: Transport, keep_above: int) -> None:
        """Get another device id; the window then numbers its outbox anew, and a fresh worker goes on."""
        known = self._known
        if known is None or not self._windows.has_window:
            self._quit = True  # without a window nobody could take it up; the next start finds the same answer
            return
        tokens = await transport.new_device(NewDevice(name=known.login, replaces=known.device))
        waits = Renumbering(
            device=tokens.device or b"", device_code=tokens.device_code or "", replaces=known.device,
            keep_above=keep_above,
        )  # fmt: skip
        await self._on_disk(self._store.set_meta, "renumber", msgspec.msgpack.encode(waits))
        await transport.adopt(tokens)
        _log.warning("new device id", code="renumber")
        self._renumbering = waits
        self._windows.tell(waits.message())

    async def _hand_over(self) -> None:
        """A new device id waits for the window; when it was told, this worker ends."""
        if self._windows.has_window:
            self._quit = True  # it was told on joining, or just now
        else:
            await self._wait(None)

    async def _on_unreachable(self, error: WorldError) -> None:
        await self._drop_live()
        self._status.set("offline", code=error.code)
        self._core.rehello()
        wait = self._backoff.failed_s()
        if error.code == "server_unreachable" and self._transport is not None:
            host, port = self._transport.host
            if await self._network.wait_for(host, port, wait, self._wake):
                self._backoff.succeeded()
            return
        await self._wait(wait)

    async def _on_store(self, error: StoreUnavailable) -> None:
        _log.error("store unavailable", code=error.code)
        if error.code == "store_damaged":
            await self._drop_transport()
            await self._on_disk(self._store.close)
            await self._on_disk(self._open)
            self._windows.tell(link.Reopen(why="store_damaged"))
            await self._wait(1.0)
            return
        await self._on_disk(self._core.reset)
        self._status.set("stuck", code=error.code)
        await self._wait(_STORE_RETRY_S)

    async def _wait(self, seconds: float | None) -> None:
        timeout = max(0.0, seconds) if seconds is not None else None
        if not self._windows.has_window:
            timeout = min(timeout or 1.0, 1.0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)

    # --- connection ---------------------------------------------------------------------------------------------------

    def _connected(self) -> Transport:
        if self._transport is None:
            known = self._known
            if known is None:
                raise WrongServer
            self._transport = Transport(known.server, self._open_tokens(self._store), time.monotonic)
            self._transport.use_device(known.device)
        return self._transport

    async def _has_token(self) -> bool:
        if self._transport is not None:
            return True
        return await self._on_disk(self._open_tokens(self._store).load) is not None

    async def _drop_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            await live.close()

    async def _drop_transport(self) -> None:
        await self._drop_live()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    # --- sign-in ------------------------------------------------------------------------------------------------------

    def _ask_to_sign_in(self, code: str | None) -> None:
        self._status.set("signed_out", code=code)
        if self._sign_in_asked is None:
            self._sign_in_asked = code or ""
            self._windows.tell(link.SignInNeeded(code=code))

    async def _do_sign_in(self) -> None:
        ask, self._sign_in, self._cancel_sign_in = self._sign_in, None, False
        if ask is None:
            return
        self._status.set("connecting")
        await self._drop_transport()
        try:
            transport = Transport(ask.server, self._open_tokens(self._store), time.monotonic)
            try:
                await self._sign_in_at(transport, ask)
            except BaseException:
                await transport.close()
                raise
        except Answered as answered:
            self._sign_in_failed(answered.problem.code)
        except SignInRefused as error:
            self._sign_in_failed(error.code)
        except WorldError as error:
            self._sign_in_failed(error.code)
        except Cancelled:
            self._status.set("signed_out", code=self._sign_in_asked or None)

    def _sign_in_failed(self, code: str) -> None:
        self._sign_in_asked = code
        self._status.set("signed_out", code=code)
        self._windows.tell(link.SignInNeeded(code=code))

    async def _sign_in_at(self, transport: Transport, ask: link.SignIn) -> None:
        known = self._known
        device = known.device if known else None
        oidc = await self._from_browser(transport) if ask.browser else None
        login = Login(login=ask.login, password=ask.password, oidc=oidc, device=device, device_name=ask.device_name)
        tokens = await transport.login(login)
        account, code = tokens.account, tokens.device_code
        if account is None or code is None or tokens.device is None:
            raise WrongServer
        if known is not None and known.account == account.id and known.device != tokens.device:
            await self._replace_device(transport, known, tokens)
            return
        if known is not None and known.account != account.id:
            # a profile belongs to one account: what waits in it was written by the other
            await self._on_disk(self._open_tokens(self._store).save, None)
            raise SignInRefused("other_account")
        self._known = _known(transport.server, account, tokens.device, code)
        self._transport = transport
        self._sign_in_asked = None
        await self._on_disk(self._remember, self._known)
        self._windows.tell(self._known.message())
        self._core.sync_now()

    async def _from_browser(self, transport: Transport) -> OidcCode:
        """Let the person sign in at the provider. Raises WorldError, Cancelled."""
        offer = await transport.oidc_offer()
        if offer is None:
            raise WorldError("oidc_off")
        self._status.set("signed_out", code=None)
        return await code_from_browser(offer, self._windows.tell, self._called_off)

    async def _called_off(self) -> None:
        """Return when nobody waits for the browser any more: cancelled, another sign-in, no window, the end."""
        while not (self._quit or self._cancel_sign_in or self._sign_in is not None or not self._windows.has_window):
            self._wake.clear()
            await self._wake.wait()

    async def _offer(self, server: str) -> None:
        try:
            transport = Transport(server, self._open_tokens(self._store), time.monotonic)
        except WorldError:
            return
        try:
            await tell_offer(transport, self._windows.tell)
        finally:
            await transport.close()

    async def _replace_device(self, transport: Transport, known: Known, tokens: Tokens) -> None:
        """The server gave this installation another device id than it had: its outbox is numbered anew."""
        seen = self._core.state.lmid_seen
        waits = Renumbering(
            device=tokens.device or b"", device_code=tokens.device_code or "", replaces=known.device, keep_above=seen
        )
        await self._on_disk(self._store.set_meta, "renumber", msgspec.msgpack.encode(waits))
        self._transport, self._renumbering = transport, waits
        self._windows.tell(waits.message())

    def _remember(self, known: Known) -> None:
        self._store.set_meta("known", msgspec.msgpack.encode(known))
        self._store.use_device(known.device)
        self._core.reset()

    # --- the window ---------------------------------------------------------------------------------------------------

    def _greeting(self) -> list[link.WorkerToUi]:
        self._status.was_joined = True
        out: list[link.WorkerToUi] = [self._status.message()]
        if self._renumbering is not None:
            return [*out, self._renumbering.message()]
        if self._locked:
            out.append(link.Locked(why=self._locked))
        if self._core.guard is not None:
            out.append(link.GuardAsked(tickets=self._core.guard[0], total=self._core.guard[1]))
        if self._known is not None:
            out.append(self._known.message())
        if self._sign_in_asked is not None:
            out.append(link.SignInNeeded(code=self._sign_in_asked or None))
        return out

    def _wake_up(self) -> None:
        self._wake.set()

    def _on_window(self, message: link.UiToWorker) -> None:
        if isinstance(message, link.Committed):
            self._core.committed()
        elif isinstance(message, link.SyncNow):
            self._core.sync_now()
            self._backoff.succeeded()
        elif isinstance(message, link.SignIn):
            self._sign_in = message
        elif isinstance(message, link.SignInCancel):
            self._cancel_sign_in = True
        elif isinstance(message, link.AskOffer):
            self._spawn(self._offer(message.server))
            return
        elif isinstance(message, link.GuardAnswer):
            self._core.answer_guard(apply=message.apply)
        elif isinstance(message, link.Quit):
            self._quit = True
        elif isinstance(message, link.Call):
            self._spawn(self._call(message))
            return
        elif isinstance(message, link.SigUp | link.PresenceUp):
            self._spawn(self._relay(message))
            return
        self._wake.set()

    async def _call(self, message: link.Call) -> None:
        status, body = 0, b""
        if message.path.startswith("/session/v1/") and self._transport is not None and ".." not in message.path:
            status, body = await self._transport.call(message.method, message.path, message.body)
        self._windows.tell(link.CallResult(id=message.id, status=status, body=body))

    async def _relay(self, message: link.SigUp | link.PresenceUp) -> None:
        sent = self._live is not None and await self._live.relay(message)
        if not sent and isinstance(message, link.SigUp):
            self._windows.tell(link.SigNack(session=message.session, code="offline", n=message.n))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- hints --------------------------------------------------------------------------------------------------------

    def _on_live(self, message: link.WorkerToUi | dict[str, int] | None) -> None:
        """News of the live channel: heads, None for "say hello again", or something for the window."""
        if message is None:
            self._core.rehello()
        elif isinstance(message, dict):
            self._core.poked(message)
        else:
            self._windows.tell(message)
            return
        self._wake.set()

    async def _watch_outbox(self) -> None:
        """Find what was saved when the window's hint got lost, and notice that the window is gone."""
        known = -1
        while True:
            await asyncio.sleep(_POLL_OUTBOX_S)
            try:
                last = await self._on_disk(self._store.last_mid)
            except StoreUnavailable:
                continue
            if last != known:
                known = last
                self._core.committed()
                self._wake.set()
            if not self._windows.has_window:
                self._wake.set()


def _known(server: str, account: Account, device: bytes, code: str) -> Known:
    return Known(
        server=server, account=UserId(account.id), login=account.login, name=account.name, roles=list(account.roles),
        device=device, device_code=code,
    )  # fmt: skip


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
