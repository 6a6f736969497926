# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to whole tickets: take down, log a call, merge, split, link, watch, delete, hand over, time.

Thread: a worker, one call at a time; the changes are saved when a call returns. Raises Refused, StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.config.i18n import _, ngettext
from app.domain.changes import (
    AnyChange,
    CustomerCreate,
    MemberSet,
    MessageAdd,
    TicketCreate,
    TicketDelete,
    TicketMerge,
    TicketMove,
    TicketRestore,
    TicketSet,
    TicketSplit,
    TicketUnmerge,
    TimeAdd,
)
from app.domain.entities import Priority, Value
from app.domain.errors import Refused
from app.domain.ids import CustomerId, TeamId, TicketId, UserId, new_id
from app.domain.ports import Choices, Commits, TicketRow
from app.domain.related import LINK_KINDS, LinkedTicket
from app.services.texts import owner_name, polite
from app.services.triage import Done, run_changes

__all__ = ["HandOver", "NewCustomer", "NewTicket", "TalkLog", "Tickets"]


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """Somebody who is not known yet."""

    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket as an agent takes it down. `spent_min` becomes a time entry; `mine`: the agent goes on with it."""

    customer: CustomerId | NewCustomer
    subject: str
    body: str
    team: TeamId
    channel: str = "phone"
    kind: str = "question"
    priority: int = int(Priority.NORMAL)
    occurred_at: int | None = None
    asset: bytes | None = None
    language: str = "ko"
    spent_min: int = 0
    mine: bool = True


@dataclass(frozen=True, slots=True)
class TalkLog:
    """A call or visit on a ticket that exists. `by_customer`: the words are the customer's, else the agent's answer."""

    body: str
    channel: str = "phone"
    occurred_at: int | None = None
    by_customer: bool = True
    spent_min: int = 0


@dataclass(frozen=True, slots=True)
class HandOver:
    """To whom a ticket goes, and why, in one line that the next owner reads first."""

    reason: str
    owner: UserId | None
    tier: int
    team: TeamId | None = None


class Tickets:
    """Use cases on whole tickets. `provisional` gives the number that a new one is called by until it has its own."""

    def __init__(
        self, commits: Commits, provisional: Callable[[], str], me: UserId, make_id: Callable[[], bytes] = new_id
    ) -> None:
        self._commits, self._provisional, self._me, self._make_id = commits, provisional, me, make_id

    # --- taking down -------------------------------------------------------------------------------------------------

    def take_down(self, new: NewTicket) -> Done:
        """Save a new ticket, its customer if need be, and the time it took. Undone, the ticket is deleted again."""
        if not new.subject.strip() or not new.body.strip():
            raise Refused("empty_text")
        ids: set[bytes] = set()
        customer = new.customer
        if isinstance(customer, NewCustomer):
            customer = self._make_customer(customer, new.language, ids)
        ticket = TicketId(self._make_id())
        number = self._provisional()
        create = TicketCreate(
            self._make_id(), ticket, new.subject.strip(), new.team, customer, self._make_id(), new.body,
            priority=new.priority, kind=new.kind, channel=new.channel, language=new.language, asset=new.asset,
            owner=self._me if new.mine else None, provisional=number, occurred_at=new.occurred_at,
        )  # fmt: skip
        done = self._commits.commit(create)
        ids |= done.ids | {ticket}
        mid = done.mid
        if new.spent_min:
            mid = self._commits.commit(self._time_of_talk(ticket, new.channel, new.occurred_at, new.spent_min)).mid
        undo = (TicketDelete(self._make_id(), ticket),)
        return Done(_("{ticket} taken down").format(ticket=number), undo, frozenset(ids), mid, opens=ticket)

    def _make_customer(self, new: NewCustomer, language: str, ids: set[bytes]) -> CustomerId:
        if not new.name.strip():
            raise Refused("customer_needed")
        id_ = CustomerId(self._make_id())
        create = CustomerCreate(
            self._make_id(), id_, new.name.strip(), language=language, phone=new.phone, email=new.email
        )
        ids |= self._commits.commit(create).ids
        return id_

    def _time_of_talk(self, ticket: TicketId, channel: str, occurred_at: int | None, minutes: int) -> TimeAdd:
        kind = "call" if channel == "phone" else "work"
        return TimeAdd(self._make_id(), self._make_id(), ticket, minutes, kind=kind, started_at=occurred_at)

    def log_talk(self, row: TicketRow, talk: TalkLog, seen_seq: int) -> Done:
        """Put a call or visit on a ticket at the time it took place."""
        add = MessageAdd(
            self._make_id(), self._make_id(), row.id, talk.body, seen_seq, channel=talk.channel,
            inbound=talk.by_customer, occurred_at=talk.occurred_at,
        )  # fmt: skip
        changes: list[tuple[TicketRow, AnyChange]] = [(row, add)]
        if talk.spent_min:
            changes.append((row, self._time_of_talk(row.id, talk.channel, talk.occurred_at, talk.spent_min)))
        visit = talk.channel == "visit"
        text = _("{what}: visit logged") if visit else _("{what}: call logged")
        return run_changes(self._commits, changes, lambda what: text.format(what=what))

    def add_time(self, row: TicketRow, minutes: int, kind: str, note: str, started_at: int | None = None) -> Done:
        """Put working time on a ticket."""
        add = TimeAdd(self._make_id(), self._make_id(), row.id, minutes, note, kind, started_at=started_at)
        text = ngettext("{what}: {n} minute noted", "{what}: {n} minutes noted", minutes)
        return run_changes(self._commits, [(row, add)], lambda what: text.format(what=what, n=minutes))

    # --- merge and split ---------------------------------------------------------------------------------------------

    def merge(self, sources: Sequence[TicketRow], target: TicketRow) -> Done:
        """Merge tickets into another one, one after the other."""
        changes: list[tuple[TicketRow, AnyChange]] = [
            (row, TicketMerge(self._make_id(), row.id, target.id)) for row in sources
        ]
        label = target.label
        done = run_changes(
            self._commits, changes, lambda what: _("{what} merged into {target}").format(what=what, target=label)
        )
        return replace(done, ids=done.ids | {target.id}, opens=target.id if done.rows else None)

    def unmerge(self, ticket: TicketId, label: str) -> Done:
        """Take a merged ticket out again: all it had goes back."""
        done = self._commits.commit(TicketUnmerge(self._make_id(), ticket))
        undo = (done.undo,) if done.undo is not None else ()
        text = _("{ticket} is a ticket of its own again").format(ticket=label)
        return Done(text, undo, done.ids | {ticket}, done.mid, opens=ticket)

    def split(self, row: TicketRow, items: Sequence[bytes], subject: str) -> Done:
        """Make a new ticket of some messages and notes."""
        new = TicketId(self._make_id())
        number = self._provisional()
        done = self._commits.commit(TicketSplit(self._make_id(), row.id, new, tuple(items), subject.strip(), number))
        undo = (done.undo,) if done.undo is not None else ()
        text = ngettext(
            "{n} entry of {ticket} is ticket {new} now", "{n} entries of {ticket} are ticket {new} now", len(items)
        ).format(n=len(items), ticket=row.label, new=number)
        return Done(text, undo, done.ids | {row.id, new}, done.mid, opens=new)

    # --- links and watchers ------------------------------------------------------------------------------------------

    def link(self, row: TicketRow, kind: str, other: TicketRow) -> Done:
        """Link a ticket with another one; the link stands on `row`."""
        if kind not in LINK_KINDS:
            raise Refused("bad_value", field="kind")
        if row.id == other.id:
            raise Refused("link_to_itself")
        text = _("{what} linked with {other}")
        return self._members([row], kind, other.id, True, lambda what: text.format(what=what, other=other.label))

    def unlink(self, row: TicketRow, link: LinkedTicket) -> Done:
        """Take a link away, on whichever of the two tickets it stands."""
        subject, member = (row.id, link.id) if link.outgoing else (link.id, row.id)
        change = MemberSet(self._make_id(), subject, link.kind, member, False)
        text = _("{what}: link with {other} removed")
        done = run_changes(self._commits, [(row, change)], lambda what: text.format(what=what, other=link.label))
        return replace(done, ids=done.ids | {link.id})

    def watch(self, rows: Sequence[TicketRow], user: UserId, watching: bool, choices: Choices) -> Done:
        """Let somebody watch tickets, or no longer."""
        if user == self._me:
            text = _("You watch {what}") if watching else _("You no longer watch {what}")
            return self._members(rows, "watcher", user, watching, lambda what: text.format(what=what))
        name = polite(owner_name(choices, user))
        text = _("{name} watches {what}") if watching else _("{name} no longer watches {what}")
        return self._members(rows, "watcher", user, watching, lambda what: text.format(what=what, name=name))

    def _members(
        self, rows: Sequence[TicketRow], kind: str, member: bytes, present: bool, label: Callable[[str], str]
    ) -> Done:
        changes: list[tuple[TicketRow, AnyChange]] = [
            (row, MemberSet(self._make_id(), row.id, kind, member, present)) for row in rows
        ]
        return run_changes(self._commits, changes, label)

    # --- delete, hand over -------------------------------------------------------------------------------------------

    def delete(self, rows: Sequence[TicketRow]) -> Done:
        """Take tickets out of sight; for 30 days they can be restored."""
        changes: list[tuple[TicketRow, AnyChange]] = [(row, TicketDelete(self._make_id(), row.id)) for row in rows]
        return run_changes(self._commits, changes, lambda what: _("Deleted {what}").format(what=what))

    def restore(self, rows: Sequence[TicketRow]) -> Done:
        """Bring deleted tickets back with all they had."""
        changes: list[tuple[TicketRow, AnyChange]] = [(row, TicketRestore(self._make_id(), row.id)) for row in rows]
        done = run_changes(self._commits, changes, lambda what: _("Restored {what}").format(what=what))
        return replace(done, opens=done.rows[0].id if len(done.rows) == 1 else None)

    def hand_over(self, rows: Sequence[TicketRow], to: HandOver, choices: Choices) -> Done:
        """Give tickets to somebody else, another level or team, with the reason in the history."""
        reason = " ".join(to.reason.split())
        if not reason:
            raise Refused("reason_needed")
        fields: dict[str, Value] = {"owner": to.owner, "tier": to.tier}
        changes: list[tuple[TicketRow, AnyChange]] = []
        for row in rows:
            changes.append((row, TicketSet(self._make_id(), row.id, dict(fields), reason=reason)))
            if to.team is not None:
                changes.append((row, TicketMove(self._make_id(), row.id, to.team)))
        name = polite(owner_name(choices, to.owner)) if to.owner is not None else _("nobody yet")
        return run_changes(
            self._commits, changes, lambda what: _("{what} handed over to {name}").format(what=what, name=name)
        )
