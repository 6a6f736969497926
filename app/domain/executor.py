# SPDX-License-Identifier: GPL-3.0-or-later
"""Settles a change against rows: the same code makes the server's truth and the client's preview of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from app.domain.changes import (
    AnyChange,
    Context,
    Derive,
    Effect,
    FieldStamp,
    Insert,
    Overlay,
    Row,
    Rows,
    SetField,
    SetText,
    Tell,
    TicketSet,
    canonical_json,
    history,
    validate,
)
from app.domain.changes_base import object_of, plain, seen_stamp
from app.domain.entities import BY_NUMBER, HISTORY, MEMBERSHIP, TICKET, Kind, Policy, Value
from app.domain.errors import Refused
from app.domain.ids import derived_id
from app.domain.sla_rows import Book, clocks_settled

__all__ = [
    "BaseText", "Decide", "Decision", "FieldStamp", "Loss", "MergeText", "Merged", "Outcome", "Overlay", "Texts",
    "Verdict", "canonical_json", "execute", "value_seen",
]  # fmt: skip


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
class Merged:
    """Two edits of one text put together; not `clean` where both changed the same place: there the server's stays."""

    text: str
    clean: bool


MergeText = Callable[[str, str, str], Merged | None]  # base, mine, theirs; None: too long to merge
BaseText = Callable[[int, bytes, str, tuple[int, int]], str | None]  # type, id, field, base entry


@dataclass(frozen=True, slots=True)
class Texts:
    """How long texts are merged, and where the texts that edits began from are found. Without it a person decides."""

    merge: MergeText
    base: BaseText | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A value that did not stay: `mine` lost against `theirs` (CONFLICT) or the reverse (MERGED).

    `current` stamps the value that was in place when this edit came, whichever of the two stayed.
    """

    type: int
    id: bytes
    field: str
    mine: Value
    theirs: Value
    verdict: Verdict
    auto: bool
    current: FieldStamp
    kind: str = "field"
    base: Value = None


@dataclass(slots=True)
class Outcome:
    """What a change did. `st` is ok, merged or conflict; `puts` are full new rows in the order they came to be."""

    st: str = "ok"
    puts: dict[tuple[int, bytes], Row] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    def put(self, row: Row) -> None:
        """Remember the newest image of a row."""
        self.puts[(row.type, row.id)] = row


def execute(
    change: AnyChange,
    base: Mapping[str, tuple[int, int]],
    rows: Rows,
    ctx: Context,
    decide: Decide,
    texts: Texts | None = None,
    book: Book | None = None,
) -> Outcome:
    """Run a change and return the rows it makes, also of its tickets' clocks. Raises Refused when a rule forbids it.

    On the server each changed row's revision rises by one; on a client it stays the base's, so that the field
    revisions in a row always are ones that the server gave. `book` may be kept by a caller that runs many changes.
    """
    validate(change)
    outcome = Outcome()
    settling = _Settling(change, base, Overlay(rows, outcome.puts), ctx, decide, texts, outcome)
    for effect in change.effects(settling.view, ctx):
        settling.settle(effect)
    for row in clocks_settled(outcome.puts, rows, ctx, change.event, book or Book(rows)):
        outcome.put(row)
    if ctx.on_server:
        for key, row in list(outcome.puts.items()):
            before = rows.get(*key)
            if before is not None and row.rev == before.rev:
                outcome.puts[key] = replace(row, rev=before.rev + 1)
    return outcome


def value_seen(rows: Rows, row: Row, name: str, entry: tuple[int, int], device: str) -> Value:
    """Return the value that a base entry names, from the history lines that replaced it; None if it is not known."""
    for line in rows.find(HISTORY.number, "subject", row.id):
        data = object_of(line.values.get("data"))
        was = data.get("was")
        same_field = data.get("field") == name or (name == "state" and line.values.get("kind") == "state")
        if not same_field or not isinstance(was, list) or len(was) != 3:
            continue
        hit = was[1:] == [device, entry[1]] if entry[1] else was[0] == entry[0]
        old = data.get("old")
        if hit and (old is None or isinstance(old, str | int | bool)):
            return old
    return None


@dataclass(slots=True)
class _Settling:
    """One change being settled: its effects, one after the other, see what the earlier ones did."""

    change: AnyChange
    base: Mapping[str, tuple[int, int]]
    view: Overlay
    ctx: Context
    decide: Decide
    texts: Texts | None
    outcome: Outcome

    def settle(self, effect: Effect) -> None:
        """Let one effect act."""
        if isinstance(effect, Tell):
            self.outcome.told |= effect.data
        elif isinstance(effect, Insert):
            self._insert(effect)
        elif isinstance(effect, Derive):
            self._derive(effect)
        elif isinstance(effect, SetText):
            self._text(effect, self._row(effect.type, effect.id))
        else:
            self._set(effect, self._row(effect.type, effect.id))

    def _row(self, type_: int, id_: bytes) -> Row:
        row = self.view.get(type_, id_)
        if row is None or row.deleted:
            raise Refused("no_such_row")
        return row

    def _insert(self, effect: Insert) -> None:
        existing = self.view.get(effect.type, effect.id)
        entity = BY_NUMBER[effect.type]
        if existing is None:
            values = {name: effect.values.get(name) for name in entity.columns}
            ctx = self.ctx
            fld = {name: FieldStamp(1, ctx.hlc, ctx.device, ctx.mid) for name in effect.stamped}
            row = Row(effect.type, effect.id, effect.scope, values, fld=fld, deleted=effect.deleted)
            self.outcome.put(row)
        elif effect.type == HISTORY.number and not _same_line(existing, effect):
            # another change used this event before; its line stays, this one gets an id of its own
            other = derived_id(effect.id, self.ctx.device, str(self.ctx.mid))
            if self.view.get(effect.type, other) is None:
                self._insert(replace(effect, id=other))
        elif entity.kind is not Kind.APPEND and any(existing.values.get(k) != v for k, v in effect.values.items()):
            raise Refused("id_taken")

    def _derive(self, effect: Derive) -> None:
        row = self.view.get(effect.type, effect.id)
        if row is None:
            raise Refused("no_such_row")
        row = self._written(row, effect.values)
        scope = row.scope if effect.scope is None else effect.scope
        deleted = row.deleted if effect.deleted is None else effect.deleted
        if (scope, deleted) != (row.scope, row.deleted):
            row = replace(row, scope=scope, deleted=deleted)
        if row is not self.view.get(effect.type, effect.id):
            self.outcome.put(row)

    def _written(self, row: Row, values: Mapping[str, Value]) -> Row:
        changed = {k: v for k, v in values.items() if row.values.get(k) != v}
        if not changed:
            return row
        fld = dict(row.fld) | {name: self._stamp(row, name) for name in changed}
        return replace(row, values={**row.values, **changed}, fld=fld)

    def _stamp(self, row: Row, name: str) -> FieldStamp:
        rev = row.rev + 1 if self.ctx.on_server else row.stamp(name).rev
        return FieldStamp(rev, self.ctx.hlc, self.ctx.device, self.ctx.mid)

    def _decide(self, row: Row, name: str, value: Value, policy: Policy, entry: tuple[int, int] | None) -> Decision:
        ctx = self.ctx
        mine = FieldStamp(0, ctx.hlc, ctx.device, ctx.mid)
        return self.decide(policy, entry, mine, value, row.stamp(name), row.values.get(name))

    def _set(self, effect: SetField, row: Row) -> None:
        current = row.values.get(effect.name)
        entry = effect.base or self.base.get(effect.name)
        decision = self._decide(row, effect.name, effect.value, effect.policy, entry)
        verdict = decision.verdict
        if verdict is Verdict.READ_ONLY:
            raise Refused("read_only", field=effect.name)
        if verdict is Verdict.SAME or (verdict is Verdict.APPLY and current == effect.value):
            return
        if verdict is not Verdict.APPLY:
            self._lose(row, effect.name, effect.value, decision, entry)
        if verdict is Verdict.CONFLICT:
            self.outcome.put(self._line(effect.name, effect.value, row, "gave_way", current))
            return
        if effect.check is not None:
            effect.check()
        new = self._written(row, {effect.name: effect.value})
        new = new if effect.scope is None else replace(new, scope=effect.scope)
        self.outcome.put(new)
        line = self._line(effect.name, effect.value, row, "field", current)
        self.outcome.put(replace(line, scope=new.scope))
        for follower in effect.then:
            self.settle(follower)

    def _lose(
        self, row: Row, name: str, mine: Value, decision: Decision, entry: tuple[int, int] | None, kind: str = "field",
        base: Value = None,
    ) -> None:  # fmt: skip
        if decision.verdict is Verdict.CONFLICT:
            self.outcome.st = "conflict"
        elif self.outcome.st == "ok":
            self.outcome.st = "merged"
        if base is None and entry is not None and self.ctx.on_server:
            base = value_seen(self.view, row, name, entry, self.ctx.device)
        current = row.values.get(name)
        loss = Loss(row.type, row.id, name, mine, current, decision.verdict, decision.auto, row.stamp(name), kind, base)
        self.outcome.losses.append(loss)

    def _text(self, effect: SetText, row: Row) -> None:
        current = row.values.get(effect.name) or ""
        entry = self.base.get(effect.name)
        decision = self._decide(row, effect.name, effect.text, Policy.TEXT, entry)
        text = effect.text
        if decision.verdict is Verdict.SAME or text == current:
            return
        if decision.verdict is Verdict.APPLY and entry is not None and entry[1] and self.ctx.on_server:
            # in place stands what came of the own earlier edit, which may hold others' words too: merge with it
            decision = Decision(Verdict.CONFLICT)
        if decision.verdict is not Verdict.APPLY:
            base, merged = self._merged(effect, str(current), entry)
            clean = merged is not None and merged.clean
            text = merged.text if merged is not None else str(current)
            if not clean:
                self._lose(row, effect.name, effect.text, decision, entry, "text", base)
                self.outcome.put(self._line(effect.name, effect.text, row, "gave_way", None))
            elif self.outcome.st == "ok":
                self.outcome.st = "merged"
        if text == current:
            return
        self.outcome.put(self._written(row, {effect.name: text}))
        self.outcome.put(self._line(effect.name, None, row, "field", current))

    def _merged(self, effect: SetText, current: str, entry: tuple[int, int] | None) -> tuple[str | None, Merged | None]:
        if self.texts is None:
            return effect.base_text, None
        kept = None
        if self.texts.base is not None and entry is not None:
            kept = self.texts.base(effect.type, effect.id, effect.name, entry)
        base = kept if kept is not None else effect.base_text
        return base, None if base is None else self.texts.merge(base, effect.text, current)

    def _line(self, name: str, value: Value, row: Row, kind: str, old: Value) -> Row:
        """Return the history line of a field edit: on the row itself, or on the ticket of a membership."""
        data: dict[str, object] = {
            "field": name, "old": plain(old), "new": plain(value), "was": seen_stamp(row, name),
        }  # fmt: skip
        if isinstance(self.change, TicketSet) and self.change.undo:
            data["cause"] = "undo"
        if isinstance(self.change, TicketSet) and self.change.reason:
            data["reason"] = self.change.reason
        subject: Row | Insert = row
        if row.type == MEMBERSHIP.number:
            ticket, member = row.values["subject"], row.values["member"]
            subject = Insert(TICKET.number, ticket if isinstance(ticket, bytes) else b"", row.scope, {})
            data = {"kind": row.values["kind"], "member": plain(member), "present": value}
            kind = "member" if kind == "field" else kind
        insert = history(self.ctx, subject, self.change.event, kind, data, name)
        if self.view.get(insert.type, insert.id) is not None:
            insert = replace(insert, id=derived_id(insert.id, self.ctx.device, str(self.ctx.mid)))
        values = {column: insert.values.get(column) for column in HISTORY.columns}
        return Row(insert.type, insert.id, insert.scope, values)


def _same_line(row: Row, effect: Insert) -> bool:
    return all(row.values.get(name) == effect.values.get(name) for name in ("subject", "kind"))
