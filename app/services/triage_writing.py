# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing on a ticket: replies with their guard against news, internal notes, drafts. Blocks on the local disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.config.i18n import _
from app.domain.attachments import Attachment
from app.domain.changes import AnyChange, MessageAdd, NoteAdd, TicketSet
from app.domain.entities import Category
from app.domain.errors import Refused
from app.domain.ids import TicketId, UserId, new_id
from app.domain.ports import Choices, Commits, Draft, DraftKind, ItemKind, ThreadItem, TicketQueries
from app.services.texts import polite
from app.services.triage import state_of

__all__ = ["After", "Saved", "Stale", "Writing"]


class After(StrEnum):
    """What becomes of the ticket once the reply is written."""

    NOTHING = "nothing"
    WAIT = "wait"
    SOLVE = "solve"


_CATEGORY = {After.WAIT: Category.WAITING_CUSTOMER, After.SOLVE: Category.SOLVED}


@dataclass(frozen=True, slots=True)
class Saved:
    """The text is on disk and in the outbox. `undo` reverses the state change that came with it, if any."""

    label: str
    ids: frozenset[bytes]
    mid: int
    undo: tuple[AnyChange, ...] = ()
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """The reply was held: these came since its author last looked."""

    news: tuple[ThreadItem, ...]
    seen_seq: int
    seen_id: bytes | None = None


class Writing:
    """Use cases of the composer. Thread: a worker, one call at a time."""

    def __init__(
        self, queries: TicketQueries, commits: Commits, me: UserId, make_id: Callable[[], bytes] = new_id
    ) -> None:
        self._queries = queries
        self._commits = commits
        self._me = me
        self._make_id = make_id

    def send_reply(
        self, ticket: TicketId, body: str, seen_seq: int, after: After, choices: Choices, *, anyway: bool = False,
        attachments: tuple[Attachment, ...] = (), seen_id: bytes | None = None,
    ) -> Saved | Stale:  # fmt: skip
        """Queue a reply, unless somebody else wrote since `seen_seq`, the number of the message `seen_id`.

        Raises Refused, StoreUnavailable.
        """
        details = self._queries.details(ticket)
        if details is None:
            raise Refused("no_such_ticket")
        news = _news(details.items, seen_seq, self._me)
        if news and not anyway:
            return Stale(news, details.seen_seq, details.seen_id)
        if anyway:
            seen_seq, seen_id = details.seen_seq, details.seen_id
        event, message = self._make_id(), self._make_id()
        reply = MessageAdd(event, message, ticket, body, seen_seq, attachments=attachments, seen_id=seen_id)
        done = self._commits.commit(reply)
        self._commits.save_draft(Draft(ticket, DraftKind.REPLY, ""))
        name = details.customer.name if details.customer else details.row.customer_name
        saved = Saved(_("Reply to {name} is on its way").format(name=polite(name)), done.ids | {ticket}, done.mid)
        return self._then(ticket, after, choices, saved)

    def save_note(self, ticket: TicketId, body: str, attachments: tuple[Attachment, ...] = ()) -> Saved:
        """Queue an internal note. Raises Refused, StoreUnavailable."""
        note = NoteAdd(self._make_id(), self._make_id(), ticket, body, attachments=attachments)
        done = self._commits.commit(note)
        self._commits.save_draft(Draft(ticket, DraftKind.NOTE, ""))
        return Saved(_("Internal note saved"), done.ids | {ticket}, done.mid)

    def _then(self, ticket: TicketId, after: After, choices: Choices, saved: Saved) -> Saved:
        if after is After.NOTHING:
            return saved
        state = state_of(choices, _CATEGORY[after])
        if state is None:
            return saved
        try:
            done = self._commits.commit(TicketSet(self._make_id(), ticket, {"state": state}))
        except Refused as why:  # the reply is safe; only the state stays
            return Saved(saved.label, saved.ids, saved.mid, refused=why)
        return Saved(saved.label, saved.ids | done.ids, done.mid, (done.undo,) if done.undo else ())


def _news(items: Sequence[ThreadItem], seen_seq: int, me: UserId) -> tuple[ThreadItem, ...]:
    public = (ItemKind.MESSAGE_IN, ItemKind.REPLY)
    return tuple(i for i in items if i.kind in public and i.msg_no > seen_seq and i.author != me)
