# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of a ticket itself: create, set, move to another team, delete and restore, and its sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.attachments import Attachment
from app.domain.changes_base import (
    MAX_SUBJECT_CHARS,
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    SetField,
    category_of,
    check_text,
    children,
    customer_of,
    history,
    int_of,
    json_list,
    landing,
    live_ticket,
    set_state_effects,
    was_done,
)
from app.domain.changes_complaints import closing_of
from app.domain.changes_values import checked_value
from app.domain.changes_writing import MessageAdd, check_words, message_row, preview_with
from app.domain.complaints import CAUSES, FOLLOW_UPS, missing_for_solved
from app.domain.entities import (
    CUSTOMER,
    LIVE,
    MEMBERSHIP,
    MESSAGE,
    STATE,
    TEAM,
    TICKET,
    Category,
    Field,
    Policy,
    Priority,
    Value,
    team_scope,
)
from app.domain.errors import Refused
from app.domain.ids import derived_id
from app.domain.states import TransitionFacts, check_transition

KINDS = frozenset({"question", "problem", "complaint", "request", "praise"})
CHANNELS = frozenset({"mail", "portal", "companion", "chat", "phone", "visit", "social"})
CLOSE_REASONS = frozenset(
    {"no_answer_needed", "answered_elsewhere", "withdrawn", "spam", "automatic", "test", "duplicate"}
)
LINK_KINDS = frozenset({"link", "relates", "parent_of", "duplicate_of", "follow_up_of", "split_from"})
MEMBER_KINDS = LINK_KINDS | {"tag", "watcher"}
_PROVISIONAL = re.compile(r"~[0-9A-Z]{2,4}-[0-9]{1,7}")
_WORDS: Mapping[str, Collection[str]] = {
    "kind": KINDS, "close_reason": CLOSE_REASONS, "root_cause": CAUSES, "follow_up": FOLLOW_UPS,
}  # fmt: skip


def check_new_ticket(subject: str, provisional: str) -> None:
    """Raise Refused unless a new ticket may be called so."""
    check_text(subject, MAX_SUBJECT_CHARS * 4)
    if provisional and not _PROVISIONAL.fullmatch(provisional):
        raise Refused("bad_value", field="provisional")


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
    attachments: tuple[Attachment, ...] = ()
    occurred_at: int | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the ticket, its first message and the `opened` line."""
        check_new_ticket(self.subject, self.provisional)
        check_words(self.body, self.attachments)
        if rows.get(TICKET.number, self.ticket) is not None:
            return self._repaired(rows, ctx)
        state = rows.first(STATE.number, "category", Category.NEW.value)
        if state is None:
            raise Refused("no_such_state")
        inbound = self.from_customer
        customer = customer_of(rows, self.customer)
        ticket = Insert(
            TICKET.number, self.ticket, team_scope(self.team),
            {
                "number": None, "provisional": self.provisional, "aliases": json_list(self.provisional),
                "subject": self.subject[:MAX_SUBJECT_CHARS], "state": state.id, "priority": self.priority,
                "kind": self.kind, "channel": self.channel, "customer": customer,
                "organisation": _organisation(rows, customer), "asset": self.asset, "team": self.team,
                "owner": self.owner, "tier": 1, "language": self.language, "msg_seq": 1, "last_in_no": int(inbound),
                "last_out_no": int(not inbound), "last_at": ctx.acted_ms,
                "preview": preview_with(self.body, self.attachments), "created_at": ctx.acted_ms,
                "created_by": ctx.actor.id,
            },
        )  # fmt: skip
        author = customer if inbound else ctx.actor.id
        first = message_row(
            ctx, ticket, self.message, self.body, 1, self.channel, inbound=inbound, author=author,
            attachments=self.attachments, occurred_at=self.occurred_at,
        )  # fmt: skip
        origin = "customer" if ctx.actor.kind == "customer" else "agent"
        there = rows.get(MESSAGE.number, self.message)
        if there is not None and not ctx.on_server and there.values["origin_ticket"] == self.ticket:
            # the server has it, and the message went on to a ticket of another scope: this one is still to be loaded
            raise Refused("no_such_ticket")
        if there is not None:
            first = replace(first, id=derived_id(self.event, "again", self.message))
        return [ticket, first, history(ctx, ticket, self.event, "opened", {"origin": origin})]

    def _repaired(self, rows: Rows, ctx: Context) -> list[Effect]:
        """The id is taken: nothing if it is this ticket, sent again; else its words are added, its fields set.

        Fields of that ticket only, for of one that it was merged into the writer may see nothing. A customer sets none.
        """
        message = rows.get(MESSAGE.number, self.message)
        known = message is not None and self.ticket in (message.values["origin_ticket"], message.values["ticket"])
        if known or was_done(rows, self.ticket, self.event, "opened"):
            return []
        if ctx.actor.kind == "customer":
            raise Refused("id_taken")
        ticket, via = landing(rows, self.ticket)
        wanted: dict[str, Value] = {
            "subject": self.subject[:MAX_SUBJECT_CHARS], "priority": self.priority, "kind": self.kind,
            "customer": customer_of(rows, self.customer), "asset": self.asset, "owner": self.owner,
            "language": self.language,
        }  # fmt: skip
        sets: list[Effect] = [
            SetField(TICKET.number, ticket.id, name, value, TICKET.field(name).policy, base=(1, 0))
            for name, value in sorted(wanted.items())
            if value is not None and via is None
        ]
        add = MessageAdd(
            self.event, self.message, self.ticket, self.body, channel=self.channel, inbound=self.from_customer,
            attachments=self.attachments, occurred_at=self.occurred_at,
        )  # fmt: skip
        return [*add.written(rows, ctx), *sets]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def _organisation(rows: Rows, customer: bytes) -> Value:
    row = rows.get(CUSTOMER.number, customer)
    return row.values.get("organisation") if row else None


@dataclass(frozen=True, slots=True)
class TicketSet:
    """`ticket.set`: new values of one or more fields of a ticket. `undo` lets an agent's undo restore any state.

    `reason`, one line, stands in the history of each field: why a ticket was handed over.
    """

    event: bytes
    ticket: bytes
    fields: dict[str, Any]  # values as in the registry; checked by `checked_value`, for the wire cannot tell
    undo: bool = False
    reason: str = ""

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy; the rules across fields are checked for what stays."""
        ticket = live_ticket(rows, self.ticket)
        out: list[Effect] = []
        for name, wanted in sorted(self.fields.items()):
            column, value = checked_value(TICKET, name, wanted)
            _check_ticket_value(column, value)
            if name == "customer" and isinstance(value, bytes):
                value = customer_of(rows, value)
            policy, check = self._rules(rows, ctx, ticket, column, value)
            out.append(SetField(TICKET.number, ticket.id, name, value, policy, check=check))
        taken = self.fields.get("owner") is not None and "state" not in self.fields
        if taken and category_of(rows, ticket.values["state"]) is Category.NEW:
            out += set_state_effects(rows, ctx, ticket, Category.OPEN, self.event)
        return out

    def _rules(
        self, rows: Rows, ctx: Context, ticket: Row, column: Field, value: Value
    ) -> tuple[Policy, Callable[[], None] | None]:
        if column.name != "state":
            return column.policy, None
        new = category_of(rows, value)
        policy = Policy.HLC if new in LIVE else Policy.ASK
        if new is Category.MERGED:
            raise Refused("transition_refused", new=new.value)  # only merging does that
        if self.undo:
            return policy, None
        return policy, lambda: check_transition(
            category_of(rows, ticket.values["state"]), new, self._facts(ctx, ticket)
        )

    def _facts(self, ctx: Context, ticket: Row) -> TransitionFacts:
        answered = int_of(ticket.values.get("last_out_no")) > int_of(ticket.values.get("last_in_no"))
        reason = self.fields.get("close_reason", ticket.values.get("close_reason"))
        is_lead = bool(ctx.actor.roles & {"lead", "admin"})
        missing = missing_for_solved(ticket.values.get("kind"), closing_of({**ticket.values, **self.fields}))
        return TransitionFacts(answered, str(reason) if reason else None, is_lead, missing)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def _check_ticket_value(column: Field, value: Value) -> None:
    name = column.name
    if name == "subject":
        check_text(str(value or ""), MAX_SUBJECT_CHARS * 4)
    required = {"priority", "state", "customer", "kind", "language"}
    if name in required and value is None:
        raise Refused("bad_value", field=name)
    in_words = name not in _WORDS or value is None or value in _WORDS[name]
    in_range = name != "tier" or value is None or (isinstance(value, int) and 1 <= value <= 3)
    if (name == "priority" and value not in {int(p) for p in Priority}) or not in_words or not in_range:
        raise Refused("bad_value", field=name)


@dataclass(frozen=True, slots=True)
class TicketMove:
    """`ticket.move`: to another team, with everything that hangs on it."""

    event: bytes
    ticket: bytes
    team: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set the team under its policy; if it stays, ticket and children go to the team's scope together."""
        del ctx
        ticket = live_ticket(rows, self.ticket)
        team = rows.get(TEAM.number, self.team)
        if team is None or team.deleted:
            raise Refused("no_such_team")
        scope = team_scope(self.team)
        along = tuple(
            Derive(row.type, row.id, {}, scope=scope)
            for row in children(rows, ticket.id, deleted=True)
            if row.scope != scope
        )
        return [SetField(TICKET.number, ticket.id, "team", self.team, Policy.HLC, scope=scope, then=along)]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


@dataclass(frozen=True, slots=True)
class TicketDelete:
    """`ticket.delete`: out of sight with everything that hangs on it; 30 days to restore it."""

    event: bytes
    ticket: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark the ticket and its children; deleting what is not there is no error."""
        ticket = rows.get(TICKET.number, self.ticket)
        if ticket is None or ticket.deleted or was_done(rows, ticket.id, self.event, "deleted"):
            return []
        line = replace(history(ctx, ticket, self.event, "deleted", {}), deleted=True)
        gone = [Derive(row.type, row.id, {}, deleted=True) for row in children(rows, ticket.id)]
        return [Derive(TICKET.number, ticket.id, {}, deleted=True), *gone, line]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


@dataclass(frozen=True, slots=True)
class TicketRestore:
    """`ticket.restore`: back with everything that was deleted with it."""

    event: bytes
    ticket: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Unmark the ticket and its children."""
        ticket = rows.get(TICKET.number, self.ticket)
        if ticket is None:
            raise Refused("no_such_ticket")
        if not ticket.deleted or was_done(rows, ticket.id, self.event, "restored"):
            return []
        back = [Derive(r.type, r.id, {}, deleted=False) for r in children(rows, ticket.id, deleted=True) if r.deleted]
        line = history(ctx, ticket, self.event, "restored", {})
        return [Derive(TICKET.number, ticket.id, {}, deleted=False), *back, line]

    def roots(self) -> list[Key]:
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
        if self.kind not in MEMBER_KINDS:
            raise Refused("bad_value", field="kind")
        ticket, _ = landing(rows, self.ticket)
        id_ = membership_id(ticket.id, self.kind, self.member)
        if rows.get(MEMBERSHIP.number, id_) is not None:
            return [SetField(MEMBERSHIP.number, id_, "present", self.present, Policy.HLC)]
        data = {"kind": self.kind, "member": self.member.hex(), "present": self.present}
        return [
            membership_row(ctx, ticket, self.kind, self.member, present=self.present),
            history(ctx, ticket, self.event, "member", data),
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def membership_id(ticket: bytes, kind: str, member: bytes) -> bytes:
    """Return the id of a membership row: UUIDv5 of ticket, kind and member."""
    return derived_id(ticket, kind, member)


def membership_row(ctx: Context, ticket: Row | Insert, kind: str, member: bytes, *, present: bool) -> Insert:
    """Return a new membership; its stamp lets a later-arriving, earlier intent lose against it."""
    values: dict[str, Value] = {
        "subject": ticket.id, "kind": kind, "member": member, "present": present,
        "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
    }  # fmt: skip
    id_ = membership_id(ticket.id, kind, member)
    return Insert(MEMBERSHIP.number, id_, ticket.scope, values, stamped=("present",))
