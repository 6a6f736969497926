# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's life: engine, store and transport joined; goes offline and online, drains, and ends. No Qt.

The asyncio loop carries sockets; everything that touches the disk runs in one thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import StoreUnavailable, WorldError, WrongServer
from app.entry.sync_worker_blobs import BlobMover, Line
from app.entry.sync_worker_connection import Connection
from app.entry.sync_worker_device import Wiper
from app.entry.sync_worker_engine import Engine
from app.entry.sync_worker_exchange import Exchange, now_ms, steady_ms
from app.entry.sync_worker_hints import ChangeNotes, StatusBoard, Tell
from app.entry.sync_worker_live import News
from app.entry.sync_worker_orders import ServerOrders
from app.entry.sync_worker_proof import Proofs
from app.entry.sync_worker_signin import SignIns
from app.entry.sync_worker_socket import WindowServer
from app.entry.sync_worker_wait import Mending, NetworkWatch, Outlook, Surroundings, Tries
from app.store.cipher import Database
from app.store.replica import ReplicaStore
from sync.engine import ClientCore, Request
from sync.protocol import ProtocolError
from sync.transport import Answered, TokenStore, Transport

DRAIN_S = 60.0
_POLL_OUTBOX_S = 2.0
_STORE_RETRY_S = 10.0
_LOCKED_RETRY_S = 60.0
_TIDY_PAUSE_S = 0.1
_MENDABLE = ("epoch", "reset", "gap", "too_large")
_log = get_logger("worker")


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
        open_blobs: Callable[[Line, Tell], BlobMover] | None = None,
    ) -> None:
        rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._windows = WindowServer(socket_token, self._on_window, self._greeting, self._stir)
        tell = self._windows.tell
        self._status = StatusBoard(tell, now_ms)
        self._notes = ChangeNotes(self._tell_changed)
        self._engine = Engine(pending, open_store, rng)
        self._connection = Connection(self._engine, open_tokens, rng, self._on_live, self._stir)
        self._orders = ServerOrders(
            self._engine, self._connection, self._status, tell, lambda: self._windows.has_window, wiper
        )
        self._exchange = Exchange(self._engine, self._status, self._notes, tell, self._orders.unlock)
        self._sign_ins = SignIns(self._engine, self._connection, self._status, tell, self._nobody_waits)
        self._proofs = Proofs(self._connection, tell, self._nobody_waits)
        line = Line(self._free_transport, self._epoch, self._account, self._is_settled)
        self._blobs = open_blobs(line, tell) if open_blobs is not None else None
        self._network = NetworkWatch()
        self._backoff = Tries(rng)
        self._mending = Mending(rng)
        self._wake = asyncio.Event()
        self._quit = False
        self._alone_since: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life ---------------------------------------------------------------------------------------------------------

    async def serve(self, socket: Path) -> None:
        """Serve until the window is gone and everything is sent, or it says quit. Raises StoreUnavailable, OSError."""
        await self._open()
        self._status.last_sync = await self._engine.run(self._engine.store.last_sync)
        await self._orders.resume_renumbering()
        self._alone_since = time.monotonic()
        await self._windows.listen(socket)
        watch = asyncio.create_task(self._watch_outbox())
        mark = self._orders.unreported_wipe()
        if mark is not None:
            self._spawn(self._orders.report_wipe(mark))
        if self._blobs is not None:
            self._spawn(self._blobs.run())
        try:
            while not await self._is_done():
                self._wake.clear()
                await self._round()
        finally:
            watch.cancel()
            await self._close()

    async def _open(self) -> None:
        if await self._engine.run(self._engine.open):
            self._windows.tell(link.Reopen(why="store_damaged"))

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._blobs is not None:
            self._blobs.close()
        await self._connection.drop()
        self._notes.flush()
        await self._windows.close()
        await self._engine.close()

    async def _is_done(self) -> bool:
        if self._quit or self._orders.ended:
            return True
        if self._windows.has_window:
            self._alone_since = None
            return False
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        alone = now - self._alone_since
        if alone > DRAIN_S:
            return True
        # a window that is just starting has not connected yet
        if self._blobs is not None and self._blobs.has_uploads:
            return False
        if alone <= _POLL_OUTBOX_S or not self._status.was_joined:
            return False
        try:
            return not await self._engine.run(self._engine.has_outbox)
        except StoreUnavailable:
            return False  # perhaps there is something to send: until the time is up

    def _nobody_waits(self) -> bool:
        return self._quit or not self._windows.has_window

    # --- one round ----------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        """Do the next thing, or wait for one. What the world does ends in a status and a pause, never in a crash."""
        try:
            if self._engine.renumbering is not None:
                await self._hand_over()
            elif self._sign_ins.waits:
                await self._sign_ins.run()
            elif self._engine.known is None or not await self._connection.has_token():
                self._sign_ins.ask(None)
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
        core, transport = self._engine.core, self._connection.transport()
        if await self._connection.has_lost_live():
            self._engine.wish(ClientCore.rehello)  # ask at once instead of waiting for the next poll
        request = await self._engine.run(core.next, steady_ms(), now_ms())
        if core.keep_above is not None:
            await self._orders.take_new_device(core.keep_above)
            return
        if request is None:
            self._backoff.all_worked()
            await self._rest()
        elif await self._exchanged(transport, request):
            self._mending.moved_on()
            self._backoff.worked(request)
        else:
            await self._connection.open_live()

    async def _exchanged(self, transport: Transport, request: Request) -> bool:
        rows = self._engine.core.counters.rows
        try:
            return await self._exchange.do(transport, request)
        except (Answered, WorldError, ProtocolError):
            if self._engine.core.counters.rows > rows:
                self._backoff.worked(request)  # a line that breaks again and again, and yet something came
            else:
                self._backoff.broke(request)
            raise

    async def _rest(self) -> None:
        """Nothing is left to say: show it, and wait for news or for the next poll."""
        core = self._engine.core
        if core.stuck:
            self._status.set("stuck", detail=await self._engine.run(core.diagnostics))
        else:
            self._status.set("live")
        await self._connection.open_live()
        if self._blobs is not None:
            self._blobs.stir()
        pause = (core.next_poll_ms - steady_ms()) / 1000
        if await self._engine.run(self._engine.store.tidy):
            pause = min(pause, _TIDY_PAUSE_S)  # the rest in small steps, so that news need not wait
        due = self._connection.live_due_s()
        await self._wait(pause if due is None else min(pause, due))

    async def _hand_over(self) -> None:
        """A new device id waits for the window; when it was told, this worker ends."""
        if self._windows.has_window:
            self._quit = True  # it was told on joining, or just now
        else:
            await self._wait(None)

    async def _wait(self, seconds: float | None) -> None:
        timeout = max(0.0, seconds) if seconds is not None else None
        if not self._windows.has_window:
            timeout = 1.0 if timeout is None else min(timeout, 1.0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)

    # --- trouble ------------------------------------------------------------------------------------------------------

    async def _on_answered(self, answered: Answered) -> None:
        verdict = await self._engine.run(
            self._engine.core.on_problem, answered.status, answered.problem, answered.retry_s
        )
        _log.warning("server refused", code=verdict.code, status=answered.status)
        if verdict.kind == "token":
            await self._connection.drop()
            await self._connection.keep_token(None)
            self._sign_ins.ask("token")
        elif verdict.kind == "locked":
            self._orders.locked = verdict.code  # nothing new begins to move
            if self._blobs is not None:
                await self._blobs.hold()
            await self._orders.lock(answered)
            if not self._orders.ended:
                await self._hold_off(min(self._backoff.failed_s(), _LOCKED_RETRY_S))
                self._engine.wish(ClientCore.rehello)
        elif verdict.kind == "device":
            return  # the next round takes a new id
        elif verdict.kind == "stop":
            self._status.set("refused", code=verdict.code)
            await self._hold_off(self._backoff.failed_s(60))
            self._engine.wish(ClientCore.rehello)
        elif verdict.code in _MENDABLE:
            await self._wait(self._mending.pause_s())
        else:
            self._status.set("offline", code="busy")
            await self._hold_off(self._backoff.failed_s(verdict.retry_s))

    async def _on_unreachable(self, error: WorldError) -> None:
        await self._connection.network_gone()
        self._status.set("offline", code=error.code)
        self._engine.wish(ClientCore.rehello)
        host = self._connection.host()
        if error.code != "server_unreachable" or host is None:
            await self._hold_off(self._backoff.stranger_s())
            return
        outlook = await self._network.wait_for(*host, self._backoff.failed_s(), self._wake)
        _log.info("no answer", code=error.code, outlook=outlook.name.lower())
        if outlook is Outlook.BACK:
            self._backoff.succeeded()
        elif outlook is not Outlook.ILL:
            self._backoff.cut_short()

    async def _hold_off(self, seconds: float) -> None:
        """Wait after a failure. What somebody's work brings forward makes no later pause longer."""
        await self._wait(seconds)
        if self._wake.is_set():
            self._backoff.cut_short()

    async def _on_store(self, error: StoreUnavailable) -> None:
        _log.error("store unavailable", code=error.code)
        if error.code == "store_damaged":
            await self._connection.drop()
            await self._engine.run(self._engine.store.close)
            await self._engine.run(self._engine.open)
            self._windows.tell(link.Reopen(why="store_damaged"))
            await self._wait(1.0)
            return
        await self._engine.run(self._engine.core.reset)
        self._status.set("stuck", code=error.code)
        await self._wait(_STORE_RETRY_S)

    # --- the window ---------------------------------------------------------------------------------------------------

    def _greeting(self) -> list[link.WorkerToUi]:
        """Return what a window must know that just joined."""
        self._status.was_joined = True
        out: list[link.WorkerToUi] = [self._status.message()]
        engine = self._engine
        if engine.renumbering is not None:
            return [*out, engine.renumbering.message()]
        if self._orders.locked:
            out.append(link.Locked(why=self._orders.locked))
        out += self._exchange.guard()
        if engine.known is not None:
            out.append(engine.known.message())
        if self._sign_ins.asked is not None:
            out.append(link.SignInNeeded(code=self._sign_ins.asked or None))
        return out

    def _on_window(self, message: link.UiToWorker) -> None:
        if isinstance(message, link.Committed):
            self._engine.wish(ClientCore.committed)
        elif isinstance(message, link.SyncNow):
            self._engine.wish(ClientCore.sync_now)
            self._backoff.succeeded()
        elif isinstance(message, link.SignIn):
            self._sign_ins.submit(message)
        elif isinstance(message, link.SignInCancel):
            self._sign_ins.cancel()
        elif isinstance(message, link.GuardAnswer):
            apply = message.apply
            self._engine.wish(lambda core: core.answer_guard(apply=apply))
        elif isinstance(message, link.Quit):
            self._quit = True
        else:
            self._on_errand(message)
            return
        self._stir()

    def _on_errand(self, message: link.UiToWorker) -> None:
        """Do what has nothing to do with the rounds."""
        if isinstance(message, link.AskOffer):
            self._spawn(self._sign_ins.offer(message.server))
        elif isinstance(message, link.Prove):
            self._spawn(self._proofs.take(message))
        elif isinstance(message, link.ProofCancel):
            self._proofs.cancel()
        elif isinstance(message, link.Call):
            self._spawn(self._call(message))
        elif isinstance(message, link.SigUp | link.PresenceUp):
            self._spawn(self._relay(message))
        elif isinstance(message, link.FetchBlob) and self._blobs is not None:
            self._spawn(self._blobs.fetch(message))
        elif isinstance(message, link.BlobsAdded) and self._blobs is not None:
            self._blobs.stir()

    async def _call(self, message: link.Call) -> None:
        self._windows.tell(await self._connection.call(message))

    async def _relay(self, message: link.SigUp | link.PresenceUp) -> None:
        sent = await self._connection.relay(message)
        if not sent and isinstance(message, link.SigUp):
            self._windows.tell(link.SigNack(session=message.session, code="offline", n=message.n))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stir(self) -> None:
        """Something happened: whoever waits looks again."""
        self._wake.set()
        self._sign_ins.stir()
        self._proofs.stir()

    # --- attachments --------------------------------------------------------------------------------------------------

    def _free_transport(self) -> Transport | None:
        """Return the way to the server for attachments while sync gets through on it."""
        through = self._status.phase in ("live", "syncing", "loading") and not self._orders.locked
        return self._connection.transport() if through and self._engine.known is not None else None

    def _epoch(self) -> bytes:
        return self._engine.core.state.epoch or b""

    def _account(self) -> bytes:
        return self._engine.known.account if self._engine.known is not None else b""

    def _is_settled(self) -> bool:
        return self._status.phase == "live" and not self._engine.core.loading

    def _tell_changed(self, message: link.WorkerToUi) -> None:
        self._windows.tell(message)
        if self._blobs is not None and isinstance(message, link.Changed):
            self._blobs.rows_came(message.types if message.ids else ())

    # --- hints --------------------------------------------------------------------------------------------------------

    def _on_live(self, message: News) -> None:
        """News of the live channel: heads, None for "say hello again", or something for the window."""
        if message is None:
            self._engine.wish(ClientCore.rehello)
        elif isinstance(message, dict):
            heads = message
            self._engine.wish(lambda core: core.poked(heads))
        else:
            self._windows.tell(message)
            return
        self._stir()

    async def _look_again(self) -> None:
        """Another network, or awake again: ask at once. A line that died meanwhile tells nobody."""
        _log.info("another network, or awake again")
        self._backoff.succeeded()
        self._engine.wish(ClientCore.rehello)
        await self._connection.prove_live()
        self._stir()

    async def _watch_outbox(self) -> None:
        """Find what was saved when the window's hint got lost; notice another network, and that the window is gone."""
        known = -1
        surroundings = Surroundings(now_ms, steady_ms)
        while True:
            await asyncio.sleep(_POLL_OUTBOX_S)
            # the round says what is wrong with the files; whether a window is left must be noticed all the same
            with contextlib.suppress(StoreUnavailable):
                last = await self._engine.run(self._engine.store.last_mid)
                if last != known:
                    known = last
                    self._engine.wish(ClientCore.committed)
                    self._stir()
            if surroundings.changed():
                await self._look_again()
            if not self._windows.has_window:
                self._stir()
