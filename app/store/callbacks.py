# SPDX-License-Identifier: GPL-3.0-or-later
"""Callbacks out of both files: those of a ticket, those that are owed, and the half hours that are free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.domain.callback_ports import CallItem
from app.domain.callbacks import CAPACITY, Callback, CallState, by_day_order, free_slots, owed
from app.domain.entities import CALLBACK, TEAM, TICKET, USER, team_scope
from app.domain.ids import TeamId, TicketId
from app.domain.ports import TicketRow
from app.store.cipher import Database
from app.store.opening import team_spans
from app.store.shown import Shown

__all__ = ["StoreCalls", "calls_of_ticket"]

_COLUMNS = "id, ticket, slot_start, slot_end, state, phone, assignee, attempts, reached, closed_at, created_at"
_DAYS = 7
_Rows = Callable[[Sequence[TicketId]], Mapping[TicketId, TicketRow]]


def calls_of_ticket(shown: Shown, ticket: bytes) -> tuple[Callback, ...]:
    """Return a ticket's callbacks, the newest first."""
    made = _read(shown, "ticket = ? AND deleted = 0", (ticket,))
    return tuple(sorted(made, key=lambda each: (-each.made_at, each.id)))


class StoreCalls:
    """Fulfils `app.domain.callback_ports.CallStore`. Each method is a read transaction or two."""

    def __init__(self, readers: Callable[[], Database], rows: _Rows, now_ms: Callable[[], int]) -> None:
        self._readers, self._rows, self._now_ms = readers, rows, now_ms

    def owed(self) -> Sequence[CallItem]:
        """Return what is owed, in the order of the day."""
        now = self._now_ms()
        with self._readers().read() as tx:
            shown = Shown(tx)
            where = "state IN ('requested', 'confirmed', 'missed') AND closed_at IS NULL AND deleted = 0"
            found = by_day_order((each for each in _read(shown, where, ()) if owed(each, now)), now)
            wanted = sorted({each.ticket for each in found})
            about = {row[0]: row for row in shown.by_ids(TICKET.number, "id, team, language", wanted)}
        rows = self._rows([TicketId(id_) for id_ in wanted])
        return [
            CallItem(each, row, TeamId(about[each.ticket][1]), about[each.ticket][2] or "ko")
            for each in found
            if each.ticket in about and (row := rows.get(TicketId(each.ticket))) is not None
        ]

    def slots(self, team: TeamId) -> Sequence[int]:
        """Return free half hours; the server may know of calls that are not here yet."""
        now = self._now_ms()
        with self._readers().read() as tx:
            shown = Shown(tx)
            capacity = shown.select(TEAM.number, "callback_capacity", "id = ?", (team,))
            counted = f"'{CallState.CONFIRMED.value}', '{CallState.DONE.value}'"
            where = f"slot_start >= ? AND state IN ({counted}) AND scope_id = ? AND deleted = 0"
            starts = shown.select(CALLBACK.number, "slot_start", where, (now, team_scope(team)))
            spans = team_spans(shown, team)
        taken: dict[int, int] = {}
        for (start,) in starts:
            taken[start] = taken.get(start, 0) + 1
        limit = capacity[0][0] if capacity and capacity[0][0] is not None else CAPACITY
        return free_slots(spans, now, _DAYS, taken, limit)


def _read(shown: Shown, where: str, values: tuple[Any, ...]) -> list[Callback]:
    found = shown.select(CALLBACK.number, _COLUMNS, where, values)
    if not found:
        return []
    pending = shown.overlaid_ids(CALLBACK.number)
    users = dict(shown.by_ids(USER.number, "id, name", sorted({raw[6] for raw in found if raw[6]})))
    return [_callback(raw, users.get(raw[6]) or "", pending=raw[0] in pending) for raw in found]


def _callback(raw: tuple[Any, ...], name: str, *, pending: bool) -> Callback:
    id_, ticket, start, end, state, phone, assignee, attempts, reached, closed, made = raw
    return Callback(
        id_, ticket, start or 0, end or 0, CallState(state), phone or "", assignee, name, attempts or 0,
        bool(reached) if reached is not None else None, closed, made or 0, pending,
    )  # fmt: skip
