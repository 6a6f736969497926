# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of promises, and what a reply does to those of its ticket: it tells its author's, and closes the rest."""

from __future__ import annotations

from dataclasses import dataclass

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
    was_done,
)
from app.domain.changes_values import is_time
from app.domain.entities import PROMISE, TICKET, Value
from app.domain.errors import Refused
from app.domain.promises import Promise, standing

__all__ = ["CORRECTION_MS", "MAX_PROMISE_CHARS", "PromiseAdd", "PromiseWithdraw", "promise_of", "promises_answered"]

MAX_PROMISE_CHARS = 200
CORRECTION_MS = 10 * 60_000  # so long a promise that was told by word of mouth is taken for mistyped


@dataclass(frozen=True, slots=True)
class PromiseAdd:
    """`promise.add`: a time told to the customer. `waits`: it is told by its maker's next reply on the ticket."""

    event: bytes
    promise: bytes
    ticket: bytes
    due_at: int
    text: str = ""
    waits: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the promise and its line."""
        if not is_time(self.due_at) or (self.due_at <= ctx.acted_ms and not ctx.on_server):
            raise Refused("bad_value", field="due_at")
        if len(self.text) > MAX_PROMISE_CHARS or "\n" in self.text:
            raise Refused("bad_value", field="text")
        ticket, via = landing(rows, self.ticket)
        id_, told = fresh_id(rows, PROMISE.number, self.promise, self.event, self._is_same)
        if id_ is None or was_done(rows, ticket.id, self.event, "promise"):
            return []
        values: dict[str, Value] = {
            "ticket": ticket.id, "origin_ticket": ticket.id, "arrived_via": via, "author": ctx.actor.id,
            "text": self.text, "due_at": self.due_at, "waits": self.waits, "made_in": None, "closed_by": None,
            "closed_at": None, "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        }  # fmt: skip
        data = {"what": "made", "promise": id_.hex(), "due_at": self.due_at}
        line = history(ctx, ticket, self.event, "promise", data)
        return [Insert(PROMISE.number, id_, ticket.scope, values), line, *told]

    def _is_same(self, row: Row) -> bool:
        return (row.values.get("due_at"), row.values.get("text")) == (self.due_at, self.text)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


@dataclass(frozen=True, slots=True)
class PromiseWithdraw:
    """`promise.withdraw`: one that the customer was not told of yet, or one just mistyped."""

    event: bytes
    promise: bytes
    ticket: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark it as gone. Raises Refused("promise_told"): what a customer was told stands in the report."""
        row = rows.get(PROMISE.number, self.promise)
        if row is None:
            raise Refused("no_such_row")
        if row.deleted:
            return []
        values = row.values
        told = not values.get("waits") or values.get("made_in") is not None
        mistyped = values.get("made_in") is None and ctx.acted_ms <= int_of(values.get("created_at")) + CORRECTION_MS
        if told and (not mistyped or values.get("closed_by") is not None or ctx.acted_ms > int_of(values["due_at"])):
            raise Refused("promise_told")
        home = values.get("ticket")
        ticket, _via = landing(rows, home if isinstance(home, bytes) else self.ticket)
        data = {"what": "withdrawn", "promise": row.id.hex(), "due_at": values["due_at"]}
        line = history(ctx, ticket, self.event, "promise", data)
        return [Derive(PROMISE.number, row.id, {}, deleted=True), line]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket), (PROMISE.number, self.promise)]


def promises_answered(
    rows: Rows, ctx: Context, ticket: Row, event: bytes, message: bytes, author: bytes | None, at: int
) -> list[Effect]:
    """Return what a reply that went out at `at` does to the promises of its ticket; both ends run it.

    Its author's untold ones are told by it; those told before and not closed are closed by it, in time or not.
    """
    found = list(rows.find(PROMISE.number, "ticket", ticket.id))
    telling, closing = [], []
    for row in found:
        if row.values.get("waits") and row.values.get("made_in") is None:
            if row.values.get("author") == author:
                telling.append(row)
        elif row.values.get("closed_by") is None:
            closing.append(row)
    out: list[Effect] = [Derive(PROMISE.number, row.id, {"made_in": message}) for row in telling]
    told = [Promise(row.id, int_of(row.values["due_at"]), made_in=message) for row in telling]
    for row in closing:
        due = int_of(row.values["due_at"])
        what = standing(Promise(row.id, due, closed_by=message, closed_at=at), told, at)
        data = {"what": what.value, "promise": row.id.hex(), "due_at": due}
        out.append(Derive(PROMISE.number, row.id, {"closed_by": message, "closed_at": at}))
        out.append(history(ctx, ticket, event, "promise", data, row.id.hex()))
    return out


def promise_of(row: Row, name: str = "", *, pending: bool = False) -> Promise:
    """Return a promise out of its row."""
    values = row.values
    id_of = {
        name: v if isinstance(v := values.get(name), bytes) else None for name in ("author", "made_in", "closed_by")
    }
    closed_at = values.get("closed_at")
    return Promise(
        row.id, int_of(values.get("due_at")), str(values.get("text") or ""), bool(values.get("waits")),
        id_of["author"], name, int_of(values.get("created_at")), id_of["made_in"], id_of["closed_by"],
        closed_at if isinstance(closed_at, int) else None, pending,
    )  # fmt: skip
