# SPDX-License-Identifier: GPL-3.0-or-later
"""Conflict rows: what a change lost against, or what is held until its author decides, kept in the loser's scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from app.domain.changes import AnyChange, Context, MessageAdd, Row, canonical_json, dump_change, load_change
from app.domain.changes_base import plain
from app.domain.entities import BY_NUMBER, CONFLICT, TICKET, Value, user_scope
from app.domain.errors import Refused
from app.domain.executor import Loss, Verdict
from app.domain.holds import Held
from app.domain.ids import derived_id
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM

__all__ = ["Losses"]


class Losses:
    """Makes conflict rows in one write transaction."""

    def __init__(self, connection: sa.Connection, rows: TxRows) -> None:
        self._cx = connection
        self._rows = rows

    def of_loss(self, change: AnyChange, loss: Loss, ctx: Context) -> Row | None:
        """Return the row that keeps a lost value for the person who wrote it; None if no person did."""
        other = self._account_of(loss.current.device)
        pusher_lost = loss.verdict is Verdict.CONFLICT
        loser, winner = (ctx.actor.id, other) if pusher_lost else (other, ctx.actor.id)
        if loser is None or not self._has_user_scope(loser):
            return None
        lost, kept = (loss.mine, loss.theirs) if pusher_lost else (loss.theirs, loss.mine)
        values: dict[str, Value] = {
            "subject_type": loss.type, "subject": loss.id, "field": loss.field, "kind": loss.kind,
            "base": None if loss.base is None else canonical_json(plain(loss.base)),
            "mine": canonical_json(plain(lost)), "theirs": canonical_json(plain(kept)), "author": winner,
            "hlc": loss.current.hlc if pusher_lost else ctx.hlc, "status": "auto" if loss.auto else "open",
            "created_at": ctx.now_ms, "created_by": loser,
        }  # fmt: skip
        return self._new(derived_id(change.event, "conflict", loss.id, loss.field), loser, values, ctx)

    def of_held(self, change: AnyChange, held: Held, ctx: Context) -> Row | None:
        """Return the row that holds a change; None if it is held already. Raises Refused for want of a place."""
        author = ctx.actor.id
        if author is None or not self._has_user_scope(author):
            raise Refused(held.kind)  # the author's device keeps what is rejected
        values: dict[str, Value] = {
            "subject_type": TICKET.number, "subject": held.ticket, "field": None, "kind": held.kind,
            "mine": dump_change(held.change), "theirs": canonical_json(held.why), "author": held.author,
            "hlc": ctx.hlc, "status": "open", "created_at": ctx.now_ms, "created_by": author,
        }  # fmt: skip
        before = self._rows.get(CONFLICT.number, held.conflict) if held.conflict is not None else None
        if before is not None:
            kept = {"created_at": before.values["created_at"]}
            return replace(before, rev=before.rev + 1, values={**before.values, **values, **kept})
        id_ = derived_id(change.event, "held")
        there = self._rows.get(CONFLICT.number, id_)
        if there is not None and there.values["created_by"] == author and _holds(there, change):
            return None
        return self._new(id_, author, values, ctx)

    def _new(self, id_: bytes, owner: bytes, values: dict[str, Value], ctx: Context) -> Row | None:
        """Return the row, unless it is there already: the change was sent again, and what a person decided stays."""
        there = self._rows.get(CONFLICT.number, id_)
        if there is not None and there.values.get("mine") == values["mine"]:
            return None
        if there is not None:  # another change used this event before
            id_ = derived_id(id_, ctx.device, str(ctx.mid))
        columns: dict[str, Any] = dict.fromkeys(BY_NUMBER[CONFLICT.number].columns)
        return Row(CONFLICT.number, id_, user_scope(owner), columns | values)

    def _account_of(self, device_code: str) -> bytes | None:
        device = SYSTEM.device
        found = self._cx.execute(sa.select(device.c.account_id).where(device.c.code == device_code)).scalar()
        return bytes(found) if found is not None else None

    def _has_user_scope(self, user: bytes) -> bool:
        scope = SYSTEM.scope
        return self._cx.execute(sa.select(scope.c.id).where(scope.c.id == user_scope(user))).first() is not None


def _holds(row: Row, change: AnyChange) -> bool:
    """Return whether a row holds this very reply, in other words: its author edited it, and it was held once more."""
    if not isinstance(change, MessageAdd):
        return False
    try:
        held = load_change(row.values["mine"])
    except Refused:
        return False
    return isinstance(held, MessageAdd) and (held.event, held.message) == (change.event, change.message)
