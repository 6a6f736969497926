# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mutation: its typed arguments, its pure effect on rows, and its inverse. Run alike by client and server.

`effects` reads rows through the `Rows` port and returns inserts and field sets; `app.domain.executor` settles them
against the conflict policy. New argument fields get defaults and a new version number; meanings never change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

from app.domain.entities import (
    BY_NAME,
    CUSTOMER,
    HISTORY,
    LIVE,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    SESSION_RECORD,
    STATE,
    TICKET,
    Category,
    Entity,
    Field,
    FieldType,
    Kind,
    Policy,
    Priority,
    Value,
    team_scope,
)
from app.domain.errors import Refused
from app.domain.ids import derived_id
from app.domain.states import TransitionFacts, check_transition

PREVIEW_CHARS = 140
MAX_BODY_BYTES = 1 << 20
MAX_SUBJECT_CHARS = 300
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class FieldStamp:
    """Who last set a field: its revision, the intent's clock, the device code ("srv" for the server) and its mid."""

    rev: int = 1
    hlc: int = 0
    device: str = "srv"
    mid: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a reader sees it. `fld` holds stamps of fields changed after the insert."""

    type: int
    id: bytes
    scope: str
    values: Mapping[str, Value]
    rev: int = 1
    fld: Mapping[str, FieldStamp] = field(default_factory=dict)
    deleted: bool = False

    def stamp(self, name: str) -> FieldStamp:
        """Return the stamp of a field; fields never changed are at revision 1."""
        return self.fld.get(name, FieldStamp())


class Rows(Protocol):
    """Read access to the rows as they are now."""

    def get(self, type_: int, id_: bytes) -> Row | None:
        """Return a row, deleted ones included, or None."""
        ...

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        """Return the first live row, by id, whose column has this value."""
        ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes the change. `kind` is user, customer or server."""

    kind: str
    id: bytes | None
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """When and where a change is made. `acted_ms` is the (clamped) time of the deed, `now_ms` the executor's clock."""

    actor: Actor
    acted_ms: int
    now_ms: int
    hlc: int
    device: str
    mid: int
    on_server: bool


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row. Idempotent by id."""

    type: int
    id: bytes
    scope: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SetField:
    """A person's edit of one field: settled by the conflict policy."""

    type: int
    id: bytes
    name: str
    value: Value
    policy: Policy


@dataclass(frozen=True, slots=True)
class Derive:
    """Columns that a rule derives (counts, last times, previews): written as they are."""

    type: int
    id: bytes
    values: Mapping[str, Value]


Effect = Insert | SetField | Derive


class Change(Protocol):
    """A mutation's arguments. `event` is a fresh id from which the ids of history lines are derived."""

    event: bytes


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def history(
    ctx: Context, subject: Row | Insert, event: bytes, kind: str, data: Mapping[str, Any], part: str = ""
) -> Insert:
    """Return a history line on a row. Ids derive from the change's event, so both ends write the same line."""
    return Insert(
        HISTORY.number,
        derived_id(event, kind, part),
        subject.scope,
        {
            "subject_type": subject.type,
            "subject": subject.id,
            "kind": kind,
            "data": _json(data),
            "acted_at": ctx.acted_ms,
            "recorded_at": ctx.now_ms if ctx.on_server else None,
            "actor_kind": ctx.actor.kind,
            "actor": ctx.actor.id,
            "created_at": ctx.acted_ms,
            "created_by": ctx.actor.id,
        },
    )


def live_ticket(rows: Rows, ticket: bytes) -> Row:
    """Return the ticket. Raises Refused("no_such_ticket" or "merged")."""
    row = rows.get(TICKET.number, ticket)
    if row is None or row.deleted:
        raise Refused("no_such_ticket")
    if row.values.get("merged_into"):
        raise Refused("merged")
    return row


def category_of(rows: Rows, state: Value) -> Category:
    """Return the category of a state. Raises Refused("no_such_state")."""
    row = rows.get(STATE.number, state) if isinstance(state, bytes) else None
    if row is None:
        raise Refused("no_such_state")
    return Category(str(row.values["category"]))


def _text(value: str, limit_bytes: int) -> None:
    if not value.strip():
        raise Refused("empty_text")
    if len(value.encode()) > limit_bytes:
        raise Refused("text_too_long", limit=limit_bytes)


_PYTHON = {
    FieldType.ID: bytes,
    FieldType.BYTES: bytes,
    FieldType.TEXT: str,
    FieldType.JSON: str,
    FieldType.INT: int,
    FieldType.TIME: int,
    FieldType.BOOL: bool,
}


def checked_value(entity: Entity, name: str, value: object) -> tuple[Field, Value]:
    """Return the column and the value, which is null or of the column's type. Raises Refused."""
    try:
        column = entity.field(name)
    except KeyError:
        raise Refused("no_such_field", field=name) from None
    if value is None:
        return column, None
    wanted = _PYTHON[column.type]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise Refused("bad_value", field=name)
    if isinstance(value, bytes) and column.type is FieldType.ID and len(value) != ID_BYTES:
        raise Refused("bad_value", field=name)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused("bad_value", field=name)
    return column, value if isinstance(value, str | int | bool | bytes) else None


def _int(value: Value) -> int:
    return value if isinstance(value, int) else 0


def preview_of(body: str) -> str:
    """Return the first words of a text on one line."""
    return " ".join(body[: PREVIEW_CHARS * 4].split())[:PREVIEW_CHARS]


# --- the mutations ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TicketCreate:
    """`ticket.create`: a new ticket with its first message. The number comes from the server."""

    event: bytes
    ticket: bytes
    subject: str
    team: bytes
    customer: bytes
    message: bytes
    body: str
    priority: int = int(Priority.NORMAL)
    kind: str = "question"
    channel: str = "phone"
    language: str = "ko"
    asset: bytes | None = None
    owner: bytes | None = None
    provisional: str = ""
    from_customer: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the ticket, its first message and the `opened` line."""
        _text(self.subject, MAX_SUBJECT_CHARS * 4)
        _text(self.body, MAX_BODY_BYTES)
        if rows.get(TICKET.number, self.ticket) is not None:
            # sent again under another mid, by a device that took a new id: known by its first message
            message = rows.get(MESSAGE.number, self.message)
            if message is None or message.values.get("origin_ticket") != self.ticket:
                raise Refused("id_taken")
            return []
        state = rows.first(STATE.number, "category", Category.NEW.value)
        if state is None:
            raise Refused("no_such_state")
        inbound = self.from_customer
        scope = team_scope(self.team)
        ticket = Insert(
            TICKET.number, self.ticket, scope,
            {
                "number": None, "provisional": self.provisional, "aliases": _json_list(self.provisional),
                "subject": self.subject[:MAX_SUBJECT_CHARS], "state": state.id, "priority": self.priority,
                "kind": self.kind, "channel": self.channel, "customer": self.customer,
                "organisation": self._organisation(rows), "asset": self.asset, "team": self.team, "owner": self.owner,
                "tier": 1, "language": self.language, "msg_seq": 1, "last_in_no": int(inbound),
                "last_out_no": int(not inbound), "last_at": ctx.acted_ms, "preview": preview_of(self.body),
                "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
            },
        )  # fmt: skip
        author = self.customer if inbound else ctx.actor.id
        first = _message(ctx, ticket, self.message, self.body, 1, self.channel, inbound=inbound, author=author)
        origin = "customer" if ctx.actor.kind == "customer" else "agent"
        return [ticket, first, history(ctx, ticket, self.event, "opened", {"origin": origin})]

    def _organisation(self, rows: Rows) -> Value:
        customer = rows.get(CUSTOMER.number, self.customer)
        return customer.values.get("organisation") if customer else None

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def _json_list(*items: str) -> str:
    return json.dumps([i for i in items if i], ensure_ascii=False)


def _message(
    ctx: Context, ticket: Row | Insert, id_: bytes, body: str, number: int, channel: str, *,
    inbound: bool, author: bytes | None, seen_seq: int | None = None, html: str | None = None,
) -> Insert:  # fmt: skip
    return Insert(
        MESSAGE.number, id_, ticket.scope,
        {
            "ticket": ticket.id, "origin_ticket": ticket.id, "direction": "in" if inbound else "out",
            "author_kind": "customer" if inbound else "user", "author": author, "channel": channel, "body": body,
            "html": html, "automatic": False, "occurred_at": ctx.acted_ms,
            "sent_at": ctx.now_ms if ctx.on_server else None, "seen_seq": seen_seq, "msg_no": number,
            "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        },
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageAdd:
    """`message.add`: a reply of an agent, or a message of the customer (`inbound`).

    `seen_seq` is the number of the newest message its author had on screen.
    """

    event: bytes
    message: bytes
    ticket: bytes
    body: str
    seen_seq: int = 0
    channel: str = "companion"
    inbound: bool = False
    html: str | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the message, move the ticket's derived columns, wake or open the ticket."""
        _text(self.body, MAX_BODY_BYTES)
        ticket = live_ticket(rows, self.ticket)
        if rows.get(MESSAGE.number, self.message) is not None:
            return []
        number = _int(ticket.values.get("msg_seq")) + 1
        author = ticket.values.get("customer") if self.inbound else ctx.actor.id
        side = "last_in_no" if self.inbound else "last_out_no"
        out: list[Effect] = [
            _message(
                ctx,
                ticket,
                self.message,
                self.body,
                number,
                self.channel,
                inbound=self.inbound,
                author=author if isinstance(author, bytes) else None,
                seen_seq=self.seen_seq,
                html=self.html,
            ),
            Derive(
                TICKET.number,
                ticket.id,
                {"msg_seq": number, side: number, "last_at": ctx.acted_ms, "preview": preview_of(self.body)},
            ),
            history(ctx, ticket, self.event, "customer" if self.inbound else "reply", {"message": self.message.hex()}),
        ]
        return out + _open_by_writing(rows, ctx, ticket, self.event, inbound=self.inbound)

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def _open_by_writing(rows: Rows, ctx: Context, ticket: Row, event: bytes, *, inbound: bool) -> list[Effect]:
    """An agent's text opens a new ticket; a customer's message wakes a waiting or solved one."""
    category = category_of(rows, ticket.values["state"])
    wakes = {Category.WAITING_CUSTOMER, Category.WAITING_INTERNAL, Category.SOLVED} if inbound else {Category.NEW}
    out: list[Effect] = []
    if category in wakes:
        out += set_state_effects(rows, ctx, ticket, Category.OPEN, event)
    if inbound and ticket.values.get("snooze_until"):
        out.append(Derive(TICKET.number, ticket.id, {"snooze_until": None}))
    return out


def set_state_effects(rows: Rows, ctx: Context, ticket: Row, category: Category, event: bytes) -> list[Effect]:
    """Return the effects of a rule that moves a ticket to the first state of a category."""
    state = rows.first(STATE.number, "category", category.value)
    if state is None:
        raise Refused("no_such_state")
    old = ticket.values["state"]
    data = {"old": old.hex() if isinstance(old, bytes) else None, "new": state.id.hex(), "category": category.value}
    line = history(ctx, ticket, event, "state", data, "rule")
    return [Derive(TICKET.number, ticket.id, {"state": state.id}), line]


@dataclass(frozen=True, slots=True)
class NoteAdd:
    """`note.add`: text only staff can read. It has no recipient and can never be sent."""

    event: bytes
    note: bytes
    ticket: bytes
    body: str
    mentions: tuple[bytes, ...] = ()

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the note and its line; a note opens a new ticket."""
        _text(self.body, MAX_BODY_BYTES)
        ticket = live_ticket(rows, self.ticket)
        if rows.get(NOTE.number, self.note) is not None:
            return []
        note = Insert(
            NOTE.number, self.note, ticket.scope,
            {
                "ticket": ticket.id, "origin_ticket": ticket.id, "author": ctx.actor.id, "body": self.body,
                "mentions": json.dumps([m.hex() for m in self.mentions]), "created_at": ctx.acted_ms,
                "created_by": ctx.actor.id,
            },
        )  # fmt: skip
        line = history(ctx, ticket, self.event, "note", {"note": self.note.hex()})
        last = Derive(TICKET.number, ticket.id, {"last_at": ctx.acted_ms})
        return [note, last, line, *_open_by_writing(rows, ctx, ticket, self.event, inbound=False)]

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


@dataclass(frozen=True, slots=True)
class TicketSet:
    """`ticket.set`: new values of one or more fields of a ticket. `undo` lets an agent's undo restore any state."""

    event: bytes
    ticket: bytes
    fields: dict[str, Any]  # values as in the registry; checked by `checked_value`, for the wire cannot tell
    undo: bool = False

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Check the rules across fields, then set each field under its policy."""
        ticket = live_ticket(rows, self.ticket)
        out: list[Effect] = []
        for name, wanted in sorted(self.fields.items()):
            column, value = checked_value(TICKET, name, wanted)
            policy = self._policy(rows, ctx, ticket, column, value)
            out.append(SetField(TICKET.number, ticket.id, name, value, policy))
        taken = self.fields.get("owner") is not None and "state" not in self.fields
        if taken and category_of(rows, ticket.values["state"]) is Category.NEW:
            out += set_state_effects(rows, ctx, ticket, Category.OPEN, self.event)
        return out

    def _policy(self, rows: Rows, ctx: Context, ticket: Row, column: Field, value: Value) -> Policy:
        name, policy = column.name, column.policy
        if name == "subject":
            _text(str(value or ""), MAX_SUBJECT_CHARS * 4)
        required = {"priority", "state", "customer"}
        if (name == "priority" and value not in {int(p) for p in Priority}) or (name in required and value is None):
            raise Refused("bad_value", field=name)
        if name != "state":
            return policy
        new = category_of(rows, value)
        if not self.undo:
            check_transition(category_of(rows, ticket.values["state"]), new, self._facts(ctx, ticket))
        return Policy.HLC if new in LIVE else Policy.ASK

    def _facts(self, ctx: Context, ticket: Row) -> TransitionFacts:
        answered = _int(ticket.values.get("last_out_no")) > _int(ticket.values.get("last_in_no"))
        reason = self.fields.get("close_reason", ticket.values.get("close_reason"))
        is_lead = bool(ctx.actor.roles & {"lead", "admin"})
        return TransitionFacts(answered, str(reason) if reason else None, is_lead)

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


@dataclass(frozen=True, slots=True)
class MemberSet:
    """`member.add` and `member.remove`: one tag, watcher or link of a ticket; never whole sets."""

    event: bytes
    ticket: bytes
    kind: str
    member: bytes
    present: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set `present` of the membership row whose id both ends derive."""
        if self.kind not in {"tag", "watcher", "link"}:
            raise Refused("bad_value", field="kind")
        ticket = live_ticket(rows, self.ticket)
        id_ = membership_id(self.ticket, self.kind, self.member)
        if rows.get(MEMBERSHIP.number, id_) is not None:
            return [SetField(MEMBERSHIP.number, id_, "present", self.present, Policy.HLC)]
        values: dict[str, Value] = {
            "subject": self.ticket, "kind": self.kind, "member": self.member, "present": self.present,
            "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        }  # fmt: skip
        data = {"kind": self.kind, "member": self.member.hex(), "present": self.present}
        return [
            Insert(MEMBERSHIP.number, id_, ticket.scope, values),
            history(ctx, ticket, self.event, "member", data),
        ]

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def membership_id(ticket: bytes, kind: str, member: bytes) -> bytes:
    """Return the id of a membership row: UUIDv5 of ticket, kind and member."""
    return derived_id(ticket, kind, member)


@dataclass(frozen=True, slots=True)
class CustomerSet:
    """`customer.set`: new values of fields of a customer."""

    event: bytes
    customer: bytes
    fields: dict[str, Any]  # values as in the registry; checked by `checked_value`, for the wire cannot tell

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy."""
        del ctx
        row = rows.get(CUSTOMER.number, self.customer)
        if row is None or row.deleted:
            raise Refused("no_such_customer")
        out: list[Effect] = []
        for name, wanted in sorted(self.fields.items()):
            column, value = checked_value(CUSTOMER, name, wanted)
            out.append(SetField(CUSTOMER.number, row.id, name, value, column.policy))
        return out

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer)]


@dataclass(frozen=True, slots=True)
class SessionRecordAdd:
    """`session.record`: one chain entry or receipt of a screen-sharing session, exactly as signed or linked.

    The row's id derives from the entry's hash, so both ends may hand in the same entry.
    """

    event: bytes
    ticket: bytes
    sid: bytes
    entry_no: int
    kind: str
    entry: str
    entry_hash: bytes
    at: int

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the entry once, with a history line for the kinds that people look for."""
        _text(self.entry, 60_000)
        ticket = live_ticket(rows, self.ticket)
        id_ = derived_id(self.ticket, "session", self.entry_hash)
        if rows.get(SESSION_RECORD.number, id_) is not None:
            return []
        values: dict[str, Value] = {
            "ticket": ticket.id, "sid": self.sid, "entry_no": self.entry_no, "kind": self.kind, "entry": self.entry,
            "entry_hash": self.entry_hash, "at": self.at, "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        }  # fmt: skip
        out: list[Effect] = [Insert(SESSION_RECORD.number, id_, ticket.scope, values)]
        if self.kind in SESSION_HISTORY_KINDS:
            # the line's id derives from the entry, not from the event: whoever hands it in, it is one line
            data = {"sid": self.sid.hex(), "entry": self.entry_no, "record": id_.hex()}
            out.append(history(ctx, ticket, id_, f"session.{self.kind}", data))
        return out

    def roots(self) -> list[tuple[int, bytes]]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


# entries that stand in the ticket's history as lines of their own; the others are read in the session's details.
# "open" is no link of the chain: the agent's client says with it that the customer's end was never recorded
SESSION_HISTORY_KINDS = frozenset(
    {"invited", "joined", "consent", "refusal", "grant", "revoke", "sas", "violation", "end", "receipt", "open"}
)


@dataclass(frozen=True, slots=True)
class Noop:
    """`noop`: takes a mid and does nothing."""

    event: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Nothing."""
        del rows, ctx
        return []

    def roots(self) -> list[tuple[int, bytes]]:
        """Nothing to lock."""
        return []


AnyChange = TicketCreate | MessageAdd | NoteAdd | TicketSet | MemberSet | CustomerSet | SessionRecordAdd | Noop

# name -> (version, arguments); `member.remove` is `member.add` with present=False
CHANGES: Mapping[str, tuple[int, type[AnyChange]]] = {
    "ticket.create": (1, TicketCreate),
    "ticket.set": (1, TicketSet),
    "message.add": (1, MessageAdd),
    "note.add": (1, NoteAdd),
    "member.add": (1, MemberSet),
    "member.remove": (1, MemberSet),
    "customer.set": (1, CustomerSet),
    "session.record": (1, SessionRecordAdd),
    "noop": (1, Noop),
}


_DIGEST_FIELDS = frozenset({"entry_hash"})
_SHORT_TEXT_CHARS = 64


def validate(change: AnyChange) -> None:
    """Check what types alone cannot say: sizes of ids, digests and short words. Raises Refused("bad_value")."""
    for item in fields(change):
        value = getattr(change, item.name)
        for part in value if isinstance(value, tuple) else (value,):
            wrong_size = isinstance(part, bytes) and len(part) != (32 if item.name in _DIGEST_FIELDS else ID_BYTES)
            too_long = (
                isinstance(part, str)
                and item.name not in {"body", "html", "subject", "entry"}
                and len(part) > _SHORT_TEXT_CHARS
            )
            if wrong_size or too_long or (isinstance(part, int) and not -(2**63) <= part < 2**63):
                raise Refused("bad_value", field=item.name)
    if isinstance(change, TicketCreate) and change.priority not in {int(p) for p in Priority}:
        raise Refused("bad_value", field="priority")


def name_of(change: AnyChange) -> str:
    """Return the mutation's name on the wire."""
    if isinstance(change, MemberSet):
        return "member.add" if change.present else "member.remove"
    return next(name for name, (_, cls) in CHANGES.items() if cls is type(change))


def touched_fields(change: AnyChange) -> tuple[int, bytes, Sequence[str]] | None:
    """Return (type, row id, fields) that the change edits and for which base entries are recorded, or None."""
    if isinstance(change, TicketSet):
        return TICKET.number, change.ticket, tuple(change.fields)
    if isinstance(change, CustomerSet):
        return CUSTOMER.number, change.customer, tuple(change.fields)
    if isinstance(change, MemberSet):
        return MEMBERSHIP.number, membership_id(change.ticket, change.kind, change.member), ("present",)
    return None


def inverse(change: AnyChange, before: Callable[[int, bytes], Row | None], event: bytes) -> AnyChange | None:
    """Return the change that undoes this one, given the rows before it; None for what cannot be undone."""
    if isinstance(change, MemberSet):
        return replace(change, event=event, present=not change.present)
    touched = touched_fields(change)
    if touched is None:
        return None
    row = before(touched[0], touched[1])
    if row is None:
        return None
    old = {name: row.values.get(name) for name in touched[2]}
    if isinstance(change, TicketSet):
        return TicketSet(event, change.ticket, old, undo=True)
    if isinstance(change, CustomerSet):
        return CustomerSet(event, change.customer, old)
    return None


def mutable_entities() -> list[Entity]:
    """Return the entities whose fields people edit."""
    return [e for e in BY_NAME.values() if e.kind is Kind.MUTABLE]
