# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what replica.db holds of a scope with the server's rows, one by one. Reads both, changes neither. No Qt.

Sums cover versions of rows, not their contents: a row that something else than Deskside has changed keeps its version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from app.domain.entities import BY_NUMBER
from app.domain.replica import ScopeState
from app.store.cipher import Session
from app.store.replica_ready import make_ready
from app.store.schema import COMMON, TABLES, quoted
from sync.gather import page_of
from sync.protocol import Begin, Exits, More, Pull, PullFrame, Rows, ScopeSum, Sums, add_sum, row_hash
from sync.transport import Transport

__all__ = ["Compared", "ScopeLost", "Side", "compare"]

_FLD, _SEQ = COMMON.index("fld"), COMMON.index("seq")
Key = tuple[int, bytes]


class ScopeLost(Exception):
    """The server does not give this scope to this device any more."""


@dataclass(frozen=True, slots=True)
class Side:
    """Who asks the server: its device, and where its replica stands."""

    transport: Transport
    device: bytes
    epoch: bytes
    lmid_seen: int

    async def frames(self, scope: str, start: int) -> AsyncIterator[PullFrame]:
        """Yield everything of a scope above a seq. Raises ScopeLost, Answered, WorldError."""
        at = {scope: start}
        while at:
            ask = Pull(device=self.device, epoch=self.epoch, lmid_seen=self.lmid_seen, scopes=at)
            at = {}
            async with aclosing(self.transport.pull(ask)) as batches:
                async for batch in batches:
                    for frame in batch:
                        if isinstance(frame, Begin) and scope in frame.drop:
                            raise ScopeLost(scope)
                        at = frame.next if isinstance(frame, More) else at
                        yield frame


@dataclass(slots=True)
class Compared:
    """What came of a scope: rows that are the same, and those that are not. `sums_true`: the server's sum is its rows'.

    Rows that changed at the server since the last exchange are not compared: they come with the next one.
    """

    scope: str
    same: int = 0
    missing: list[Key] = field(default_factory=list)  # at the server only
    extra: list[Key] = field(default_factory=list)  # here only
    other: list[Key] = field(default_factory=list)  # another version or other contents
    sums_true: bool = True

    @property
    def differing(self) -> list[Key]:
        """All that differ."""
        return [*self.missing, *self.extra, *self.other]


async def compare(side: Side, tx: Session, state: ScopeState) -> Compared:
    """Download a scope again and compare. Raises ScopeLost, Answered, WorldError, StoreUnavailable, ProtocolError."""
    rows, total = await _download(side, state.id)
    later = await _changed_since(side, state)
    out = Compared(state.id, sums_true=total is None or (total.n, total.xsum) == _sums(rows))
    here = dict(_held(tx, state.id))
    for key in sorted(rows.keys() | here.keys()):
        theirs, ours = rows.get(key), here.get(key)
        if key in later or key[0] not in BY_NUMBER:
            continue
        if theirs == ours:
            out.same += 1
        elif ours is None:
            out.missing.append(key)
        elif theirs is None:
            out.extra.append(key)
        else:
            out.other.append(key)
    return out


async def _download(side: Side, scope: str) -> tuple[dict[Key, tuple[int, bytes]], ScopeSum | None]:
    """Return seq and digest of every live row of the server, and the sum that it names."""
    rows: dict[Key, tuple[int, bytes]] = {}
    total: ScopeSum | None = None
    async for frame in side.frames(scope, 0):
        if isinstance(frame, Rows):
            _take(rows, frame)
        elif isinstance(frame, Exits):
            for seq, type_, id_, _to in frame.items:
                if rows.get((type_, id_), (seq,))[0] < seq:
                    del rows[type_, id_]
        elif isinstance(frame, Sums):
            total = frame.scopes.get(scope)
    return rows, total


def _take(rows: dict[Key, tuple[int, bytes]], frame: Rows) -> None:
    page = page_of(frame)
    ready = make_ready(page, row_hash)
    stored = [b""] * len(page.rows) if ready is None else [_digest(values) for values in ready.values]
    for row, digest in zip(page.rows, stored, strict=True):
        if row[2]:
            rows.pop((frame.type, row[0]), None)
        else:
            rows[frame.type, row[0]] = (row[1], digest)


async def _changed_since(side: Side, state: ScopeState) -> set[Key]:
    """Return the rows that changed, came or left above the replica's cursor, asked for after the whole was read."""
    out: set[Key] = set()
    async for frame in side.frames(state.id, state.cursor):
        if isinstance(frame, Rows):
            out |= {(frame.type, row[0]) for row in page_of(frame).rows}
        elif isinstance(frame, Exits):
            out |= {(type_, id_) for _seq, type_, id_, _to in frame.items}
    return out


def _held(tx: Session, scope: str) -> Iterator[tuple[Key, tuple[int, bytes]]]:
    for number, table in TABLES.items():
        sql = f"SELECT {quoted(table.columns)} FROM {table.name} WHERE scope_id = ? AND deleted = 0"  # noqa: S608 - own names
        for row in tx.raw.execute(sql, (scope,)):
            yield (number, row[0]), (row[_SEQ], _digest(row))


def _digest(values: tuple[Any, ...]) -> bytes:
    stamps: Mapping[str, Any] = json.loads(values[_FLD]) if values[_FLD] else {}
    plain = [int(v) if isinstance(v, bool) else v for v in (*values[:_FLD], *values[_FLD + 1 :])]
    return hashlib.blake2b(
        repr((plain, sorted(stamps.items()))).encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()


def _sums(rows: Mapping[Key, tuple[int, bytes]]) -> tuple[int, int]:
    total = 0
    for (type_, id_), (seq, _) in rows.items():
        total = add_sum(total, row_hash(type_, id_, seq))
    return len(rows), total
