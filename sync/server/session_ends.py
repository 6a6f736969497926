# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that the server ends: their agent is let in no more, their ticket is none to share a screen for, their
customer was blocked, or the customer's program could not use the invitation.

The two computers are connected to each other, so the server can only tell them; it does so at once, and again whenever
one of them connects while the session might still run. What it was told of an end before counts for nothing here: that
agent may have said so and gone on. The reason is the state of the session from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.assist import SERVER_ENDS, EndReason
from app.domain.entities import CUSTOMER, LIVE, STATE, TICKET, Category
from app.domain.ids import uuid7
from sync.server.access import scopes_of
from sync.server.notices import SESSIONS
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = [
    "SERVER_STATES",
    "SESSION_GRACE_MS",
    "SharedTicket",
    "end_out_of_sight",
    "end_refused",
    "follow_customers",
    "follow_tickets",
    "might_run",
    "replace_invitations",
    "revoke_sessions",
]

# states of sessions that the server ended, and the reasons that both ends are told
SERVER_STATES = tuple(sorted(reason.value for reason in SERVER_ENDS))
_REVOKED = EndReason.REVOKED.value

# how long after the end of a session its two ends may still exchange what belongs to the end
SESSION_GRACE_MS = 30_000


@dataclass(frozen=True, slots=True)
class SharedTicket:
    """What of a ticket decides whether a screen may be shared for it."""

    id: bytes
    scope: str
    customer: bytes | None
    open: bool


def might_run(now: int) -> sa.ColumnElement[bool]:
    """Sessions that may not have reached their limit yet, whoever says that they are over."""
    table = SYSTEM.session
    return table.c.ends + table.c.hard_s * 1000 > now


def revoke_sessions(connection: sa.Connection, now: int, devices: Sequence[bytes]) -> None:
    """End the sessions and void the invitations of devices, for good. An invitation made just now is waited for."""
    device, table = SYSTEM.device, SYSTEM.session
    locked = sa.select(device.c.id).where(device.c.id.in_(devices)).order_by(device.c.id).with_for_update()
    connection.execute(locked).all()
    ends = sa.case((table.c.ends > now, now), else_=table.c.ends)
    query = table.update().where(table.c.agent_device.in_(devices), table.c.state != _REVOKED, might_run(now))
    connection.execute(query.values(state=_REVOKED, ends=ends, code_hash=None, join_secret=None))


def follow_tickets(connection: sa.Connection, now: int, tickets: Iterable[SharedTicket]) -> None:
    """End the sessions of these tickets, as they are now, that no invitation could be made for any more.

    Their agents are no strangers: as after every end, both may still sign the record for half a minute.
    """
    known = {ticket.id: ticket for ticket in tickets}
    table, device = SYSTEM.session, SYSTEM.device
    query = (
        sa.select(table.c.sid, table.c.ticket_id, table.c.customer_id, table.c.agent_device, device.c.account_id)
        .join(device, device.c.id == table.c.agent_device)
        .where(table.c.ticket_id.in_(sorted(known)), table.c.state.not_in(SERVER_STATES), might_run(now))
    )
    for row in connection.execute(query.order_by(table.c.sid)).all():
        reason = _why(connection, known[bytes(row.ticket_id)], bytes(row.customer_id), bytes(row.account_id))
        if reason is not None:
            _end(connection, now, bytes(row.sid), bytes(row.agent_device), reason)


def follow_customers(connection: sa.Connection, now: int, blocked: Iterable[bytes]) -> None:
    """End the sessions of customers who are let in no more, and void their invitations."""
    table = SYSTEM.session
    query = sa.select(table.c.sid, table.c.agent_device).where(
        table.c.customer_id.in_(sorted(blocked)), table.c.state.not_in(SERVER_STATES), might_run(now)
    )
    for row in connection.execute(query.order_by(table.c.sid)).all():
        _end(connection, now, bytes(row.sid), bytes(row.agent_device), EndReason.REQUESTER_BLOCKED)


def replace_invitations(connection: sa.Connection, now: int, ticket: bytes) -> None:
    """End what nobody agreed to yet on a ticket, because another invitation takes its place; both ends are told."""
    table = SYSTEM.session
    query = sa.select(table.c.sid, table.c.agent_device).where(
        table.c.ticket_id == ticket, table.c.state == "invited", table.c.ends > now
    )
    for row in connection.execute(query.order_by(table.c.sid)).all():
        _end(connection, now, bytes(row.sid), bytes(row.agent_device), EndReason.REVOKED)


def end_waiting(connection: sa.Connection, now: int) -> None:
    """End what nobody agreed to yet, on all tickets: the organisation's key, for which it was signed, is exchanged."""
    table = SYSTEM.session
    query = sa.select(table.c.sid, table.c.agent_device).where(table.c.state == "invited", table.c.ends > now)
    for row in connection.execute(query.order_by(table.c.sid)).all():
        _end(connection, now, bytes(row.sid), bytes(row.agent_device), EndReason.REVOKED)


def end_refused(connection: sa.Connection, now: int, iid: bytes, customer: bytes, companion: bytes) -> None:
    """End an invitation that its customer's own Companion could not use, unless another one has taken it.

    Its agent is told that, and in the same way whatever was wrong with it.
    """
    table = SYSTEM.session
    query = sa.select(table.c.sid, table.c.agent_device, table.c.companion_id).where(
        table.c.iid == iid, table.c.customer_id == customer, table.c.state == "invited", table.c.ends > now
    )
    row = connection.execute(query.with_for_update()).first()
    if row is not None and row.companion_id in (None, companion):
        _end(connection, now, bytes(row.sid), bytes(row.agent_device), EndReason.BAD_INVITATION)


def end_out_of_sight(connection: sa.Connection, now: int, account: bytes) -> None:
    """End the sessions of a person whose tickets that person may not see any more."""
    table, device = SYSTEM.session, SYSTEM.device
    query = (
        sa.select(table.c.ticket_id)
        .join(device, device.c.id == table.c.agent_device)
        .where(device.c.account_id == account, table.c.state.not_in(SERVER_STATES), might_run(now))
    )
    ids = sorted({bytes(id_) for id_ in connection.execute(query).scalars()})
    tickets, states = ENTITY_TABLES[TICKET.number], ENTITY_TABLES[STATE.number]
    columns = tickets.c.id, tickets.c.scope_id, tickets.c.customer, tickets.c.deleted, states.c.category
    found = sa.select(*columns).join(states, states.c.id == tickets.c.state).where(tickets.c.id.in_(ids))
    follow_tickets(
        connection,
        now,
        [
            SharedTicket(bytes(row.id), row.scope_id, row.customer, not row.deleted and Category(row.category) in LIVE)
            for row in connection.execute(found)
        ],
    )


def _why(connection: sa.Connection, ticket: SharedTicket, customer: bytes, agent: bytes) -> EndReason | None:
    if not ticket.open:
        return EndReason.TICKET_CLOSED
    if ticket.customer != customer:
        return EndReason.REQUESTER_CHANGED
    if _is_blocked(connection, customer):  # the one into whom this one was merged
        return EndReason.REQUESTER_BLOCKED
    return None if ticket.scope in scopes_of(connection, agent) else EndReason.TICKET_MOVED


def _is_blocked(connection: sa.Connection, customer: bytes) -> bool:
    table = ENTITY_TABLES[CUSTOMER.number]
    return bool(connection.execute(sa.select(table.c.blocked_reason).where(table.c.id == customer)).scalar())


def _end(connection: sa.Connection, now: int, sid: bytes, agent_device: bytes, reason: EndReason) -> None:
    table, notice = SYSTEM.session, SYSTEM.notice
    last = now + SESSION_GRACE_MS
    ends = sa.case(
        (sa.and_(table.c.state == "active", table.c.ends > last), last),
        (sa.and_(table.c.state == "invited", table.c.ends > now), now),
        else_=table.c.ends,
    )
    query = table.update().where(table.c.sid == sid, table.c.state.not_in(SERVER_STATES))
    connection.execute(query.values(state=reason.value, ends=ends, code_hash=None, join_secret=None))
    id_ = uuid7(now, hashlib.sha256(sid).digest()[:10])  # a session ends so once
    connection.execute(notice.insert().values(id=id_, device_id=agent_device, kind=SESSIONS, at=now))
