# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks of tickets and their fields: not confirmed yet, foreseen to lose, two values that wait for the person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from app.domain.changes import Row
from app.domain.entities import CONFLICT
from app.domain.ports import FieldMark
from app.store.shown import MAX_PARAMETERS, Shown

__all__ = ["field_marks", "needing_tickets"]

_OPEN = "status = 'open' AND deleted = 0"
TAGS = "tags"


def needing_tickets(shown: Shown, ids: Sequence[bytes]) -> set[bytes]:
    """Return which of these tickets have something that waits for the person."""
    out = {i for (i,) in shown.by_values(CONFLICT.number, "subject", "subject", list(ids), f" AND {_OPEN}")}
    # what the server held stands among the conflicts
    sql = (
        "SELECT n.entity_id FROM main.needs_you n WHERE n.kind IN ('rejected', 'orphaned') "
        "AND n.id NOT IN (SELECT d.id FROM pending.needs_you_done d)"
    )
    for start in range(0, len(ids), MAX_PARAMETERS):
        part = list(ids[start : start + MAX_PARAMETERS])
        out |= {i for (i,) in shown.tx.all(f"{sql} AND n.entity_id IN ({', '.join('?' * len(part))})", part)}
    return out


def field_marks(shown: Shown, row: Row) -> Mapping[str, FieldMark]:
    """Return the marks of a ticket's fields; those without one are simply the server's."""
    out: dict[str, FieldMark] = {}
    device = _device_code(shown)
    sql = f"SELECT k.name, k.base FROM pending.outbox k WHERE k.ticket = ? AND {shown.active()} ORDER BY k.mid"
    for name, base in shown.tx.all(sql, (row.id,)):
        if name.startswith("member."):
            out[TAGS] = FieldMark.PENDING
        elif name in ("ticket.set", "ticket.move"):
            for field in msgspec.msgpack.decode(base, type=dict[str, tuple[int, int]]):
                stamp = row.stamp(field)
                # where a later value was foreseen to win, the image shows the server's, with the server's stamp
                own = stamp.device == device and shown.is_active(stamp.mid)
                out[field] = FieldMark.PENDING if own else FieldMark.LOSING
    for (field,) in shown.select(CONFLICT.number, "field", f"subject = ? AND {_OPEN}", (row.id,)):
        if field:
            out[field] = FieldMark.CONFLICT
    return out


def _device_code(shown: Shown) -> str:
    raw = shown.tx.value("SELECT v FROM pending.meta WHERE k = 'identity'")
    try:
        code = json.loads(raw)["device_code"] if raw else ""
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) else ""
