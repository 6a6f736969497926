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
from app.domain.formatting import Mark, Rich, plain, to_html
from app.domain.ids import TicketId, UserId, new_id
from app.domain.ports import (
    Choices,
    Commits,
    Draft,
    DraftKind,
    Ground,
    ItemKind,
    PlannedSend,
    SendOrder,
    SendWhy,
    ThreadItem,
    TicketDetails,
    TicketQueries,
)
from app.services.finished_reply import SIGNED, finish
from app.services.texts import polite
from app.services.triage import state_of

__all__ = ["After", "Due", "Saved", "Stale", "Waiting", "Writing", "ground_of", "stale_since"]


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
    """The reply was held: these came since its author last looked.

    Or it rests on something else now: `reason` is "customer" or "on_hold", and `ground` how it is.
    """

    news: tuple[ThreadItem, ...]
    seen_seq: int
    seen_id: bytes | None = None
    reason: str = ""
    customer: str = ""
    ground: Ground | None = None


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
        marks: tuple[Mark, ...] = (),
    ) -> Saved | Stale:  # fmt: skip
        """Queue a reply, unless somebody else wrote since `seen_seq`, the number of the message `seen_id`.

        Raises Refused, StoreUnavailable.
        """
        details = self._details(ticket)
        if (stale := self._stale(details, seen_seq)) is not None and not anyway:
            return stale
        if anyway:
            seen_seq, seen_id = details.seen_seq, details.seen_id
        filled = self._filled(details, Rich(body, marks), shown)
        event, message = self._make_id(), self._make_id()
        reply = MessageAdd(
            event, message, ticket, plain(filled), seen_seq, html=to_html(filled), attachments=attachments,
            seen_id=seen_id,
        )  # fmt: skip
        return self._send(details, reply, after, choices)

    def plan_reply(
        self, ticket: TicketId, body: str, seen_seq: int, after: After, at: int, why: SendWhy, *,
        anyway: bool = False, attachments: tuple[Attachment, ...] = (), seen_id: bytes | None = None,
        shown: Shown | None = None, marks: tuple[Mark, ...] = (),
    ) -> Waiting | Stale:  # fmt: skip
        """Keep a reply as a draft that goes out at `at`, unless somebody else wrote since `seen_seq`.

        Raises Refused, StoreUnavailable: then it stays an ordinary draft.
        """
        details = self._details(ticket)
        if (stale := self._stale(details, seen_seq)) is not None and not anyway:
            return stale
        if anyway:
            seen_seq, seen_id = details.seen_seq, details.seen_id
        filled = self._filled(details, Rich(body, marks), shown)
        said, html = plain(filled), to_html(filled)
        check_words(said, attachments, html)
        if details.row.category is Category.MERGED:
            raise Refused("merged")
        typed = self._commits.draft(ticket, DraftKind.REPLY)
        caret = typed.caret if typed is not None and typed.body == body else len(body)
        order = SendOrder(at, why, said, self._make_id(), self._make_id(), after.value, html)
        draft = Draft(
            ticket, DraftKind.REPLY, body, caret, seen_seq, 0, attachments, seen_id, order, marks, ground_of(details)
        )
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
            if (stale := stale_since(details, draft.seen_seq, self._me, draft.ground)) is not None:
                return self._stop(details, draft, order, stale)
            reply = MessageAdd(
                order.event, order.message, ticket, order.text, draft.seen_seq, html=order.html,
                attachments=draft.attachments, seen_id=draft.seen_id,
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
        stale = stale_since(details, draft.seen_seq, self._me, draft.ground)
        return self._stop(details, draft, draft.send, stale) if stale is not None else Due()

    def _stop(self, details: TicketDetails, draft: Draft, order: SendOrder, stale: Stale) -> Due:
        stopped = replace(draft, send=replace(order, why=SendWhy.STOPPED))
        self._commits.save_draft(stopped)
        return Due(stale=stale, label=_not_sent(details, stale), stopped=PlannedSend(stopped, details.row.label))

    def news_for(self, planned: Sequence[PlannedSend]) -> list[TicketId]:
        """Return the tickets of those replies that somebody else wrote on since they were ordered."""
        later = [each for each in planned if each.order.why is SendWhy.LATER]
        found = ((each.draft, self._queries.details(each.draft.ticket)) for each in later)
        return [d.ticket for d, page in found if page and stale_since(page, d.seen_seq, self._me, d.ground) is not None]

    def _stale(self, details: TicketDetails, seen_seq: int) -> Stale | None:
        """What came since the draft was begun; what that rests on was saved with it."""
        typed = self._commits.draft(details.row.id, DraftKind.REPLY)
        return stale_since(details, seen_seq, self._me, typed.ground if typed is not None else None)

    def _filled(self, details: TicketDetails, rich: Rich, shown: Shown | None) -> Rich:
        """Return the text as it goes out: values are read now. Raises Refused("unfilled"), Refused("facts_changed")."""
        if details.channel not in SIGNED and "{{" not in rich.text and "}}" not in rich.text:
            return rich
        choices = self._queries.choices()
        done = finish(details, rich, choices.users.get(self._me, ""), choices.signature)
        if done.missing:
            raise Refused("unfilled", names=", ".join(done.missing))
        other = [name for name, value in done.values.items() if shown is not None and shown.get(name, "") != value]
        if other:
            raise Refused("facts_changed", names=", ".join(other))
        return done.said

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
        self, ticket: TicketId, body: str, attachments: tuple[Attachment, ...] = (),
        mentions: tuple[UserId, ...] = (), marks: tuple[Mark, ...] = (),
    ) -> Saved:  # fmt: skip
        """Queue an internal note; `mentions` are the colleagues named in it. Raises Refused, StoreUnavailable."""
        said = Rich(body, marks)
        ids = self._make_id(), self._make_id()
        note = NoteAdd(*ids, ticket, plain(said), mentions, attachments, to_html(said))
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


def ground_of(details: TicketDetails) -> Ground:
    """Return what a reply that is begun now rests on."""
    return Ground(details.row.customer, details.row.category is Category.HELD)


def stale_since(details: TicketDetails, seen_seq: int, me: UserId, ground: Ground | None) -> Stale | None:
    """Return what came since: another customer, a hold, messages of others; None: the reply may go."""
    public, now = (ItemKind.MESSAGE_IN, ItemKind.REPLY), ground_of(details)
    news = tuple(i for i in details.items if i.kind in public and i.msg_no > seen_seq and i.author != me)
    reason = ""
    if ground is not None and ground.customer != now.customer:
        reason = "customer"
    elif ground is not None and now.on_hold and not ground.on_hold:
        reason = "on_hold"
    if not news and not reason:
        return None
    return Stale(news, details.seen_seq, details.seen_id, reason, _name(details), now)


def _name(details: TicketDetails) -> str:
    return polite(details.customer.name if details.customer else details.row.customer_name)


def _not_sent(details: TicketDetails, stale: Stale) -> str:
    if stale.reason == "customer":
        text = _("The reply on {ticket} was not sent: the ticket is another customer's now. It is a draft again.")
        return text.format(ticket=details.row.label)
    if stale.reason == "on_hold":
        text = _("The reply on {ticket} was not sent: the ticket is on hold. It is a draft again.")
        return text.format(ticket=details.row.label)
    text = _("The reply on {ticket} was not sent: {name} wrote first. It is a draft again.")
    return text.format(ticket=details.row.label, name=polite(stale.news[0].author_name))
