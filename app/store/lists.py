# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of ticket lists, made from the rows as shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.changes_reading import is_unread
from app.domain.entities import CUSTOMER, STATE, Category
from app.domain.ids import CustomerId, StateId, TicketId, UserId
from app.domain.ports import DueMark, TicketRow
from app.domain.sla import Target
from app.domain.sla_rows import PAUSED
from app.store.marks import needing_tickets
from app.store.read_marks import seen_numbers
from app.store.shown import MAX_PARAMETERS, Shown

ROW_COLUMNS = (
    "id, number, provisional, subject, preview, state, priority, owner, customer, last_at, last_in_no, last_out_no, "
    "next_due, next_warn, due_target"
)


def pending_tickets(shown: Shown, ids: Sequence[bytes]) -> set[bytes]:
    """Return which of these tickets have changes that the server has not confirmed."""
    return _marked(shown, f"SELECT k.ticket FROM pending.outbox k WHERE {shown.active()}", "k.ticket", ids)


def _with_draft(shown: Shown, ids: Sequence[bytes]) -> set[bytes]:
    return _marked(shown, "SELECT subject_id FROM pending.draft WHERE discarded IS NULL", "subject_id", ids)


def _marked(shown: Shown, sql: str, column: str, ids: Sequence[bytes]) -> set[bytes]:
    out: set[bytes] = set()
    for start in range(0, len(ids), MAX_PARAMETERS):
        part = list(ids[start : start + MAX_PARAMETERS])
        out |= {i for (i,) in shown.tx.all(f"{sql} AND {column} IN ({', '.join('?' * len(part))})", part)}
    return out


def categories(shown: Shown) -> dict[bytes, Category]:
    """Return the category of every state."""
    return {id_: Category(category) for id_, category in shown.select(STATE.number, "id, category", "1")}


def customer_names(shown: Shown, ids: Sequence[bytes]) -> dict[bytes, str]:
    """Return the names of customers."""
    found = shown.by_ids(CUSTOMER.number, "id, name, preferred_name", ids)
    return {id_: preferred or name or "" for id_, name, preferred in found}


def _dues(shown: Shown, ids: Sequence[bytes]) -> dict[bytes, tuple[Any, ...]]:
    """Return what the server said of the clocks of these tickets."""
    out: dict[bytes, tuple[Any, ...]] = {}
    for start in range(0, len(ids), MAX_PARAMETERS):
        part = list(ids[start : start + MAX_PARAMETERS])
        marks = ", ".join("?" * len(part))
        sql = f"SELECT id, next_due, next_warn, due_target FROM main.ticket WHERE id IN ({marks})"
        out.update((row[0], tuple(row[1:])) for row in shown.tx.all(sql, part))
    return out


def due_mark(raw: Sequence[Any], *, estimated: bool) -> DueMark | None:
    """Return the mark of (next_due, next_warn, due_target); None for a ticket whose clock says nothing."""
    at, warn_at, target = raw
    if target == PAUSED:
        return DueMark(None, estimated=estimated)
    return DueMark(Target(target), at, warn_at, estimated) if target in set(Target) else None


def ticket_rows(shown: Shown, raw: Sequence[tuple[Any, ...]]) -> list[TicketRow]:
    """Return lines for rows of ROW_COLUMNS, in the same order."""
    ids = [row[0] for row in raw]
    names = customer_names(shown, sorted({row[8] for row in raw if row[8]}))
    by_state = categories(shown)
    pending, drafts = pending_tickets(shown, ids), _with_draft(shown, ids)
    needing = needing_tickets(shown, ids)
    seen = seen_numbers(shown, ids)
    confirmed = _dues(shown, [i for i in ids if i in pending])
    return [
        TicketRow(
            id=TicketId(row[0]),
            number=row[1],
            provisional=row[2] or "",
            subject=row[3] or "",
            preview=row[4] or "",
            state=StateId(row[5]),
            category=by_state.get(row[5], Category.OPEN),
            priority=row[6] or 0,
            owner=UserId(row[7]) if row[7] else None,
            customer=CustomerId(row[8]) if row[8] else None,
            customer_name=names.get(row[8], ""),
            last_at=row[9] or 0,
            unanswered=(row[10] or 0) > (row[11] or 0),
            last_in_no=row[10] or 0,
            unread=is_unread(row[10] or 0, row[11] or 0, seen.get(row[0])),
            pending=row[0] in pending,
            has_draft=row[0] in drafts,
            needs_you=row[0] in needing,
            due=due_mark(row[12:], estimated=row[0] in pending and confirmed.get(row[0]) != row[12:]),
        )
        for row in raw
    ]
