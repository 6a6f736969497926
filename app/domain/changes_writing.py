# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations that add to a ticket and are never edited: messages, notes, time, session records.

What is written for a ticket that was merged meanwhile goes to the ticket it was merged into, with `arrived_via`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.alarms import NUMBER_LINE
from app.domain.attachments import Attachment, accepted, check_attachments, dump_attachments
from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    category_of,
    check_body,
    check_text,
    fresh_id,
    history,
    int_of,
    landing,
    preview_of,
    set_state_effects,
    was_done,
)
from app.domain.changes_drafts import spent
from app.domain.changes_promises import promises_answered
from app.domain.entities import MESSAGE, NOTE, SESSION_RECORD, TICKET, TIME_ENTRY, Category, Value
from app.domain.errors import Refused
from app.domain.foreign_html import safe_html
from app.domain.ids import derived_id
from app.domain.placeholders import is_unfilled
from app.domain.session_facts import session_facts

MAX_MINUTES = 24 * 60
SPOKEN = frozenset({"phone", "visit"})
TIME_KINDS = frozenset({"work", "travel", "call", "session"})


def message_row(
    ctx: Context, ticket: Row | Insert, id_: bytes, body: str, number: int, channel: str, *,
    inbound: bool, author: bytes | None, seen_seq: int | None = None, html: str | None = None,
    via: bytes | None = None, attachments: Sequence[Attachment] = (), occurred_at: int | None = None,
) -> Insert:  # fmt: skip
    """Return a message. The stamp of its body says which device wrote it: own messages make no reply stale.

    `occurred_at` is when a call or visit took place; it is never later than when it was written down.
    """
    values: dict[str, Value] = {
        "ticket": ticket.id, "origin_ticket": ticket.id, "direction": "in" if inbound else "out",
        "author_kind": "customer" if inbound else "user", "author": author, "channel": channel, "body": body,
        "html": html, "automatic": False, "occurred_at": min(occurred_at or ctx.acted_ms, ctx.acted_ms),
        "sent_at": ctx.now_ms if ctx.on_server else None, "seen_seq": seen_seq, "msg_no": number,
        "arrived_via": via, "attachments": dump_attachments(attachments), "created_at": ctx.acted_ms,
        "created_by": ctx.actor.id,
    }  # fmt: skip
    return Insert(MESSAGE.number, id_, ticket.scope, values, stamped=("body",) if ctx.mid else ())


def clock_data(message: Insert) -> dict[str, object]:
    """Return what a message's history line says: which it is and, of a call or visit, when it took place."""
    data: dict[str, object] = {"message": message.id.hex()}
    if message.values["channel"] in SPOKEN:
        data["occurred_at"] = message.values["occurred_at"]
    return data


def check_words(body: str, attachments: Sequence[Attachment], html: str | None = None) -> None:
    """Raise Refused unless there is something to say: words, files or both."""
    check_attachments(attachments)
    check_body(body if body.strip() or not attachments else "-", html)


def preview_with(body: str, attachments: Sequence[Attachment]) -> str:
    """Return the first words, or the name of the first file where there are none."""
    return preview_of(body) or preview_of(accepted(attachments[:1])[0].filename if attachments else "")


@dataclass(frozen=True, slots=True)
class MessageAdd:
    """`message.add`: a reply of an agent, or a message of the customer (`inbound`).

    `seen_seq` is the number of the newest message its author had on screen, own unsent ones not counted, and
    `seen_id` that message: a server that was restored may have given its number to another one.
    """

    event: bytes
    message: bytes
    ticket: bytes
    body: str
    seen_seq: int = 0
    channel: str = "companion"
    inbound: bool = False
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    seen_id: bytes | None = None
    occurred_at: int | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the message, move the ticket's derived columns, wake or open the ticket."""
        _, via = landing(rows, self.ticket)
        if via is not None and not self.inbound and not ctx.on_server:
            raise Refused("merged")  # the person still has the text and can open the other ticket
        return self.written(rows, ctx)

    def written(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Do so also where the ticket was merged."""
        check_words(self.body, self.attachments, self.html)
        if not self.inbound and is_unfilled(self.body):
            raise Refused("unfilled", names="{{…}}")
        ticket, via = landing(rows, self.ticket)
        id_, told = fresh_id(rows, MESSAGE.number, self.message, self.event, lambda row: self.is_sent(rows, row))
        if id_ is None:
            return []
        number = int_of(ticket.values.get("msg_seq")) + 1
        author = ticket.values.get("customer") if self.inbound else ctx.actor.id
        html = self.html if self.inbound else safe_html(self.html)  # a mail is kept as it came and cleaned when shown
        side = "last_in_no" if self.inbound else "last_out_no"
        message = message_row(
            ctx, ticket, id_, self.body, number, self.channel, inbound=self.inbound,
            author=author if isinstance(author, bytes) else None, seen_seq=self.seen_seq, html=html, via=via,
            attachments=self.attachments, occurred_at=self.occurred_at,
        )  # fmt: skip
        last: dict[str, Value] = {
            "msg_seq": number, side: number, "last_at": ctx.acted_ms,
            "preview": preview_with(self.body, self.attachments),
        }  # fmt: skip
        told_of = clock_data(message)
        line = history(ctx, ticket, self.event, "customer" if self.inbound else "reply", told_of)
        wake = open_by_writing(rows, ctx, ticket, self.event, inbound=self.inbound)
        promises = [] if self.inbound else self._promises(rows, ctx, ticket, message)
        gone = [] if self.inbound else spent(rows, ctx, {self.ticket, ticket.id}, "reply")
        return [message, Derive(TICKET.number, ticket.id, last), line, *told, *wake, *promises, *gone]

    def _promises(self, rows: Rows, ctx: Context, ticket: Row, message: Insert) -> list[Effect]:
        """A reply counts when the server took it; what was said by word of mouth when it was said."""
        spoken = message.values["channel"] in SPOKEN
        at = int_of(message.values["occurred_at"]) if spoken else ctx.now_ms if ctx.on_server else ctx.acted_ms
        return promises_answered(rows, ctx, ticket, self.event, message.id, ctx.actor.id, at)

    def is_sent(self, rows: Rows, row: Row) -> bool:
        """Return whether a stored message is this one, sent before: as it is, or held and edited by its author."""
        home, kind = row.values.get("origin_ticket"), "customer" if self.inbound else "reply"
        return self._is_same(row) or (isinstance(home, bytes) and was_done(rows, home, self.event, kind))

    def _is_same(self, row: Row) -> bool:
        home = (row.values.get("origin_ticket"), row.values.get("arrived_via"), row.values.get("ticket"))
        direction = "in" if self.inbound else "out"
        content = (row.values.get("body"), row.values["direction"], row.values.get("attachments"))
        return self.ticket in home and content == (self.body, direction, dump_attachments(self.attachments))

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def open_by_writing(rows: Rows, ctx: Context, ticket: Row, event: bytes, *, inbound: bool) -> list[Effect]:
    """An agent's text opens a new ticket; a customer's message wakes a waiting or solved one.

    The server's own note opens nothing: nobody has looked at the ticket yet, and its customer sees the state.
    """
    category = category_of(rows, ticket.values["state"])
    wakes = {Category.WAITING_CUSTOMER, Category.WAITING_INTERNAL, Category.SOLVED} if inbound else {Category.NEW}
    if ctx.actor.kind == "server":
        wakes = set()
    out: list[Effect] = []
    if category in wakes:
        out += set_state_effects(rows, ctx, ticket, Category.OPEN, event)
    if inbound and ticket.values.get("snooze_until"):
        out.append(Derive(TICKET.number, ticket.id, {"snooze_until": None}))
    return out


@dataclass(frozen=True, slots=True)
class NoteAdd:
    """`note.add`: text only staff can read. It has no recipient and can never be sent."""

    event: bytes
    note: bytes
    ticket: bytes
    body: str
    mentions: tuple[bytes, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    html: str | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the note and its line; a note opens a new ticket."""
        check_words(self.body, self.attachments, self.html)
        ticket, via = landing(rows, self.ticket)
        id_, told = fresh_id(rows, NOTE.number, self.note, self.event, self._is_same)
        if id_ is None:
            return []
        note = Insert(
            NOTE.number, id_, ticket.scope,
            {
                "ticket": ticket.id, "origin_ticket": ticket.id, "author": ctx.actor.id, "body": self.body,
                "mentions": json.dumps([m.hex() for m in self.mentions]), "arrived_via": via,
                "attachments": dump_attachments(self.attachments), "html": safe_html(self.html),
                "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
            },
        )  # fmt: skip
        line = history(ctx, ticket, self.event, "note", {"note": id_.hex()})
        last = Derive(TICKET.number, ticket.id, {"last_at": ctx.acted_ms})
        gone = spent(rows, ctx, {self.ticket, ticket.id}, "note")
        return [note, last, line, *told, *open_by_writing(rows, ctx, ticket, self.event, inbound=False), *gone]

    def _is_same(self, row: Row) -> bool:
        home = (row.values.get("origin_ticket"), row.values.get("arrived_via"), row.values.get("ticket"))
        content = (row.values.get("body"), row.values.get("attachments"))
        return self.ticket in home and content == (self.body, dump_attachments(self.attachments))

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


@dataclass(frozen=True, slots=True)
class TimeAdd:
    """`time.add`: minutes worked on a ticket. Sums are derived; a correction is another entry."""

    event: bytes
    entry: bytes
    ticket: bytes
    minutes: int
    note: str = ""
    kind: str = "work"
    billable: bool = False
    started_at: int | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the entry and its line."""
        if not 0 < self.minutes <= MAX_MINUTES:
            raise Refused("bad_value", field="minutes")
        if self.kind not in TIME_KINDS:
            raise Refused("bad_value", field="kind")
        ticket, via = landing(rows, self.ticket)
        id_, told = fresh_id(rows, TIME_ENTRY.number, self.entry, self.event, self._is_same)
        if id_ is None:
            return []
        began = ctx.acted_ms - self.minutes * 60_000 if self.started_at is None else self.started_at
        values: dict[str, Value] = {
            "ticket": ticket.id, "origin_ticket": ticket.id, "arrived_via": via, "author": ctx.actor.id,
            "started_at": min(began, ctx.acted_ms), "duration_s": self.minutes * 60, "kind": self.kind,
            "billable": self.billable, "note": self.note, "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        }  # fmt: skip
        data = {"entry": id_.hex(), "minutes": self.minutes}
        line = history(ctx, ticket, self.event, "time", data)
        return [Insert(TIME_ENTRY.number, id_, ticket.scope, values), line, *told]

    def _is_same(self, row: Row) -> bool:
        home = (row.values.get("origin_ticket"), row.values.get("arrived_via"), row.values.get("ticket"))
        content = (row.values.get("duration_s"), row.values.get("note"), row.values.get("kind"))
        return self.ticket in home and content == (self.minutes * 60, self.note, self.kind)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


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
        check_text(self.entry, 60_000)
        ticket, _ = landing(rows, self.ticket)
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
            data: dict[str, object] = {"sid": self.sid.hex(), "entry": self.entry_no, "record": id_.hex()}
            if f"session.{self.kind}" == NUMBER_LINE and session_facts(self.entry).get("ok") is False:
                data["ok"] = False  # an alarm is found without reading every session's record
            out.append(history(ctx, ticket, id_, f"session.{self.kind}", data))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


# entries that stand in the ticket's history as lines of their own; the others are read in the session's details.
# "open" is no link of the chain: the agent's client says with it that the customer's end was never recorded
SESSION_HISTORY_KINDS = frozenset(
    {"invited", "joined", "consent", "refusal", "grant", "revoke", "sas", "violation", "end", "receipt", "open"}
)
