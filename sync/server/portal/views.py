# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret link shows: its own ticket's state and messages. Never a note, never another customer's words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.domain.attachments import Attachment, load_attachments
from app.domain.entities import CUSTOMER, MESSAGE, STATE, SURVEY_ANSWER, TICKET, USER, Category
from sync.server.portal.invited import Invited, read_invited
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = ["Line", "Place", "TicketView", "find_ticket", "read_ticket"]

_MESSAGES = 300


@dataclass(frozen=True, slots=True)
class Place:
    """A link's ticket as it is now. `own`: the ticket that was opened, when it went to another customer's."""

    id: bytes
    scope: str
    customer: bytes
    own: bytes | None
    team: bytes
    seq: int
    language: str


@dataclass(frozen=True, slots=True)
class Line:
    """One message that its reader may see."""

    id: str
    mine: bool
    author: str
    body: str
    at: int
    files: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as its customer reads it. `asked`: the two questions wait for an answer."""

    id: bytes
    scope: str
    team: bytes
    seq: int
    number: int | None
    subject: str
    category: str
    state_ko: str
    state_en: str
    language: str
    opened_at: int
    lines: tuple[Line, ...]
    asked: bool
    next_due: int | None
    welcome: bool
    invited: Invited | None

    @property
    def is_closed(self) -> bool:
        """Tell whether what is written now opens a new ticket."""
        return self.category == Category.CLOSED

    @property
    def is_answered(self) -> bool:
        """Tell whether somebody has answered yet."""
        return any(not line.mine for line in self.lines)


def find_ticket(connection: sa.Connection, kept: bytes) -> Place | None:
    """Return where a link leads; through a merge too."""
    row = connection.execute(_linked_query(), {"kept": kept}).first()
    if row is None or row.deleted:
        return None
    into, own = row, None
    if row.merged_into is not None:
        target = connection.execute(_place_query(), {"id": row.merged_into}).first()
        if target is None or target.deleted:
            return None
        into = target
        own = None if bytes(into.customer) == bytes(row.customer) else bytes(row.id)
    return Place(
        bytes(into.id), into.scope_id, bytes(row.customer), own, bytes(into.team), into.seq, into.language or "ko"
    )


def read_ticket(connection: sa.Connection, kept: bytes, now: int, organisation: bytes) -> TicketView | None:
    """Return what a link shows; `organisation` is the key that invitations are signed under."""
    place = find_ticket(connection, kept)
    row = connection.execute(_ticket_query(), {"id": place.id}).first() if place is not None else None
    if place is None or row is None:
        return None
    own = place.own
    subject, opened = row.subject, row.created_at
    if own is not None:  # it was joined with a ticket of somebody else: that one's subject and words are not shown
        before = connection.execute(_ticket_query(), {"id": own}).one()
        subject, opened = before.subject, before.created_at
    name = "" if own is not None else row.preferred_name or row.customer_name or ""
    last = row.last_at or 0
    return TicketView(
        id=place.id,
        scope=place.scope,
        team=place.team,
        seq=place.seq,
        number=row.number,
        subject=subject or "",
        category=row.category,
        state_ko=row.name_ko or "",
        state_en=row.name_en or "",
        language=place.language,
        opened_at=opened or 0,
        lines=_lines(connection, place.id, own, name),
        asked=own is None and row.category == Category.SOLVED and _answered_at(connection, place.id) < last,
        next_due=row.next_due if row.due_target == "first" else None,
        welcome=not (row.customer_gone or row.blocked_reason),
        invited=read_invited(connection, place.id, now, organisation) if own is None else None,
    )


def _answered_at(connection: sa.Connection, ticket: bytes) -> int:
    return connection.execute(_answered_query(), {"id": ticket}).scalar() or -1


def _lines(connection: sa.Connection, ticket: bytes, own: bytes | None, name: str) -> tuple[Line, ...]:
    query, given = (_lines_query(), {"id": ticket}) if own is None else (_own_lines_query(), {"id": ticket, "own": own})
    return tuple(
        Line(
            id=bytes(row.id).hex(),
            mine=row.direction == "in",
            author=name if row.direction == "in" else (row.public_name or row.name or ""),
            body=row.body or "",
            at=row.occurred_at or row.created_at or 0,
            files=load_attachments(row.attachments),
        )
        for row in reversed(connection.execute(query, given).all())
    )


# Each is made once: to write a statement down takes several times as long as to run it.


@cache
def _place_columns() -> tuple[sa.ColumnElement[Any], ...]:
    columns = ENTITY_TABLES[TICKET.number].c
    names = ("id", "scope_id", "customer", "merged_into", "deleted", "team", "seq", "language")
    return tuple(columns[name] for name in names)


@cache
def _linked_query() -> sa.Select[Any]:
    link, ticket = SYSTEM.portal_link, ENTITY_TABLES[TICKET.number]
    query = sa.select(*_place_columns()).join_from(link, ticket, ticket.c.id == link.c.ticket_id)
    return query.where(link.c.hash == sa.bindparam("kept"))


@cache
def _place_query() -> sa.Select[Any]:
    return sa.select(*_place_columns()).where(ENTITY_TABLES[TICKET.number].c.id == sa.bindparam("id"))


@cache
def _ticket_query() -> sa.Select[Any]:
    ticket, state, customer = (ENTITY_TABLES[e.number] for e in (TICKET, STATE, CUSTOMER))
    return (
        sa.select(ticket.c.number, ticket.c.subject, ticket.c.created_at, ticket.c.last_at, ticket.c.next_due,
                  ticket.c.due_target, state.c.category, state.c.name_ko, state.c.name_en,
                  customer.c.name.label("customer_name"), customer.c.preferred_name, customer.c.blocked_reason,
                  customer.c.deleted.label("customer_gone"))
        .join(state, state.c.id == ticket.c.state)
        .join(customer, customer.c.id == ticket.c.customer)
        .where(ticket.c.id == sa.bindparam("id"))
    )  # fmt: skip


@cache
def _answered_query() -> sa.Select[Any]:
    answer = ENTITY_TABLES[SURVEY_ANSWER.number]
    return sa.select(sa.func.max(answer.c.answered_at)).where(
        answer.c.ticket == sa.bindparam("id"), answer.c.deleted == sa.false()
    )


@cache
def _lines_query() -> sa.Select[Any]:
    message, user = ENTITY_TABLES[MESSAGE.number], ENTITY_TABLES[USER.number]
    return (
        sa.select(message.c.id, message.c.direction, message.c.body, message.c.attachments, message.c.occurred_at,
                  message.c.created_at, user.c.public_name, user.c.name)
        .join(user, user.c.id == message.c.author, isouter=True)
        .where(message.c.ticket == sa.bindparam("id"), message.c.deleted == sa.false())
        .order_by(message.c.msg_no.desc())
        .limit(_MESSAGES)
    )  # fmt: skip


@cache
def _own_lines_query() -> sa.Select[Any]:
    message = ENTITY_TABLES[MESSAGE.number]
    own: sa.BindParameter[bytes] = sa.bindparam("own")
    return _lines_query().where(sa.or_(message.c.origin_ticket == own, message.c.arrived_via == own))
