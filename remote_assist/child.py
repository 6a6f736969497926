# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a session child: plain asyncio, one peer connection per epoch, no keys, no store, no windows.

Messages of the parent are handled on the event loop, except what stops pictures: that takes effect in the reading
thread the moment it arrives, however busy the loop is.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import aiortc
import av
from msgspec import structs

from app.domain.assist import EndReason, Role
from remote_assist import aiortc_patches, incoming
from remote_assist import messages as wire
from remote_assist.bulk_sender import QUEUED, BulkSender
from remote_assist.channels import scope_of
from remote_assist.child_protocol import (
    Ack,
    Alive,
    Drop,
    End,
    Ended,
    Fault,
    Fingerprint,
    FromChild,
    Grants,
    Keep,
    ListTargets,
    LocalSdp,
    Masks,
    Open,
    Pause,
    PeerState,
    Ready,
    Record,
    Recv,
    RemoteSdp,
    Send,
    Source,
    Start,
    Stats,
    ToChild,
    View,
)
from remote_assist.child_roles import AgentRole, CustomerRole, SourceFactory
from remote_assist.heap import Heap
from remote_assist.ipc import ParentLink
from remote_assist.peer import Callbacks, Peer
from remote_assist.sdp_rules import BadSdp
from remote_assist.sending import now_us
from remote_assist.shm import FrameWriter
from remote_assist.window_watch import Step, WindowWatch

_CLOSE_S: Final = 0.05
_STATE_S: Final = 0.25
_LAST_WORD_S: Final = 0.2


class Child:
    """One session. Make it on the running loop; `post` may be called by its parts from any thread."""

    def __init__(self, role: str, link: ParentLink, writer: FrameWriter, sources: SourceFactory) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._role_name = role
        self._role: AgentRole | CustomerRole = (
            AgentRole(writer, link.send) if role == Role.AGENT else CustomerRole(writer, link.send, sources)
        )
        self._peers: dict[int, Peer] = {}
        self._active: Peer | None = None
        self._scopes: frozenset[str] = frozenset()
        self._paused = False
        self._windows = WindowWatch()
        self._pausing = threading.Lock()
        self._browser = False
        self._rates = incoming.Rates()
        self._bulk = BulkSender(self._may_send, lambda: self._paused or self._windows.held, self._post)
        self._done = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pictures = ThreadPoolExecutor(1, "pictures")
        self._last_state: dict[int, PeerState] = {}
        self._queue_max: dict[str, float] = {}
        self.violations = 0
        self.malformed = 0

    async def run(self) -> None:
        """Say that everything is loaded, obey until the end, and close."""
        versions = {"aiortc": aiortc.__version__, "av": av.__version__, "python": sys.version.split()[0]}
        self._link.send(Ready(os.getpid(), versions))
        self._link.read_into(self.take)
        watch = asyncio.create_task(self._watch())
        await self._done.wait()
        watch.cancel()
        self._bulk.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._close_peers(), _CLOSE_S)
        self._link.send(Ended(self._role.frames_sent))
        self._link.flush(1)
        self._role.finish()
        self._link.flush(1)

    def take(self, message: ToChild) -> None:
        """Take a message in the reading thread: what stops pictures acts here, then the loop does the rest."""
        if isinstance(message, End):
            self._role.end()
        elif isinstance(message, Pause):
            with self._pausing:
                self._paused = message.on
                self._role.pause(message.on or self._windows.held)
        elif isinstance(message, Alive):
            self._windows_answer()
        elif isinstance(message, Grants):
            self._scopes = frozenset(message.scopes)
            self._role.grant(self._scopes)
        elif isinstance(message, Record):
            self._role.record(message)
        elif isinstance(message, Source):
            self._role.expect(message)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._handle, message)

    def _windows_answer(self) -> None:
        """In the reading thread: what was held for their silence goes on, unless somebody holds it."""
        with self._pausing:
            if self._windows.heard() is not Step.GO_ON:
                return
            self._role.pause(self._paused)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        self._role.resumed()
        self._tell_held(False)

    def _tell_held(self, on: bool) -> None:
        """The agent reads it as what it is: a pause at the customer's end, which only that end can lift."""
        if not self._paused:
            self._send(Send("ctl", wire.encode(wire.Pause(on, "system"))))

    def _look_at_windows(self, ms: int) -> None:
        with self._pausing:
            step = self._windows.passed(ms)
            if step is Step.HOLD:
                self._role.pause(True)
        if step is Step.HOLD:
            self._tell_held(True)
        elif step is Step.END:
            self._role.end()
            self._send(Send("ctl", wire.encode(wire.End(EndReason.LOST.value))))
            self._loop.call_later(_LAST_WORD_S, self._done.set)

    def _handle(self, message: ToChild) -> None:
        if isinstance(message, Open):
            self._spawn(self._open(message))
        elif isinstance(message, RemoteSdp):
            self._spawn(self._remote(message))
        elif isinstance(message, Grants):
            self._role.resumed()
            self._link.send(Ack(message.seq))
        elif isinstance(message, Pause):
            self._role.resumed()
            self._post_stats()
        elif isinstance(message, Send):
            self._send(message)
        elif isinstance(message, Keep):
            self._keep(message.epoch)
        elif isinstance(message, Drop):
            self._drop(lambda epoch: epoch == message.epoch)
        elif isinstance(message, End):
            self._done.set()
        elif not isinstance(message, Record | Alive):
            self._handle_picture(message)

    def _handle_picture(self, message: Start | ListTargets | Source | Masks | View) -> None:
        if isinstance(message, Start):
            self._browser = bool(message.limits.get("browser"))
            aiortc_patches.apply(loopback=bool(message.limits.get("loopback")), browser=self._browser)
            self._role.limits(message.limits)
        elif isinstance(message, View):
            self._role.painter.set_view(message.w, message.h, message.src)
        elif isinstance(self._role, CustomerRole):
            self._spawn(self._in_thread(self._role, message))

    async def _in_thread(self, role: CustomerRole, message: ListTargets | Source | Masks) -> None:
        """Sources talk to the display server: not on the loop, and one after the other: the newest masks must win."""
        await self._loop.run_in_executor(self._pictures, role.handle, message)

    # --- connections ----------------------------------------------------------------------------------------------

    async def _open(self, message: Open) -> None:
        if message.epoch in self._peers:
            return
        on = Callbacks(
            message=partial(self._received, message.epoch),
            changed=self._changed,
            decoded=self._role.decoded,
            fault=lambda code, detail: self._post(Fault(code, detail)),
        )
        peer = Peer(
            message.epoch, self._role_name, message.ice, on, relay_only=message.relay_only, browser=self._browser
        )
        self._peers[message.epoch] = peer
        self._role.opened(peer)
        self._post(Fingerprint(message.epoch, peer.fingerprint))
        if isinstance(self._role, CustomerRole):
            offer = await peer.offer(self._role.mailbox, self._role.gate)
            self._post(LocalSdp(message.epoch, "offer", offer))

    async def _remote(self, message: RemoteSdp) -> None:
        peer = self._peers.get(message.epoch)
        if peer is None:
            self._post(Fault("bad_sdp", "no such epoch"))
            return
        try:
            answer = await peer.remote(message.type, message.sdp, message.fingerprint)
        except BadSdp as error:
            self._post(Fault("bad_sdp", str(error)))
            return
        if answer is not None:
            self._post(LocalSdp(message.epoch, "answer", answer))

    def _changed(self) -> None:
        first = next((peer for peer in self._peers.values() if peer.connected), None)
        if self._active is None and first is not None:
            self._use(first)
        elif self._active is not None:
            self._role.reachable(self._active.connected)
        self._post_state()

    def _use(self, peer: Peer) -> None:
        self._active = peer
        self._bulk.use(peer)
        self._role.connected(peer)

    def _keep(self, epoch: int) -> None:
        peer = self._peers.get(epoch)
        if peer is not None:
            self._drop(lambda other: other != epoch)
            if peer is not self._active or isinstance(self._role, CustomerRole):
                self._use(peer)  # an attempt may have taken the mailbox

    def _drop(self, unwanted: Callable[[int], bool]) -> None:
        for epoch in [e for e in self._peers if unwanted(e)]:
            self._last_state.pop(epoch, None)
            peer = self._peers.pop(epoch)
            if peer is self._active:
                self._active = None
                self._bulk.use(None)
            self._spawn(_forget(peer))

    async def _close_peers(self) -> None:
        await asyncio.gather(*(peer.close() for peer in self._peers.values()), return_exceptions=True)

    # --- data channels --------------------------------------------------------------------------------------------

    def _may_send(self, channel: str) -> bool:
        """What was not granted is not produced; the agent's end leaves that to the customer's."""
        scope = scope_of(channel, Role(self._role_name))
        return self._role_name == Role.AGENT or (scope is not None and scope.value in self._scopes)

    def _send(self, message: Send) -> None:
        if message.channel in QUEUED:
            self._bulk.put(message.channel, message.data)
            return
        if message.epoch >= 0:
            peer = self._peers.get(message.epoch)
        elif self._active is not None and self._active.channels_open:
            peer = self._active
        else:
            peer = next((p for p in reversed(self._peers.values()) if p.channels_open), None)
        if peer is None or not peer.send(message.channel, message.data):
            self._post(Fault("not_sent", message.channel))

    def _received(self, epoch: int, channel: str, data: bytes | str) -> None:
        sender = Role.CUSTOMER if self._role_name == Role.AGENT else Role.AGENT
        try:
            if channel == "tile" and isinstance(self._role, AgentRole):
                self._role.run_of_tiles(incoming.read_run(data), epoch)
                return
            message = incoming.read(
                channel, data, sender=sender, scopes=self._scopes, paused=self._paused,
                rates=self._rates, now_ms=now_us() // 1000,
            )  # fmt: skip
        except incoming.Malformed as error:
            self.malformed += 1
            self._post(Fault("malformed", str(error)))
        except incoming.NotGranted as error:
            self.violations += 1
            self._post(Fault("violation", str(error)))
        else:
            if not self._role.heard(self._peers.get(epoch), message):
                self._post(Recv(channel, message, epoch))

    # --- reports --------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        ticks, looked, heap = 0, now_us(), Heap()
        while True:
            await asyncio.sleep(_STATE_S)
            ticks += 1
            before, looked = looked, now_us()
            passed_ms = (looked - before) // 1000
            self._look_at_windows(passed_ms)
            self._role.check(self._post)
            if ticks % 4 == 0:
                self._last_state.clear()
                self._post_stats()
            self._post_state()
            heap.passed(passed_ms)

    def _post_state(self) -> None:
        """Tell each connection's state when it changed, and once a second."""
        for peer in self._peers.values():
            silent = peer.silent_ms
            quiet = silent // 1000 * 1000  # whoever was silent and is heard again is told of at once
            state = PeerState(peer.epoch, peer.ice_state, peer.dtls_state, peer.path, quiet, peer.channels_open)
            if state != self._last_state.get(peer.epoch):
                self._last_state[peer.epoch] = state
                self._post(structs.replace(state, silent_ms=silent, answered_ms=peer.answered_ms))

    def _post_stats(self) -> None:
        values = self._role.stats(self._active) | self._queues()
        own = {"violations": self.violations, "malformed": self.malformed, "held": self._windows.held}
        self._post(Stats(values | {name: float(value) for name, value in own.items()}))

    def _queues(self) -> dict[str, float]:
        """The longest that each queue has been since the start, over all connections."""
        now = self._bulk.longest | {"pipe": self._link.queue_longest, "tiles": self._role.painter.runs_longest}
        now |= self._active.queues_longest if self._active is not None else {}
        for name, length in now.items():
            self._queue_max[f"queue_{name}"] = max(self._queue_max.get(f"queue_{name}", 0.0), float(length))
        return self._queue_max

    def _post(self, message: FromChild) -> None:
        self._link.send(message)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except (OSError, ConnectionError, aiortc.InvalidStateError, aiortc_patches.WrongVersion) as error:
            self._post(Fault("open_failed", f"{type(error).__name__}: {error}"[:200]))


async def _forget(peer: Peer) -> None:
    """Close a connection and give back what it held: pictures and an encoder hang in circles that none would collect.

    What was there at the start is frozen, so this takes a few milliseconds.
    """
    await peer.close()
    del peer
    gc.collect()


async def run_child(role: str, link: ParentLink, writer: FrameWriter, sources: SourceFactory) -> None:
    """Run one session until the parent ends it, and end this process, which has no other purpose. Does not return."""
    _calm_down()
    await Child(role, link, writer, sources).run()
    os._exit(0)  # a decoder or a display server that hangs must not keep us: the parent was told that we are quiet


def _calm_down() -> None:
    if threading.current_thread() is threading.main_thread():  # else whoever has that thread sees to it
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl+C in the terminal is the parent's to answer
    sys.setswitchinterval(0.0005)  # threads hand pictures on; 5 ms of waiting for each other would be seen
    gc.collect()
    gc.freeze()
