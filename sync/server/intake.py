# SPDX-License-Identifier: GPL-3.0-or-later
"""How what customers write becomes rows, by the Companion or the portal: each once, on own tickets only. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.domain.attachments import Attachment
from app.domain.changes import Actor, AnyChange, Context, MemberSet, Row, TicketCreate, all_roots
from app.domain.entities import CUSTOMER, TEAM, TICKET
from app.domain.errors import Refused
from app.domain.executor import canonical_json
from app.domain.ids import derived_id, hlc_of
from app.domain.waits import Basis, Told
from sync.customer_protocol import Accepted
from sync.server.apply import Applier, insert_once
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store
from sync.server.waiting import Waiting, acknowledged

__all__ = [
    "Written",
    "check_welcome",
    "follow_up",
    "intake_team",
    "intake_wait",
    "landed",
    "own_row",
    "own_ticket",
    "write_once",
]


@dataclass(frozen=True, slots=True)
class Written:
    """A write of a customer, accepted now or before, and the scopes it moved."""

    accepted: Accepted
    heads: dict[str, int]


def write_once(
    store: Store,
    now: int,
    actor: Actor,
    key: str,
    acted_ms: int,
    target: bytes,
    changes: Callable[[sa.Connection, TxRows], Sequence[AnyChange]],
    told: Callable[[], Told] | None = None,
) -> Written:
    """Run changes, once per actor and key; `target` is the ticket named in the answer.

    A ticket that is opened by it is acknowledged with what `told` says of the wait.
    """
    key = f"{actor.id.hex() if actor.id else ''}:{key}"

    def work(connection: sa.Connection) -> Written:
        stored = insert_once(connection, key, now)
        if stored is not None:
            return Written(Accepted(id=stored["id"], number=stored["number"]), {})
        rows = TxRows(connection)
        rows.lock([(TICKET.number, target)])
        applier = Applier(connection, rows, None)
        when = min(acted_ms, now) if acted_ms > 0 else now
        ctx = Context(actor, when, now, hlc_of(when), "srv", 0, on_server=True)
        made = changes(connection, rows)
        rows.lock({root for change in made for root in all_roots(change, rows)})
        try:
            for change in made:
                applier.apply(change, {}, ctx)
        except Refused as refusal:
            raise ProblemError(409, refusal.code) from refusal
        opened = next((c.ticket for c in made if isinstance(c, TicketCreate)), None)
        row = rows.get(TICKET.number, opened) if opened is not None else None
        if told is not None and row is not None:
            rows.stage([acknowledged(row, told(), now)])
        heads = rows.flush(now)
        created = target if opened is None else opened
        result: dict[str, Any] = {"id": created.hex(), "number": rows.number_of(created)}
        ingest = SYSTEM.ingest
        connection.execute(ingest.update().where(ingest.c.key == key).values(result=canonical_json(result)))
        return Written(Accepted(**result), heads)

    return store.write(work)


def intake_wait(store: Store, waiting: Waiting, now: int, channel: str) -> Told:
    """Return how long somebody waits who asks now. Where a ticket is opened for sure: before the write begins."""
    try:
        with store.read() as connection:
            team = intake_team(connection)
    except ProblemError:
        return Told(Basis.UNKNOWN)
    return waiting.told(now, team, channel)


def intake_team(connection: sa.Connection) -> bytes:
    """Return the team that takes what customers write: the one set by the administrator, else the first."""
    setting, team = SYSTEM.setting, ENTITY_TABLES[TEAM.number]
    named = connection.execute(sa.select(setting.c.value).where(setting.c.name == "intake_team")).scalar()
    if named is not None:
        return bytes.fromhex(named)
    first = connection.execute(sa.select(team.c.id).where(team.c.deleted == sa.false()).order_by(team.c.seq)).scalar()
    if first is None:
        raise ProblemError(409, "no_team")
    return bytes(first)


def own_row(rows: TxRows, customer: bytes, ticket: bytes) -> Row:
    """Return a ticket of this customer as it stands, merged or not. Raises ProblemError 404 `not_found`."""
    row = rows.get(TICKET.number, ticket)
    if row is None or row.deleted or row.values.get("customer") != customer:
        raise ProblemError(404, "not_found")
    return row


def landed(rows: TxRows, row: Row) -> Row:
    """Return where a ticket was merged to, which may be another customer's, or itself."""
    target = row.values.get("merged_into")
    merged = rows.get(TICKET.number, target) if isinstance(target, bytes) else None
    return merged if merged is not None and not merged.deleted else row


def own_ticket(rows: TxRows, customer: bytes, ticket: bytes) -> Row:
    """Return a ticket of this customer, or where it was merged to.

    Raises ProblemError 404 `not_found`, also where it was merged into another customer's: what this one says there
    would stand as the other's.
    """
    found = landed(rows, own_row(rows, customer, ticket))
    if found.values.get("customer") != customer:
        raise ProblemError(404, "not_found")
    return found


def follow_up(
    old: Row, customer: bytes, message: bytes, body: str, files: tuple[Attachment, ...], channel: str
) -> list[AnyChange]:
    """Return what opens a new ticket after a closed one, linked to it."""
    ticket = derived_id(message, "follow-up")
    team, asset = old.values.get("team"), old.values.get("asset")
    create = TicketCreate(
        event=derived_id(message, "request"),
        ticket=ticket,
        subject=str(old.values.get("subject") or "-"),
        team=team if isinstance(team, bytes) else b"",
        customer=customer,
        message=message,
        body=body,
        channel=channel,
        language=str(old.values.get("language") or "ko"),
        asset=asset if isinstance(asset, bytes) else None,
        attachments=files,
    )
    return [create, MemberSet(derived_id(message, "link"), ticket, "link", old.id)]


def check_welcome(rows: TxRows, customer: bytes) -> None:
    """Raise ProblemError 403 `suspended` when the customer is gone or blocked, as for the home."""
    row = rows.get(CUSTOMER.number, customer)
    if row is None or row.deleted or row.values.get("blocked_reason"):
        raise ProblemError(403, "suspended")
