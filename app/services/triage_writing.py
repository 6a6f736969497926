# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing on a ticket: replies with their guard against news, internal notes, drafts. Blocks on the local disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.config.i18n import _
from app.domain.attachments import Attachment
from app.domain.changes import AnyChange, MessageAdd, NoteAdd, TicketSet
from app.domain.changes_writing import check_words
from app.domain.entities import Category
from app.domain.errors import Refused
from app.domain.ids import TicketId, UserId, new_id
from app.domain.placeholders import fill
from app.domain.ports import (
    Choices,
    Commits,
    Draft,
    DraftKind,
    ItemKind,
    PlannedSend,
    SendOrder,
    SendWhy,
    ThreadItem,
    TicketDetails,
    TicketQueries,
)
from app.services.templates import facts_of
from app.services.texts import polite
from app.services.triage import state_of

__all__ = ["After", "Due", "Saved", "Stale", "Waiting", "Writing"]


class After(StrEnum):
    """What becomes of the ticket once the reply is written."""

    NOTHING = "nothing"
    WAIT = "wait"
    SOLVE = "solve"


Shown = Mapping[str, str]  # the values of placeholders that the author had on screen

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


@dataclass(frozen=True, slots=True)
class Waiting:
    """The reply is on disk and goes out by itself, unless it is taken back before."""

    planned: PlannedSend


@dataclass(frozen=True, slots=True)
class Due:
    """What came of a reply whose time had come: sent, or a draft again. None of both: it had been taken back."""

    saved: Saved | None = None
    stale: Stale | None = None
    label: str = ""  # says that it was not sent
    stopped: PlannedSend | None = None


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
        attachments: tuple[Attachment, ...] = (), seen_id: bytes | None = None, shown: Shown | None = None,
    ) -> Saved | Stale:  # fmt: skip
        """Queue a reply, unless somebody else wrote since `seen_seq`, the number of the message `seen_id`.

        Raises Refused, StoreUnavailable.
        """
        details = self._details(ticket)
        if (stale := _stale(details, seen_seq, self._me)) is not None and not anyway:
            return stale
        if anyway:
            seen_seq, seen_id = details.seen_seq, details.seen_id
        body = self._filled(details, body, shown)
        event, message = self._make_id(), self._make_id()
        reply = MessageAdd(event, message, ticket, body, seen_seq, attachments=attachments, seen_id=seen_id)
        return self._send(details, reply, after, choices)

    def plan_reply(
        self, ticket: TicketId, body: str, seen_seq: int, after: After, at: int, why: SendWhy, *,
        anyway: bool = False, attachments: tuple[Attachment, ...] = (), seen_id: bytes | None = None,
        shown: Shown | None = None,
    ) -> Waiting | Stale:  # fmt: skip
        """Keep a reply as a draft that goes out at `at`, unless somebody else wrote since `seen_seq`.

        Raises Refused, StoreUnavailable: then it stays an ordinary draft.
        """
        details = self._details(ticket)
        if (stale := _stale(details, seen_seq, self._me)) is not None and not anyway:
            return stale
        if anyway:
            seen_seq, seen_id = details.seen_seq, details.seen_id
        filled = self._filled(details, body, shown)
        check_words(filled, attachments)
        if details.row.category is Category.MERGED:
            raise Refused("merged")
        typed = self._commits.draft(ticket, DraftKind.REPLY)
        caret = typed.caret if typed is not None and typed.body == body else len(body)
        order = SendOrder(at, why, filled, self._make_id(), self._make_id(), after.value)
        draft = Draft(ticket, DraftKind.REPLY, body, caret, seen_seq, 0, attachments, seen_id, order)
        self._commits.save_draft(draft)
        return Waiting(PlannedSend(draft, details.row.label))

    def take_back(self, ticket: TicketId) -> Draft | None:
        """Make a reply that waits an ordinary draft again; None when it has gone. Raises StoreUnavailable."""
        draft = self._commits.draft(ticket, DraftKind.REPLY)
        if draft is None or draft.send is None:
            return None
        plain = replace(draft, send=None)
        self._commits.save_draft(plain)
        return plain

    def send_due(self, ticket: TicketId, choices: Choices) -> Due:
        """Queue a reply whose time has come, unless it was taken back or somebody else wrote since it was ordered.

        Raises Refused: it is an ordinary draft again; StoreUnavailable: it still waits.
        """
        draft = self._commits.draft(ticket, DraftKind.REPLY)
        if draft is None or draft.send is None or draft.send.why is SendWhy.STOPPED:
            return Due()
        order = draft.send
        try:
            details = self._details(ticket)
            if (stale := _stale(details, draft.seen_seq, self._me)) is not None:
                return self._stop(details, draft, order, stale)
            reply = MessageAdd(
                order.event, order.message, ticket, order.text, draft.seen_seq, attachments=draft.attachments,
                seen_id=draft.seen_id,
            )  # fmt: skip
            return Due(self._send(details, reply, After(order.after), choices))
        except Refused as why:
            if why.code != "not_signed_in":  # then it waits for the person to be back
                self.take_back(ticket)
            raise

    def stop_if_stale(self, ticket: TicketId) -> Due:
        """Make a reply that waits a draft again if somebody else wrote since it was ordered."""
        draft, details = self._commits.draft(ticket, DraftKind.REPLY), self._queries.details(ticket)
        if draft is None or draft.send is None or details is None:
            return Due()
        stale = _stale(details, draft.seen_seq, self._me)
        return self._stop(details, draft, draft.send, stale) if stale is not None else Due()

    def _stop(self, details: TicketDetails, draft: Draft, order: SendOrder, stale: Stale) -> Due:
        stopped = replace(draft, send=replace(order, why=SendWhy.STOPPED))
        self._commits.save_draft(stopped)
        return Due(stale=stale, label=_not_sent(details, stale), stopped=PlannedSend(stopped, details.row.label))

    def news_for(self, planned: Sequence[PlannedSend]) -> list[TicketId]:
        """Return the tickets of those replies that somebody else wrote on since they were ordered."""
        later = [each for each in planned if each.order.why is SendWhy.LATER]
        found = ((each.draft, self._queries.details(each.draft.ticket)) for each in later)
        return [d.ticket for d, page in found if page is not None and _stale(page, d.seen_seq, self._me) is not None]

    def _filled(self, details: TicketDetails, body: str, shown: Shown | None) -> str:
        """Return the text as it goes out: values are read now. Raises Refused("unfilled"), Refused("facts_changed")."""
        if "{{" not in body and "}}" not in body:
            return body
        filled = fill(body, facts_of(details, self._queries.choices().users.get(self._me, "")))
        if filled.missing:
            raise Refused("unfilled", names=", ".join(filled.missing))
        other = [name for name, value in filled.values.items() if shown is not None and shown.get(name, "") != value]
        if other:
            raise Refused("facts_changed", names=", ".join(other))
        return filled.text

    def _details(self, ticket: TicketId) -> TicketDetails:
        details = self._queries.details(ticket)
        if details is None:
            raise Refused("no_such_ticket")
        return details

    def _send(self, details: TicketDetails, reply: MessageAdd, after: After, choices: Choices) -> Saved:
        ticket = details.row.id
        done = self._commits.commit(reply, clears=(ticket, DraftKind.REPLY))
        label = _("Reply to {name} is on its way").format(name=_name(details))
        return self._then(ticket, after, choices, Saved(label, done.ids | {ticket}, done.mid))

    def save_note(
        self, ticket: TicketId, body: str, attachments: tuple[Attachment, ...] = (), mentions: tuple[UserId, ...] = ()
    ) -> Saved:
        """Queue an internal note; `mentions` are the colleagues named in it. Raises Refused, StoreUnavailable."""
        note = NoteAdd(self._make_id(), self._make_id(), ticket, body, mentions, attachments)
        done = self._commits.commit(note, clears=(ticket, DraftKind.NOTE))
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


def _stale(details: TicketDetails, seen_seq: int, me: UserId) -> Stale | None:
    public = (ItemKind.MESSAGE_IN, ItemKind.REPLY)
    news = tuple(i for i in details.items if i.kind in public and i.msg_no > seen_seq and i.author != me)
    return Stale(news, details.seen_seq, details.seen_id) if news else None


def _name(details: TicketDetails) -> str:
    return polite(details.customer.name if details.customer else details.row.customer_name)


def _not_sent(details: TicketDetails, stale: Stale) -> str:
    text = _("The reply on {ticket} was not sent: {name} wrote first. It is a draft again.")
    return text.format(ticket=details.row.label, name=polite(stale.news[0].author_name))
