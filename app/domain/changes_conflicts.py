# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations that settle what the server held or kept: conflicts, stale replies, edits of deleted tickets.

A held change stands in its conflict row as JSON {"name", "args"}, bytes as hex, so that it can still be run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from app.domain.attachments import Attachment
from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Overlay,
    Row,
    Rows,
    canonical_json,
    history,
    int_of,
    landing_of,
)
from app.domain.changes_customers import CustomerSet, TextEdit
from app.domain.changes_merging import TicketMerge, TicketSplit, TicketUnmerge
from app.domain.changes_tickets import MemberSet, TicketDelete, TicketMove, TicketRestore, TicketSet
from app.domain.changes_writing import MessageAdd, NoteAdd, SessionRecordAdd, TimeAdd
from app.domain.entities import BY_NUMBER, CONFLICT, CUSTOMER, MEMBERSHIP, MESSAGE, TICKET, Entity, FieldType, Value
from app.domain.errors import Refused
from app.domain.ids import derived_id

Holdable = (
    MessageAdd | NoteAdd | TimeAdd | SessionRecordAdd | TicketSet | TicketMove | TicketDelete | TicketMerge
    | TicketUnmerge | TicketSplit | MemberSet
)  # fmt: skip
HOLDABLE: Mapping[str, type[Holdable]] = {
    "message.add": MessageAdd, "note.add": NoteAdd, "time.add": TimeAdd, "session.record": SessionRecordAdd,
    "ticket.set": TicketSet, "ticket.move": TicketMove, "ticket.delete": TicketDelete, "ticket.merge": TicketMerge,
    "ticket.unmerge": TicketUnmerge, "ticket.split": TicketSplit, "member.add": MemberSet, "member.remove": MemberSet,
}  # fmt: skip
CHOICES = frozenset({"mine", "theirs", "edited", "reopen"})


def dump_change(change: Holdable) -> str:
    """Return a change as canonical JSON {"name", "args"}."""
    name = next(n for n, cls in HOLDABLE.items() if cls is type(change))
    if isinstance(change, MemberSet) and not change.present:
        name = "member.remove"
    return canonical_json({"name": name, "args": {f.name: _to_json(getattr(change, f.name)) for f in fields(change)}})


def load_change(raw: object) -> Holdable:
    """Return the change in a conflict row. Raises Refused("bad_conflict")."""
    try:
        data = json.loads(raw) if isinstance(raw, str) else None
        cls = HOLDABLE[data["name"]]  # type: ignore[index]  # whatever it is, it is told below
        known = {f.name: str(f.type) for f in fields(cls)}
        args = {name: _from_json(value, known[name]) for name, value in data["args"].items()}  # type: ignore[index]  # the checked JSON of a held change
        made: Holdable = cls(**args)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("bad_conflict") from error
    return made


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Attachment):
        return {f.name: _to_json(getattr(value, f.name)) for f in fields(value)}
    return {name: _to_json(item) for name, item in value.items()} if isinstance(value, dict) else value


def _from_json(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.startswith("bytes"):
        return bytes.fromhex(value)
    if kind.startswith("tuple[Attachment"):
        return tuple(Attachment(**{**item, "sha256": bytes.fromhex(item["sha256"])}) for item in value)
    if kind.startswith("tuple"):
        return tuple(bytes.fromhex(item) for item in value)
    if kind.startswith("dict"):  # only TicketSet.fields
        return {name: value_from_json(TICKET, name, item) for name, item in value.items()}
    return value


def value_from_json(entity: Entity, name: str, value: Any) -> Any:
    """Return a column's value from JSON: ids and bytes stand there as hex. Raises Refused("bad_value")."""
    try:
        binary = entity.field(name).type in (FieldType.ID, FieldType.BYTES)
        return bytes.fromhex(value) if binary and isinstance(value, str) else value
    except (KeyError, ValueError) as error:
        raise Refused("bad_value", field=name) from error


def own_conflict(rows: Rows, ctx: Context, conflict: bytes) -> Row:
    """Return a conflict row of the actor. Raises Refused("no_such_conflict")."""
    row = rows.get(CONFLICT.number, conflict)
    if row is None or row.deleted or row.values.get("created_by") != ctx.actor.id:
        raise Refused("no_such_conflict")
    return row


def _closed(conflict: Row) -> Derive:
    return Derive(CONFLICT.number, conflict.id, {"status": "closed"})


@dataclass(frozen=True, slots=True)
class ConflictResolve:
    """`conflict.resolve`: keep mine, theirs or an edited value; for a held change, run it or let it go.

    "reopen" takes such a choice back: theirs is put in place again and the row waits for its person once more.
    """

    event: bytes
    conflict: bytes
    choice: str
    value: Any = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Close the row and, unless theirs is kept, make the edit anew: against what is there now."""
        if self.choice not in CHOICES:
            raise Refused("bad_value", field="choice")
        row = own_conflict(rows, ctx, self.conflict)
        if self.choice == "reopen":
            return self._reopen(rows, ctx, row)
        if self.choice == "theirs":
            return [_closed(row)]
        if row.values["kind"] in ("deleted", "stale_reply"):
            if row.values["status"] == "closed":
                return []
            return [*self._run_held(rows, ctx, row), _closed(row)]
        value = self.value if self.choice == "edited" else _loaded(row.values["mine"])
        return [*self._edit(rows, row, value).effects(rows, ctx), _closed(row)]

    def _reopen(self, rows: Rows, ctx: Context, row: Row) -> list[Effect]:
        if row.values["status"] != "closed":
            return []
        opened = Derive(CONFLICT.number, row.id, {"status": "open"})
        if row.values["kind"] in ("deleted", "stale_reply"):
            change = load_change(row.values["mine"])
            if isinstance(change, MessageAdd) and rows.get(MESSAGE.number, change.message) is not None:
                raise Refused("already_sent")
            return [opened]
        back = self._edit(rows, row, _loaded(row.values["theirs"]))
        if isinstance(back, TicketSet):
            back = replace(back, undo=True)
        return [*back.effects(rows, ctx), opened]

    def _run_held(self, rows: Rows, ctx: Context, row: Row) -> list[Effect]:
        change = load_change(row.values["mine"])
        if row.values["kind"] == "stale_reply":
            raise Refused("release_needed")  # a reply goes out only by reply.release, which says what was seen
        if isinstance(change, TicketDelete):
            return change.effects(rows, ctx)
        ticket, _ = landing_of(rows, change.ticket)
        if ticket is None:
            raise Refused("no_such_ticket")
        restore = TicketRestore(derived_id(self.event, "restore"), ticket.id).effects(rows, ctx)
        view = Overlay(rows, _restored(rows, restore))
        run = change.written(view, ctx) if isinstance(change, MessageAdd) else change.effects(view, ctx)
        return [*restore, *run]

    def _edit(self, rows: Rows, row: Row, value: Any) -> TicketSet | TicketMove | CustomerSet | MemberSet | TextEdit:
        number, subject, name = row.values["subject_type"], row.values["subject"], str(row.values["field"])
        entity = BY_NUMBER.get(int_of(number))
        if entity is None or not isinstance(subject, bytes):
            raise Refused("bad_conflict")
        value = value_from_json(entity, name, value)
        if row.values["kind"] == "text":
            if not isinstance(value, str):
                raise Refused("bad_value", field="value")
            return TextEdit(self.event, entity.number, subject, name, value)
        if entity is TICKET and name == "team":
            return TicketMove(self.event, subject, value if isinstance(value, bytes) else b"")
        if entity is TICKET:
            return TicketSet(self.event, subject, {name: value})
        if entity is CUSTOMER:
            return CustomerSet(self.event, subject, {name: value})
        member = rows.get(MEMBERSHIP.number, subject) if entity is MEMBERSHIP else None
        if member is None:
            raise Refused("bad_conflict")
        of, who = member.values["subject"], member.values["member"]
        return MemberSet(
            self.event, of if isinstance(of, bytes) else b"", str(member.values["kind"]),
            who if isinstance(who, bytes) else b"", bool(value),
        )  # fmt: skip

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CONFLICT.number, self.conflict)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """What the conflict is about."""
        return _subject(rows, self.conflict)


def _subject(rows: Rows, conflict: bytes) -> list[Key]:
    row = rows.get(CONFLICT.number, conflict)
    if row is None or not isinstance(row.values.get("subject"), bytes):
        return []
    number, subject = int_of(row.values["subject_type"]), row.values["subject"]
    out = [(number, subject)] if isinstance(subject, bytes) and number in BY_NUMBER else []
    member = rows.get(MEMBERSHIP.number, out[0][1]) if out and number == MEMBERSHIP.number else None
    of = member.values["subject"] if member is not None else None
    if isinstance(of, bytes):
        out.append((TICKET.number, of))
    if row.values["kind"] in ("deleted", "stale_reply"):
        change = load_change(row.values["mine"])
        out += change.roots()
    return out


def _loaded(raw: Value) -> Any:
    try:
        return json.loads(raw) if isinstance(raw, str) else None
    except ValueError as error:
        raise Refused("bad_conflict") from error


def _restored(rows: Rows, effects: Sequence[Effect]) -> dict[Key, Row]:
    """Return the images of rows that a restore is about to bring back, and of the line it leaves."""
    out: dict[Key, Row] = {}
    for effect in effects:
        if isinstance(effect, Insert):
            out[effect.type, effect.id] = Row(effect.type, effect.id, effect.scope, effect.values)
            continue
        row = rows.get(effect.type, effect.id) if isinstance(effect, Derive) else None
        if row is not None:
            out[row.type, row.id] = replace(row, deleted=False)
    return out


@dataclass(frozen=True, slots=True)
class ReplyRelease:
    """`reply.release`: send a held reply after all. `seen_seq` and `seen_id` are what its author has on screen now.

    Other words than those that were held have no formatting, unless `html` says which.
    """

    event: bytes
    conflict: bytes
    seen_seq: int
    body: str | None = None
    seen_id: bytes | None = None
    html: str | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the reply, as edited, and close the row."""
        row = own_conflict(rows, ctx, self.conflict)
        reply = self.reply(row)
        there = rows.get(MESSAGE.number, reply.message)
        if row.values["status"] == "closed":
            if there is None:
                raise Refused("already_discarded")
            return []
        return [*reply.written(rows, ctx), _closed(row)]

    def reply(self, row: Row) -> MessageAdd:
        """Return the reply as it is to be sent. Raises Refused("bad_conflict")."""
        change = load_change(row.values["mine"])
        if not isinstance(change, MessageAdd):
            raise Refused("bad_conflict")
        body = change.body if self.body is None else self.body
        html = self.html or (change.html if body == change.body and self.html is None else None)
        return replace(change, seen_seq=self.seen_seq, seen_id=self.seen_id, body=body, html=html)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CONFLICT.number, self.conflict)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """The ticket that the reply is for."""
        return _subject(rows, self.conflict)


@dataclass(frozen=True, slots=True)
class ReplyDiscard:
    """`reply.discard`: do not send a held reply. Its text stays in the closed row."""

    event: bytes
    conflict: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Close the row and leave a line in its author's scope."""
        row = own_conflict(rows, ctx, self.conflict)
        if row.values["status"] == "closed":
            return []
        return [_closed(row), history(ctx, row, self.event, "reply_discarded", {})]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CONFLICT.number, self.conflict)]
