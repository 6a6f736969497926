# SPDX-License-Identifier: GPL-3.0-or-later
"""In some worlds the server becomes a newer one in mid story: rows of a kind that no client knows, columns more.

Each third row that is written from then on has a companion of the unknown kind, with its own id and the same seq: it
comes, changes, moves and goes with its row, and counts in the sums.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from app.domain.replica import ReplicaState
from app.store.cipher import Session
from sync.protocol import Begin, Exits, Mark, PullFrame, Rows, ScopeSum, Sums
from tests.sync.sim.oracle import Violation, signed, version_hash

if TYPE_CHECKING:
    from tests.sync.sim.world import World

_SHARE = 0.25
NOVEL = 900


def companion(id_: bytes) -> bytes | None:
    """Return the id of a row's companion, if it has one."""
    return bytes(b ^ 0xFF for b in id_) if id_[-1] % 3 == 0 else None


class Tomorrow:
    """One world's newer server; in most worlds it stays as it is."""

    def __init__(self, world: World) -> None:
        self._world = world
        rng = random.Random(f"tomorrow {world.seed}")
        # prepared files are made by the real server, which knows of no companions
        self._used = rng.random() < _SHARE and world.server.snapshots is None
        self._at = rng.uniform(0, 25_000)
        self._since: Mapping[str, int] | None = None  # the heads when it became newer

    def begin(self) -> None:
        """Let the server be replaced after a while."""
        if self._used:
            self._world.aside(self._at, self._upgrade)

    def _upgrade(self) -> None:
        self._since = dict(self._world.oracle.past.heads)
        self._world.note("server", "is newer now")

    def frames(self, asked: Mapping[str, int], frames: Iterator[PullFrame]) -> Iterator[PullFrame]:
        """Return an answer to a pull as the newer server gives it."""
        if self._since is None:
            return frames
        return self._newer(dict(asked), frames)

    def _newer(self, marks: dict[str, int], frames: Iterator[PullFrame]) -> Iterator[PullFrame]:
        try:
            for frame in frames:
                if isinstance(frame, Begin):
                    marks = {s: min(at, frame.heads.get(s, at)) for s, at in marks.items()}
                if isinstance(frame, Mark):
                    marks[frame.scope] = frame.to
                yield from self._with_novel(frame, marks)
        finally:
            frames.close()  # type: ignore[attr-defined]  # a generator is what comes

    def _with_novel(self, frame: PullFrame, marks: Mapping[str, int]) -> Iterator[PullFrame]:
        if isinstance(frame, Rows):
            rows = [[*row[:5], "sunny", *row[5:]] for row in frame.rows]
            yield Rows(scope=frame.scope, type=frame.type, cols=["weather", *frame.cols], rows=rows)
            novel = [
                [id_, row[1], row[2], row[3], {}, "what"]
                for row in frame.rows
                if (id_ := self._of(frame.scope, row[0], row[1])) is not None
            ]
            if novel:
                yield Rows(scope=frame.scope, type=NOVEL, cols=["what"], rows=novel)
        elif isinstance(frame, Exits):
            more = [(seq, NOVEL, id_, to) for seq, _, i, to in frame.items if (id_ := companion(i)) is not None]
            yield Exits(scope=frame.scope, items=[*frame.items, *more])
        elif isinstance(frame, Sums):
            totals = {s: self._added(s, marks[s], told.n, told.xsum) for s, told in frame.scopes.items()}
            yield Sums(scopes={s: ScopeSum(n=n, xsum=xsum) for s, (n, xsum) in totals.items()})
        else:
            yield frame

    def _of(self, scope: str, id_: bytes, seq: int) -> bytes | None:
        assert self._since is not None
        return companion(id_) if seq > self._since.get(scope, 0) else None

    def novel(self, scope: str, cursor: int) -> dict[bytes, int]:
        """Return id and seq of the companions that a scope has at a cursor."""
        if self._since is None:
            return {}
        rows = self._world.oracle.at(scope, cursor).items()
        return {id_: seq for (_, i), (seq, _) in rows if (id_ := self._of(scope, i, seq)) is not None}

    def _added(self, scope: str, cursor: int, n: int, xsum: int) -> tuple[int, int]:
        novel = self.novel(scope, cursor)
        return n + len(novel), signed(xsum + sum(version_hash(NOVEL, i, seq) for i, seq in novel.items()))

    def sums_at(self, scope: str, cursor: int) -> tuple[int, int]:
        """Return what a scope must count and sum up to at a cursor, companions included."""
        return self._added(scope, cursor, *self._world.oracle.sums_at(scope, cursor))

    def held(self, login: str, tx: Session, state: ReplicaState, early: Collection[str]) -> dict[str, tuple[int, int]]:
        """Return number and sum of the unknown rows that a client remembers, by scope.

        I2: they are those that the server has, unless some went ahead to a scope that is being loaded. Scopes that
        are `early` lack such rows though the other scope was withdrawn since.
        """
        if not self._used:
            return {}
        held: dict[str, dict[bytes, int]] = {}
        for scope_id, id_, seq in tx.all("SELECT scope_id, id, seq FROM unknown_row"):
            held.setdefault(scope_id, {})[id_] = seq
        loading = any(s.state == "loading" for s in state.scopes.values())
        for scope in state.scopes.values():
            mine = held.get(scope.id, {})
            certain = scope.state == "live" and not loading and scope.id not in early
            if certain and mine != self.novel(scope.id, scope.cursor):
                raise Violation("I2", f"{login}: {scope.id} has other rows of the unknown kind than the server")
        return {s: (len(rows), sum(version_hash(NOVEL, i, seq) for i, seq in rows.items())) for s, rows in held.items()}
