# SPDX-License-Identifier: GPL-3.0-or-later
"""What one device's sync knows and wishes: the ground that loading and the exchange with the server stand on. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.replica import ReplicaPort, ReplicaState, SyncCounters
from sync.backoff import StallWatch
from sync.fetch import Fetching
from sync.gather import Gathered
from sync.protocol import Limits, SnapshotRef

__all__ = ["GUARD_RETRY_MS", "CoreState", "Pulling", "Wish"]

GUARD_RETRY_MS = 600_000
_NEWS_WAIT_S = 5.0  # so long a first load or a repair may hold up news of what is complete


@dataclass(slots=True)
class Wish:
    """What is to be done."""

    hello: bool = True
    push: bool = True
    pull: bool = True


@dataclass(slots=True)
class Pulling:
    """A pull that may take several answers. `purpose` is live, load or resync."""

    purpose: str
    gathered: Gathered
    mores: int = 0


class CoreState:
    """The state of a `ClientCore`, what others wish of it, and what it tells about itself."""

    def __init__(self, store: ReplicaPort, rng: random.Random, app: str = "") -> None:
        self._store = store
        self._rng = rng
        self._app = app
        self._wish = Wish()
        self._state: ReplicaState = store.state()
        self._acked = 0  # the server's word that a mutation arrived; only a pulled lmid ends its being pending
        self._pulling: Pulling | None = None
        self._fetching: Fetching | None = None
        self._limits = Limits()
        self._totals: dict[str, int] = {}
        self._shown = 0  # rows of first loads: the first ones go into view at once, the others in growing steps
        self._snapshots: dict[str, SnapshotRef] = {}
        self._live_news = False  # what is complete here has news, whatever else is loaded
        self._complete: set[str] = set()  # loaded scopes that the next checkpoint takes up
        self._new_epoch: bytes | None = None  # said by a hello; the files follow with the joint checkpoint
        self._next_poll_ms = 0
        self._now_ms = 0
        self._wall_ahead_ms = 0  # of the clock that pauses rest on, when the server last measured it
        self._stall = StallWatch()
        self._suspect: set[str] = set()  # scopes whose sums differed: when it happens again the server is believed
        self._push_limit: int | None = None  # mutations of a push where larger ones did not get through
        self._pushed = 0  # mutations of the last push
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
        live = (s for s in scopes.values() if s.state == "live")
        self._live_news = self._live_news or any(s.cursor < (heads or {}).get(s.id, 0) for s in live)

    def rehello(self) -> None:
        """Say hello again: access changed, or the connection is new."""
        self._wish.hello = True
        self._stall.offline()

    def sync_now(self) -> None:
        """A person asked for it, or the connection is back."""
        self._wish = Wish()
        self._guard_until = None

    def reset(self) -> None:
        """Forget what is in memory and start from the files."""
        self._state = self._store.state()
        self._pulling = self._fetching = None
        self._acked = 0
        self._new_epoch = None
        self._complete.clear()
        self._wish = Wish()

    def answer_guard(self, *, apply: bool) -> None:
        """A person's answer: let the tickets go, or keep waiting for the server to come to its senses."""
        if self.guard is None:
            return
        self._unguarded = apply
        self._guard_until = None if apply else self._now_ms + GUARD_RETRY_MS
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

    @property
    def reads_ahead(self) -> bool:
        """Whether rows of a first load come in, so that it pays to make them ready while others are stored."""
        return self._fetching is not None or (self._pulling is not None and self._pulling.purpose == "load")

    def gives_way(self, lasted_s: float) -> bool:
        """Whether an answer on its way is to be broken off: something waits, and what came need not be sent again.

        `lasted_s` is how long it has been coming. The core may be written to meanwhile: only looks at flags.
        """
        pulled = self._pulling.gathered if self._pulling is not None else None
        coming = self._fetching or pulled
        if coming is None or not coming.moved or (pulled is not None and pulled.finished):
            return False
        if self._new_epoch is not None:
            return False  # nothing may be pushed before all of it is here
        if self._wish.push:
            return True
        loads = self._pulling is None or self._pulling.purpose != "live"
        return loads and self._live_news and lasted_s >= _NEWS_WAIT_S

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

    # --- parts --------------------------------------------------------------------------------------------------------

    @property
    def _epoch(self) -> bytes:
        return self._new_epoch or self._state.epoch or b""

    def _refresh(self) -> None:
        self._state = self._store.state()

    def _plan_poll(self, now_ms: int) -> None:
        spread = self._rng.uniform(0.8, 1.2)
        self._next_poll_ms = now_ms + int(self._limits.poll_s * 1000 * spread)

    def _resync(self, scopes: Sequence[str]) -> None:
        self._store.set_scopes(None, {}, scopes, ())
        self._complete -= set(scopes)
        self._refresh()
