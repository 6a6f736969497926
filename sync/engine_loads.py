# SPDX-License-Identifier: GPL-3.0-or-later
"""How rows come in: what to load next, pulls, snapshots, and the checkpoint that joins them. Pure but for the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.replica import Applied, Checkpoint, MutationResult, RowPage, ScopeState
from sync.engine_state import GUARD_RETRY_MS, CoreState, Pulling
from sync.fetch import Fetching
from sync.gather import Gathered, page_of
from sync.protocol import ProtocolError, Pull, PullFrame, Rows

__all__ = ["Loading"]

_LOAD_PULL_BYTES = 16 << 20  # the server makes rows while others are stored; between two answers nobody does anything
_SMALL_ROWS = 2000  # scopes with no more rows are loaded along with those before them, not each with a checkpoint
_MORES_BEFORE_GROWTH = 8
_HARD_PULL_BYTES = 64 << 20
# rows of one transaction in a first load: first what a screen shows, then as many as all before, at most these; a
# larger one writes each page of the indexes less often
_FIRST_CHUNK_ROWS, _CHUNK_ROWS = 400, 12_000
_KEEP_ROWS = 20_000  # a pull that grows beyond this goes to the disk piece by piece


class Loading(CoreState):
    """The pull loop, first loads and repairs."""

    # --- what to load -------------------------------------------------------------------------------------------------

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
            self._begin(self._together(loading), "load")
        elif broken:
            self._begin(broken, "resync")
        if not ready:
            self._wish.pull = False

    def _together(self, loading: Sequence[ScopeState]) -> list[ScopeState]:
        """Return what one pull loads of the scopes in their order: those of one priority, and small ones behind."""
        out = [s for s in loading if s.prio == loading[0].prio]
        rows = 0
        for scope in loading[len(out) :]:
            rows += self._totals.get(scope.id, _SMALL_ROWS + 1)
            if rows > _SMALL_ROWS or scope.id in self._snapshots:
                break
            out.append(scope)
        return out

    def _begin_live(self, scopes: Sequence[ScopeState], now_ms: int) -> bool:
        if self._guard_until is not None and now_ms < self._guard_until:
            self._wish.pull = False
            return False
        self._wish.pull = self._live_news = False
        self._pulling = Pulling("live", Gathered({s.id: s.held for s in scopes}))
        return True

    def _begin(self, scopes: Sequence[ScopeState], purpose: str) -> None:
        for scope in scopes:
            ref = self._snapshots.get(scope.id)
            if ref is not None and scope.held == 0:
                offset = scope.snap_offset if scope.snapshot == ref.id else 0
                self._fetching = Fetching(scope.id, ref, offset)
                return
        self._pulling = Pulling(purpose, Gathered({s.id: s.held for s in scopes}))

    def _pull(self, pulling: Pulling) -> Pull:
        size = self._limits.pull_bytes
        if pulling.purpose == "load":
            size = _LOAD_PULL_BYTES
        if pulling.mores >= _MORES_BEFORE_GROWTH:
            size = min(size * 4 ** (pulling.mores - _MORES_BEFORE_GROWTH + 1), _HARD_PULL_BYTES)
        # files that were put back may know answers of the lost future only, and the server has others by now: all come
        anew = self._new_epoch is not None and pulling.purpose == "live"
        return Pull(
            device=self._state.device,
            epoch=self._epoch,
            lmid_seen=0 if anew else self._state.lmid_seen,
            scopes=dict(pulling.gathered.marks),
            max_bytes=size,
        )

    @property
    def _chunk_rows(self) -> int:
        return min(max(self._shown, _FIRST_CHUNK_ROWS), _CHUNK_ROWS)

    # --- pulls --------------------------------------------------------------------------------------------------------

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
        limit = self._chunk_rows if pulling.purpose == "load" else _KEEP_ROWS
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
            applied = self._fetching.store(self._store)
            self._fetching = None
            self._refresh()
            return applied
        if self._pulling is None:
            return None
        self._pulling.gathered.finished = False
        return self.on_pull_end(self._now_ms)

    def _store_complete(self, pulling: Pulling) -> Applied | None:
        """Put what is complete on the disk: into view in a first load, else for the checkpoint that follows."""
        segments = pulling.gathered.take_complete()
        if not segments:
            return None
        applied: Applied | None = None
        if pulling.purpose == "load":
            applied = self._store.load(segments)
            self.counters.rows += applied.rows
            self._shown += applied.rows
        else:
            self._store.keep(segments)
        self._refresh()
        return applied

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def on_snapshot(self, raw: bytes, frames: Sequence[PullFrame | RowPage]) -> Applied | None:
        """Take the next whole piece of a snapshot file: its bytes and what is in them."""
        fetching = self._fetching
        if fetching is None:
            return None
        fetching.take(raw, frames)
        applied = fetching.store_chunk(self._store, self._chunk_rows)
        if applied is not None:
            self._shown += applied.rows
            self._refresh()
            self.counters.rows += applied.rows
        return applied

    def on_snapshot_end(self) -> Applied | None:
        """The file is here: check it. A bad one is forgotten, and the scope pulled instead."""
        fetching, self._fetching = self._fetching, None
        if fetching is None:
            return None
        applied = fetching.store(self._store)
        self._snapshots.pop(fetching.scope, None)
        if not fetching.end(self._store):
            self.counters.differing.append(fetching.scope)
        self._refresh()
        return applied

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def _finish(self, gathered: Gathered) -> Applied:
        """Apply a checkpoint of all live scopes and those that were just loaded."""
        checkpoint = self._checkpoint(gathered)
        seen = self._state.lmid_seen
        applied = self._store.apply(checkpoint)
        while applied.differing:
            checkpoint = self._without(checkpoint, applied.differing)
            applied = self._store.apply(checkpoint)
        if applied.guard is not None:
            self.guard, self._guard_until = applied.guard, self._now_ms + GUARD_RETRY_MS
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


def _by_priority(scope: ScopeState) -> tuple[int, str]:
    return scope.prio, scope.id
