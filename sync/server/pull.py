# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull: everything above the client's cursors, read in one snapshot, as frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from app.domain.entities import ENTITIES, HISTORY, Entity, Home, user_scope
from sync.protocol import (
    FRAME_MAX_BYTES,
    PULL_MAX_BYTES,
    Begin,
    Exits,
    Finish,
    Mark,
    More,
    Pull,
    PullFrame,
    Result,
    Results,
    Rows,
    ScopeSum,
    Sums,
    encode,
)
from sync.server.access import Device, scopes_of
from sync.server.epochs import marked
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = ["BATCH_BYTES", "SCOPES", "SCOPE_KINDS", "SELECTS", "WINDOW", "priority", "pull_frames", "weight"]

WINDOW = 2000  # seqs of the largest window; the first ones are smaller, so that the receiver starts early
_FIRST_WINDOW = 250
_WINDOW_BYTES = 8 << 20  # of a window's rows: it is held until it is known to fit, and made smaller when it does not
_STREAMED = 100  # seqs; a database elsewhere sends the rows of a larger window bit by bit
BATCH_BYTES = FRAME_MAX_BYTES - (24 << 10)
_RESULTS_A_FRAME = 500
_HARD_MAX_BYTES = 64 << 20

_HOMES = {"ref": Home.REF, "team": Home.TICKET, "cust": Home.CUSTOMER, "user": Home.USER}
_PRIORITY = {"user": 0, "ref": 1, "team": 2, "cust": 3}
SCOPE_KINDS: Mapping[str, tuple[Entity, ...]] = {
    kind: tuple(e for e in ENTITIES if e.home is home or e is HISTORY or (e.home is Home.CHOSEN and kind != "cust"))
    for kind, home in _HOMES.items()
}
SELECTS = {
    e.number: sa.select(*(ENTITY_TABLES[e.number].c[n] for n in ("id", "seq", "deleted", "rev", "fld", *e.columns)))
    for e in ENTITIES
}
# the only statement text per entity, so that SQLAlchemy compiles each once
_WINDOWS = {
    number: query.where(
        ENTITY_TABLES[number].c.scope_id == sa.bindparam("scope"),
        ENTITY_TABLES[number].c.seq > sa.bindparam("after"),
        ENTITY_TABLES[number].c.seq <= sa.bindparam("to"),
    ).order_by(ENTITY_TABLES[number].c.seq)
    for number, query in SELECTS.items()
}
SCOPES = sa.select(SYSTEM.scope).where(SYSTEM.scope.c.id.in_(sa.bindparam("scopes", expanding=True)))
_TOLD_MS = 60_000
_GIVEN = SYSTEM.mutation_result
_RESULTS = (
    sa.select(_GIVEN.c.mid, _GIVEN.c.st, _GIVEN.c.code, _GIVEN.c.data)
    .where(
        _GIVEN.c.device_id == sa.bindparam("device"),
        _GIVEN.c.mid > sa.bindparam("seen"),
        _GIVEN.c.mid <= sa.bindparam("lmid"),
        _GIVEN.c.st != "ok",
    )
    .order_by(_GIVEN.c.mid)
)
_LEFT = SYSTEM.scope_exit
_EXITS = sa.select(_LEFT.c.seq, _LEFT.c.type, _LEFT.c.id, _LEFT.c.to_scope).where(
    _LEFT.c.scope_id == sa.bindparam("scope"),
    _LEFT.c.seq > sa.bindparam("after"),
    _LEFT.c.seq <= sa.bindparam("to"),
)


def priority(scope: str) -> int:
    """Return the place of a scope in the order of loading; lower comes first."""
    return 9 if scope.endswith(":arc") else _PRIORITY.get(scope.partition(":")[0], 5)


def pull_frames(
    connection: sa.Connection, now: int, snap: bytes, epoch: bytes, device: Device, ask: Pull
) -> Iterator[PullFrame]:
    """Yield the frames of one answer. Raises ProblemError 409 `epoch` or 410 `reset` before the first one."""
    access = scopes_of(connection, device.account)
    allowed = [s for s in ask.scopes if s in access]
    infos = {row["id"]: row for row in connection.execute(SCOPES, {"scopes": allowed}).mappings()}
    asked = sorted(infos, key=lambda s: (priority(s), s))
    _check_cursors(ask, infos)
    yield Begin(
        snap=snap,
        epoch=epoch,
        lmid=device.lmid,
        server_ms=now,
        heads={scope: infos[scope]["head"] for scope in asked},
        drop=sorted(set(ask.scopes) - set(infos)),
        rehello=_news(connection, now, device, access, ask),
    )
    yield from _results(connection, device, max(0, min(ask.lmid_seen, device.lmid)))
    marks = {scope: ask.scopes[scope] for scope in asked}
    budget = _Budget(min(max(ask.max_bytes, 1), _HARD_MAX_BYTES) if ask.max_bytes else PULL_MAX_BYTES)
    for scope in asked:
        read = partial(_window, connection, scope, access, fresh=ask.scopes[scope] == 0)
        yield from _windows(read, scope, marks, infos[scope]["head"], budget)
        if marks[scope] < infos[scope]["head"]:
            yield More(next=marks)
            return
    yield Sums(scopes={s: ScopeSum(n=infos[s]["n"], xsum=infos[s]["xsum"]) for s in asked})
    yield Finish(snap=snap)


def _news(connection: sa.Connection, now: int, device: Device, access: Mapping[str, int], ask: Pull) -> bool:
    """Tell whether the device must say hello: a scope was granted, or is to be loaded again.

    The answer to the last hello may be nobody's: what was asked too late, or twice, told somebody who had gone on.
    """
    if any(granted > device.hello_at for granted in access.values()):
        return True
    whole = user_scope(device.account) in ask.scopes  # it pulls all that it has
    lacks = any(scope not in ask.scopes and not scope.endswith(":arc") for scope in access)
    if whole and lacks and now - device.hello_at > _TOLD_MS:
        return True  # more often it is still loading that; hello costs little
    return any(ask.scopes.get(scope, 0) for scope in marked(connection, device.id))


class _Budget:
    """Counts what was sent; at least one window is always sent."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    @property
    def spent(self) -> bool:
        return self._left <= 0

    def take(self, size: int) -> None:
        self._left -= size


def _check_cursors(ask: Pull, infos: Mapping[str, sa.RowMapping]) -> None:
    for scope, info in infos.items():
        cursor = ask.scopes[scope]
        if cursor > info["head"] or cursor < 0:
            raise ProblemError(409, "epoch", scope=scope)
        if 0 < cursor < info["floor"]:
            raise ProblemError(410, "reset", scope=scope)


def _results(connection: sa.Connection, device: Device, seen: int) -> Iterator[Results]:
    found = connection.execute(_RESULTS, {"device": device.id, "seen": seen, "lmid": device.lmid})
    items = [
        Result(mid=mid, st=st, code=code, data=json.loads(data) if data else None) for mid, st, code, data in found
    ]
    for start in range(0, len(items), _RESULTS_A_FRAME):
        yield Results(items=items[start : start + _RESULTS_A_FRAME])


_Weighed = tuple[PullFrame, int]


def _windows(
    read: Callable[[int, int], Iterator[_Weighed]], scope: str, marks: dict[str, int], head: int, budget: _Budget
) -> Iterator[PullFrame]:
    """Yield a scope's windows up to its head, or until the budget is spent; moves its mark."""
    step = min(_FIRST_WINDOW, WINDOW)
    while marks[scope] < head and not budget.spent:
        to = min(marks[scope] + step, head)
        held = _held(read(marks[scope], to), _WINDOW_BYTES if to - marks[scope] > 1 else None)
        if held is None:
            step = max(1, (to - marks[scope]) // 4)
            continue
        size = sum(more for _, more in held)
        budget.take(size)
        yield from (message for message, _ in held)
        yield Mark(scope=scope, to=to)
        step = max(1, min(2 * step, WINDOW, step * _WINDOW_BYTES // (2 * size + 1)))
        marks[scope] = to


def _held(frames: Iterator[_Weighed], limit: int | None) -> list[_Weighed] | None:
    """Return a window's frames; None when they weigh more than `limit`."""
    held: list[_Weighed] = []
    size = 0
    for message, more in frames:
        held.append((message, more))
        size += more
        if limit is not None and size > limit:
            return None
    return held


def _window(
    connection: sa.Connection, scope: str, access: Mapping[str, int], after: int, to: int, *, fresh: bool
) -> Iterator[_Weighed]:
    for entity in SCOPE_KINDS[scope.partition(":")[0]]:
        query, place = _WINDOWS[entity.number], {"scope": scope, "after": after, "to": to}
        options = {"stream_results": True, "max_row_buffer": _STREAMED} if to - after > _STREAMED else {}
        with connection.execute(query, place, execution_options=options) as found:
            for batch, size in _batches(found, fresh=fresh):
                yield Rows(scope=scope, type=entity.number, cols=list(entity.columns), rows=batch), size
    if not fresh:  # who starts over holds nothing that could leave
        for message in _exits(connection, scope, after, to, access):
            yield message, 0


def _batches(found: Iterable[sa.Row[Any]], *, fresh: bool) -> Iterator[tuple[list[list[Any]], int]]:
    """Yield the rows of one frame each, with their weight."""
    batch: list[list[Any]] = []
    size = 0
    for record in found:
        row = list(record)
        if fresh and row[2]:
            continue
        row[4] = {} if row[4] == "{}" else json.loads(row[4])
        more = weight(row)
        if batch and size + more > BATCH_BYTES:
            yield batch, size
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        yield batch, size


def weight(row: list[Any]) -> int:
    """Return how many bytes a row takes on the wire."""
    return len(encode(row))


def _may_tell(to: str | None, access: Mapping[str, int]) -> bool:
    """A device learns where a row went only if it may see that scope, or if it is an archive of one it sees."""
    return to is not None and (to in access or to.removesuffix(":arc") in access)


def _exits(connection: sa.Connection, scope: str, after: int, to: int, access: Mapping[str, int]) -> Iterator[Exits]:
    items: list[tuple[int, int, bytes, str | None]] = [
        (row.seq, row.type, bytes(row.id), row.to_scope if _may_tell(row.to_scope, access) else None)
        for row in connection.execute(_EXITS, {"scope": scope, "after": after, "to": to})
    ]
    if items:
        yield Exits(scope=scope, items=items)
