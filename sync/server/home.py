# SPDX-License-Identifier: GPL-3.0-or-later
"""What a companion shows: its own customer's contact, products, terms, tickets and messages; never notes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from app.domain.attachments import load_attachments
from app.domain.entities import (
    ASSET,
    CALENDAR,
    CALENDAR_SPANS,
    CUSTOMER,
    ENTITLEMENT,
    HISTORY,
    MESSAGE,
    STATE,
    SUPPORT_CONTACT,
    SURVEY_ANSWER,
    TICKET,
    USER,
    Category,
    Entity,
)
from sync.customer_protocol import (
    Acknowledged,
    AssetView,
    CallView,
    Contact,
    FileView,
    Home,
    MessageView,
    Terms,
    TicketView,
)
from sync.server.bootstrap import Organisation
from sync.server.callbacks import calls_of, own_phone, slots_of
from sync.server.customers import organisation_key
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES
from sync.server.sight import seen_by, sight_columns
from sync.server.waiting import ACKNOWLEDGED, contact_calendar

__all__ = ["etag_of", "read_contact", "read_home"]

_TICKETS = 50
_MESSAGES = 300
_DAY_S = 24 * 3600
_WEEKS_S = 28 * _DAY_S


def etag_of(home: Home) -> str:
    """Return the entity tag of what the home shows, whatever the time."""
    raw = msgspec.json.encode(msgspec.structs.replace(home, server_ms=0))
    return f'"{hashlib.blake2b(raw, digest_size=12).hexdigest()}"'


def read_home(connection: sa.Connection, now: int, organisation: Organisation, customer: bytes) -> Home:
    """Return the customer's home. Raises ProblemError 403 `suspended` when the customer is gone or blocked."""
    table = _table(CUSTOMER)
    row = connection.execute(sa.select(table).where(table.c.id == customer)).mappings().first()
    if row is None or row["deleted"] or row["blocked_reason"]:
        raise ProblemError(403, "suspended")
    owners = [customer] + ([bytes(row["organisation"])] if row["organisation"] is not None else [])
    tickets, slots = _tickets(connection, now, customer, row["preferred_name"] or row["name"] or "")
    return Home(
        customer=customer.hex(),
        customer_name=row["preferred_name"] or row["name"] or "",
        language=row["language"] or "ko",
        organisation=organisation_key(organisation),
        contact=read_contact(connection, now),
        assets=_assets(connection, owners),
        tickets=tickets,
        server_ms=now,
        slots=slots,
        phone=own_phone(connection, customer),
    )


def _table(entity: Entity) -> sa.Table:
    return ENTITY_TABLES[entity.number]


def read_contact(connection: sa.Connection, now: int) -> Contact:
    """Return how support is reached, and its open times from yesterday to four weeks ahead."""
    contact, calendar = _table(SUPPORT_CONTACT), _table(CALENDAR)
    query = sa.select(contact).where(contact.c.deleted == sa.false()).order_by(contact.c.seq)
    row = connection.execute(query.limit(1)).mappings().first()
    if row is None:
        return Contact(name_ko="", name_en="", phone="", mail="", zone="UTC", spans=[])
    hours = contact_calendar(connection)
    zone = connection.execute(sa.select(calendar.c.zone).where(calendar.c.id == hours)).scalar()
    return Contact(
        name_ko=row["name_ko"] or "",
        name_en=row["name_en"] or "",
        phone=row["phone"] or "",
        mail=row["mail"] or "",
        zone=zone or "UTC",
        spans=_spans(connection, hours, now // 1000),
    )


def _spans(connection: sa.Connection, calendar: bytes | None, now_s: int) -> list[tuple[int, int]]:
    table = _table(CALENDAR_SPANS)
    query = sa.select(table.c.spans).where(table.c.calendar == calendar, table.c.deleted == sa.false())
    spans = [
        (int(start), int(end))
        for text in connection.execute(query).scalars()
        for start, end in json.loads(text or "[]")
        if now_s - _DAY_S < end and start < now_s + _WEEKS_S
    ]
    return sorted(spans)


def _assets(connection: sa.Connection, owners: list[bytes]) -> list[AssetView]:
    table = _table(ASSET)
    query = sa.select(table).where(table.c.owner.in_(owners), table.c.deleted == sa.false()).order_by(table.c.id)
    assets = connection.execute(query).mappings().all()
    terms = _terms(connection, [*owners, *(bytes(a["id"]) for a in assets)])
    views = []
    for asset in assets:
        # an asset's own terms come before those of its owner
        found = terms.get(bytes(asset["id"])) or terms.get(bytes(asset["owner"]))
        views.append(
            AssetView(
                id=bytes(asset["id"]).hex(),
                product=asset["product"] or "",
                model=asset["model"] or "",
                serial=asset["serial"] or "",
                warranty_until=asset["warranty_until"],
                status=asset["status"] or "in_use",
                terms=found,
                order_ref=asset["order_ref"] or "",
            )
        )
    return views


def _terms(connection: sa.Connection, owners: list[bytes]) -> dict[bytes, Terms]:
    """Return the current version of each owner's support terms: the newest that nothing supersedes."""
    table = _table(ENTITLEMENT)
    query = sa.select(table).where(table.c.owner.in_(owners), table.c.deleted == sa.false()).order_by(table.c.seq)
    rows = connection.execute(query).mappings().all()
    superseded = {bytes(row["supersedes"]) for row in rows if row["supersedes"] is not None}
    names = ("plan", "included_ko", "included_en", "valid_from", "valid_until", "options_after_ko", "options_after_en")
    return {
        bytes(row["owner"]): Terms(**{name: row[name] or "" for name in names})
        for row in rows
        if bytes(row["id"]) not in superseded
    }


def _tickets(
    connection: sa.Connection, now: int, customer: bytes, customer_name: str
) -> tuple[list[TicketView], list[list[int]]]:
    """Return the customer's tickets, and the free slots of the teams that have one of them."""
    ticket, state = _table(TICKET), _table(STATE)
    query = (
        sa.select(ticket.c.id, ticket.c.number, ticket.c.subject, ticket.c.last_at, ticket.c.team, state.c.category,
                  state.c.name_ko, state.c.name_en)
        .join(state, state.c.id == ticket.c.state)
        .where(ticket.c.customer == customer, ticket.c.deleted == sa.false(), state.c.category != "merged")
        .order_by(ticket.c.last_at.desc(), ticket.c.id)
        .limit(_TICKETS)
    )  # fmt: skip
    rows = connection.execute(query).all()
    ids = [bytes(row.id) for row in rows]
    messages = _messages(connection, ids, customer, customer_name)
    answered, told = _answered(connection, ids), _acknowledged(connection, ids)
    calls = calls_of(connection, ids, customer)
    teams = list(dict.fromkeys(bytes(row.team) for row in rows if row.category != Category.CLOSED))
    views = [
        TicketView(
            id=bytes(row.id).hex(),
            number=row.number,
            subject=row.subject or "",
            category=row.category,
            state_ko=row.name_ko or "",
            state_en=row.name_en or "",
            updated_at=row.last_at or 0,
            messages=messages.get(bytes(row.id), []),
            asked=row.category == "solved" and answered.get(bytes(row.id), -1) < (row.last_at or 0),
            acknowledged=told.get(bytes(row.id)),
            calls=[
                CallView(id=c.id.hex(), state=c.state.value, slot_start=c.start, phone=c.phone, owed=c.is_owed)
                for c in calls.get(bytes(row.id), [])
            ],
            slots=teams.index(bytes(row.team)) if row.category != Category.CLOSED else -1,
        )
        for row in rows
    ]
    return views, [[start // 1000 for start in slots_of(connection, now, team)] for team in teams]


def _acknowledged(connection: sa.Connection, tickets: list[bytes]) -> dict[bytes, Acknowledged]:
    """Return what the customer was told of the wait when each request came."""
    line = _table(HISTORY)
    query = sa.select(line.c.subject, line.c.data, line.c.acted_at).where(
        line.c.subject.in_(tickets), line.c.kind == ACKNOWLEDGED, line.c.deleted == sa.false()
    )
    out = {}
    for row in connection.execute(query):
        data = json.loads(row.data or "{}")
        times = {name: data.get(name) for name in ("usual_s", "latest_s", "opens_s")}
        out[bytes(row.subject)] = Acknowledged(
            at=row.acted_at or 0, basis=data.get("basis", ""), call=bool(data.get("call")), **times
        )
    return out


def _answered(connection: sa.Connection, tickets: list[bytes]) -> dict[bytes, int]:
    """Return when the two questions were answered last."""
    answer = _table(SURVEY_ANSWER)
    query = (
        sa.select(answer.c.ticket, sa.func.max(answer.c.answered_at).label("at"))
        .where(answer.c.ticket.in_(tickets), answer.c.deleted == sa.false())
        .group_by(answer.c.ticket)
    )
    return {bytes(row.ticket): row.at or 0 for row in connection.execute(query)}


def _messages(
    connection: sa.Connection, tickets: list[bytes], customer: bytes, customer_name: str
) -> dict[bytes, list[MessageView]]:
    message, user = _table(MESSAGE), _table(USER)
    query = (
        sa.select(message.c.id, *sight_columns(), message.c.body, message.c.attachments, message.c.occurred_at,
                  user.c.public_name, user.c.name)
        .join(user, user.c.id == message.c.author, isouter=True)
        .where(message.c.ticket.in_(tickets), message.c.deleted == sa.false())
        .order_by(message.c.msg_no)
    )  # fmt: skip
    out: dict[bytes, list[MessageView]] = {}
    for row in seen_by(connection, customer, connection.execute(query).all()):
        out.setdefault(bytes(row.ticket), []).append(_message_view(row, customer_name))
    return {id_: list(_last(views, _MESSAGES)) for id_, views in out.items()}


def _message_view(row: Any, customer_name: str) -> MessageView:
    inbound = row.direction == "in"
    return MessageView(
        id=bytes(row.id).hex(),
        direction="in" if inbound else "out",
        author=customer_name if inbound else (row.public_name or row.name or ""),
        body=row.body or "",
        at=row.occurred_at or row.created_at or 0,
        attachments=[
            FileView(sha256=a.sha256.hex(), filename=a.filename, media_type=a.media_type, size_bytes=a.size_bytes)
            for a in load_attachments(row.attachments)
        ],
    )


def _last(views: list[MessageView], n: int) -> Iterable[MessageView]:
    return views[-n:]
