# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of drafts: unsent text carried to its author's other devices, private, and gone once it was accepted.

The local row of a device wins there (app.store.carried_drafts); here the later one stands for whoever has none.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.attachments import Attachment, check_attachments, dump_attachments
from app.domain.changes_base import MAX_BODY_BYTES, Context, Derive, Effect, Insert, Key, Rows
from app.domain.entities import DRAFT, Value, user_scope
from app.domain.errors import Refused
from app.domain.ids import derived_id

__all__ = ["DRAFT_KINDS", "DRAFT_NAMES", "DraftDelete", "DraftPut", "draft_id", "spent"]

DRAFT_KINDS = ("reply", "note")
DRAFT_NAMES = ("draft.put", "draft.delete")


def draft_id(person: bytes, ticket: bytes, kind: str) -> bytes:
    """Return the id of a person's draft on a ticket: the same on all of that person's devices."""
    return derived_id(ticket, f"draft-{kind}", person)


def spent(rows: Rows, ctx: Context, tickets: set[bytes], kind: str) -> list[Effect]:
    """Return the effects by which a text that was accepted takes its author's draft of it away."""
    me = ctx.actor.id
    if ctx.actor.kind != "user" or me is None:
        return []
    ids = [draft_id(me, ticket, kind) for ticket in sorted(tickets)]
    there = (rows.get(DRAFT.number, id_) for id_ in ids)
    return [Derive(DRAFT.number, row.id, {}, deleted=True) for row in there if row is not None and not row.deleted]


@dataclass(frozen=True, slots=True)
class DraftPut:
    """`draft.put`: what a person has typed on a ticket and not sent, for that person's other devices.

    The ticket is not looked at: text on one that moved away meanwhile is its author's all the same.
    """

    event: bytes
    draft: bytes
    about: bytes
    kind: str
    body: str
    marks: str | None = None
    caret: int = 0
    seen_seq: int = 0
    seen_id: bytes | None = None
    attachments: tuple[Attachment, ...] = ()

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Put the text over what other devices put there before."""
        me = ctx.actor.id
        if ctx.actor.kind != "user" or me is None or self.draft != draft_id(me, self.about, self.kind):
            raise Refused("not_yours")
        if self.kind not in DRAFT_KINDS:
            raise Refused("bad_value", field="kind")
        if len((self.body + (self.marks or "")).encode("utf-8", "surrogatepass")) > MAX_BODY_BYTES:
            raise Refused("text_too_long", limit=MAX_BODY_BYTES)
        check_attachments(self.attachments)
        values: dict[str, Value] = {
            "ticket": self.about, "kind": self.kind, "body": self.body, "marks": self.marks, "caret": self.caret,
            "seen_seq": self.seen_seq, "seen_id": self.seen_id, "attachments": dump_attachments(self.attachments),
            "device": ctx.device, "typed_at": ctx.acted_ms,
        }  # fmt: skip
        there = rows.get(DRAFT.number, self.draft)
        if there is not None:
            return [Derive(DRAFT.number, self.draft, values, deleted=False)]
        values |= {"created_at": ctx.acted_ms, "created_by": me}
        return [Insert(DRAFT.number, self.draft, user_scope(me), values)]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(DRAFT.number, self.draft)]


@dataclass(frozen=True, slots=True)
class DraftDelete:
    """`draft.delete`: its author threw the text away; it is kept for 30 days as any deleted row."""

    event: bytes
    draft: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark the row; what is gone already is no error."""
        there = rows.get(DRAFT.number, self.draft)
        if there is None or there.deleted:
            return []
        if there.scope != user_scope(ctx.actor.id or b""):
            raise Refused("not_yours")
        return [Derive(DRAFT.number, self.draft, {}, deleted=True)]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(DRAFT.number, self.draft)]
