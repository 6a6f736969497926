# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks through a whole database for what must never be: wrong sums, orphans, doubled numbers, lost references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.entities import (
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITIES,
    HISTORY,
    MESSAGE,
    STATE,
    TEAM,
    TICKET,
    Entity,
    Home,
)
from sync.server.bulk import scope_errors
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = ["Finding", "verify"]

# a ticket's customer and owner are in other scopes and may dangle (docs/decisions/0036); these never do
_REFERENCES: tuple[tuple[Entity, str, Entity], ...] = (
    (TICKET, "state", STATE),
    (TICKET, "team", TEAM),
    (TICKET, "merged_into", TICKET),
    (CONTACT_ADDRESS, "customer", CUSTOMER),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: `kind` is sums, orphan, numbers, reference or seqs; `where` names scope or entity and column."""

    kind: str
    where: str
    count: int
    example: str = ""


def verify(connection: sa.Connection) -> list[Finding]:
    """Return everything that is wrong, in one snapshot."""
    return [
        *(Finding("sums", scope, 1) for scope in scope_errors(connection)),
        *_seqs(connection),
        *_orphans(connection),
        *_numbers(connection),
        *_references(connection),
    ]


def _seqs(connection: sa.Connection) -> Iterator[Finding]:
    """A row above its scope's head would be given to nobody, and its seq to another row."""
    scope = SYSTEM.scope
    for table in ENTITY_TABLES.values():
        wrong = table.outerjoin(scope, scope.c.id == table.c.scope_id)
        above = sa.or_(scope.c.id.is_(None), table.c.seq > scope.c.head)
        yield from _found(connection, "seqs", table.name, sa.select(table.c.id).select_from(wrong).where(above))


def _orphans(connection: sa.Connection) -> Iterator[Finding]:
    """A ticket and all its children are in one scope; a child without its ticket is shown nowhere."""
    ticket = ENTITY_TABLES[TICKET.number]
    for entity in ENTITIES:
        if entity.home is not Home.TICKET or entity in (TICKET, HISTORY) or entity.parent is None:
            continue
        table = ENTITY_TABLES[entity.number]
        owner = table.outerjoin(ticket, ticket.c.id == table.c[entity.parent])
        lone = sa.or_(ticket.c.id.is_(None), ticket.c.scope_id != table.c.scope_id)
        query = sa.select(table.c.id).select_from(owner).where(table.c.deleted == sa.false(), lone)
        yield from _found(connection, "orphan", f"{entity.name}.{entity.parent}", query)
    history = ENTITY_TABLES[HISTORY.number]
    # lines about customers and the like are where those are
    told = history.outerjoin(ticket, ticket.c.id == history.c.subject)
    lone = sa.or_(ticket.c.id.is_(None), history.c.scope_id != ticket.c.scope_id)
    query = sa.select(history.c.id).select_from(told).where(history.c.subject_type == TICKET.number, lone)
    yield from _found(connection, "orphan", "history_event.subject", query.where(history.c.deleted == sa.false()))


def _numbers(connection: sa.Connection) -> Iterator[Finding]:
    """Within a ticket each message has its own number, none above the last one given; tickets have their own too."""
    message, ticket = ENTITY_TABLES[MESSAGE.number], ENTITY_TABLES[TICKET.number]
    numbered = sa.and_(message.c.deleted == sa.false(), message.c.msg_no.is_not(None))
    twice = sa.select(sa.func.min(message.c.id)).where(numbered).group_by(message.c.ticket, message.c.msg_no)
    yield from _found(connection, "numbers", "message.msg_no", twice.having(sa.func.count() > 1))
    above = sa.select(message.c.id).join(ticket, ticket.c.id == message.c.ticket)
    above = above.where(numbered, message.c.msg_no > sa.func.coalesce(ticket.c.msg_seq, 0))
    yield from _found(connection, "numbers", "ticket.msg_seq", above)
    same = sa.select(sa.func.min(ticket.c.id)).where(ticket.c.number.is_not(None)).group_by(ticket.c.number)
    yield from _found(connection, "numbers", "ticket.number", same.having(sa.func.count() > 1))


def _references(connection: sa.Connection) -> Iterator[Finding]:
    for entity, column, target in _REFERENCES:
        table, other = ENTITY_TABLES[entity.number], ENTITY_TABLES[target.number].alias()
        known = sa.select(other.c.id).where(other.c.id == table.c[column]).exists()
        query = sa.select(table.c.id).where(table.c.deleted == sa.false(), table.c[column].is_not(None), ~known)
        yield from _found(connection, "reference", f"{entity.name}.{column}", query)


def _found(connection: sa.Connection, kind: str, where: str, ids: sa.Select[tuple[bytes]]) -> Iterator[Finding]:
    wrong = ids.subquery()
    count = connection.execute(sa.select(sa.func.count()).select_from(wrong)).scalar_one()
    if count:
        example = connection.execute(sa.select(wrong.c[0]).limit(1)).scalar_one()
        yield Finding(kind, where, count, bytes(example).hex())
