# SPDX-License-Identifier: GPL-3.0-or-later
"""The window's end of the sync worker: starts it, starts it again when it dies, speaks with it. Fulfils `SyncLink`.

Everything runs on the GUI thread and returns at once; the disk is asked through jobs. What is said here are hints:
the truth is in the two files, so nothing is lost when a message is.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalSocket

from app.config.paths import child_command
from app.desktop.children import Child, Children
from app.desktop.jobs import QtJobs
from app.desktop.pace import Pace
from app.desktop.worker_place import socket_path
from app.domain import link
from app.domain.attachments import Attachment, BlobState, BlobStatus
from app.domain.ids import UserId
from app.domain.ports import Identity, SyncPhase, SyncStatus

_RETRY_CONNECT_MS = 40
_POLL_MS = 2_000
_COUNT_EVERY_MS, _REBUILD_EVERY_MS = 400, 150  # a first load tells of changes twenty times a second
_FIRST_PAUSE_MS = 200
_MOST_PAUSE_MS = 30_000
_HEALTHY_MS = 60_000
_EXIT_IN_USE = 3  # of the worker: another one has the profile


class Numbers(Protocol):
    """What the strip counts."""

    @property
    def waiting(self) -> int: ...
    @property
    def waiting_since(self) -> int | None: ...
    @property
    def needs_you(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StoreHooks:
    """What the link asks of the profile; each blocks on the disk and is run by jobs."""

    numbers: Callable[[], Numbers]
    poll: Callable[[], bool]
    after_checkpoint: Callable[[], bool]
    reopen: Callable[[], None]
    save_identity: Callable[[Identity], None]
    renumber: Callable[[bytes, str, int], Identity | None] | None = None  # device, its code, highest mid to leave alone


@dataclass(frozen=True, slots=True)
class WorkerOrders:
    """What the worker is told at its start; all but the folder goes over standard input."""

    profile: Path
    key: bytes
    socket_token: bytes
    keyring: str | None = None

    def line(self, path: Path) -> bytes:
        """Return the line for standard input."""
        orders = {
            "key": self.key.hex(), "socket": str(path), "socket_token": self.socket_token.hex(),
            "keyring": self.keyring,
        }  # fmt: skip
        return json.dumps(orders).encode() + b"\n"


class WorkerLink(QObject):
    """Signals come on the GUI thread. `start` once; `close` at the end."""

    status_changed = Signal(object)  # SyncStatus
    rows_changed = Signal(object, object)  # frozenset of entity numbers, frozenset of ids; both empty: anything
    sign_in_needed = Signal(object)  # why the last try was refused, or None
    browser_offered = Signal(str, bool)  # server, whether people can sign in in the browser
    browser_wanted = Signal(str)  # the provider's page, to be opened in the system's browser
    signed_in = Signal(object)  # Identity, stored by now
    sig_received = Signal(bytes, int, bytes)  # session, n, data
    sig_failed = Signal(bytes, str, int)  # session, code, n
    session_ended = Signal(bytes, str)  # session, reason
    presence_changed = Signal(int, bytes, str, bytes)  # type, id, state, who
    guard_asked = Signal(int, int)  # tickets that would go, tickets here
    blob_moved = Signal(bytes, object)  # hash of an attachment, BlobStatus
    locked = Signal(str)  # suspended, revoked, or "" when usable again

    _child_started = Signal(object)
    _child_ended = Signal(int)

    def __init__(
        self,
        orders: WorkerOrders,
        hooks: StoreHooks,
        jobs: QtJobs,
        children: Children,
        now_ms: Callable[[], int],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._orders = orders
        self._hooks = hooks
        self._jobs = jobs
        self._children = children
        self._now_ms = now_ms
        self._path = socket_path(orders.profile)
        self._socket = QLocalSocket(self)
        self._reader = link.LinkReader(link.WorkerToUi)
        self._greeted = False
        self._child: Child | None = None
        self._starting = False
        self._closed = False
        self._pause_ms = _FIRST_PAUSE_MS
        self._alive = QElapsedTimer()
        self._calls: dict[int, Callable[[int, bytes], None]] = {}
        self._proofs: dict[int, tuple[Callable[[str | None, int], None], Callable[[str], None]]] = {}
        self._sign_in_waits = False
        self._next_call = 1
        self._sign_in: link.SignIn | None = None
        self._offer_asked = ""  # sent as soon as the worker is there
        self._identity: Identity | None = None
        self.status = SyncStatus(SyncPhase.CONNECTING, now_ms())
        self._retry = QTimer(self, singleShot=True, interval=_RETRY_CONNECT_MS)
        self._restart = QTimer(self, singleShot=True)
        self._poll = QTimer(self, interval=_POLL_MS)
        self._counts = Pace(self._count, _COUNT_EVERY_MS, self)
        self._checkpoints = Pace(self._rebuild, _REBUILD_EVERY_MS, self)
        self._handlers = self._make_handlers()
        self._wire()

    def _make_handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            link.Hi: self._take_hi,
            link.Status: self._take_status,
            link.Changed: self._take_changed,
            link.SignedIn: self._take_signed_in,
            link.SignInNeeded: lambda m: self.sign_in_needed.emit(m.code),
            link.SignInOffer: lambda m: self.browser_offered.emit(m.server, m.browser),
            link.OpenBrowser: lambda m: self.browser_wanted.emit(m.url),
            link.OpenProofPage: self._take_proof_page,
            link.Proved: lambda m: self._answer_proof(m.id, m.code, m.retry_s),
            link.CallResult: lambda m: self._answer(m.id, m.status, m.body),
            link.Reopen: self._take_reopen,
            link.SigDown: lambda m: self.sig_received.emit(m.session, m.n, m.data),
            link.SigNack: lambda m: self.sig_failed.emit(m.session, m.code, m.n),
            link.SessionEnded: lambda m: self.session_ended.emit(m.session, m.reason),
            link.PresenceDown: lambda m: self.presence_changed.emit(m.type, m.id, m.state, m.who),
            link.GuardAsked: lambda m: self.guard_asked.emit(m.tickets, m.total),
            link.Locked: lambda m: self.locked.emit(m.why),
            link.Renumber: self._take_renumber,
            link.BlobMoved: self._take_blob_moved,
        }

    def _wire(self) -> None:
        self._socket.connected.connect(self._on_connected)
        self._socket.disconnected.connect(self._on_disconnected)
        self._socket.readyRead.connect(self._on_bytes)
        self._socket.errorOccurred.connect(self._on_error)
        self._retry.timeout.connect(self._connect)
        self._restart.timeout.connect(self._start_child)
        self._poll.timeout.connect(self._on_poll)
        self._child_started.connect(self._on_child_started)
        self._child_ended.connect(self._on_child_ended)

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Find the worker of an earlier window, or start one."""
        self._poll.start()
        self._count()
        self._start_child()

    def close(self) -> None:
        """Let go of the worker: it sends what waits, for at most a minute, and ends by itself. Idempotent."""
        self._closed = True
        for timer in (self._retry, self._restart, self._poll, self._counts, self._checkpoints):
            timer.stop()
        self._socket.abort()

    @property
    def worker_pid(self) -> int | None:
        """The worker that this window started, for diagnostics and tests."""
        return self._child.pid if self._child else None

    # --- SyncLink -----------------------------------------------------------------------------------------------------

    def poke(self, mid: int) -> None:
        """Tell the worker that a mutation was saved."""
        self._send(link.Committed(mid=mid))
        self._count()

    def sync_now(self) -> None:
        """Push and pull now."""
        self._send(link.SyncNow())

    def sign_in(self, server: str, login: str, password: str) -> None:
        """Sign in; the answer is `signed_in` or `sign_in_needed` with a code."""
        self._ask_in(link.SignIn(server=server, login=login, password=password, device_name=socket.gethostname()))

    def sign_in_by_browser(self, server: str) -> None:
        """Sign in at the provider: `browser_wanted` comes, then `signed_in` or `sign_in_needed` with a code."""
        device = socket.gethostname()
        self._ask_in(link.SignIn(server=server, login="", password="", device_name=device, browser=True))

    def cancel_sign_in(self) -> None:
        """Wait for the browser no longer."""
        self._sign_in = None
        self._send(link.SignInCancel())

    def ask_offer(self, server: str) -> None:
        """Ask whether people of a server can sign in in the browser; the answer is `browser_offered`, or nothing."""
        self._offer_asked = "" if self._send(link.AskOffer(server=server)) else server

    def _ask_in(self, ask: link.SignIn) -> None:
        self._sign_in_waits = True
        if not self._send(ask):
            self._sign_in = ask  # sent as soon as the worker is there

    def call(self, method: str, path: str, body: bytes, then: Callable[[int, bytes], None]) -> None:
        """Call the server under /session/v1; `then` gets (HTTP status or 0, body), later."""
        number = self._next_call
        self._next_call += 1
        self._calls[number] = then
        if not self._send(link.Call(id=number, method=method, path=path, body=body)):
            QTimer.singleShot(0, self, lambda: self._answer(number, 0, b""))

    def prove(self, password: str | None, then: Callable[[str | None, int], None], page: Callable[[str], None]) -> None:
        """Prove who speaks, with the password, or without one in the browser; `page` gets the provider's address then.

        `then` gets None, or the code of what went wrong and for how many seconds nobody may try again; later.
        """
        number = self._next_call
        self._next_call += 1
        self._proofs[number] = then, page
        if not self._send(link.Prove(id=number, password=password or "", browser=password is None)):
            QTimer.singleShot(0, self, lambda: self._answer_proof(number, "no_presence", 0))

    def cancel_proof(self) -> None:
        """Wait for the browser no longer."""
        self._send(link.ProofCancel())

    def send_sig(self, session: bytes, to: str, n: int, data: bytes) -> None:
        """Relay signalling data; `sig_failed` when it cannot be."""
        if not self._send(link.SigUp(session=session, to=to, n=n, data=data)):
            QTimer.singleShot(0, self, lambda: self.sig_failed.emit(session, "offline", n))

    def presence(self, type_: int, id_: bytes, state: str) -> None:
        """Say what this person looks at."""
        self._send(link.PresenceUp(type=type_, id=id_, state=state))

    def answer_guard(self, *, apply: bool) -> None:
        """Answer whether many tickets may be removed here."""
        self._send(link.GuardAnswer(apply=apply))

    def fetch_blob(self, attachment: Attachment, type_: int, row: bytes) -> None:
        """Fetch the content that a row names; `blob_moved` tells how it gets on, at once when nobody can fetch it."""
        mark, size = attachment.sha256, attachment.size_bytes
        if not self._send(link.FetchBlob(sha256=mark, size=size, type=type_, id=row)):
            status = BlobStatus(BlobState.ABSENT, 0, size, "offline")
            QTimer.singleShot(0, self, lambda: self.blob_moved.emit(mark, status))

    def blobs_added(self) -> None:
        """Tell the worker that there is something to upload."""
        self._send(link.BlobsAdded())

    def _send(self, message: link.UiToWorker) -> bool:
        if not self._greeted:
            return False
        self._socket.write(link.encode_frame(message))
        return True

    # --- the child ----------------------------------------------------------------------------------------------------

    def _start_child(self) -> None:
        if self._closed or self._starting or self._child is not None or self._greeted:
            return  # greeted by an older window's worker: it keeps the profile until its connection ends
        self._starting = True
        command = [*child_command("sync-worker"), "--profile", str(self._orders.profile)]
        self._children.start(command, self._orders.line(self._path), self._child_started.emit, self._tell_ended)

    def _tell_ended(self, code: int) -> None:
        """Runs in the child's thread; a worker that drains may well outlive this object."""
        with contextlib.suppress(RuntimeError):
            self._child_ended.emit(code)

    def _on_child_started(self, child: Child) -> None:
        self._starting = False
        self._child = child
        self._alive.start()
        self._connect()

    def _on_child_ended(self, code: int) -> None:
        # in use means that an older worker still drains: it is found by connecting
        self._starting, self._child = False, None
        if self._closed:
            return
        if self._alive.isValid() and self._alive.elapsed() > _HEALTHY_MS:
            self._pause_ms = _FIRST_PAUSE_MS
        if self._greeted and code == _EXIT_IN_USE:
            return  # the next one is started when that worker's connection ends
        self._restart_later()
        self._retry.start()

    def _restart_later(self) -> None:
        if self._child is None and not self._starting and not self._restart.isActive():
            self._restart.start(self._pause_ms)
            self._pause_ms = min(self._pause_ms * 2, _MOST_PAUSE_MS)

    # --- the socket ---------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if not self._closed and self._socket.state() == QLocalSocket.LocalSocketState.UnconnectedState:
            self._socket.connectToServer(str(self._path))

    def _on_error(self, _error: object) -> None:
        if not self._closed and not self._greeted:
            self._restart_later()
            self._retry.start()

    def _on_connected(self) -> None:
        self._reader = link.LinkReader(link.WorkerToUi)
        hi = link.Hi(socket_token=self._orders.socket_token, role="ui")
        self._socket.write(link.encode_frame(hi))

    def _on_disconnected(self) -> None:
        was_greeted, self._greeted = self._greeted, False
        for number in list(self._calls):
            self._answer(number, 0, b"")
        for number in list(self._proofs):
            self._answer_proof(number, "no_presence", 0)
        if self._closed:
            return
        if was_greeted:
            self._show(replace(self.status, phase=SyncPhase.WORKER_DOWN, since=self._now_ms(), code=None))
            if not self._restart.isActive():  # the pause after a crash of our own one is kept
                self._start_child()
        self._retry.start()

    def _on_bytes(self) -> None:
        data = bytes(self._socket.readAll().data())
        try:
            for message in self._reader.feed(data):
                self._take(message)
        except link.LinkError:
            self._socket.abort()

    # --- messages -----------------------------------------------------------------------------------------------------

    def _take(self, message: link.WorkerToUi) -> None:
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(message)

    def _take_hi(self, _message: link.Hi) -> None:
        self._greeted = True
        self._restart.stop()
        if self._sign_in is not None:
            self._send(self._sign_in)
            self._sign_in = None
        if self._offer_asked:
            self.ask_offer(self._offer_asked)

    def _take_status(self, message: link.Status) -> None:
        try:
            phase = SyncPhase(message.phase)
        except ValueError:
            phase = SyncPhase.CONNECTING
        self._show(
            replace(
                self.status, phase=phase, since=message.since, code=message.code, percent=message.percent,
                last_sync=message.last_sync, scope=_text(message.detail.get("scope")), detail=message.detail,
            )
        )  # fmt: skip
        self._counts.ask()

    def _take_changed(self, message: link.Changed) -> None:
        types, ids = frozenset(message.types), frozenset(message.ids)
        self._checkpoints.ask()
        self.rows_changed.emit(types if ids else frozenset(), ids)
        self._counts.ask()

    def _rebuild(self) -> None:
        self._jobs.change(self._hooks.after_checkpoint, self._rebuilt)

    def _rebuilt(self, changed: bool) -> None:
        """Images of pending changes were made anew after their rows were told of: who read meanwhile saw older ones."""
        if changed and not self._closed:
            self.rows_changed.emit(frozenset(), frozenset())
            self._counts.ask()

    def _take_signed_in(self, message: link.SignedIn) -> None:
        identity = Identity(
            UserId(message.account), message.login, message.name, frozenset(message.roles), message.device,
            message.device_code, message.server,
        )  # fmt: skip
        if identity != self._identity:
            self._jobs.change(lambda: self._hooks.save_identity(identity), lambda _: self._stored(identity))
        elif self._sign_in_waits:
            self._stored(identity)  # the same person again, after a sign-in that ran out

    def _stored(self, identity: Identity) -> None:
        self._identity = identity
        self._sign_in_waits = False
        self.signed_in.emit(identity)

    def _take_renumber(self, message: link.Renumber) -> None:
        """This installation got a new device id. The worker stops; the next one finds the file renumbered."""
        renumber = self._hooks.renumber
        if renumber is None:
            return
        self._jobs.change(lambda: renumber(message.device, message.device_code, message.keep_above), self._renumbered)

    def _renumbered(self, identity: Identity | None) -> None:
        if identity is not None:
            self._stored(identity)
        self.rows_changed.emit(frozenset(), frozenset())
        self._count()
        self._socket.abort()  # the worker of the old id: a fresh one reads the file anew
        self._restart_later()
        self._retry.start()

    def _take_blob_moved(self, message: link.BlobMoved) -> None:
        with contextlib.suppress(ValueError):  # a newer worker's word
            state = BlobState(message.state)
            self.blob_moved.emit(message.sha256, BlobStatus(state, message.have, message.size, message.code))

    def _take_reopen(self, _message: link.Reopen) -> None:
        self._jobs.query(self._hooks.reopen, lambda _: self.rows_changed.emit(frozenset(), frozenset()))

    def _answer(self, number: int, status: int, body: bytes) -> None:
        then = self._calls.pop(number, None)
        if then is not None:
            then(status, body)

    def _answer_proof(self, number: int, code: str | None, retry_s: int) -> None:
        waits = self._proofs.pop(number, None)
        if waits is not None:
            waits[0](code, retry_s)

    def _take_proof_page(self, message: link.OpenProofPage) -> None:
        waits = self._proofs.get(message.id)
        if waits is not None:
            waits[1](message.url)

    # --- numbers ------------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        self._jobs.query(self._hooks.numbers, self._counted, lambda _: None, key="worker_link.numbers")

    def _counted(self, numbers: Numbers) -> None:
        self._show(
            replace(
                self.status, waiting=numbers.waiting, waiting_since=numbers.waiting_since, needs_you=numbers.needs_you
            )
        )

    def _show(self, status: SyncStatus) -> None:
        if status != self.status:
            self.status = status
            self.status_changed.emit(status)

    def _on_poll(self) -> None:
        """The fallback: see what the worker wrote even if its message got lost."""
        self._jobs.query(self._hooks.poll, self._polled, lambda _: None, key="worker_link.poll")
        if not self._greeted:
            self._connect()

    def _polled(self, changed: bool) -> None:
        if changed:
            self._take_changed(link.Changed())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
