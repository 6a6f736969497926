# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of callbacks: ask for one, take it on, call, cancel. Only the server says that a slot is free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.addresses import address_value
from app.domain.calendars import Span, parse_spans
from app.domain.callbacks import (
    CAPACITY,
    GRACE_MS,
    SLOT_MS,
    Callback,
    CallState,
    is_open,
    is_slot,
    lies_in_hours,
    was_in_time,
)
from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    fresh_id,
    history,
    int_of,
    landing,
    landing_of,
    was_done,
)
from app.domain.changes_values import is_time
from app.domain.entities import CALENDAR_SPANS, CALLBACK, TEAM, TICKET, Value
from app.domain.errors import Refused
from app.domain.ids import derived_id
from app.domain.sla_rows import Book

__all__ = [
    "CALLBACK_LINE", "CallbackAttempt", "CallbackCancel", "CallbackRequest", "CallbackTake", "callback_of",
    "capacity_of", "missed_line_id", "spans_of_team", "taken_slots",
]  # fmt: skip

CALLBACK_LINE = "callback"
_COUNTED = (CallState.CONFIRMED, CallState.DONE)


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """`callback.request`: a call wished for in the half hour from `slot_start`. It replaces the ticket's open one."""

    event: bytes
    callback: bytes
    ticket: bytes
    slot_start: int
    phone: str

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert it: confirmed by the server if the slot is free, else asked for. Raises Refused("slot_full")."""
        phone = address_value("phone", self.phone)
        if phone is None:
            raise Refused("bad_value", field="phone")
        if not is_time(self.slot_start) or not is_slot(self.slot_start):
            raise Refused("bad_value", field="slot_start")
        ticket, via = landing(rows, self.ticket)
        id_, told = fresh_id(rows, CALLBACK.number, self.callback, self.event, self._is_same)
        if id_ is None or was_done(rows, ticket.id, self.event, CALLBACK_LINE):
            return []
        before = [row for row in rows.find(CALLBACK.number, "ticket", ticket.id) if _is_owed(row)]
        state = CallState.REQUESTED
        if ctx.on_server and self._is_free(rows, ctx, ticket):
            state = CallState.CONFIRMED
        elif ctx.on_server and any(_state(row) is CallState.CONFIRMED for row in before):
            raise Refused("slot_full")  # the one that there is stays
        values: dict[str, Value] = {
            "ticket": ticket.id, "origin_ticket": ticket.id, "arrived_via": via,
            "customer": ticket.values.get("customer"), "phone": phone, "slot_start": self.slot_start,
            "slot_end": self.slot_start + SLOT_MS, "state": state.value, "assignee": None, "attempts": 0,
            "reached": None, "attempted_at": None, "closed_at": None, "created_at": ctx.acted_ms,
            "created_by": ctx.actor.id,
        }  # fmt: skip
        out: list[Effect] = [Insert(CALLBACK.number, id_, ticket.scope, values)]
        for row in before:
            gone: dict[str, Value] = {"closed_at": ctx.acted_ms}
            if is_open(_state(row)):
                gone["state"] = CallState.CANCELLED.value
            out.append(Derive(CALLBACK.number, row.id, gone))
        data = {"what": state.value, "callback": id_.hex(), "slot_start": self.slot_start, "moved": bool(before)}
        return [*out, history(ctx, ticket, self.event, CALLBACK_LINE, data), *told]

    def _is_same(self, row: Row) -> bool:
        return row.values.get("slot_start") == self.slot_start

    def _is_free(self, rows: Rows, ctx: Context, ticket: Row) -> bool:
        team = ticket.values.get("team")
        if not isinstance(team, bytes) or self.slot_start < ctx.now_ms:
            return False
        if not lies_in_hours(spans_of_team(rows, team), self.slot_start):
            return False
        others = rows.find(CALLBACK.number, "slot_start", self.slot_start)
        there = sum(_counts(row) and row.scope == ticket.scope and row.values["ticket"] != ticket.id for row in others)
        return there < capacity_of(rows, team)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """The team: who asks for its slots at the same time waits, so that none takes more calls than it may."""
        row, _via = landing_of(rows, self.ticket)
        team = row.values.get("team") if row is not None else None
        return [(TEAM.number, team)] if isinstance(team, bytes) else []


@dataclass(frozen=True, slots=True)
class CallbackCancel:
    """`callback.cancel`: nobody is to call any more; for a missed one: it was made up for in another way."""

    event: bytes
    callback: bytes
    ticket: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """End it. Raises Refused("callback_over") where a call was made."""
        row, ticket = _found(rows, self.callback, self.ticket)
        state = _state(row)
        if state is CallState.DONE:
            raise Refused("callback_over")
        if state is CallState.CANCELLED or row.values.get("closed_at") is not None:
            return []
        values: dict[str, Value] = {"closed_at": ctx.acted_ms}
        if is_open(state):
            values["state"] = CallState.CANCELLED.value
        what = "settled" if state is CallState.MISSED else CallState.CANCELLED.value
        line = history(ctx, ticket, self.event, CALLBACK_LINE, _data(row, what))
        return [Derive(CALLBACK.number, row.id, values), line]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket), (CALLBACK.number, self.callback)]


@dataclass(frozen=True, slots=True)
class CallbackTake:
    """`callback.take`: who will call; null: nobody in particular any more."""

    event: bytes
    callback: bytes
    ticket: bytes
    user: bytes | None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set it. Raises Refused("callback_taken"): two people must not call one customer."""
        row, ticket = _found(rows, self.callback, self.ticket)
        holder = row.values.get("assignee")
        if holder == self.user:
            return []
        if not is_open(_state(row)):
            raise Refused("callback_over")
        if isinstance(holder, bytes) and self.user is not None:
            raise Refused("callback_taken")
        data = _data(row, "taken" if self.user is not None else "given_back")
        line = history(ctx, ticket, self.event, CALLBACK_LINE, data)
        return [Derive(CALLBACK.number, row.id, {"assignee": self.user}), line]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket), (CALLBACK.number, self.callback)]


@dataclass(frozen=True, slots=True)
class CallbackAttempt:
    """`callback.attempt`: somebody called, and reached the customer or not."""

    event: bytes
    callback: bytes
    ticket: bytes
    reached: bool

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Count it; one that reached the customer ends the callback. Raises Refused("callback_over").

        One made in time by somebody who was offline undoes "missed" when it arrives; a late one does not.
        """
        row, ticket = _found(rows, self.callback, self.ticket)
        if was_done(rows, ticket.id, self.event, CALLBACK_LINE):
            return []
        state = _state(row)
        if state is CallState.CANCELLED or (state is CallState.DONE and row.values.get("reached")):
            raise Refused("callback_over")
        values: dict[str, Value] = {
            "attempts": int_of(row.values.get("attempts")) + 1, "attempted_at": ctx.acted_ms, "reached": self.reached,
        }  # fmt: skip
        end = int_of(row.values.get("slot_end"))
        if state is CallState.MISSED and was_in_time(end, ctx.acted_ms):
            state = CallState.CONFIRMED
            values["state"] = state.value
        if self.reached:
            values["closed_at"] = ctx.acted_ms
            values["state"] = (CallState.DONE if state is not CallState.MISSED else state).value
        elif state is CallState.CONFIRMED and ctx.now_ms >= end + GRACE_MS:
            values |= {"state": CallState.DONE.value, "closed_at": ctx.acted_ms}
        line = history(ctx, ticket, self.event, CALLBACK_LINE, _data(row, "reached" if self.reached else "not_reached"))
        return [Derive(CALLBACK.number, row.id, values), line]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket), (CALLBACK.number, self.callback)]


def callback_of(row: Row, name: str = "", *, pending: bool = False) -> Callback:
    """Return a callback out of its row."""
    v = row.values
    ticket, assignee, reached, closed = (v.get(name) for name in ("ticket", "assignee", "reached", "closed_at"))
    return Callback(
        row.id, ticket if isinstance(ticket, bytes) else b"", int_of(v.get("slot_start")), int_of(v.get("slot_end")),
        _state(row), str(v.get("phone") or ""), assignee if isinstance(assignee, bytes) else None, name,
        int_of(v.get("attempts")), bool(reached) if reached is not None else None,
        closed if isinstance(closed, int) else None, int_of(v.get("created_at")), pending,
    )  # fmt: skip


def capacity_of(rows: Rows, team: bytes) -> int:
    """Return how many calls a team makes in one slot."""
    row = rows.get(TEAM.number, team)
    value = row.values.get("callback_capacity") if row is not None else None
    return value if isinstance(value, int) else CAPACITY


def spans_of_team(rows: Rows, team: bytes) -> Sequence[Span]:
    """Return when a team is there, by the version of its calendar that counts; nothing where it has none."""
    row = rows.get(TEAM.number, team)
    calendar = row.values.get("calendar") if row is not None else None
    if not isinstance(calendar, bytes):
        return ()
    spans = rows.first(CALENDAR_SPANS.number, "calendar", Book(rows).newest(calendar))
    return parse_spans(str(spans.values["spans"])) if spans is not None and spans.values.get("spans") else ()


def taken_slots(rows: Sequence[Row], scope: str) -> dict[int, int]:
    """Count the calls of each slot of a team."""
    out: dict[int, int] = {}
    for row in rows:
        if _counts(row) and row.scope == scope:
            start = int_of(row.values.get("slot_start"))
            out[start] = out.get(start, 0) + 1
    return out


def missed_line_id(callback: bytes) -> bytes:
    """Return the id of the line that says nobody called: one, whoever finds it first."""
    return derived_id(callback, CALLBACK_LINE, CallState.MISSED.value)


def _found(rows: Rows, callback: bytes, ticket: bytes) -> tuple[Row, Row]:
    row = rows.get(CALLBACK.number, callback)
    if row is None or row.deleted:
        raise Refused("no_such_row")
    home = row.values.get("ticket")
    found, _via = landing(rows, home if isinstance(home, bytes) else ticket)
    return row, found


def _state(row: Row) -> CallState:
    try:
        return CallState(str(row.values.get("state")))
    except ValueError:  # of a later version
        return CallState.CANCELLED


def _is_owed(row: Row) -> bool:
    return row.values.get("closed_at") is None and (is_open(_state(row)) or _state(row) is CallState.MISSED)


def _counts(row: Row) -> bool:
    return not row.deleted and _state(row) in _COUNTED


def _data(row: Row, what: str) -> dict[str, object]:
    return {"what": what, "callback": row.id.hex(), "slot_start": row.values.get("slot_start")}
