# SPDX-License-Identifier: GPL-3.0-or-later
"""The client half of sync without any I/O: says what to send next and takes what came back. Pure but for its store.

Time comes in as milliseconds, chance as a `random.Random`, the files as a `ReplicaPort`; docs/sync.md explains the
rules. Order of work: hello, push, pull of the live scopes, first loads, repairs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.entities import SCHEMA
from app.domain.replica import (
    Applied,
    Checkpoint,
    MutationResult,
    ReplicaPort,
    ReplicaState,
    ScopeState,
    SyncCounters,
)
from sync.gather import Gathered
from sync.protocol import (
    Hello,
    HelloAnswer,
    Limits,
    Mutation,
    Problem,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
)

FIRST_PULL_BYTES = 1 << 20  # rows show early; later answers are larger
_STALLED_PUSHES = 3
_MORES_BEFORE_GROWTH = 8
_HARD_PULL_BYTES = 64 << 20

Request = Hello | Push | Pull


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error answer means for the loop above: ask for sign-in, stop for good, or try again later."""

    kind: str  # again, token, stop
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
    cursors: dict[str, int]
    gathered: Gathered
    mores: int = 0
    scopes: frozenset[str] = field(default_factory=frozenset)


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
        self._limits = Limits()
        self._totals: dict[str, int] = {}
        self._next_poll_ms = 0
        self._stalled = 0
        self._suspect: set[str] = set()  # scopes that differed right after being loaded
        self._push_limit: int | None = None
        self.counters = SyncCounters()
        self.stuck = False

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

    def sync_now(self) -> None:
        """A person asked for it, or the connection is back."""
        self._wish = _Wish()

    def reset(self) -> None:
        """Forget what is in memory and start from the files."""
        self._state = self._store.state()
        self._pulling = None
        self._acked = 0
        self._wish = _Wish()

    # --- what is so ---------------------------------------------------------------------------------------------------

    @property
    def state(self) -> ReplicaState:
        """Where the replica stands."""
        return self._state

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

    # --- requests -----------------------------------------------------------------------------------------------------

    def next(self, now_ms: int) -> Request | None:
        """Return the next request, or None when everything is said for now. One is under way at a time."""
        if self._wish.hello:
            return self._hello(now_ms)
        push = self._push() if self._wish.push else None
        if push is not None:
            return push
        if self._pulling is None:
            self._pulling = self._choose(now_ms)
        return self._pull(self._pulling) if self._pulling is not None else None

    def _hello(self, now_ms: int) -> Hello:
        self._pulling = None
        return Hello(
            device=self._state.device,
            epoch=self._state.epoch,
            schema=SCHEMA,
            app=self._app,
            wall_ms=now_ms,
            lmid_seen=self._state.lmid_seen,
            last_mid=self._store.last_mid(),
            scopes={s.id: s.cursor for s in self._state.scopes.values()},
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

    def _choose(self, now_ms: int) -> _Pulling | None:
        scopes = self._state.scopes.values()
        if now_ms >= self._next_poll_ms:
            self._wish.pull = True
        live = {s.id: s.cursor for s in scopes if s.state == "live"}
        if self._wish.pull and live:
            self._wish.pull = False
            return _pulling("live", live)
        loading = {s.id: s.cursor for s in sorted(scopes, key=_by_priority) if s.state == "loading"}
        if loading:
            return _pulling("load", loading)
        broken = {s.id: 0 for s in scopes if s.state == "resync"}
        if broken:
            return _pulling("resync", broken)
        if not live:
            self._wish.pull = False
        return None

    def _pull(self, pulling: _Pulling) -> Pull:
        size = FIRST_PULL_BYTES if pulling.purpose == "load" and pulling.mores == 0 else self._limits.pull_bytes
        if pulling.mores >= _MORES_BEFORE_GROWTH:
            size = min(size * 4 ** (pulling.mores - _MORES_BEFORE_GROWTH + 1), _HARD_PULL_BYTES)
        return Pull(
            device=self._state.device,
            epoch=self._state.epoch or b"",
            lmid_seen=self._state.lmid_seen,
            scopes=pulling.cursors,
            max_bytes=size,
        )

    # --- answers ------------------------------------------------------------------------------------------------------

    def on_hello(self, answer: HelloAnswer, now_ms: int) -> Applied:
        """Take up scopes that are new, drop those that are gone, mark those to be loaded again."""
        self._limits = answer.limits
        self._totals = {s.id: s.n for s in answer.scopes}
        self._acked = answer.lmid
        fresh = {s.id: s.prio for s in answer.scopes if s.id not in self._state.scopes}
        again = [s.id for s in answer.scopes if s.state == "reset" and s.id in self._state.scopes]
        applied = Applied()
        if fresh or again or answer.drop or answer.epoch != self._state.epoch:
            applied = self._store.set_scopes(answer.epoch, fresh, again, answer.drop)
        self._state = self._store.state()
        self._wish = _Wish(hello=False)
        self._plan_poll(now_ms)
        return applied

    def on_push(self, answer: PushAnswer) -> None:
        """Remember how far the server got. Results that matter come again with a pull."""
        if answer.lmid <= self._acked:
            self._count_stall()
        else:
            self.counters.pushed += answer.lmid - self._acked
            self._acked, self._stalled, self.stuck = answer.lmid, 0, False
            self._push_limit = None
        self._wish.pull = True

    def on_frame(self, frame: PullFrame) -> Applied | None:
        """Take one frame; returns what became visible, if anything. In a first load rows are stored as they come."""
        pulling = self._pulling
        if pulling is None:
            return None
        pulling.gathered.take(frame)
        if pulling.purpose == "load" and pulling.gathered.is_full:
            return self._store_chunk(pulling)
        return None

    def on_pull_end(self, now_ms: int) -> Applied | None:
        """Finish an answer: store it, ask for more, or apply the checkpoint."""
        pulling = self._pulling
        if pulling is None:
            return None
        gathered = pulling.gathered
        applied = self._store_chunk(pulling) if pulling.purpose == "load" else None
        pulling.cursors = {**pulling.cursors, **gathered.marks}
        if not gathered.finished:
            # `More`, or an answer that was cut: what lies below a mark is complete and need not be sent again
            pulling.mores += 1
            pulling.gathered = gathered.carry_on()
            if pulling.purpose == "load":
                self._pulling = None  # a push or news of the live scopes may go first
            return applied
        self._pulling = None
        self._plan_poll(now_ms)
        done = self._finish(pulling)
        return _merged(applied, done)

    def on_cut(self) -> Applied | None:
        """An answer broke off: keep what is complete, forget the rest."""
        if self._pulling is None:
            return None
        self._pulling.gathered.cut()
        return self.on_pull_end(self._next_poll_ms)

    def on_problem(self, status: int, problem: Problem, retry_s: float | None) -> Verdict:
        """Say what an error answer means; puts right what can be put right."""
        code = problem.code
        self._pulling = None if code != "busy" else self._pulling
        if status == 401:
            return Verdict("token", code)
        if code == "epoch":
            self._wish.hello = True
            return Verdict("again", code)
        if code == "reset" and problem.scope is not None and problem.scope in self._state.scopes:
            self._resync([problem.scope])
            return Verdict("again", code)
        if code == "gap" and problem.expected is not None and self._holds(problem.expected):
            self._acked = problem.expected - 1
            self._state = replace(self._state, lmid_seen=min(self._state.lmid_seen, self._acked))
            return Verdict("again", code)
        if code == "too_large":
            self._push_limit = max(1, (self._push_limit or self._limits.push_n) // 2)
            return Verdict("again", code)
        if code in ("suspended", "revoked", "schema", "fork", "gap"):
            return Verdict("stop", code)
        return Verdict("again", code, retry_s)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _plan_poll(self, now_ms: int) -> None:
        spread = self._rng.uniform(0.8, 1.2)
        self._next_poll_ms = now_ms + int(self._limits.poll_s * 1000 * spread)

    def _holds(self, mid: int) -> bool:
        entries = self._store.outbox(mid - 1, 1, 1)
        return bool(entries) and entries[0].mid == mid

    def _count_stall(self) -> None:
        self._stalled += 1
        if self._stalled % _STALLED_PUSHES == 0:
            self.stuck = self._stalled > _STALLED_PUSHES
            self.reset()

    def _store_chunk(self, pulling: _Pulling) -> Applied | None:
        pages, exits, marks = pulling.gathered.take_complete()
        if not marks:
            return None
        applied = self._store.load(pages, exits, marks)
        self._state = self._store.state()
        pulling.cursors = {**pulling.cursors, **marks}
        self.counters.rows += applied.rows
        return applied

    def _finish(self, pulling: _Pulling) -> Applied:
        gathered = pulling.gathered
        if gathered.rehello:
            self._wish.hello = True
        checkpoint = self._checkpoint(pulling)
        applied = self._store.apply(checkpoint)
        if applied.differing:
            applied = self._without(checkpoint, applied.differing)
        dropped = [s for s in gathered.drop if s in self._state.scopes]
        if dropped:
            gone = self._store.set_scopes(gathered.epoch, {}, (), dropped)
            applied = _merged(applied, gone) or applied
        self._state = self._store.state()
        if pulling.purpose == "load":
            self._wish.pull = True  # joins the new scopes with the others, and brings the mutations' results
        self.counters.checkpoints += 1
        self.counters.rows += applied.rows
        return applied

    def _checkpoint(self, pulling: _Pulling) -> Checkpoint:
        gathered = pulling.gathered
        pages, exits, _ = gathered.take_complete()
        held = {s: to for s, to in pulling.cursors.items() if s not in gathered.drop}
        live = pulling.purpose == "live"
        return Checkpoint(
            epoch=gathered.epoch,
            # only a pull of all live scopes may say that mutations are confirmed
            lmid=gathered.lmid if live else 0,
            cursors=held,
            sums={s: (v.n, v.xsum) for s, v in gathered.sums.items() if s in held},
            pages=pages,
            exits=exits,
            results=[MutationResult(r.mid, r.st, r.code, r.data) for r in gathered.results] if live else (),
            whole=frozenset(held) if pulling.purpose == "resync" else frozenset(),
            trusted=frozenset(self._suspect & held.keys()) if pulling.purpose == "resync" else frozenset(),
        )

    def _without(self, checkpoint: Checkpoint, differing: Sequence[str]) -> Applied:
        """Apply the rest of a checkpoint and have the scopes that differ loaded again; nobody waits for them."""
        self.counters.differing += differing
        if checkpoint.whole:
            self._suspect |= set(differing)  # differed right after a full load: next time the server is believed
        self._resync(differing)
        rest = replace(
            checkpoint,
            cursors={s: c for s, c in checkpoint.cursors.items() if s not in differing},
            sums={s: v for s, v in checkpoint.sums.items() if s not in differing},
            pages=[p for p in checkpoint.pages if p.scope not in differing],
            exits=[e for e in checkpoint.exits if e.scope not in differing],
            whole=checkpoint.whole - set(differing),
        )
        return self._store.apply(rest) if rest.cursors else Applied()

    def _resync(self, scopes: Sequence[str]) -> None:
        self._store.set_scopes(self._state.epoch or b"", {}, scopes, ())
        self._state = self._store.state()


def _pulling(purpose: str, cursors: dict[str, int]) -> _Pulling:
    return _Pulling(purpose, cursors, Gathered(), scopes=frozenset(cursors))


def _by_priority(scope: ScopeState) -> tuple[int, str]:
    return scope.prio, scope.id


def _merged(first: Applied | None, second: Applied | None) -> Applied | None:
    if first is None or second is None:
        return first or second
    named = first.ids | second.ids if bool(first.ids) or not first.types else frozenset[bytes]()
    if second.types and not second.ids:
        named = frozenset()
    return Applied(
        first.types | second.types, named, second.differing, first.rows + second.rows,
        first.lmid_moved or second.lmid_moved,
    )  # fmt: skip


class Backoff:
    """Full jitter between 1 s and 5 min; a success or a change of network starts it over."""

    def __init__(self, rng: random.Random, first_s: float = 1.0, most_s: float = 300.0) -> None:
        self._rng = rng
        self._first_s = first_s
        self._most_s = most_s
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many failures there were in a row."""
        return self._failures

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0

    def failed_s(self, asked_s: float | None = None) -> float:
        """Return how long to wait after a failure; never less than the server asked for."""
        self._failures += 1
        top = min(self._most_s, self._first_s * 2 ** (self._failures - 1))
        return max(self._rng.uniform(top / 4, top), asked_s or 0.0)
