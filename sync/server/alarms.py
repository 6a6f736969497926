# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad invitations that a customer's Companion tells of: a line on the ticket, an end of the invitation. Blocking.

The Companion's word counts for its own customer only. What the invitation says of itself is a stranger's claim: it
chooses among this customer's own tickets and invitations, and nothing else; what names none of these tickets stands on
the customer's newest. Every report gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.domain.changes import Actor, Context
from app.domain.changes_base import Row, history
from app.domain.entities import BY_NUMBER, HISTORY, TICKET, Value
from app.domain.ids import derived_id, hlc_of
from app.domain.invitation import BAD_INVITATION_LINE
from sync.customer_protocol import Accepted
from sync.server.apply import insert_once
from sync.server.intake import Written, check_welcome, landed, own_row
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.session_ends import end_refused
from sync.server.store import Store
from sync.server.tokens import Grant
from sync.session_protocol import BadInvitationReport

__all__ = ["QUIET_MS", "WHYS", "Told", "tell_bad_invitation"]

# a ticket gets one line in this time, however many bad invitations come
QUIET_MS: Final = 3_600_000
# what a Companion may say of the reason; it goes to the server's log and nowhere else
WHYS: Final = frozenset(
    {
        "document", "organisation", "certificate", "revoked", "revocation list", "time", "join secret", "scopes",
        "ticket", "used",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a report. `ticket`: it stands there; without one only the server's log can tell of it.

    `named`: the invitation named that ticket itself; else it is the customer's newest.
    """

    written: Written
    ticket: bytes | None = None
    named: bool = False
    new: bool = True  # not one that was handed in before


def tell_bad_invitation(store: Store, now: int, who: Grant, ask: BadInvitationReport) -> Told:
    """Take a report of a Companion, once. Raises ProblemError 400 `malformed`, 403 `suspended`."""
    id_ = _id(ask.id)
    if id_ is None:
        raise ProblemError(400, "malformed")
    # the number of a ticket that is not the customer's is nothing to tell
    written = Written(Accepted(id=ask.id, number=None), {})
    ticket_id, iid = _id(ask.ticket), _id(ask.iid)

    def work(connection: sa.Connection) -> Told:
        if insert_once(connection, f"{who.subject.hex()}:alarm:{ask.id}", now) is not None:
            return Told(written, new=False)
        rows = TxRows(connection)
        check_welcome(rows, who.subject)
        if iid is not None:
            end_refused(connection, now, iid, who.subject, who.device)
        ticket = _own(rows, who.subject, ticket_id) if ticket_id is not None else None
        named = ticket is not None
        if ticket is None and (newest := _newest(connection, who.subject)) is not None:
            ticket = _own(rows, who.subject, newest)  # somebody has to read of it in a desktop
        if ticket is None:
            return Told(written)
        if not _stands(connection, ticket.id, now):
            rows.stage([_line(ticket, who, id_, ask.at, now)])
        return Told(Written(written.accepted, rows.flush(now)), ticket.id, named=named)

    return store.write(work)


def _own(rows: TxRows, customer: bytes, ticket: bytes) -> Row | None:
    rows.lock([(TICKET.number, ticket)])  # of two reports at once the second sees the line of the first
    try:
        row = landed(rows, own_row(rows, customer, ticket))
    except ProblemError:
        return None
    if row.id != ticket:
        rows.lock([(TICKET.number, row.id)])
    return row


def _newest(connection: sa.Connection, customer: bytes) -> bytes | None:
    table = ENTITY_TABLES[TICKET.number]
    query = sa.select(table.c.id).where(table.c.customer == customer, table.c.deleted == sa.false())
    found = connection.execute(query.order_by(table.c.last_at.desc(), table.c.id).limit(1)).scalar()
    return bytes(found) if found is not None else None


def _stands(connection: sa.Connection, ticket: bytes, now: int) -> bool:
    table = ENTITY_TABLES[HISTORY.number]
    query = sa.select(table.c.id).where(
        table.c.subject == ticket, table.c.kind == BAD_INVITATION_LINE, table.c.recorded_at > now - QUIET_MS
    )
    return connection.execute(query.limit(1)).first() is not None


def _line(ticket: Row, who: Grant, report: bytes, at: int, now: int) -> Row:
    """Nothing of why it was bad: who invited reads the ticket, too."""
    when = min(at, now) if at > 0 else now
    ctx = Context(Actor("customer", who.subject), when, now, hlc_of(when), "srv", 0, on_server=True)
    made = history(ctx, ticket, derived_id(who.device, report), BAD_INVITATION_LINE, {})
    columns: dict[str, Value] = dict.fromkeys(BY_NUMBER[HISTORY.number].columns)
    return Row(HISTORY.number, made.id, made.scope, {**columns, **made.values})


def _id(text: str) -> bytes | None:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if len(raw) == 16 else None
