# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs changes inside a write transaction: rules, conflict policy, authority over scopes, what a loss leaves behind.

Pushes of devices and writers without a device (companions, later mail and automation) pass through the same code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.domain.changes import AnyChange, Context, Row, SessionRecordAdd
from app.domain.entities import BY_NUMBER, CONFLICT, HISTORY, Value, user_scope
from app.domain.errors import Refused
from app.domain.executor import Loss, Outcome, Verdict, canonical_json, execute
from app.domain.ids import derived_id
from sync.conflicts import decide
from sync.protocol import BaseEntries
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM

__all__ = ["Applied", "Applier", "insert_once"]

# how long after the last entry of a session its two ends may still exchange what belongs to the end
SESSION_GRACE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Applied:
    """What one change came to: `st` is ok, merged or conflict."""

    st: str
    data: dict[str, Any] | None


class Applier:
    """Applies changes to the rows of one transaction, one after the other.

    `scopes` are those the writer may write; None means the server itself.
    """

    def __init__(self, connection: sa.Connection, rows: TxRows, scopes: frozenset[str] | None) -> None:
        self._cx = connection
        self._rows = rows
        self._scopes = scopes

    def apply(self, change: AnyChange, base: BaseEntries, ctx: Context) -> Applied:
        """Run one change and stage its rows. Raises Refused; then nothing of it is staged."""
        self._check_roots(change)
        outcome = execute(change, base, self._rows, ctx, decide)
        puts = [self._finished(row, ctx) for row in outcome.puts.values()]
        if self._scopes is not None and any(row.scope not in self._scopes for row in puts):
            raise Refused("scope")
        conflicts = [row for loss in outcome.losses if (row := self._conflict(change, loss, ctx)) is not None]
        self._rows.stage([*puts, *conflicts])
        if isinstance(change, SessionRecordAdd):
            self._mirror_session(change, ctx.now_ms)
        return Applied(outcome.st, _data(outcome))

    def _check_roots(self, change: AnyChange) -> None:
        """Rows of scopes without access answer the same whatever the change would have found in them."""
        if self._scopes is None:
            return
        for type_, id_ in change.roots():
            row = self._rows.get(type_, id_)
            if row is not None and row.scope not in self._scopes:
                raise Refused("scope")

    def _finished(self, row: Row, ctx: Context) -> Row:
        if row.type == HISTORY.number and row.values.get("recorded_at") is None:
            return replace(row, values={**row.values, "recorded_at": ctx.now_ms})
        return row

    def _conflict(self, change: AnyChange, loss: Loss, ctx: Context) -> Row | None:
        """Return the row that keeps a lost value for the person who wrote it; None if no person did."""
        current = self._rows.get(loss.type, loss.id)
        stamp = current.stamp(loss.field) if current else None
        other = self._account_of(stamp.device) if stamp else None
        pusher_lost = loss.verdict is Verdict.CONFLICT
        loser, winner = (ctx.actor.id, other) if pusher_lost else (other, ctx.actor.id)
        if loser is None or not self._has_user_scope(loser):
            return None
        lost, kept = (loss.mine, loss.theirs) if pusher_lost else (loss.theirs, loss.mine)
        values: dict[str, Value] = dict.fromkeys(BY_NUMBER[CONFLICT.number].columns)
        values |= {
            "subject_type": loss.type, "subject": loss.id, "field": loss.field, "kind": "field",
            "mine": canonical_json(_plain(lost)), "theirs": canonical_json(_plain(kept)), "author": winner,
            "hlc": stamp.hlc if stamp and pusher_lost else ctx.hlc, "status": "auto" if loss.auto else "open",
            "created_at": ctx.now_ms, "created_by": loser,
        }  # fmt: skip
        return Row(CONFLICT.number, derived_id(change.event, "conflict", loss.field), user_scope(loser), values)

    def _account_of(self, device_code: str) -> bytes | None:
        device = SYSTEM.device
        found = self._cx.execute(sa.select(device.c.account_id).where(device.c.code == device_code)).scalar()
        return bytes(found) if found is not None else None

    def _has_user_scope(self, user: bytes) -> bool:
        scope = SYSTEM.scope
        return self._cx.execute(sa.select(scope.c.id).where(scope.c.id == user_scope(user))).first() is not None

    def _mirror_session(self, change: SessionRecordAdd, now: int) -> None:
        """Let the server's own session row follow the entries of the session's chain."""
        session = SYSTEM.session
        query = session.update().where(session.c.sid == change.sid, session.c.ticket_id == change.ticket)
        if change.kind == "consent":
            values: dict[str, Any] = {"state": "active", "ends": sa.cast(now, sa.BigInteger) + session.c.hard_s * 1000}
            query = query.where(session.c.state == "invited").values(**values)
        elif change.kind in ("end", "refusal"):
            values = {"state": "ended", "ends": now + SESSION_GRACE_MS, "code_hash": None, "join_secret": None}
            query = query.where(session.c.state != "ended").values(**values)
        else:
            return
        self._cx.execute(query)


def insert_once(connection: sa.Connection, key: str, now: int) -> dict[str, Any] | None:
    """Claim an ingest key; return the stored result if it was claimed before. A twin in flight is waited for."""
    claim = sa.text("INSERT INTO ingest (key, result, at) VALUES (:key, '{}', :at) ON CONFLICT (key) DO NOTHING")
    if connection.execute(claim, {"key": key, "at": now}).rowcount:
        return None
    ingest = SYSTEM.ingest
    found = connection.execute(sa.select(ingest.c.result).where(ingest.c.key == key)).scalar_one()
    stored: dict[str, Any] = json.loads(found)
    return stored


def _plain(value: Value) -> object:
    return value.hex() if isinstance(value, bytes) else value


def _data(outcome: Outcome) -> dict[str, Any] | None:
    if not outcome.losses:
        return None
    return {"fields": [{"field": loss.field, "open": not loss.auto} for loss in outcome.losses]}
