# SPDX-License-Identifier: GPL-3.0-or-later
"""The client half of sync without any I/O: says what to send next and takes what came back. Pure but for its store.

Time comes in as milliseconds, chance as a `random.Random`, the files as a `ReplicaPort`; docs/sync.md explains the
rules. Order of work: hello, push, pull of the live scopes, first loads, repairs; after a change of epoch repairs
first, then one pull of everything, then pushes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.entities import SCHEMA
from app.domain.replica import (
    Applied,
    Checkpoint,
    MutationResult,
    ReplicaPort,
    ReplicaState,
    RowPage,
    ScopeState,
    SyncCounters,
)
from sync.backoff import Backoff, StallWatch
from sync.fetch import CHUNK_ROWS, Fetch, Fetching
from sync.gather import Gathered, page_of
from sync.protocol import (
    Hello,
    HelloAnswer,
    Limits,
    Mutation,
    Problem,
    ProtocolError,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    Rows,
    SnapshotRef,
)

__all__ = ["Backoff", "ClientCore", "Fetch", "Request", "Verdict"]

FIRST_PULL_BYTES = 1 << 20  # rows show early; later answers are larger
_LOAD_PULL_BYTES = 16 << 20  # the server makes rows while others are stored, and nobody waits between two answers
_MORES_BEFORE_GROWTH = 8
_HARD_PULL_BYTES = 64 << 20
_FIRST_CHUNK_ROWS = 1_000
_KEEP_ROWS = 20_000  # a pull that grows beyond this goes to the disk piece by piece
_GUARD_RETRY_MS = 600_000

Request = Hello | Push | Pull | Fetch


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error answer means for the loop above: ask for sign-in, lock, take a new device id, or try again.

    `kind`: again, token, locked, device, stop.
    """

    kind: str
    code: str
    retry_s: float | None = None


@dataclass(slots=True)
class _Wish:
    """What is to be done."""

    hello: bool = True
    push: bool = True
    pull: bool = True


@dataclass(slots=True)
class _Pulling:
    """A pull that may take several answers. `purpose` is live, load or resync."""

    purpose: str
    gathered: Gathered
    mores: int = 0


class ClientCore:
    """One device's sync. Not thread-safe; each method that touches the store blocks on the disk."""

    def __init__(self, store: ReplicaPort, rng: random.Random, app: str = "") -> None:
        self._store = store
        self._rng = rng
        self._app = app
        self._wish = _Wish()
        self._state: ReplicaState = store.state()
        self._acked = 0  # the server's word that a mutation arrived; only a pulled lmid ends its being pending
        self._pulling: _Pulling | None = None
        self._fetching: Fetching | None = None
        self._limits = Limits()
        self._totals: dict[str, int] = {}
        self._shows_rows = False  # of a first load: the first ones go into view at once, the others in large steps
        self._snapshots: dict[str, SnapshotRef] = {}
        self._complete: set[str] = set()  # loaded scopes that the next checkpoint takes up
        self._new_epoch: bytes | None = None  # said by a hello; the files follow with the joint checkpoint
        self._next_poll_ms = 0
        self._now_ms = 0
        self._stall = StallWatch()
        self._suspect: set[str] = set()  # scopes whose sums differed: when it happens again the server is believed
        self._push_limit: int | None = None
        self._guard_until: int | None = None
        self._unguarded = False
        self.guard: tuple[int, int] | None = None  # tickets that would go, tickets here: a person is asked
        self.keep_above: int | None = None  # set when this installation needs a new device id
        self.last_code: str | None = None
        self.counters = SyncCounters()

    # --- wishes -------------------------------------------------------------------------------------------------------

    def committed(self) -> None:
        """A mutation was saved."""
        self._wish.push = True

    def poked(self, heads: Mapping[str, int] | None = None) -> None:
        """The server has news; `heads` without anything new are ignored."""
        scopes = self._state.scopes
        if heads is None or any(s not in scopes or scopes[s].cursor < head for s, head in heads.items()):
            self._wish.pull = True

    def rehello(self) -> None:
        """Say hello again: access changed, or the connection is new."""
        self._wish.hello = True
        self._stall.offline()

    def sync_now(self) -> None:
        """A person asked for it, or the connection is back."""
        self._wish = _Wish()
        self._guard_until = None

    def reset(self) -> None:
        """Forget what is in memory and start from the files."""
        self._state = self._store.state()
        self._pulling = self._fetching = None
        self._acked = 0
        self._new_epoch = None
        self._complete.clear()
        self._wish = _Wish()

    def answer_guard(self, *, apply: bool) -> None:
        """A person's answer: let the tickets go, or keep waiting for the server to come to its senses."""
        if self.guard is None:
            return
        self._unguarded = apply
        self._guard_until = None if apply else self._now_ms + _GUARD_RETRY_MS
        self.guard = None if apply else self.guard
        self._wish.pull = True

    # --- what is so ---------------------------------------------------------------------------------------------------

    @property
    def state(self) -> ReplicaState:
        """Where the replica stands."""
        return self._state

    @property
    def stuck(self) -> bool:
        """Whether the server answers, work waits, and starting over did not help."""
        return self._stall.is_stuck

    @property
    def loading(self) -> bool:
        """Whether a scope is in its first load, or nothing is known yet."""
        return not self._state.scopes or any(s.state == "loading" for s in self._state.scopes.values())

    @property
    def percent(self) -> int | None:
        """How much of the first load is here, 0 to 99; None when there is none."""
        if not self.loading or not self._totals:
            return None
        total = sum(self._totals.values())
        held = sum(min(s.n, self._totals.get(s.id, 0)) for s in self._state.scopes.values())
        return min(99, held * 100 // total) if total else None

    @property
    def acknowledged(self) -> int:
        """The highest mid that the server is known to have."""
        return max(self._acked, self._state.lmid_seen)

    @property
    def next_poll_ms(self) -> int:
        """When to pull without being asked."""
        return self._next_poll_ms

    def diagnostics(self) -> dict[str, Any]:
        """What a person who helps with a stuck queue wants to know."""
        return {
            "lmid_seen": self._state.lmid_seen,
            "acknowledged": self._acked,
            "last_mid": self._store.last_mid(),
            "scopes": {s.id: f"{s.state} {s.cursor}" for s in self._state.scopes.values() if s.state != "live"},
            "last_code": self.last_code or "",
            "checkpoints": self.counters.checkpoints,
        }

    # --- requests -----------------------------------------------------------------------------------------------------

    def next(self, now_ms: int) -> Request | None:
        """Return the next request, or None when everything is said for now. One is under way at a time."""
        self._now_ms = now_ms
        if self.keep_above is not None:
            return None
        self._look_for_stall(now_ms)
        if self._wish.hello:
            return self._hello(now_ms)
        push = self._push() if self._wish.push and self._new_epoch is None else None
        if push is not None:
            return push
        if self._pulling is None and self._fetching is None:
            self._choose(now_ms)
        if self._fetching is not None:
            return self._fetching.request()
        return self._pull(self._pulling) if self._pulling is not None else None

    def _hello(self, now_ms: int) -> Hello:
        self._pulling = self._fetching = None
        return Hello(
            device=self._state.device,
            epoch=self._state.epoch,
            schema=SCHEMA,
            app=self._app,
            wall_ms=now_ms,
            lmid_seen=self._state.lmid_seen,
            last_mid=self._store.last_mid(),
            scopes={s.id: s.held for s in self._state.scopes.values()},
        )

    def _push(self) -> Push | None:
        above = max(self._acked, self._state.lmid_seen)
        limit = min(self._push_limit or self._limits.push_n, self._limits.push_n)
        entries = self._store.outbox(above, limit, self._limits.push_bytes * 3 // 4)
        if not entries or self._state.epoch is None:
            self._wish.push = False
            return None
        muts = [
            Mutation(mid=e.mid, name=e.name, v=e.v, hlc=e.hlc, hash=e.hash, args=e.args, base=dict(e.base))
            for e in entries
        ]
        return Push(device=self._state.device, epoch=self._state.epoch, muts=muts)

    def _choose(self, now_ms: int) -> None:
        """Set what to load next, if anything."""
        scopes = self._state.scopes.values()
        if now_ms >= self._next_poll_ms:
            self._wish.pull = True
            self._plan_poll(now_ms)
        broken = [s for s in scopes if s.state == "resync" and s.id not in self._complete]
        loading = [s for s in sorted(scopes, key=_by_priority) if s.state == "loading" and s.id not in self._complete]
        ready = [s for s in scopes if s.state == "live" or s.id in self._complete]
        if self._new_epoch is not None:
            self._begin(broken, "resync") if broken else self._begin_live(ready, now_ms)
        elif self._wish.pull and ready and self._begin_live(ready, now_ms):
            pass
        elif loading:
            self._begin([s for s in loading if s.prio == loading[0].prio], "load")
        elif broken:
            self._begin(broken, "resync")
        if not ready:
            self._wish.pull = False

    def _begin_live(self, scopes: Sequence[ScopeState], now_ms: int) -> bool:
        if self._guard_until is not None and now_ms < self._guard_until:
            self._wish.pull = False
            return False
        self._wish.pull = False
        self._pulling = _Pulling("live", Gathered({s.id: s.held for s in scopes}))
        return True

    def _begin(self, scopes: Sequence[ScopeState], purpose: str) -> None:
        for scope in scopes:
            ref = self._snapshots.get(scope.id)
            if ref is not None and scope.held == 0:
                offset = scope.snap_offset if scope.snapshot == ref.id else 0
                self._fetching = Fetching(scope.id, ref, offset)
                return
        self._pulling = _Pulling(purpose, Gathered({s.id: s.held for s in scopes}))

    def _pull(self, pulling: _Pulling) -> Pull:
        size = self._limits.pull_bytes
        if pulling.purpose == "load":
            size = _LOAD_PULL_BYTES if self._shows_rows else FIRST_PULL_BYTES
        if pulling.mores >= _MORES_BEFORE_GROWTH:
            size = min(size * 4 ** (pulling.mores - _MORES_BEFORE_GROWTH + 1), _HARD_PULL_BYTES)
        return Pull(
            device=self._state.device,
            epoch=self._epoch,
            lmid_seen=self._state.lmid_seen,
            scopes=dict(pulling.gathered.marks),
            max_bytes=size,
        )

    @property
    def _epoch(self) -> bytes:
        return self._new_epoch or self._state.epoch or b""

    # --- answers ------------------------------------------------------------------------------------------------------

    def on_hello(self, answer: HelloAnswer, now_ms: int) -> Applied:
        """Take up scopes that are new, drop those that are gone, mark those to be loaded again."""
        self._limits = answer.limits
        self._totals = {s.id: s.n for s in answer.scopes}
        self._snapshots = {s.id: s.snapshot for s in answer.scopes if s.snapshot is not None}
        self._acked = answer.lmid
        self._stall.online(now_ms)
        if self._is_somebody_else(answer):
            self._need_device(answer.lmid)
            return Applied()
        known = self._state.scopes
        fresh = {s.id: s.prio for s in answer.scopes if s.id not in known}
        running = answer.epoch == self._new_epoch  # what was loaded since is of this epoch already
        again = [
            s.id
            for s in answer.scopes
            if s.state == "reset" and s.id in known and not (running and known[s.id].state == "resync")
        ]
        settled = self._state.epoch is None or not any(s.state != "loading" for s in known.values())
        changed = answer.epoch != self._state.epoch and not settled
        self._new_epoch = answer.epoch if changed else None
        applied = Applied()
        if fresh or again or answer.drop or (answer.epoch != self._state.epoch and not changed):
            applied = self._store.set_scopes(None if changed else answer.epoch, fresh, again, answer.drop)
        self._refresh()
        self._complete -= set(again)
        self._wish = _Wish(hello=False)
        self._plan_poll(now_ms)
        return applied

    def _is_somebody_else(self, answer: HelloAnswer) -> bool:
        """Whether the server knows mutations of this device id that were not made here: a copied or restored file."""
        last = self._store.last_mid()
        if self._state.foreign or answer.lmid > last or self._state.lmid_seen > last:
            return True
        if answer.lmid_hash is None or answer.lmid == 0:
            return False
        own = self._store.outbox(answer.lmid - 1, 1, 1)
        return bool(own) and own[0].mid == answer.lmid and own[0].hash != answer.lmid_hash

    def _need_device(self, lmid: int) -> None:
        self._pulling = self._fetching = None
        self.keep_above = min(lmid, self._state.lmid_seen)

    def on_push(self, answer: PushAnswer) -> None:
        """Remember how far the server got. Results that matter come again with a pull."""
        if answer.lmid <= self._acked:
            if self._stall.push_without_progress():
                self._start_over()
        else:
            self.counters.pushed += answer.lmid - self._acked
            self._acked = answer.lmid
            self._stall.progressed(self._now_ms)
            self._push_limit = None
        self._wish.pull = True

    @property
    def reads_ahead(self) -> bool:
        """Whether rows of a first load come in, so that it pays to make them ready while others are stored."""
        return self._fetching is not None or (self._pulling is not None and self._pulling.purpose == "load")

    def ready(self, frames: Sequence[PullFrame]) -> list[PullFrame | RowPage]:
        """Do the work on rows that needs neither the file nor this object; any thread. Raises ProtocolError."""
        return [self._store.ready(page_of(f)) if isinstance(f, Rows) else f for f in frames]

    def on_frame(self, frame: PullFrame | RowPage) -> Applied | None:
        """Take one frame; returns what became visible, if anything. In a first load rows are stored as they come.

        Raises ProtocolError for a frame that has no place here.
        """
        pulling = self._pulling
        if pulling is None:
            return None
        gathered = pulling.gathered
        gathered.take(frame)
        if gathered.epoch != self._epoch:
            raise ProtocolError("malformed", "an answer of another epoch")
        limit = _KEEP_ROWS if pulling.purpose != "load" else CHUNK_ROWS if self._shows_rows else _FIRST_CHUNK_ROWS
        return self._store_complete(pulling) if gathered.rows >= limit else None

    def on_pull_end(self, now_ms: int) -> Applied | None:
        """Finish an answer: store it, ask for more, or apply the checkpoint."""
        pulling = self._pulling
        if pulling is None:
            return None
        self._now_ms = now_ms
        gathered = pulling.gathered
        if not gathered.finished:
            # `More`, or an answer that was cut: what lies below a mark is complete and need not be sent again
            applied = self._store_complete(pulling)
            pulling.mores += 1
            gathered.next_answer()
            if pulling.purpose != "live":
                self._pulling = None  # a push or news of the live scopes may go first
            return applied
        self._pulling = None
        self._wish.hello = self._wish.hello or gathered.rehello
        if pulling.purpose == "live":
            self._plan_poll(now_ms)
            return self._finish(gathered)
        applied = self._store_complete(pulling)
        self._complete |= gathered.marks.keys() - set(gathered.drop)
        self._wish.hello = self._wish.hello or bool(gathered.drop)
        self._wish.pull = True  # the scopes join the others in one checkpoint
        return applied

    def on_cut(self) -> Applied | None:
        """An answer broke off: keep what is complete, forget the rest."""
        if self._fetching is not None:
            applied = self._fetching.store(self._store, force=True)
            self._fetching = None
            self._refresh()
            return applied
        if self._pulling is None:
            return None
        self._pulling.gathered.finished = False
        return self.on_pull_end(self._now_ms)

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def on_snapshot(self, raw: bytes, frames: Sequence[PullFrame | RowPage]) -> Applied | None:
        """Take the next whole piece of a snapshot file: its bytes and what is in them."""
        fetching = self._fetching
        if fetching is None:
            return None
        fetching.take(raw, frames)
        applied = fetching.store(self._store, force=not self._shows_rows)
        if applied is not None:
            self._shows_rows = True
            self._refresh()
            self.counters.rows += applied.rows
        return applied

    def on_snapshot_end(self) -> Applied | None:
        """The file is here: check it. A bad one is forgotten, and the scope pulled instead."""
        fetching, self._fetching = self._fetching, None
        if fetching is None:
            return None
        applied = fetching.store(self._store, force=True)
        self._snapshots.pop(fetching.scope, None)
        if not fetching.end(self._store):
            self.counters.differing.append(fetching.scope)
        self._refresh()
        return applied

    # --- trouble ------------------------------------------------------------------------------------------------------

    def on_problem(self, status: int, problem: Problem, retry_s: float | None) -> Verdict:
        """Say what an error answer means; puts right what can be put right."""
        code = self.last_code = problem.code
        fetching, self._fetching = self._fetching, None
        self._pulling = None if code != "busy" else self._pulling
        if status == 401:
            return Verdict("token", code)
        if code in ("suspended", "revoked"):
            return Verdict("locked", code)
        if fetching is not None and status in (404, 410, 416):
            self._snapshots.pop(fetching.scope, None)  # gone: that scope alone starts over, without it
            return Verdict("again", "reset")
        if code == "epoch":
            self._wish.hello = True
        elif code == "reset" and problem.scope is not None and problem.scope in self._state.scopes:
            self._resync([problem.scope])
        elif code == "reset":
            self._wish.hello = True
        elif code in ("gap", "fork"):
            return self._on_gap(code, problem)
        elif code == "too_large":
            self._push_limit = max(1, (self._push_limit or self._limits.push_n) // 2)
        elif code == "schema":
            return Verdict("stop", code)
        return Verdict("again", code, retry_s)

    def _on_gap(self, code: str, problem: Problem) -> Verdict:
        if code == "gap" and problem.expected is not None and self._holds(problem.expected):
            self._acked = problem.expected - 1
            # below what a checkpoint confirmed: the server lost something, and a hello proves it
            self._wish.hello = self._wish.hello or self._state.lmid_seen >= problem.expected
            return Verdict("again", code)
        self._need_device((problem.expected or problem.mid or self._acked + 1) - 1)
        return Verdict("device", code)

    def _look_for_stall(self, now_ms: int) -> None:
        if self._stall.is_overdue(now_ms):
            # while a person is asked whether tickets may go, nothing is confirmed: that is no stall
            if self.guard is not None or self._store.last_mid() <= self._state.lmid_seen:
                self._stall.progressed(now_ms)
            else:
                self._start_over()

    def _start_over(self) -> None:
        self._stall.started_over(self._now_ms)
        self.reset()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        self._state = self._store.state()

    def _plan_poll(self, now_ms: int) -> None:
        spread = self._rng.uniform(0.8, 1.2)
        self._next_poll_ms = now_ms + int(self._limits.poll_s * 1000 * spread)

    def _holds(self, mid: int) -> bool:
        entries = self._store.outbox(mid - 1, 1, 1)
        return bool(entries) and entries[0].mid == mid

    def _store_complete(self, pulling: _Pulling) -> Applied | None:
        """Put what is complete on the disk: into view in a first load, else for the checkpoint that follows."""
        segments = pulling.gathered.take_complete()
        if not segments:
            return None
        applied: Applied | None = None
        if pulling.purpose == "load":
            applied = self._store.load(segments)
            self.counters.rows += applied.rows
            self._shows_rows = self._shows_rows or applied.rows >= _FIRST_CHUNK_ROWS
        else:
            self._store.keep(segments)
        self._refresh()
        return applied

    def _finish(self, gathered: Gathered) -> Applied:
        """Apply a checkpoint of all live scopes and those that were just loaded."""
        checkpoint = self._checkpoint(gathered)
        seen = self._state.lmid_seen
        applied = self._store.apply(checkpoint)
        while applied.differing:
            checkpoint = self._without(checkpoint, applied.differing)
            applied = self._store.apply(checkpoint)
        if applied.guard is not None:
            self.guard, self._guard_until = applied.guard, self._now_ms + _GUARD_RETRY_MS
            self._refresh()
            return Applied()
        self.guard = self._guard_until = None
        self._unguarded = False
        self._new_epoch = None
        self._complete.clear()
        self._refresh()
        if self._state.lmid_seen != seen:
            self._stall.progressed(self._now_ms)
        if checkpoint.new_epoch:
            self._acked = checkpoint.lmid
            self._wish.push = True
        self._suspect -= checkpoint.cursors.keys()
        self.counters.checkpoints += 1
        self.counters.rows += applied.rows
        return applied

    def _checkpoint(self, gathered: Gathered) -> Checkpoint:
        held = {s: to for s, to in gathered.marks.items() if s not in gathered.drop}
        scopes = self._state.scopes
        whole = frozenset(s for s in held if scopes[s].state == "resync")
        return Checkpoint(
            epoch=gathered.epoch,
            lmid=gathered.lmid,
            cursors=held,
            sums={s: (v.n, v.xsum) for s, v in gathered.sums.items() if s in held},
            segments=[s for s in gathered.take_complete() if s.scope in held],
            results=[MutationResult(r.mid, r.st, r.code, r.data) for r in gathered.results],
            whole=whole,
            trusted=whole & self._suspect,
            drop=[s for s in gathered.drop if s in scopes],
            new_epoch=self._new_epoch is not None,
            unguarded=self._unguarded,
        )

    def _without(self, checkpoint: Checkpoint, differing: Sequence[str]) -> Checkpoint:
        """Return the rest of a checkpoint and have the scopes that differ loaded again; nobody waits for them."""
        self.counters.differing += differing
        self._suspect |= set(differing)
        self._resync(differing)
        return replace(
            checkpoint,
            cursors={s: c for s, c in checkpoint.cursors.items() if s not in differing},
            sums={s: v for s, v in checkpoint.sums.items() if s not in differing},
            segments=[s for s in checkpoint.segments if s.scope not in differing],
            whole=checkpoint.whole - set(differing),
        )

    def _resync(self, scopes: Sequence[str]) -> None:
        self._store.set_scopes(None, {}, scopes, ())
        self._complete -= set(scopes)
        self._refresh()


def _by_priority(scope: ScopeState) -> tuple[int, str]:
    return scope.prio, scope.id
