# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server does not carry out at once but holds for its author: stale replies, work on deleted tickets.

Pure; run by the server before a change's effects. A client shows its own change until the server's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.changes import (
    WHOLE_ROW,
    AnyChange,
    ConflictResolve,
    Context,
    Holdable,
    MessageAdd,
    ReplyRelease,
    Row,
    Rows,
    TicketDelete,
    TicketSet,
    category_of,
    landing_of,
)
from app.domain.changes_base import int_of
from app.domain.entities import CONFLICT, HISTORY, MESSAGE, TICKET, Category
from app.domain.ids import derived_id

__all__ = ["Held", "changed_ground", "held", "was_carried_out"]

BaseEntries = Mapping[str, tuple[int, int]]
_MAX_NAMED = 50
# lines that changes leave on their ticket
_LINES = ("reply", "customer", "note", "time", "merged", "unmerged", "split", "member", "deleted")


@dataclass(frozen=True, slots=True)
class Held:
    """A change that waits for a person. `kind` is stale_reply or deleted; `why` says what it did not know.

    `conflict` is the row that holds it already, for a release that was stale again.
    """

    kind: str
    ticket: bytes
    change: Holdable
    why: Mapping[str, Any]
    author: bytes | None = None
    conflict: bytes | None = None
    base: BaseEntries = field(default_factory=dict)


def held(change: AnyChange, base: BaseEntries, rows: Rows, ctx: Context) -> Held | None:
    """Return why a change must wait for its author, or None."""
    if ctx.actor.kind != "user":
        return None
    if isinstance(change, ReplyRelease):
        return _release(change, rows, ctx)
    if isinstance(change, ConflictResolve) or not isinstance(change, Holdable):
        return None
    if isinstance(change, TicketDelete):
        return _blind_delete(change, base, rows, ctx)
    ticket, _ = landing_of(rows, change.ticket)
    if ticket is not None and ticket.deleted:
        return Held("deleted", ticket.id, change, {"reason": "deleted"}, base=base)
    if isinstance(change, MessageAdd) and not change.inbound:
        return _stale(change, base, rows, ctx)
    return None


def was_carried_out(change: AnyChange, rows: Rows) -> bool:
    """Return whether this very change left its line on the ticket: it is only sent again, by a renewed device."""
    ticket = getattr(change, "ticket", None)
    if not isinstance(ticket, bytes):
        return False
    parts = [(kind, "") for kind in _LINES] + [("member", "present"), ("field", "team")]
    if isinstance(change, TicketSet):
        parts += [(kind, name) for name in change.fields for kind in ("field", "gave_way")]
    ids = {derived_id(change.event, *part) for part in parts}
    landed, _ = landing_of(rows, ticket)
    subjects = {ticket} | ({landed.id} if landed is not None else set())
    return any(
        row.id in ids for subject in subjects for row in rows.find(HISTORY.number, "subject", subject, deleted=True)
    )


def _release(change: ReplyRelease, rows: Rows, ctx: Context) -> Held | None:
    row = rows.get(CONFLICT.number, change.conflict)
    if row is None or row.values.get("created_by") != ctx.actor.id or row.values["status"] == "closed":
        return None
    reply = change.reply(row)
    ticket, _ = landing_of(rows, reply.ticket)
    if ticket is None:
        return None
    if ticket.deleted:
        return Held("deleted", ticket.id, reply, {"reason": "deleted"}, conflict=row.id)
    news = _news(ticket, reply, rows, ctx)
    if news is None:
        return None
    return replace(_held_reply(ticket, reply, "news", news), conflict=row.id)


def _stale(change: MessageAdd, base: BaseEntries, rows: Rows, ctx: Context) -> Held | None:
    there = rows.get(MESSAGE.number, change.message)
    if there is not None and change.is_sent(rows, there):
        return None
    ticket, via = landing_of(rows, change.ticket)
    if ticket is None:
        return None
    if via is not None:
        return _held_reply(ticket, change, "merged", [], base)
    news = _news(ticket, change, rows, ctx)
    if news is not None:
        return _held_reply(ticket, change, "news", news, base)
    return changed_ground(ticket, change, base, rows, ctx)


def changed_ground(ticket: Row, change: MessageAdd, base: BaseEntries, rows: Rows, ctx: Context) -> Held | None:
    """Return why a reply must wait though no message is newer than what its author saw, or None."""
    reason = _changed_ground(ticket, base, rows, ctx)
    return None if reason is None else _held_reply(ticket, change, reason, [], base)


def _news(ticket: Row, reply: MessageAdd, rows: Rows, ctx: Context) -> list[Row] | None:
    """Return what the author had not on screen and no earlier change of this device brought; None if all was seen.

    An author who saw messages that a restored server lost has not seen what took their place, be that nothing.
    """
    top = int_of(ticket.values.get("msg_seq"))
    if reply.seen_seq > top or not _is_what_was_seen(ticket, reply, rows):
        return _others_above(ticket, min(reply.seen_seq - 1, top), rows, ctx)
    if top == reply.seen_seq:
        return None
    return _others_above(ticket, reply.seen_seq, rows, ctx) or None


def _is_what_was_seen(ticket: Row, reply: MessageAdd, rows: Rows) -> bool:
    """Return whether the number is still that of the message its author saw. Older clients tell only the number."""
    if reply.seen_id is None:
        return True
    row = rows.get(MESSAGE.number, reply.seen_id)
    if row is None:
        return False
    if row.values.get("ticket") == ticket.id:
        return row.values.get("msg_no") == reply.seen_seq
    # it was split off or went back: its number is nobody's, unless the server had lost it and gave it again
    return all(m.values.get("msg_no") != reply.seen_seq for m in rows.find(MESSAGE.number, "ticket", ticket.id))


def _others_above(ticket: Row, seen_seq: int, rows: Rows, ctx: Context) -> list[Row]:
    out = []
    for row in rows.find(MESSAGE.number, "ticket", ticket.id):
        number, stamp = row.values.get("msg_no"), row.fld.get("body")
        own = stamp is not None and stamp.device == ctx.device and 0 < stamp.mid < ctx.mid
        if isinstance(number, int) and number > seen_seq and not own:
            out.append(row)
    return sorted(out, key=lambda r: int(str(r.values["msg_no"])))


def _changed_ground(ticket: Row, base: BaseEntries, rows: Rows, ctx: Context) -> str | None:
    """Return what somebody else changed that a reply rests on: its customer, or that it is held for an incident."""

    def others_changed(name: str) -> bool:
        entry, stamp = base.get(name), ticket.stamp(name)
        own = stamp.device == ctx.device and 0 < stamp.mid < ctx.mid
        return entry is not None and stamp.rev != entry[0] and not own

    if others_changed("customer"):
        return "customer"
    if others_changed("incident") and ticket.values.get("incident") is not None:
        return "on_hold"
    if others_changed("state") and category_of(rows, ticket.values["state"]) is Category.HELD:
        return "on_hold"
    return "merged" if others_changed("merged_into") else None


def _held_reply(ticket: Row, change: MessageAdd, reason: str, news: list[Row], base: BaseEntries | None = None) -> Held:
    why = {
        "reason": reason, "ticket": ticket.id.hex(), "msg_seq": ticket.values.get("msg_seq"),
        "messages": [row.id.hex() for row in news[-_MAX_NAMED:]],
    }  # fmt: skip
    author = news[-1].values.get("author") if news else None
    return Held("stale_reply", ticket.id, change, why, author if isinstance(author, bytes) else None, base=base or {})


def _blind_delete(change: TicketDelete, base: BaseEntries, rows: Rows, ctx: Context) -> Held | None:
    """A delete that did not see what others did since must not take it away."""
    row, entry = rows.get(TICKET.number, change.ticket), base.get(WHOLE_ROW)
    if row is None or row.deleted or entry is None:
        return None
    unseen = sorted(name for name, s in row.fld.items() if s.rev > entry[0] and s.device != ctx.device)
    if not unseen:
        return None
    return Held("deleted", row.id, change, {"reason": "changed", "fields": unseen}, base=base)
