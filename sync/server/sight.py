# SPDX-License-Identifier: GPL-3.0-or-later
"""Which messages a customer's Companion may show: nothing that another customer wrote, sent or was answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from app.domain.entities import CUSTOMER, HISTORY, MESSAGE, TICKET
from sync.server.schema import ENTITY_TABLES

__all__ = ["seen_by", "sight_columns"]

_Lines: TypeAlias = list[tuple[int, bytes, bytes]]  # when a ticket changed hands, whose it was, whose it became


def sight_columns() -> list[sa.Column[Any]]:
    """Return the columns of a message that `seen_by` looks at."""
    columns = ENTITY_TABLES[MESSAGE.number].c
    names = ("ticket", "origin_ticket", "arrived_via", "direction", "author", "sent_at", "created_at", "created_by")
    return [columns[name] for name in names]


def seen_by(connection: sa.Connection, customer: bytes, rows: Sequence[Any]) -> list[Any]:
    """Return those messages on the customer's tickets that are the customer's to read, in their order.

    Own words are; so is what support said while the ticket it was said on was theirs. Records that were merged into
    the customer's are the same person. When nobody can tell, a message is not shown.
    """
    persons = _persons(connection, customer)
    tickets = {ticket for row in rows for ticket in _tickets_of(row)}
    strangers = _customers(connection, {bytes(row.created_by) for row in rows if row.created_by}) - persons
    holders, lines = _holders(connection, tickets), _lines(connection, tickets)

    def is_shown(row: Any) -> bool:
        if row.direction == "in":
            came = row.arrived_via
            # written for a merged ticket, it has that of the holder for its author, whoever sent it
            if row.created_by is not None and bytes(row.created_by) in strangers:
                return False
            return bytes(row.author or b"") in persons and (came is None or holders.get(bytes(came)) in persons)
        at = row.sent_at or row.created_at or 0
        return all(
            holders.get(ticket) in persons and _had(lines.get(ticket, []), at) <= persons for ticket in _tickets_of(row)
        )

    return [row for row in rows if is_shown(row)]


def _tickets_of(row: Any) -> set[bytes]:
    return {bytes(each) for each in (row.ticket, row.origin_ticket, row.arrived_via) if each is not None}


def _had(lines: _Lines, at: int) -> set[bytes]:
    """Return whose a ticket was at a time: nobody's if it never changed hands, all it may have been if in doubt."""
    if not lines:
        return set()
    before = [new for time, _, new in lines if time < at][-1:] or [lines[0][1]]
    return {*before, *(who for time, old, new in lines if time == at for who in (old, new))}


def _persons(connection: sa.Connection, customer: bytes) -> set[bytes]:
    table = ENTITY_TABLES[CUSTOMER.number]
    merged = connection.execute(sa.select(table.c.id).where(table.c.merged_into == customer)).scalars()
    return {customer, *(bytes(each) for each in merged)}


def _customers(connection: sa.Connection, ids: set[bytes]) -> set[bytes]:
    table = ENTITY_TABLES[CUSTOMER.number]
    return {bytes(each) for each in connection.execute(sa.select(table.c.id).where(table.c.id.in_(ids))).scalars()}


def _holders(connection: sa.Connection, tickets: Iterable[bytes]) -> dict[bytes, bytes]:
    table = ENTITY_TABLES[TICKET.number]
    found = connection.execute(sa.select(table.c.id, table.c.customer).where(table.c.id.in_(sorted(tickets))))
    return {bytes(row.id): bytes(row.customer or b"") for row in found}


def _lines(connection: sa.Connection, tickets: Iterable[bytes]) -> dict[bytes, _Lines]:
    table = ENTITY_TABLES[HISTORY.number]
    query = (
        sa.select(table.c.subject, table.c.data, table.c.recorded_at, table.c.acted_at)
        .where(table.c.subject.in_(sorted(tickets)), table.c.data.contains('"field":"customer"', autoescape=True))
        .order_by(table.c.seq)
    )
    out: dict[bytes, _Lines] = {}
    for row in connection.execute(query):
        data = json.loads(row.data or "{}")
        if data.get("field") == "customer":
            old, new = (bytes.fromhex(data.get(name) or "") for name in ("old", "new"))
            out.setdefault(bytes(row.subject), []).append((row.recorded_at or row.acted_at or 0, old, new))
    return {ticket: sorted(lines, key=lambda line: line[0]) for ticket, lines in out.items()}
