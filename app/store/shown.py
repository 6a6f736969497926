# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows as people see them: the replica's, with the images of own unconfirmed changes in their place.

An image counts while one of its mids is above the replica's `lmid_seen` or waits for a scope that is not loaded
yet; both are read in the same transaction. So a confirmed or refused change gives way to the server's row in the
very transaction that brought it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.changes import Row
from app.domain.entities import Value
from app.store.cipher import Session
from app.store.schema import Table, quoted, table_of

MAX_PARAMETERS = 800


class Shown:
    """A read transaction over both files: `main` is replica.db, `pending` is attached."""

    def __init__(self, tx: Session) -> None:
        self.tx = tx
        meta = dict(tx.all("SELECT k, v FROM main.meta WHERE k IN ('device_id', 'lmid_seen', 'checkpoint_no')"))
        device = tx.value("SELECT v FROM pending.meta WHERE k = 'device_id'")
        # the counters of another device id say nothing about this one's mutations
        mine = device is not None and meta.get("device_id") == device
        self.lmid: int = int(meta.get("lmid_seen") or 0) if mine else 0
        self.checkpoint_no = int(meta.get("checkpoint_no") or 0)
        # work on rows that this person may no longer see stands in the tray, not in the lists
        orphaned = "SELECT mid FROM main.needs_you WHERE kind = 'orphaned' AND device = ? AND mid > ?"
        self.orphaned: frozenset[int] = frozenset(m for (m,) in tx.all(orphaned, (device, self.lmid)) if mine)
        self.waiting: tuple[int, ...] = tuple(m for (m,) in tx.all("SELECT mid FROM main.waiting")) if mine else ()
        self._types: frozenset[int] | None = None

    def active(self, column: str = "k.mid") -> str:
        """Return the condition under which a mid still counts."""
        condition = f"{column} > {self.lmid}"
        if self.orphaned:
            condition = f"({condition} AND {column} NOT IN ({', '.join(map(str, sorted(self.orphaned)))}))"
        if not self.waiting:
            return condition
        if len(self.waiting) > MAX_PARAMETERS:
            return f"({condition} OR {column} IN (SELECT mid FROM main.waiting))"
        return f"({condition} OR {column} IN ({', '.join(map(str, self.waiting))}))"

    def is_active(self, mid: int) -> bool:
        """Return whether a mutation is not confirmed yet."""
        return (mid > self.lmid and mid not in self.orphaned) or mid in self.waiting

    @property
    def overlaid(self) -> frozenset[int]:
        """The entity numbers that have images which count."""
        if self._types is None:
            sql = f"SELECT DISTINCT k.type FROM pending.over_key k WHERE {self.active()}"
            self._types = frozenset(t for (t,) in self.tx.all(sql))
        return self._types

    def overlaid_ids(self, type_: int) -> frozenset[bytes]:
        """The rows of an entity that have images which count."""
        if type_ not in self.overlaid:
            return frozenset()
        sql = f"SELECT DISTINCT k.id FROM pending.over_key k WHERE k.type = ? AND {self.active()}"
        return frozenset(i for (i,) in self.tx.all(sql, (type_,)))

    def select(
        self, type_: int, columns: str, where: str, args: Sequence[Any] = (), *, order: str = "", limit: int = 0
    ) -> list[tuple[Any, ...]]:
        """Return rows as shown. `where` may name the row `s`; `order` must be among `columns`."""
        table = table_of(type_)
        tail = (f" ORDER BY {order}" if order else "") + (f" LIMIT {limit}" if limit else "")
        base = f"SELECT {columns} FROM main.{table.name} AS s WHERE {where}"
        if type_ not in self.overlaid:
            return self.tx.all(base + tail, args)
        keys = f"(SELECT k.id FROM pending.over_key k WHERE k.type = {type_} AND {self.active()})"
        below = f"{base} AND id NOT IN {keys}"
        above = f"SELECT {columns} FROM pending.{table.overlay} AS s WHERE ({where}) AND id IN {keys}"
        if tail and limit:
            below, above = f"SELECT * FROM ({below}{tail})", f"SELECT * FROM ({above}{tail})"
        return self.tx.all(f"SELECT * FROM ({below} UNION ALL {above}){tail}", (*args, *args))

    def name_of(self, type_: int) -> str:
        """Return the name of an entity's table in the replica."""
        return table_of(type_).name

    def own(self, type_: int, columns: str, where: str) -> list[tuple[Any, ...]]:
        """Return columns of the rows, called `h`, that have images which count."""
        if type_ not in self.overlaid:
            return []
        keys = f"(SELECT k.id FROM pending.over_key k WHERE k.type = {type_} AND {self.active()})"
        overlay = table_of(type_).overlay
        return self.tx.all(f"SELECT {columns} FROM pending.{overlay} h WHERE h.id IN {keys} AND {where}")

    def by_ids(self, type_: int, columns: str, ids: Sequence[bytes], extra: str = "") -> list[tuple[Any, ...]]:
        """Return the rows with these ids as shown, in no order."""
        return self.by_values(type_, columns, "id", ids, extra)

    def by_values(
        self, type_: int, columns: str, column: str, values: Sequence[Any], extra: str = ""
    ) -> list[tuple[Any, ...]]:
        """Return the rows whose column has one of these values, as shown, in no order."""
        out: list[tuple[Any, ...]] = []
        for start in range(0, len(values), MAX_PARAMETERS):
            part = list(values[start : start + MAX_PARAMETERS])
            where = f'"{column}" IN ({", ".join("?" * len(part))}){extra}'
            out += self.select(type_, columns, where, part)
        return out


class ShownRows:
    """`Rows` of the domain over a `Shown` transaction. `hidden` rows are read without their images."""

    def __init__(self, shown: Shown, *, hidden: frozenset[tuple[int, bytes]] = frozenset()) -> None:
        self._shown = shown
        self._hidden = hidden
        self._hidden_types = frozenset(type_ for type_, _ in hidden)
        self._seqs: dict[tuple[int, bytes], int] = {}
        self._cache: dict[tuple[int, bytes], Row | None] = {}
        self._first: dict[tuple[int, str, Value], Row | None] = {}
        # of the rows that were read or kept, by entity and column: which ids have, or had, a value
        self._having: dict[int, dict[str, dict[Value, set[bytes]]]] = defaultdict(dict)

    def get(self, type_: int, id_: bytes) -> Row | None:
        """Return a row as shown, deleted ones included, or None."""
        key = (type_, id_)
        if key not in self._cache:
            self._remember(key, self._read(type_, id_))
        return self._cache[key]

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        """Return the first live row, by id, whose column has this value."""
        key = (type_, column, value)
        if key not in self._first:
            self._first[key] = self._read_first(type_, column, value)
        return self._first[key]

    def find(self, type_: int, column: str, value: Value, *, deleted: bool = False) -> list[Row]:
        """Return all rows, by id, whose column has this value; deleted ones only if asked for."""
        table = table_of(type_)
        table.entity.field(column)
        where = f'"{column}" = ?'
        ids = {id_ for (id_,) in self._shown.select(type_, "id", where, (value,))}
        if type_ in self._hidden_types:
            # a hidden image may have stood for a base row that has the value
            ids |= {id_ for (id_,) in self._shown.tx.all(f"SELECT id FROM main.{table.name} WHERE {where}", (value,))}
        ids |= self._cached(type_, column).get(value, set())
        rows = (self.get(type_, id_) for id_ in sorted(ids))
        return [r for r in rows if r is not None and r.values.get(column) == value and (deleted or not r.deleted)]

    def seq(self, type_: int, id_: bytes) -> int:
        """Return the base row's seq, or 0 for a row that the server does not have yet."""
        self.get(type_, id_)
        return self._seqs.get((type_, id_), 0)

    def keep(self, images: Mapping[tuple[int, bytes], Row]) -> None:
        """Let these images stand for the rows from here on."""
        for key, row in images.items():
            self._remember(key, row)

    def _remember(self, key: tuple[int, bytes], row: Row | None) -> None:
        self._cache[key] = row
        if row is not None:
            for column, having in self._having[key[0]].items():
                having[row.values.get(column)].add(key[1])

    def _cached(self, type_: int, column: str) -> Mapping[Value, set[bytes]]:
        """Return, by value, the cached rows that have or had it; made at the first question about the column."""
        columns = self._having[type_]
        if column not in columns:
            having = columns[column] = defaultdict(set)
            for (kind, id_), row in self._cache.items():
                if kind == type_ and row is not None:
                    having[row.values.get(column)].add(id_)
        return columns[column]

    def _read(self, type_: int, id_: bytes) -> Row | None:
        table = table_of(type_)
        columns = quoted(table.columns)
        raw = None
        if (type_, id_) not in self._hidden and type_ in self._shown.overlaid:
            raw = self._shown.tx.one(
                f"SELECT {columns} FROM pending.{table.overlay} WHERE id = ? AND EXISTS (SELECT 1 FROM "
                f"pending.over_key k WHERE k.type = {type_} AND k.id = ? AND {self._shown.active()})",
                (id_, id_),
            )
        if raw is None:
            raw = self._shown.tx.one(f"SELECT {columns} FROM main.{table.name} WHERE id = ?", (id_,))
        if raw is None:
            return None
        self._seqs[type_, id_] = raw[2]
        return table.row(raw)

    def _read_first(self, type_: int, column: str, value: Value) -> Row | None:
        table: Table = table_of(type_)
        table.entity.field(column)
        found = self._shown.select(type_, "id", f'"{column}" = ? AND deleted = 0', (value,), order="id", limit=1)
        return self.get(type_, found[0][0]) if found else None
