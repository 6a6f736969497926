# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that wait for their author already, and that a renewed device sends again."""

from __future__ import annotations

from dataclasses import replace

from app.domain.changes import ID_BYTES, AnyChange, Context, Holdable, MessageAdd, Row, Rows, dump_change, load_change
from app.domain.entities import CONFLICT
from app.domain.errors import Refused
from app.domain.ids import derived_id

__all__ = ["held_before"]


def held_before(change: AnyChange, rows: Rows, ctx: Context) -> Row | None:
    """Return the row that holds, or held, this very change for its author.

    It lies in the author's own scope, so it may be told of whatever the ticket has become since.
    """
    if not isinstance(change, Holdable) or len(change.event) != ID_BYTES:
        return None
    row = rows.get(CONFLICT.number, derived_id(change.event, "held"))
    if row is None or row.deleted or ctx.actor.id is None or row.values.get("created_by") != ctx.actor.id:
        return None
    return row if _is_in(row, change) else None


def _is_in(row: Row, change: Holdable) -> bool:
    """Return whether a row holds this change and not one that only uses the same event. A reply may be edited since."""
    try:
        there = load_change(row.values["mine"])
    except Refused:
        return False
    if isinstance(there, MessageAdd) and isinstance(change, MessageAdd):
        there = replace(there, body=change.body, seen_seq=change.seen_seq, seen_id=change.seen_id)
    return dump_change(there) == dump_change(change)
