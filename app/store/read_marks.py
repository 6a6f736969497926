# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tickets this person has not read: by the marks of one's own devices, own unsent ones included."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.entities import READ_MARK, TICKET
from app.store.schema import table_of
from app.store.shown import Shown

__all__ = ["seen_numbers", "unread_condition"]


def seen_numbers(shown: Shown, tickets: Sequence[bytes]) -> dict[bytes, int]:
    """Return up to which message these tickets were read; those never opened are left out."""
    found = shown.by_values(READ_MARK.number, "ticket, seen_no", "ticket", list(tickets), " AND deleted = 0")
    return {ticket: int(seen) for ticket, seen in found if seen is not None}


def unread_condition(shown: Shown) -> str:
    """Return the condition on tickets `s` that `app.domain.changes_reading.is_unread` says of one.

    Of a million tickets few can be unread: those that are not answered, and some that were read once. Only these are
    looked up.
    """
    table, tickets = table_of(READ_MARK.number), table_of(TICKET.number)
    seen = f"(SELECT r.seen_no FROM main.{table.name} r WHERE r.ticket = s.id AND r.deleted = 0)"
    once = (
        f"SELECT r.ticket FROM main.{table.name} r JOIN main.{tickets.name} t ON t.id = r.ticket "
        "WHERE t.last_in_no > r.seen_no"
    )
    if READ_MARK.number in shown.overlaid:
        counts = f"SELECT 1 FROM pending.over_key k WHERE k.type = {READ_MARK.number} AND k.id = r.id"
        own = f"SELECT r.seen_no FROM pending.{table.overlay} r WHERE r.ticket = s.id AND r.deleted = 0"
        seen = f"coalesce(({own} AND EXISTS ({counts} AND {shown.active()})), {seen})"
        once += f" UNION SELECT r.ticket FROM pending.{table.overlay} r"
    if TICKET.number in shown.overlaid:
        once += f" UNION SELECT t.id FROM pending.{tickets.overlay} t"
    possible = f"(s.last_in_no > coalesce(s.last_out_no, 0) OR s.id IN ({once}))"
    return f"({possible} AND s.last_in_no > coalesce({seen}, s.last_out_no, 0))"
