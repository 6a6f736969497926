# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts between a person's devices: which text shows here, what is to be carried, and where a merged ticket's goes.

On its own device the local row wins as long as it holds something that was not carried yet. One that was carried as it
is gives way to what another device wrote after it, and goes when the reply was accepted or thrown away there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.attachments import load_attachments
from app.domain.changes import AnyChange
from app.domain.changes_base import MAX_BODY_BYTES
from app.domain.changes_drafts import DraftDelete, DraftPut, draft_id
from app.domain.entities import DRAFT, TICKET
from app.domain.formatting import Rich, dump_marks, joined, load_marks
from app.domain.ids import TicketId, UserId, new_id
from app.domain.ports import Draft, DraftKind
from app.store import drafts
from app.store.shown import Shown

__all__ = ["Due", "Found", "due", "find", "merged_away", "moved"]


@dataclass(frozen=True, slots=True)
class Found:
    """The text that shows. `gone`: the local row is what was sent or thrown away on another device."""

    draft: Draft | None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A change that is to be saved, and of which local row it is (`updated` as carried; None: nothing there now)."""

    change: AnyChange
    row: bytes
    updated: int | None


def find(shown: Shown, me: UserId, device: str, ticket: TicketId, kind: DraftKind) -> Found:
    """Return the draft of one ticket as this person should see it here."""
    local = drafts.state(shown.tx, ticket, kind)
    row = shown.select(
        DRAFT.number, "body, marks, caret, seen_seq, seen_id, attachments, device, typed_at, deleted", "id = ?",
        (draft_id(me, ticket, kind.value),),
    )  # fmt: skip
    if not row:
        return Found(local.draft)
    body, marks, caret, seen_seq, seen_id, files, by, at, deleted = row[0]
    is_mine = local.draft is not None and (local.carried != local.draft.updated or local.draft.send is not None)
    if is_mine:
        return Found(local.draft)
    if deleted:
        return Found(None, gone=local.draft is not None)
    if by == device and local.known:  # what was put there from here: the local row says how it stands now
        return Found(local.draft)
    if local.draft is None and (local.discarded or 0) >= (at or 0):
        return Found(None)
    text = body or ""
    other = Draft(
        ticket, kind, text, caret or 0, seen_seq or 0, at or 0, load_attachments(files), seen_id,
        marks=load_marks(marks, len(text)),
    )  # fmt: skip
    return Found(other)


def merged_away(shown: Shown, ticket: TicketId) -> list[TicketId]:
    """Return the tickets that were merged into this one, as far as they are here."""
    return [TicketId(id_) for (id_,) in shown.select(TICKET.number, "id", "merged_into = ?", (ticket,))]


def moved(found: Draft | None, came: Draft, ticket: TicketId) -> Draft:
    """Return a draft of a merged ticket as one of the ticket that is left; below the words that are there.

    What its author had on screen was another conversation: all that others wrote here counts as news.
    """
    if found is None:
        return replace(came, ticket=ticket, seen_seq=0, seen_id=None, send=None, ground=None)
    said = joined([Rich(found.body, found.marks), Rich(came.body, came.marks)], "\n\n")
    files = dict.fromkeys((*found.attachments, *came.attachments))
    return replace(found, body=said.text, marks=said.marks, attachments=tuple(files), seen_seq=0, seen_id=None)


def due(shown: Shown, me: UserId, ticket: TicketId | None) -> list[Due]:
    """Return what the other devices do not know yet of this ticket's drafts, and of all that were thrown away."""
    out: list[Due] = []
    for row in drafts.uncarried(shown.tx, ticket):
        id_ = draft_id(me, row.ticket, row.kind.value)
        if row.draft is None:
            out.append(Due(DraftDelete(new_id(), id_), row.id, None))
            continue
        draft, marks = row.draft, dump_marks(row.draft.marks)
        if draft.send is not None or len((draft.body + (marks or "")).encode()) > MAX_BODY_BYTES:
            continue  # it is about to go out; or no row could hold it, and it stays where it is
        change = DraftPut(
            new_id(), id_, draft.ticket, draft.kind.value, draft.body, marks, draft.caret, draft.seen_seq,
            draft.seen_id, draft.attachments,
        )  # fmt: skip
        out.append(Due(change, row.id, draft.updated))
    return out
