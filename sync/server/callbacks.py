# SPDX-License-Identifier: GPL-3.0-or-later
"""Callbacks on the server: free half hours, what a customer sees of calls, and the round that finds missed ones.

Several processes may do rounds at once: each works under the locks that writers take and finds what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.domain.callbacks import GRACE_MS, SLOT_MS, CallState, ended_as, free_slots
from app.domain.changes import AnyChange, CallbackCancel, CallbackRequest, Row, canonical_json, category_of
from app.domain.changes_base import int_of
from app.domain.changes_callbacks import (
    CALLBACK_LINE,
    callback_of,
    capacity_of,
    missed_line_id,
    spans_of_team,
)
from app.domain.entities import CALLBACK, CONTACT_ADDRESS, HISTORY, TICKET, Category, Value, team_scope
from app.domain.ids import derived_id
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["SLOT_DAYS", "CallLine", "Callbacks", "ask_for_call", "calls_of", "cancel_call", "own_phone", "slots_of"]

SLOT_DAYS = 7
_DAY_MS = 86_400_000
_BATCH = 100
_SHOWN = 3  # calls of a ticket that its customer sees, the newest


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call as its customer sees it."""

    id: bytes
    state: CallState
    start: int
    phone: str
    is_owed: bool  # it can be cancelled, or is to be made up for


def slots_of(connection: sa.Connection, now: int, team: bytes, *, days: int = SLOT_DAYS) -> list[int]:
    """Return the starts (ms) of a team's slots that take one more call, from the beginning of this UTC day.

    Those of today that have begun are among them: what is told stays the same while nobody chooses.
    """
    rows, table = TxRows(connection), ENTITY_TABLES[CALLBACK.number]
    begin = now // _DAY_MS * _DAY_MS
    query = (
        sa.select(table.c.slot_start, sa.func.count())
        .where(
            table.c.slot_start >= begin,
            table.c.slot_start < begin + (days + 1) * _DAY_MS,
            table.c.scope_id == team_scope(team),
            table.c.state.in_([CallState.CONFIRMED.value, CallState.DONE.value]),
            table.c.deleted == sa.false(),
        )
        .group_by(table.c.slot_start)
    )
    taken = {int(start): int(n) for start, n in connection.execute(query)}
    return free_slots(spans_of_team(rows, team), begin, days, taken, capacity_of(rows, team))


def calls_of(connection: sa.Connection, tickets: Sequence[bytes], customer: bytes) -> dict[bytes, list[CallLine]]:
    """Return the calls of a customer's tickets that still say something, the newest last."""
    table = ENTITY_TABLES[CALLBACK.number]
    query = (
        sa.select(table)
        .where(table.c.ticket.in_(tickets), table.c.customer == customer, table.c.deleted == sa.false())
        .order_by(table.c.created_at, table.c.id)
    )
    out: dict[bytes, list[CallLine]] = {}
    for found in connection.execute(query).mappings():
        call = callback_of(Row(CALLBACK.number, bytes(found["id"]), found["scope_id"], dict(found)))
        owed = call.closed_at is None and call.state is not CallState.DONE
        out.setdefault(call.ticket, []).append(CallLine(call.id, call.state, call.start, call.phone, owed))
    return {ticket: lines[-_SHOWN:] for ticket, lines in out.items()}


def own_phone(connection: sa.Connection, customer: bytes) -> str:
    """Return the number under which a customer is called."""
    table = ENTITY_TABLES[CONTACT_ADDRESS.number]
    query = sa.select(table.c.value).where(
        table.c.customer == customer, table.c.kind == "phone", table.c.deleted == sa.false()
    )
    return str(connection.execute(query.order_by(table.c.is_primary.desc(), table.c.id).limit(1)).scalar() or "")


def ask_for_call(rows: TxRows, ticket: Row, id_: bytes, start: int, phone: str) -> list[AnyChange]:
    """Return what asks for a call. Raises ProblemError 409 `closed` on a ticket that is closed."""
    if category_of(rows, ticket.values["state"]) is Category.CLOSED:
        raise ProblemError(409, "closed")
    return [CallbackRequest(derived_id(id_, "call"), id_, ticket.id, start, phone)]


def cancel_call(rows: TxRows, tickets: Iterable[bytes], id_: bytes, event: bytes) -> list[AnyChange]:
    """Return what cancels a call of one of these tickets. Raises ProblemError 404 `not_found`."""
    row = rows.get(CALLBACK.number, id_)
    ticket = row.values.get("ticket") if row is not None else None
    if row is None or row.deleted or not isinstance(ticket, bytes) or ticket not in set(tickets):
        raise ProblemError(404, "not_found")
    return [CallbackCancel(event, id_, ticket)]


class Callbacks:
    """Finds the calls whose time is over. One round at a time."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def run(self) -> dict[str, int]:
        """Say of each call that nobody tried that it was missed; return the heads of the scopes that moved."""
        now = self._clock()
        table = ENTITY_TABLES[CALLBACK.number]
        query = sa.select(table.c.id, table.c.ticket).where(
            table.c.state == CallState.CONFIRMED.value,
            table.c.slot_start <= now - SLOT_MS - GRACE_MS,
            table.c.deleted == sa.false(),
        )
        with self._store.read() as connection:
            over = [(bytes(id_), bytes(ticket)) for id_, ticket in connection.execute(query.order_by(table.c.id))]
        heads: dict[str, int] = {}
        for start in range(0, len(over), _BATCH):
            part = over[start : start + _BATCH]
            heads |= self._store.write(lambda cx, part=part: _end(cx, part, now))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        return heads


def _end(connection: sa.Connection, over: Sequence[tuple[bytes, bytes]], now: int) -> dict[str, int]:
    rows = TxRows(connection)
    rows.lock([*((TICKET.number, ticket) for _, ticket in over), *((CALLBACK.number, id_) for id_, _ in over)])
    for id_, _ticket in over:
        row = rows.get(CALLBACK.number, id_)
        if row is None or row.deleted:
            continue
        call = callback_of(row)
        what = ended_as(call.state, call.end, call.attempts, now)
        if what is call.state:
            continue
        values: dict[str, Value] = {**row.values, "state": what.value}
        if what is CallState.DONE:
            values["closed_at"] = now
        rows.stage([replace(row, rev=row.rev + 1, values=values)])
        ticket = rows.get(TICKET.number, call.ticket)
        if what is CallState.MISSED and ticket is not None:
            rows.stage([_line(ticket, row, call.end + GRACE_MS, now)])
    return rows.flush(now)


def _line(ticket: Row, row: Row, at: int, now: int) -> Row:
    data: Mapping[str, Any] = {
        "what": CallState.MISSED.value, "callback": row.id.hex(), "slot_start": int_of(row.values.get("slot_start")),
    }  # fmt: skip
    values: dict[str, Value] = dict.fromkeys(HISTORY.columns, None) | {
        "subject_type": TICKET.number, "subject": ticket.id, "kind": CALLBACK_LINE, "data": canonical_json(data),
        "acted_at": at, "recorded_at": now, "actor_kind": "server", "created_at": at,
    }  # fmt: skip
    return Row(HISTORY.number, missed_line_id(row.id), ticket.scope, values)
