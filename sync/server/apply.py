# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs changes inside a write transaction: rules, conflict policy, authority over scopes, what a loss leaves behind.

Pushes of devices and writers without a device (companions, later mail and automation) pass through the same code.
A change is staged as a whole or not at all: one that is refused, or fails, leaves no trace of itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.domain.changes import (
    AnyChange,
    ConflictResolve,
    Context,
    CustomerMerge,
    CustomerUnmerge,
    ReplyRelease,
    Row,
    SessionRecordAdd,
    TextEdit,
    all_roots,
    validate,
)
from app.domain.changes_base import int_of
from app.domain.entities import BY_NUMBER, CUSTOMER, HISTORY, TEMPLATE, TICKET, VIEW
from app.domain.errors import Refused
from app.domain.executor import Outcome, Texts, execute
from app.domain.holds import Held, held, was_carried_out
from app.domain.sla_rows import Book
from sync.conflicts import decide
from sync.protocol import BaseEntries
from sync.server.held_before import held_before
from sync.server.losses import Losses
from sync.server.merge_moves import follow_merge, follow_unmerge, keep_links
from sync.server.policies import still_held
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM
from sync.server.session_ends import SERVER_STATES, SESSION_GRACE_MS
from sync.server.session_entries import check_record
from sync.server.text_bases import keep_texts, text_seen
from sync.textmerge import merge_texts

__all__ = ["Applied", "Applier", "insert_once"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What one change came to: `st` is ok, merged or conflict; `code` says what kind of conflict it was."""

    st: str
    data: dict[str, Any] | None
    code: str | None = None


class Applier:
    """Applies changes to the rows of one transaction, one after the other.

    `scopes` are those the writer may write; None means the server itself. `device` is the id of the pushing device.
    """

    def __init__(
        self, connection: sa.Connection, rows: TxRows, scopes: frozenset[str] | None, device: bytes = b""
    ) -> None:
        self._cx = connection
        self._rows = rows
        self._scopes = scopes
        self._device = device
        self._losses = Losses(connection, rows)
        self._book = Book(rows)
        self._texts = Texts(
            merge_texts, lambda _type, id_, field, seen: text_seen(connection, device, id_, field, seen)
        )

    def apply(self, change: AnyChange, base: BaseEntries, ctx: Context) -> Applied:
        """Run one change and stage its rows. Raises Refused; then nothing of it is staged.

        What waits for its author already is not refused when it is sent again: it would be told of twice.
        """
        try:
            return self._apply(change, base, ctx)
        except Refused:
            row = held_before(change, self._rows, ctx)
            if row is None:
                raise
            return Applied("conflict", json.loads(str(row.values["theirs"])), str(row.values["kind"]))

    def _apply(self, change: AnyChange, base: BaseEntries, ctx: Context) -> Applied:
        self._check_roots(change)
        validate(change)  # also what is held and not carried out
        if isinstance(change, SessionRecordAdd):
            check_record(self._cx, change, ctx.actor)
        waits = held(change, base, self._rows, ctx)
        if waits is not None and waits.kind == "deleted" and was_carried_out(change, self._rows):
            return Applied("ok", None)
        if waits is not None:
            waits = still_held(self._cx, waits, change, base, self._rows, ctx)
        if waits is not None:
            return self._hold(change, waits, ctx)
        outcome = execute(change, base, self._rows, ctx, decide, self._texts, self._book)
        puts = [self._finished(row, ctx) for row in outcome.puts.values()]
        self._check_new(puts)
        conflicts = [row for loss in outcome.losses if (row := self._losses.of_loss(change, loss, ctx)) is not None]
        text = self._edited(change)
        before = self._rows.get(text.type, text.id) if text is not None else None
        if puts:
            self._follow_customers(change)
            self._keep_links(puts)
        self._rows.stage([*puts, *conflicts])
        self._follow(change, ctx)
        if text is not None and before is not None:
            keep_texts(self._cx, self._rows, text, before, self._device, ctx)
        return Applied(outcome.st, _data(outcome))

    def _hold(self, change: AnyChange, waits: Held, ctx: Context) -> Applied:
        row = self._losses.of_held(change, waits, ctx)
        self._rows.stage([] if row is None else [row])
        return Applied("conflict", dict(waits.why), waits.kind)

    def _check_roots(self, change: AnyChange) -> None:
        """Rows of scopes without access answer the same whatever the change would have found in them."""
        if self._scopes is None:
            return
        own = change.roots()
        if isinstance(change, ConflictResolve | ReplyRelease):
            own = [*own, *all_roots(change, self._rows)]
        for type_, id_ in own:
            row = self._rows.get(type_, id_) if type_ in BY_NUMBER else None
            if row is not None and row.scope not in self._scopes:
                raise Refused("scope")

    def _check_new(self, puts: list[Row]) -> None:
        """New tickets and customers need access to their scope, views wherever they go; all else stands with these."""
        if self._scopes is None:
            return
        for row in puts:
            is_root = row.type in (TICKET.number, CUSTOMER.number)
            is_new = is_root and self._rows.get(row.type, row.id) is None
            if (is_new or row.type in (VIEW.number, TEMPLATE.number)) and row.scope not in self._scopes:
                raise Refused("scope")

    def _finished(self, row: Row, ctx: Context) -> Row:
        if row.type == HISTORY.number and row.values.get("recorded_at") is None:
            return replace(row, values={**row.values, "recorded_at": ctx.now_ms})
        return row

    def _edited(self, change: AnyChange) -> TextEdit | None:
        return change if isinstance(change, TextEdit) else None

    def _follow(self, change: AnyChange, ctx: Context) -> None:
        """Let tables that are the server's own follow a change."""
        if isinstance(change, SessionRecordAdd):
            self._mirror_session(change, ctx.now_ms)

    def _follow_customers(self, change: AnyChange) -> None:
        """Let programs and sessions follow their customer; the rows are still as they were before the change."""
        if isinstance(change, CustomerMerge):
            follow_merge(self._cx, change.customer, change.into)
        if isinstance(change, CustomerUnmerge):
            row = self._rows.get(CUSTOMER.number, change.customer)
            into = row.values.get("merged_into") if row is not None else None
            if isinstance(into, bytes):
                follow_unmerge(self._cx, change.customer, into)

    def _keep_links(self, puts: list[Row]) -> None:
        """Let secret links stay with their customer when a ticket goes to another; rows are as before the change."""
        for row in puts:
            before = self._rows.get(row.type, row.id) if row.type == TICKET.number else None
            had = before.values.get("customer") if before is not None else None
            if before is not None and isinstance(had, bytes) and had != row.values.get("customer"):
                keep_links(self._cx, row.id, had, int_of(before.values.get("msg_seq")))

    def _mirror_session(self, change: SessionRecordAdd, now: int) -> None:
        """Let the server's own session row follow the entries of the session's chain."""
        session = SYSTEM.session
        query = session.update().where(session.c.sid == change.sid, session.c.ticket_id == change.ticket)
        if change.kind == "consent":
            values: dict[str, Any] = {"state": "active", "ends": sa.cast(now, sa.BigInteger) + session.c.hard_s * 1000}
            query = query.where(session.c.state == "invited").values(**values)
        elif change.kind in ("end", "refusal"):
            values = {"state": "ended", "ends": now + SESSION_GRACE_MS, "code_hash": None, "join_secret": None}
            query = query.where(session.c.state.not_in(("ended", *SERVER_STATES))).values(**values)
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


def _data(outcome: Outcome) -> dict[str, Any] | None:
    data = dict(outcome.told)
    if outcome.losses:
        data["fields"] = [{"field": loss.field, "open": not loss.auto} for loss in outcome.losses]
    return data or None
