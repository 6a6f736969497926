# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket's clock out of the rows as shown: its events, and the policies and hours that they name."""

from __future__ import annotations

from app.domain.changes import Row
from app.domain.entities import HISTORY, SLA_POLICY
from app.domain.ports import ClockFacts
from app.domain.sla import EventKind
from app.domain.sla_rows import Book, clock_events
from app.store.schema import table_of
from app.store.shown import Shown, ShownRows

__all__ = ["clock_facts"]


def clock_facts(shown: Shown, rows: ShownRows, ticket: Row) -> ClockFacts | None:
    """Return what a ticket's clock is derived from; None when no policy ever applied to it."""
    table = table_of(HISTORY.number)
    columns = ", ".join(f'"{name}"' for name in table.columns)
    lines = [
        table.row(raw) for raw in shown.select(HISTORY.number, columns, "subject = ? AND deleted = 0", (ticket.id,))
    ]
    book = Book(rows)
    events = clock_events(lines, book)
    changes = [event for event in events if event.kind is EventKind.POLICY]
    if not changes:
        return None
    policies = book.policies(e.policy for e in changes if e.policy is not None)
    hours = book.hours(e.calendar for e in changes if e.calendar is not None)
    applying = ticket.values.get("sla_policy")
    row = rows.get(SLA_POLICY.number, applying) if isinstance(applying, bytes) else None
    names = (str(row.values.get(f"name_{lang}") or "") if row is not None else "" for lang in ("ko", "en"))
    return ClockFacts(events, policies, hours, *names)
