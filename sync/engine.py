# SPDX-License-Identifier: GPL-3.0-or-later
"""The client half of sync without any I/O: says what to send next and takes what came back. Pure but for its store.

Time comes in as milliseconds, chance as a `random.Random`, the files as a `ReplicaPort`; docs/sync.md explains the
rules. Order of work: hello, push, pull of the live scopes, first loads, repairs; after a change of epoch repairs
first, then one pull of everything, then pushes.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.entities import SCHEMA
from app.domain.replica import Applied
from sync.backoff import Backoff
from sync.engine_loads import Loading
from sync.engine_state import Wish
from sync.fetch import Fetch
from sync.protocol import Hello, HelloAnswer, Mutation, Problem, Pull, Push, PushAnswer

__all__ = ["Backoff", "ClientCore", "Fetch", "Request", "Verdict"]

Request = Hello | Push | Pull | Fetch

_CLOCK_SET_MS = 5_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error answer means for the loop above: ask for sign-in, lock, take a new device id, or try again.

    `kind`: again, token, locked, device, stop.
    """

    kind: str
    code: str
    retry_s: float | None = None


class ClientCore(Loading):
    """One device's sync. Not thread-safe; each method that touches the store blocks on the disk."""

    # --- requests -----------------------------------------------------------------------------------------------------

    def next(self, now_ms: int, wall_ms: int | None = None) -> Request | None:
        """Return the next request, or None when everything is said for now. One is under way at a time.

        `now_ms`, here and elsewhere, is of a clock that nobody sets: pauses rest on it. `wall_ms` is what the computer
        takes for the time, if that is another one; the server measures how far it is off, again after it was set.
        """
        self._now_ms = now_ms
        wall_ms = now_ms if wall_ms is None else wall_ms
        if self.keep_above is not None:
            return None
        self._look_for_stall(now_ms)
        if self._wish.hello or abs(wall_ms - now_ms - self._wall_ahead_ms) > _CLOCK_SET_MS:
            self._wish.hello = True
            self._wall_ahead_ms = wall_ms - now_ms
            return self._hello(wall_ms)
        push = self._push() if self._wish.push and self._new_epoch is None else None
        if push is not None:
            return push
        if self._pulling is None and self._fetching is None:
            self._choose(now_ms)
        if self._fetching is not None:
            return self._fetching.request()
        return self._pull(self._pulling) if self._pulling is not None else None

    def _hello(self, wall_ms: int) -> Hello:
        self._pulling = self._fetching = None
        seen = self._state.lmid_seen
        own = self._store.outbox(seen - 1, 1, 1) if seen else ()
        scopes = self._state.scopes.values()
        return Hello(
            device=self._state.device,
            epoch=self._state.epoch,
            schema=SCHEMA,
            app=self._app,
            wall_ms=wall_ms,
            lmid_seen=seen,
            last_mid=self._store.last_mid(),
            scopes={s.id: s.held for s in scopes},
            seen_hash=own[0].hash if own and own[0].mid == seen else None,
            sums={s.id: (s.n, s.xsum) for s in scopes if s.cursor and s.held == s.cursor},
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
        self._pushed = len(muts)
        return Push(device=self._state.device, epoch=self._state.epoch, muts=muts)

    # --- answers ------------------------------------------------------------------------------------------------------

    def on_hello(self, answer: HelloAnswer, now_ms: int) -> Applied:
        """Take up scopes that are new, drop those that are gone, mark those to be loaded again."""
        self._limits = answer.limits
        self._totals = {s.id: s.n for s in answer.scopes}
        self._snapshots = {s.id: s.snapshot for s in answer.scopes if s.snapshot is not None}
        self._acked = answer.lmid
        self._stall.online(now_ms)
        if self._is_somebody_else(answer):
            # what was confirmed before the server was restored may have been refused since: it is sent again
            self._need_device(answer.lmid if answer.epoch == self._state.epoch else 0)
            return Applied()
        known = self._state.scopes
        fresh = {s.id: s.prio for s in answer.scopes if s.id not in known}
        again = self._again(answer)
        settled = self._state.epoch is None or not any(s.state != "loading" for s in known.values())
        changed = answer.epoch != self._state.epoch and not settled
        self._new_epoch = answer.epoch if changed else None
        applied = Applied()
        if fresh or again or answer.drop or (answer.epoch != self._state.epoch and not changed):
            applied = self._store.set_scopes(None if changed else answer.epoch, fresh, again, answer.drop)
        self._refresh()
        self._complete -= set(again)
        self._wish = Wish(hello=False)
        self._plan_poll(now_ms)
        return applied

    def _again(self, answer: HelloAnswer) -> list[str]:
        """Return the scopes to load again: those that the server names, or all that hold rows.

        All, if it was restored and a first load of its lost future ends here. Rows that went ahead to that load are
        missing where they were, and may be there still for this server: only the sums would tell, later.
        """
        known = self._state.scopes
        running = answer.epoch == self._new_epoch  # what was loaded since is of this epoch already
        again = [
            s.id
            for s in answer.scopes
            if s.state == "reset" and s.id in known and not (running and known[s.id].state == "resync")
        ]
        ended = [s for s in (*again, *answer.drop) if s in known and known[s].state == "loading"]
        if answer.epoch != self._state.epoch and not running and any(known[s].n or known[s].held for s in ended):
            return [s.id for s in answer.scopes if s.id in known and known[s.id].held]
        return again

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
            self._push_limit = self._push_limit and self._push_limit * 2
        self._wish.pull = True

    def on_push_lost(self) -> None:
        """No answer to a push: a line that breaks again and again may let a smaller one through."""
        self._push_limit = max(1, self._pushed // 2)

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

    def _holds(self, mid: int) -> bool:
        entries = self._store.outbox(mid - 1, 1, 1)
        return bool(entries) and entries[0].mid == mid
