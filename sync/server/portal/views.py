# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret link shows: its own ticket's state and messages. Never a note, never another customer's words."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.attachments import Attachment, load_attachments
from app.domain.entities import CUSTOMER, MESSAGE, STATE, SURVEY_ANSWER, TICKET, USER, Category
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
    link, ticket = SYSTEM.portal_link, ENTITY_TABLES[TICKET.number]
    id_ = connection.execute(sa.select(link.c.ticket_id).where(link.c.hash == kept)).scalar()
    if id_ is None:
        return None
    columns = (ticket.c.id, ticket.c.scope_id, ticket.c.customer, ticket.c.merged_into, ticket.c.deleted)
    row = connection.execute(sa.select(*columns).where(ticket.c.id == id_)).first()
    if row is None or row.deleted:
        return None
    if row.merged_into is None:
        return Place(bytes(row.id), row.scope_id, bytes(row.customer), None)
    into = connection.execute(sa.select(*columns).where(ticket.c.id == row.merged_into)).first()
    if into is None or into.deleted:
        return None
    is_same = bytes(into.customer) == bytes(row.customer)
    return Place(bytes(into.id), into.scope_id, bytes(row.customer), None if is_same else bytes(row.id))


def read_ticket(connection: sa.Connection, kept: bytes) -> TicketView | None:
    """Return what a link shows."""
    place = find_ticket(connection, kept)
    if place is None:
        return None
    ticket, state, customer = (ENTITY_TABLES[e.number] for e in (TICKET, STATE, CUSTOMER))
    query = (
        sa.select(ticket, state.c.category, state.c.name_ko, state.c.name_en, customer.c.name.label("customer_name"),
                  customer.c.preferred_name, customer.c.blocked_reason, customer.c.deleted.label("customer_gone"))
        .join(state, state.c.id == ticket.c.state)
        .join(customer, customer.c.id == ticket.c.customer)
        .where(ticket.c.id == place.id)
    )  # fmt: skip
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    own = place.own
    if own is not None:  # it was joined with a ticket of somebody else: that one's subject and words are not shown
        subject, opened = connection.execute(
            sa.select(ticket.c.subject, ticket.c.created_at).where(ticket.c.id == own)
        ).one()
    else:
        subject, opened = row["subject"], row["created_at"]
    name = "" if own is not None else row["preferred_name"] or row["customer_name"] or ""
    last = row["last_at"] or 0
    return TicketView(
        id=place.id,
        scope=place.scope,
        team=bytes(row["team"]),
        number=row["number"],
        subject=subject or "",
        category=row["category"],
        state_ko=row["name_ko"] or "",
        state_en=row["name_en"] or "",
        language=row["language"] or "ko",
        opened_at=opened or 0,
        lines=_lines(connection, place.id, own, name),
        asked=own is None and row["category"] == Category.SOLVED and _answered_at(connection, place.id) < last,
        next_due=row["next_due"] if row["due_target"] == "first" else None,
        welcome=not (row["customer_gone"] or row["blocked_reason"]),
    )


def _answered_at(connection: sa.Connection, ticket: bytes) -> int:
    answer = ENTITY_TABLES[SURVEY_ANSWER.number]
    query = sa.select(sa.func.max(answer.c.answered_at)).where(
        answer.c.ticket == ticket, answer.c.deleted == sa.false()
    )
    return connection.execute(query).scalar() or -1


def _lines(connection: sa.Connection, ticket: bytes, own: bytes | None, name: str) -> tuple[Line, ...]:
    message, user = ENTITY_TABLES[MESSAGE.number], ENTITY_TABLES[USER.number]
    query = (
        sa.select(message.c.id, message.c.direction, message.c.body, message.c.attachments, message.c.occurred_at,
                  message.c.created_at, user.c.public_name, user.c.name)
        .join(user, user.c.id == message.c.author, isouter=True)
        .where(message.c.ticket == ticket, message.c.deleted == sa.false())
        .order_by(message.c.msg_no.desc())
        .limit(_MESSAGES)
    )  # fmt: skip
    if own is not None:
        query = query.where(sa.or_(message.c.origin_ticket == own, message.c.arrived_via == own))
    rows = connection.execute(query).all()
    return tuple(
        Line(
            id=bytes(row.id).hex(),
            mine=row.direction == "in",
            author=name if row.direction == "in" else (row.public_name or row.name or ""),
            body=row.body or "",
            at=row.occurred_at or row.created_at or 0,
            files=load_attachments(row.attachments),
        )
        for row in reversed(rows)
    )
