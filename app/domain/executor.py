# SPDX-License-Identifier: GPL-3.0-or-later
"""Settles a change against rows: the same code makes the server's truth and the client's preview of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.domain.changes import (
    AnyChange,
    Context,
    Derive,
    Effect,
    FieldStamp,
    Insert,
    Row,
    Rows,
    SetField,
    TicketSet,
    history,
    validate,
)
from app.domain.entities import BY_NUMBER, MEMBERSHIP, TICKET, Kind, Policy, Value
from app.domain.errors import Refused

__all__ = ["Decide", "Decision", "FieldStamp", "Loss", "Outcome", "Overlay", "Verdict", "execute"]


class Verdict(StrEnum):
    """What becomes of one field edit."""

    APPLY = "apply"
    SAME = "same"
    MERGED = "merged"
    CONFLICT = "conflict"
    READ_ONLY = "read_only"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict; `auto` says that the loss was settled by rule and needs nobody."""

    verdict: Verdict
    auto: bool = False


Decide = Callable[[Policy, tuple[int, int] | None, FieldStamp, Value, FieldStamp, Value], Decision]


@dataclass(frozen=True, slots=True)
class Loss:
    """A value that did not stay: `mine` lost against `theirs` (CONFLICT) or the reverse (MERGED)."""

    type: int
    id: bytes
    field: str
    mine: Value
    theirs: Value
    verdict: Verdict
    auto: bool


@dataclass(slots=True)
class Outcome:
    """What a change did. `st` is ok, merged or conflict; `puts` are full new rows in the order they came to be."""

    st: str = "ok"
    puts: dict[tuple[int, bytes], Row] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)

    def put(self, row: Row) -> None:
        """Remember the newest image of a row."""
        self.puts[(row.type, row.id)] = row


class Overlay:
    """`Rows` that shows the puts of an outcome over other rows."""

    def __init__(self, below: Rows, puts: Mapping[tuple[int, bytes], Row]) -> None:
        self._below = below
        self._puts = puts

    def get(self, type_: int, id_: bytes) -> Row | None:
        """Return the row as it is now."""
        return self._puts.get((type_, id_)) or self._below.get(type_, id_)

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        """Return the first row with this value; rows put by the running change are not searched."""
        return self._below.first(type_, column, value)


def execute(
    change: AnyChange,
    base: Mapping[str, tuple[int, int]],
    rows: Rows,
    ctx: Context,
    decide: Decide,
) -> Outcome:
    """Run a change and return the rows it makes. Raises Refused when a rule forbids it.

    On the server each changed row's revision rises by one; on a client it stays the base's, so that the field
    revisions in a row always are ones that the server gave.
    """
    validate(change)
    outcome = Outcome()
    view = Overlay(rows, outcome.puts)
    for effect in change.effects(view, ctx):
        _settle(effect, change, base, view, ctx, decide, outcome)
    if ctx.on_server:
        for key, row in list(outcome.puts.items()):
            before = rows.get(*key)
            if before is not None and row.rev == before.rev:
                outcome.puts[key] = replace(row, rev=before.rev + 1)
    return outcome


def _settle(
    effect: Effect,
    change: AnyChange,
    base: Mapping[str, tuple[int, int]],
    view: Overlay,
    ctx: Context,
    decide: Decide,
    outcome: Outcome,
) -> None:
    if isinstance(effect, Insert):
        _insert(effect, view, outcome)
        return
    row = view.get(effect.type, effect.id)
    if row is None or row.deleted:
        raise Refused("no_such_row")
    if isinstance(effect, Derive):
        outcome.put(_write(row, effect.values, ctx, stamp=True))
        return
    _set(effect, row, change, base.get(effect.name), ctx, decide, outcome)


def _insert(effect: Insert, view: Overlay, outcome: Outcome) -> None:
    existing = view.get(effect.type, effect.id)
    if existing is None:
        columns = BY_NUMBER[effect.type].columns
        values = {name: effect.values.get(name) for name in columns}
        outcome.put(Row(effect.type, effect.id, effect.scope, values))
    elif BY_NUMBER[effect.type].kind is not Kind.APPEND and dict(existing.values) != dict(effect.values):
        raise Refused("id_taken")


def _write(row: Row, values: Mapping[str, Value], ctx: Context, *, stamp: bool) -> Row:
    changed = {k: v for k, v in values.items() if row.values.get(k) != v}
    if not changed:
        return row
    fld = dict(row.fld)
    if stamp:
        for name in changed:
            fld[name] = _stamp(row, name, ctx)
    return replace(row, values={**row.values, **changed}, fld=fld)


def _stamp(row: Row, name: str, ctx: Context) -> FieldStamp:
    rev = row.rev + 1 if ctx.on_server else row.stamp(name).rev
    return FieldStamp(rev, ctx.hlc, ctx.device, ctx.mid)


def _set(
    effect: SetField,
    row: Row,
    change: AnyChange,
    base: tuple[int, int] | None,
    ctx: Context,
    decide: Decide,
    outcome: Outcome,
) -> None:
    current = row.values.get(effect.name)
    mine = FieldStamp(0, ctx.hlc, ctx.device, ctx.mid)
    decision = decide(effect.policy, base, mine, effect.value, row.stamp(effect.name), current)
    verdict = decision.verdict
    if verdict is Verdict.READ_ONLY:
        raise Refused("read_only", field=effect.name)
    if verdict is Verdict.SAME or (verdict is Verdict.APPLY and current == effect.value):
        return
    if verdict is Verdict.CONFLICT:
        outcome.st = "conflict"
        outcome.losses.append(Loss(row.type, row.id, effect.name, effect.value, current, verdict, decision.auto))
        outcome.put(_line(change, effect, row, ctx, "gave_way", current))
        return
    if verdict is Verdict.MERGED:
        if outcome.st == "ok":
            outcome.st = "merged"
        outcome.losses.append(Loss(row.type, row.id, effect.name, effect.value, current, verdict, decision.auto))
    outcome.put(_write(row, {effect.name: effect.value}, ctx, stamp=True))
    outcome.put(_line(change, effect, row, ctx, "field", current))


def _line(change: AnyChange, effect: SetField, row: Row, ctx: Context, kind: str, old: Value) -> Row:
    """Return the history line of a field edit: on the ticket itself, or on the ticket of a membership."""
    data: dict[str, object] = {"field": effect.name, "old": _plain(old), "new": _plain(effect.value)}
    if isinstance(change, TicketSet) and change.undo:
        data["cause"] = "undo"
    subject: Row | Insert = row
    if row.type == MEMBERSHIP.number:
        ticket = row.values["subject"]
        subject = Insert(TICKET.number, ticket if isinstance(ticket, bytes) else b"", row.scope, {})
        member = row.values["member"]
        data = {"kind": row.values["kind"], "member": _plain(member), "present": effect.value}
        kind = "member" if kind == "field" else kind
    insert = history(ctx, subject, change.event, kind, data, effect.name)
    values = {name: insert.values.get(name) for name in BY_NUMBER[insert.type].columns}
    return Row(insert.type, insert.id, insert.scope, values)


def _plain(value: Value) -> object:
    return value.hex() if isinstance(value, bytes) else value


def canonical_json(data: object) -> str:
    """Return JSON with sorted keys and no spaces, the form of every JSON column."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
