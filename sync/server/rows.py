# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of one write transaction: locked, read, changed in memory, and written with their new seq at the end.

A row whose scope changes leaves an exit in the scope it left, with a seq of that scope, in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.domain.changes import FieldStamp, Row
from app.domain.entities import BY_NUMBER, CUSTOMER, HISTORY, LIVE, STATE, TICKET, Category, FieldType, Kind, Value
from app.domain.errors import Refused
from app.domain.ids import derived_id
from sync.protocol import FRAME_MAX_BYTES, add_sum, row_hash
from sync.server.access import add_scope
from sync.server.blobs import note_references
from sync.server.many import insert_many, update_many
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.session_ends import SharedTicket, follow_customers, follow_tickets

__all__ = ["TxRows", "dump_fld", "load_fld"]

Key = tuple[int, bytes]
_MAX_ROW_BYTES = 3 * FRAME_MAX_BYTES  # readers refuse a frame of four times the limit
_MAX_INT = (1 << 63) - 1
_TEXTS = (FieldType.TEXT, FieldType.JSON)
_NUMBERS = (FieldType.INT, FieldType.TIME)


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where the database has a row now."""

    scope: str
    seq: int
    deleted: bool
    values: Mapping[str, Value]


@dataclass(slots=True)
class _Counter:
    """A scope's row while it is locked."""

    head: int
    n: int
    xsum: int

    def record(self, scope: str) -> dict[str, Any]:
        """Return what is written back."""
        return {"id": scope, "head": self.head, "n": self.n, "xsum": self.xsum}


def load_fld(text: str) -> dict[str, FieldStamp]:
    """Return the field stamps of a row from their JSON."""
    if text == "{}":
        return {}
    return {name: FieldStamp(*parts) for name, parts in json.loads(text).items()}


def dump_fld(fld: Mapping[str, FieldStamp]) -> str:
    """Return the JSON of field stamps: {field: [rev, hlc, device code, mid]}."""
    if not fld:
        return "{}"
    plain = {name: [s.rev, s.hlc, s.device, s.mid] for name, s in fld.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


class TxRows:
    """The `Rows` port of the executor over one write transaction.

    Staged rows are what every later read of this transaction sees; nothing reaches the database before `flush`.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._cx = connection
        self._rows: dict[Key, Row | None] = {}
        self._stored: dict[Key, _Stored] = {}
        self._staged: dict[Key, Row] = {}
        self._unasked: set[bytes] = set()
        self._touched: set[str] = set()
        self._counters: dict[str, _Counter] = {}

    def lock(self, roots: Iterable[Key]) -> None:
        """Read and lock root rows, in the one order that every writer uses."""
        self._read(roots, lock=True)

    def expect(self, keys: Iterable[Key]) -> None:
        """Read rows that will be asked for, in one statement a type instead of one a row."""
        self._read((key for key in keys if key not in self._rows), lock=False)

    def _read(self, keys: Iterable[Key], *, lock: bool) -> None:
        wanted: dict[int, set[bytes]] = {}
        for type_, id_ in keys:
            wanted.setdefault(type_, set()).add(id_)
        for type_ in sorted(wanted):
            for id_ in wanted[type_]:
                self._rows[(type_, id_)] = None
            for found in self._cx.execute(*_by_ids(self._cx, type_, sorted(wanted[type_]), lock=lock)).mappings():
                self._remember(type_, found)

    def get(self, type_: int, id_: bytes) -> Row | None:
        """Return a row as this transaction has it, deleted ones included, or None."""
        key = (type_, id_)
        if key not in self._rows:
            if type_ == HISTORY.number:  # written often, read never: whether it is there is asked once, in `flush`
                self._unasked.add(id_)
                return None
            found = self._cx.execute(_with(type_, "id"), {"value": id_}).mappings().first()
            if found is None:
                self._rows[key] = None
            else:
                self._remember(type_, found)
        return self._rows[key]

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        """Return the first live row, by id, whose column has this value."""
        table = ENTITY_TABLES[type_]
        query = sa.select(table.c.id).where(table.c[column] == value, table.c.deleted == sa.false())
        staged = [key for key in self._staged if key[0] == type_]
        # each staged row can hide at most one hit, so one more than their number is enough
        hits = self._cx.execute(query.order_by(table.c.id).limit(len(staged) + 1)).scalars().all()
        ids = sorted({*hits, *(id_ for _, id_ in staged)})
        for id_ in ids:
            row = self.get(type_, id_)
            if row is not None and not row.deleted and row.values.get(column) == value:
                return row
        return None

    def find(self, type_: int, column: str, value: Value, *, deleted: bool = False) -> list[Row]:
        """Return all rows, by id, whose column has this value, as this transaction has them."""
        query = _with(type_, column, live=not deleted)
        ids = {id_ for kind, id_ in self._staged if kind == type_}
        for found in self._cx.execute(query, {"value": value}).mappings():
            id_ = bytes(found["id"])
            ids.add(id_)
            if (type_, id_) not in self._rows:
                self._remember(type_, found)
        rows = (self._rows[type_, id_] for id_ in sorted(ids))
        return [r for r in rows if r is not None and r.values.get(column) == value and (deleted or not r.deleted)]

    def stage(self, puts: Iterable[Row]) -> None:
        """Take over the rows that one accepted change made. Raises Refused("bad_value" or "text_too_long")."""
        accepted = [row for row in puts if self._is_news(row)]
        for row in accepted:
            _check_values(row)
        for row in accepted:
            key = (row.type, row.id)
            self._rows[key] = self._staged[key] = row
            self._touched.add(row.scope)
            if key in self._stored:
                self._touched.add(self._stored[key].scope)

    def take_touched(self) -> frozenset[str]:
        """Return the scopes of all rows staged since this was asked last."""
        touched, self._touched = frozenset(self._touched), set()
        return touched

    def flush(self, now: int) -> dict[str, int]:
        """Give numbers and seqs, write everything, and return the new heads of the scopes concerned."""
        self._drop_known_lines()
        if not self._staged:
            return {}
        self._number_tickets()
        self._follow_tickets(now)
        self._follow_customers(now)
        arrivals: dict[str, list[Row]] = {}
        leaving: dict[str, list[Row]] = {}
        for key, row in self._staged.items():
            arrivals.setdefault(row.scope, []).append(row)
            before = self._stored.get(key)
            if before is not None and before.scope != row.scope:
                leaving.setdefault(before.scope, []).append(row)
        heads: dict[str, int] = {}
        seqs: dict[Key, int] = {}
        scopes = sorted({*arrivals, *leaving})
        self._lock_counters(scopes)
        for scope in scopes:
            heads[scope] = self._stamp(scope, leaving.get(scope, []), arrivals.get(scope, []), seqs, now)
        update_many(self._cx, SYSTEM.scope, [self._counters[scope].record(scope) for scope in scopes])
        self._write(seqs, now)
        note_references(self._cx, self._staged.values())
        return heads

    def _drop_known_lines(self) -> None:
        """A history line that is there already was written by the same change, sent from another device id."""
        ids = sorted(id_ for id_ in self._unasked if (HISTORY.number, id_) in self._staged)
        while ids:
            ids = self._compared(ids)

    def _compared(self, ids: list[bytes]) -> list[bytes]:
        """Compare staged lines with those of the database; return the ids that lines of other deeds were given.

        Whoever uses an event for two deeds neither hides the second one nor moves the first one's line.
        """
        staged = {id_: self._staged[HISTORY.number, id_] for id_ in ids}
        self._read(((HISTORY.number, id_) for id_ in ids), lock=False)
        others = []
        for id_, row in staged.items():
            known = self._rows[HISTORY.number, id_]
            if known is not None and not _is_same_line(known, row):
                del self._staged[HISTORY.number, id_]
                row = replace(row, id=_other_id(row))
                others.append(row.id)
            elif known is not None and (known.scope, known.deleted) == (row.scope, row.deleted):
                del self._staged[HISTORY.number, id_]
                continue
            elif known is not None:  # the line stays as it was written, but goes along with its ticket
                row = replace(known, rev=known.rev + 1, scope=row.scope, deleted=row.deleted)
            self._rows[HISTORY.number, row.id] = self._staged[HISTORY.number, row.id] = row
        return others

    def number_of(self, ticket: bytes) -> int | None:
        """Return a ticket's number, after `flush` also that of a new one."""
        row = self.get(TICKET.number, ticket)
        number = row.values.get("number") if row else None
        return number if isinstance(number, int) else None

    def _remember(self, type_: int, found: sa.RowMapping) -> None:
        id_ = bytes(found["id"])
        values = {name: found[name] for name in _names(type_)}
        deleted = bool(found["deleted"])
        row = Row(type_, id_, found["scope_id"], values, found["rev"], load_fld(found["fld"]), deleted)
        self._rows[(type_, id_)] = row
        self._stored[(type_, id_)] = _Stored(row.scope, found["seq"], deleted, values)

    def _is_news(self, row: Row) -> bool:
        before = self.get(row.type, row.id)
        if before is None:
            return True
        moved = row.scope != before.scope or row.deleted != before.deleted
        if not moved and dict(before.values) == dict(row.values):
            return False
        # a line or entry never changes by being handed in again; it moves with its ticket as a newer version
        return BY_NUMBER[row.type].kind is not Kind.APPEND or row.rev > before.rev

    def _number_tickets(self) -> None:
        new = [
            row
            for key, row in self._staged.items()
            if row.type == TICKET.number and row.values.get("number") is None and key not in self._stored
        ]
        if not new:
            return
        counter = SYSTEM.counter
        query = counter.update().where(counter.c.name == "ticket").values(value=counter.c.value + len(new))
        last: int = self._cx.execute(query.returning(counter.c.value)).scalar_one()
        for number, row in enumerate(new, last - len(new) + 1):
            numbered = replace(row, values={**row.values, "number": number})
            self._rows[(row.type, row.id)] = self._staged[(row.type, row.id)] = numbered

    def _follow_tickets(self, now: int) -> None:
        """A screen is shared for an open ticket of this customer in sight of this agent: tell of those that changed."""
        changed = []
        for key, row in self._staged.items():
            before = self._stored.get(key)
            if row.type != TICKET.number or before is None:
                continue
            was = before.scope, before.deleted, before.values["state"], before.values["customer"]
            if was != (row.scope, row.deleted, row.values["state"], row.values["customer"]):
                changed.append(self._shared(row))
        if changed:
            follow_tickets(self._cx, now, changed)

    def _follow_customers(self, now: int) -> None:
        """Nobody shares a screen with support once blocked or deleted, whatever was begun."""
        out = []
        for key, row in self._staged.items():
            before = self._stored.get(key)
            if row.type != CUSTOMER.number or before is None:
                continue
            was_in = not before.deleted and not before.values["blocked_reason"]
            if was_in and (row.deleted or row.values["blocked_reason"]):
                out.append(row.id)
        if out:
            follow_customers(self._cx, now, out)

    def _shared(self, ticket: Row) -> SharedTicket:
        named, customer = ticket.values["state"], ticket.values["customer"]
        state = self.get(STATE.number, named) if isinstance(named, bytes) else None
        is_open = not ticket.deleted and state is not None and Category(str(state.values["category"])) in LIVE
        return SharedTicket(ticket.id, ticket.scope, customer if isinstance(customer, bytes) else None, is_open)

    def _lock_counters(self, scopes: list[str]) -> None:
        """Lock the counter rows of scopes, to the commit, in the one order that every writer uses."""
        query = _counters_query(array=self._cx.dialect.name == "postgresql")
        self._counters = {
            row.id: _Counter(row.head, row.n, row.xsum) for row in self._cx.execute(query, {"ids": scopes})
        }
        missing = [scope for scope in scopes if scope not in self._counters]
        if missing:
            for scope in missing:
                add_scope(self._cx, scope)  # the first row of an archive
            self._lock_counters(scopes)

    def _stamp(self, scope: str, leaving: list[Row], arrivals: list[Row], seqs: dict[Key, int], now: int) -> int:
        """Take seqs from the scope's counter, and keep its sums."""
        counter = self._counters[scope]
        first = counter.head + 1
        counter.head += len(leaving) + len(arrivals)
        n, xsum = counter.n, counter.xsum
        for row in [*leaving, *arrivals]:
            before = self._stored.get((row.type, row.id))
            if before is not None and before.scope == scope and not before.deleted:
                n, xsum = n - 1, add_sum(xsum, -row_hash(row.type, row.id, before.seq))
        for seq, row in enumerate(arrivals, first + len(leaving)):
            seqs[row.type, row.id] = seq
            if not row.deleted:
                n, xsum = n + 1, add_sum(xsum, row_hash(row.type, row.id, seq))
        counter.n, counter.xsum = n, xsum
        if leaving:
            exits = [
                {"scope_id": scope, "seq": seq, "type": row.type, "id": row.id, "to_scope": row.scope, "at": now}
                for seq, row in enumerate(leaving, first)
            ]
            insert_many(self._cx, SYSTEM.scope_exit, exits)
        return counter.head

    def _write(self, seqs: Mapping[Key, int], now: int) -> None:
        inserts: dict[int, list[dict[str, Any]]] = {}
        updates: dict[int, list[dict[str, Any]]] = {}
        for key, row in self._staged.items():
            record = _record(row, seqs[key], now)
            (updates if key in self._stored else inserts).setdefault(row.type, []).append(record)
        for type_, records in inserts.items():
            insert_many(self._cx, ENTITY_TABLES[type_], records)
        for type_, records in updates.items():
            update_many(self._cx, ENTITY_TABLES[type_], records)


@cache
def _with(type_: int, column: str, *, live: bool = False) -> sa.Select[Any]:
    """Return the statement for the rows whose column has the value given; put together and compiled once."""
    table = ENTITY_TABLES[type_]
    query = sa.select(table).where(table.c[column] == sa.bindparam("value"))
    return query.where(table.c.deleted == sa.false()) if live else query


@cache
def _by_ids_query(type_: int, *, array: bool, lock: bool) -> sa.Select[Any]:
    table = ENTITY_TABLES[type_]
    if array:  # one statement, whatever the number of ids: the database keeps its plan
        chosen = table.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.LargeBinary)))
    else:
        chosen = table.c.id.in_(sa.bindparam("ids", expanding=True))
    query = sa.select(table).where(chosen)
    return query.order_by(table.c.id).with_for_update() if lock else query


@cache
def _counters_query(*, array: bool) -> sa.Select[Any]:
    table = SYSTEM.scope
    ids = sa.bindparam("ids", type_=ARRAY(sa.Text)) if array else sa.bindparam("ids", expanding=True)
    query = sa.select(table.c.id, table.c.head, table.c.n, table.c.xsum)
    query = query.where(table.c.id == sa.any_(ids) if array else table.c.id.in_(ids))
    return query.order_by(table.c.id).with_for_update()


def _by_ids(
    connection: sa.Connection, type_: int, ids: list[bytes], *, lock: bool
) -> tuple[sa.Select[Any], dict[str, list[bytes]]]:
    array = connection.dialect.name == "postgresql"
    return _by_ids_query(type_, array=array, lock=lock), {"ids": ids}


def _is_same_line(known: Row, row: Row) -> bool:
    """Tell whether two history lines of one id tell of one deed; what gave way may have met another value each time."""
    told = ("subject", "kind") if row.values["kind"] == "gave_way" else ("subject", "kind", "data")
    return all(known.values[name] == row.values[name] for name in told)


def _other_id(row: Row) -> bytes:
    """Return the id of a line whose own one is taken: the same whenever the same deed is sent again."""
    return derived_id(row.id, *(str(row.values[name]) for name in ("subject", "kind", "data")))


def _record(row: Row, seq: int, now: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "scope_id": row.scope,
        "seq": seq,
        "deleted": row.deleted,
        "deleted_at": now if row.deleted else None,
        "rev": row.rev,
        "fld": dump_fld(row.fld),
        **row.values,
    }


def _check_values(row: Row) -> None:
    """Refuse what one of the databases could not hold or no reader's frame could carry."""
    size, kinds = 0, _kinds(row.type)
    for name, value in row.values.items():
        if value is None:
            continue
        if not _fits(kinds[name], value):
            raise Refused("bad_value", field=name)
        if isinstance(value, str):
            size += len(value) if value.isascii() else len(value.encode())
        elif isinstance(value, bytes):
            size += len(value)
    if size > _MAX_ROW_BYTES:
        raise Refused("text_too_long", limit=_MAX_ROW_BYTES)


@cache
def _kinds(type_: int) -> dict[str, FieldType]:
    return {field.name: field.type for field in BY_NUMBER[type_].fields}


@cache
def _names(type_: int) -> tuple[str, ...]:
    return BY_NUMBER[type_].columns


def _fits(kind: FieldType, value: Value) -> bool:
    if isinstance(value, str):
        # PostgreSQL keeps no NUL in texts; a lone surrogate has no UTF-8
        return kind in _TEXTS and "\x00" not in value and _is_unicode(value)
    if isinstance(value, bytes):
        return kind is FieldType.BYTES or (kind is FieldType.ID and len(value) == 16)
    if isinstance(value, bool):
        return kind is FieldType.BOOL
    return isinstance(value, int) and kind in _NUMBERS and -_MAX_INT <= value <= _MAX_INT


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
