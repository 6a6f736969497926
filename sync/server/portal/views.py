# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret link shows: its own ticket's state and messages. Never a note.

A link is that of the customer who wrote, not of the ticket: where the ticket is another customer's now (it was given to
them, or joined with theirs), the link shows what its customer wrote and was answered before, and does nothing more.
"""

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
    """A link's ticket as it is now. `customer`: whose link it is; `holder`: whose ticket it is.

    `own`: the ticket that was opened, when it is another customer's now; if it was `given` to them, what stands there
    until `until_no` (None: nobody can tell) was said while it was the link's customer's.
    """

    id: bytes
    scope: str
    customer: bytes
    holder: bytes
    own: bytes | None
    given: bool
    until_no: int | None
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
    """A ticket as its customer reads it. `asked`: the two questions wait for an answer.

    `elsewhere`: it is another customer's now, so nothing is taken here any more.
    """

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
    elsewhere: bool
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
    into = row
    if row.merged_into is not None:
        target = connection.execute(_place_query(), {"id": row.merged_into}).first()
        if target is None or target.deleted:
            return None
        into = target
    # a link without a customer belongs to nobody who could be shown more than what was opened
    customer, holder = bytes(row.customer_id or b""), bytes(into.customer)
    return Place(
        id=bytes(into.id),
        scope=into.scope_id,
        customer=customer,
        holder=holder,
        own=None if customer == holder else bytes(row.id),
        given=customer != bytes(row.customer),
        until_no=row.until_no,
        team=bytes(into.team),
        seq=into.seq,
        language=into.language or "ko",
    )


def read_ticket(connection: sa.Connection, kept: bytes, now: int, organisation: bytes) -> TicketView | None:
    """Return what a link shows; `organisation` is the key that invitations are signed under."""
    place = find_ticket(connection, kept)
    row = connection.execute(_ticket_query(), {"id": place.id}).first() if place is not None else None
    if place is None or row is None:
        return None
    own = place.own
    subject, opened = row.subject, row.created_at
    state_ko, state_en, seq = row.name_ko, row.name_en, place.seq
    if own is not None:  # it is somebody else's: their subject and words are not shown
        before = connection.execute(_ticket_query(), {"id": own}).one()
        subject, opened = before.subject, before.created_at
    if own is not None and place.given:  # what is done with it now is not told
        subject, state_ko, state_en, seq = "", "", "", 0
    name = "" if own is not None else row.preferred_name or row.customer_name or ""
    last = row.last_at or 0
    return TicketView(
        id=place.id,
        scope=place.scope,
        team=place.team,
        seq=seq,
        number=row.number,
        subject=subject or "",
        category=row.category,
        state_ko=state_ko or "",
        state_en=state_en or "",
        language=place.language,
        opened_at=opened or 0,
        lines=_lines(connection, place, name),
        asked=own is None and row.category == Category.SOLVED and _answered_at(connection, place.id) < last,
        next_due=row.next_due if own is None and row.due_target == "first" else None,
        welcome=own is None and not (row.customer_gone or row.blocked_reason),
        elsewhere=own is not None,
        invited=read_invited(connection, place.id, now, organisation) if own is None else None,
    )


def _answered_at(connection: sa.Connection, ticket: bytes) -> int:
    return connection.execute(_answered_query(), {"id": ticket}).scalar() or -1


def _lines(connection: sa.Connection, place: Place, name: str) -> tuple[Line, ...]:
    query = _lines_query()
    given: dict[str, bytes | int] = {"id": place.id}
    if place.own is not None and place.given:
        # where it was joined with another since, its messages have other numbers
        until = place.until_no if place.until_no is not None and place.own == place.id else -1
        query = _given_lines_query()
        given |= {"own": place.own, "until": until, "writer": place.customer}
    elif place.own is not None:
        query = _own_lines_query()
        given |= {"own": place.own}
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
    columns = *_place_columns(), link.c.customer_id, link.c.until_no
    query = sa.select(*columns).join_from(link, ticket, ticket.c.id == link.c.ticket_id)
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


@cache
def _given_lines_query() -> sa.Select[Any]:
    message = ENTITY_TABLES[MESSAGE.number]
    writer: sa.BindParameter[bytes] = sa.bindparam("writer")
    own: sa.BindParameter[bytes] = sa.bindparam("own")
    written = sa.and_(message.c.direction == "in", message.c.author == writer, message.c.origin_ticket == own)
    return _lines_query().where(sa.or_(message.c.msg_no <= sa.bindparam("until"), written))
