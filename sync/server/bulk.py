# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads many new rows at once (sample data, later imports), with seqs and sums as a push would have given them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Protocol

import sqlalchemy as sa

from app.domain.entities import BY_NUMBER, TICKET, Value
from sync.protocol import add_sum, row_hash
from sync.server.access import add_scope
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = ["BulkRow", "load_rows", "scope_errors"]

_BATCH = 5000


class BulkRow(Protocol):
    """A new row: entity number, id, scope and columns."""

    @property
    def type(self) -> int:
        """Entity number."""
        ...

    @property
    def id(self) -> bytes:
        """16 bytes."""
        ...

    @property
    def scope_id(self) -> str:
        """Sync scope."""
        ...

    @property
    def values(self) -> dict[str, Value]:
        """Columns by name."""
        ...


class _Scopes:
    """Heads and sums of the scopes touched; the rows stay locked until the commit."""

    def __init__(self, connection: sa.Connection) -> None:
        self._cx = connection
        self._state: dict[str, list[int]] = {}

    def next_seq(self, scope: str, type_: int, id_: bytes) -> int:
        state = self._state.get(scope)
        if state is None:
            add_scope(self._cx, scope)
            table = SYSTEM.scope
            query = sa.select(table.c.head, table.c.n, table.c.xsum).where(table.c.id == scope).with_for_update()
            state = self._state[scope] = list(self._cx.execute(query).one())
        state[0] += 1
        state[1] += 1
        state[2] = add_sum(state[2], row_hash(type_, id_, state[0]))
        return state[0]

    def store(self) -> None:
        table = SYSTEM.scope
        for scope, (head, n, xsum) in sorted(self._state.items()):
            query = table.update().where(table.c.id == scope).values(head=head, n=n, xsum=xsum)
            self._cx.execute(query)


def load_rows(connection: sa.Connection, rows: Iterable[BulkRow]) -> int:
    """Insert rows whose ids are new, in the order given; return how many. Ticket numbers move the counter."""
    scopes = _Scopes(connection)
    iterator = iter(rows)
    count = highest = 0
    while batch := list(islice(iterator, _BATCH)):
        by_type: dict[int, list[tuple[Any, ...]]] = {}
        for row in batch:
            seq = scopes.next_seq(row.scope_id, row.type, row.id)
            columns = BY_NUMBER[row.type].columns
            common = (row.id, row.scope_id, seq, False, None, 1, "{}")
            by_type.setdefault(row.type, []).append(common + tuple(row.values.get(name) for name in columns))
            if row.type == TICKET.number:
                highest = max(highest, int(row.values.get("number") or 0))
        for type_, records in by_type.items():
            _insert(connection, type_, records)
        count += len(batch)
    scopes.store()
    counter = SYSTEM.counter
    raised = counter.update().where(counter.c.name == "ticket", counter.c.value < highest).values(value=highest)
    connection.execute(raised)
    return count


def _insert(connection: sa.Connection, type_: int, records: list[tuple[Any, ...]]) -> None:
    """Straight to the driver: ten times as fast as Core, and every value already has its driver's type."""
    table = ENTITY_TABLES[type_]
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(table.columns))
    sql = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own schema
    connection.exec_driver_sql(sql, records)


def scope_errors(connection: sa.Connection) -> list[str]:
    """Compare every scope's kept count and sum with its rows; return the scopes that differ."""
    sums: dict[str, list[int]] = {}
    for number, table in ENTITY_TABLES.items():
        query = sa.select(table.c.scope_id, table.c.id, table.c.seq).where(table.c.deleted == sa.false())
        for scope, id_, seq in connection.execute(query):
            state = sums.setdefault(scope, [0, 0])
            state[0] += 1
            state[1] = add_sum(state[1], row_hash(number, bytes(id_), seq))
    table = SYSTEM.scope
    kept = {row.id: [row.n, row.xsum] for row in connection.execute(sa.select(table.c.id, table.c.n, table.c.xsum))}
    return sorted(scope for scope in {*sums, *kept} if sums.get(scope, [0, 0]) != kept.get(scope, [0, 0]))
