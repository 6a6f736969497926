# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events give a notice of the desktop, when, and which go into one: rules without a clock, a disk or a desktop.

An event waits until it is settled: told by a notice, or seen because its ticket is in front. What is settled is kept
by the event's id, so that it stays so over restarts; nothing but its id says that it is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from app.domain.ids import TicketId

__all__ = [
    "GROUP_MS",
    "LastNotice",
    "Moment",
    "Notice",
    "NoticeEvent",
    "NoticeKind",
    "NoticeLog",
    "Plan",
    "Quiet",
    "Standing",
    "TrayState",
    "is_quiet",
    "plan",
    "tray_state",
]

GROUP_MS: Final = 60_000  # what comes to one ticket within this time stands in one notice
_DAY_MIN: Final = 24 * 60


class NoticeKind(StrEnum):
    """What is worth a notice; nothing else is (UX-55)."""

    MESSAGE = "message"  # the customer of one's own ticket wrote
    ASSIGNED = "assigned"  # somebody gave one a ticket
    MENTION = "mention"  # a colleague named one in an internal note
    SNOOZE = "snooze"  # a ticket of one's own comes back on time
    PROMISE = "promise"  # a promised time is near
    PROMISE_DUE = "promise_due"  # and has come
    CALL = "call"  # a call of one's own begins in some minutes
    CALL_MISSED = "call_missed"  # nobody made a call in time: for leads and for whose ticket it is
    FOLLOW_UP = "follow_up"  # one is to come back to a complaint
    SLA = "sla"  # a target of one's own ticket is near
    LATE = "late"  # and was missed
    ALARM = "alarm"  # a bad invitation, numbers that differ, a broken rule: for leads and administrators


@dataclass(frozen=True, slots=True)
class NoticeEvent:
    """One thing that happened. The same thing has the same `id` on every start; `at` is Unix ms.

    `who` and `text` come from outside.
    """

    id: bytes
    ticket: TicketId
    kind: NoticeKind
    at: int
    label: str = ""
    subject: str = ""
    who: str = ""
    text: str = ""
    mine: bool = True  # whether the ticket is one's own


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours without notices, in minutes of the local day; the end may lie on the next day. Equal: never quiet."""

    begin_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What is true when notices are planned. `front` is the ticket before the person's eyes, if any."""

    now_ms: int
    minute: int  # of the local day
    quiet: Quiet | None = None
    front: TicketId | None = None


@dataclass(frozen=True, slots=True)
class LastNotice:
    """The newest notice of a ticket: when it began, and what it told."""

    since_ms: int
    events: tuple[NoticeEvent, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to show: `events` are all that it tells, `fresh` those that no notice told before.

    `replaces`: it stands in the place of the ticket's newest notice.
    """

    ticket: TicketId
    events: tuple[NoticeEvent, ...]
    fresh: tuple[NoticeEvent, ...]
    replaces: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. `seen` are events that need no notice any more; the rest waits."""

    notices: tuple[Notice, ...] = ()
    seen: tuple[NoticeEvent, ...] = ()
    waits: bool = False


def is_quiet(quiet: Quiet | None, minute: int) -> bool:
    """Tell whether a minute of the day lies in the quiet hours."""
    if quiet is None:
        return False
    begin, end = quiet.begin_min % _DAY_MIN, quiet.end_min % _DAY_MIN
    if begin <= end:
        return begin <= minute < end
    return minute >= begin or minute < end


def plan(waiting: Iterable[NoticeEvent], shown: Mapping[TicketId, LastNotice], moment: Moment) -> Plan:
    """Decide what is shown now of the events that wait. `shown` are the newest notices, by ticket."""
    seen: list[NoticeEvent] = []
    left: dict[TicketId, list[NoticeEvent]] = {}
    ids: set[bytes] = set()
    for event in sorted(waiting, key=lambda e: (e.at, e.id)):
        if event.id in ids:
            continue
        ids.add(event.id)
        if event.ticket == moment.front:
            seen.append(event)
        else:
            left.setdefault(event.ticket, []).append(event)
    if is_quiet(moment.quiet, moment.minute):
        return Plan((), tuple(seen), waits=bool(left))
    return Plan(tuple(_notice(ticket, events, shown, moment.now_ms) for ticket, events in left.items()), tuple(seen))


def _notice(
    ticket: TicketId, fresh: Sequence[NoticeEvent], shown: Mapping[TicketId, LastNotice], now_ms: int
) -> Notice:
    before = shown.get(ticket)
    joins = before is not None and 0 <= now_ms - before.since_ms < GROUP_MS
    told = before.events if before is not None and joins else ()
    return Notice(ticket, (*told, *fresh), tuple(fresh), joins)


class NoticeLog(Protocol):
    """What happened that is worth a notice, and what is settled. Blocks on the local disk. Raises StoreUnavailable."""

    def collect(self, *, loaded: bool) -> Sequence[NoticeEvent]:
        """Return the events that wait. `loaded`: all rows are here; the first such call settles what is there."""
        ...

    def settle(self, events: Sequence[NoticeEvent]) -> None:
        """Keep for good that these need no notice any more."""
        ...

    def unread(self) -> int:
        """Count one's own open tickets whose customer wrote last."""
        ...


class TrayState(StrEnum):
    """What the icon in the tray says, the most pressing first."""

    SHARING = "sharing"
    NEEDS_YOU = "needs_you"
    OFFLINE = "offline"
    UNREAD = "unread"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Standing:
    """What tray and badge are made from. `unread`: own tickets whose customer waits for an answer."""

    unread: int = 0
    needs_you: int = 0
    offline: bool = False
    sharing: str = ""

    @property
    def badge(self) -> int:
        """The number on the program's icon (UX-56)."""
        return self.unread + self.needs_you


def tray_state(standing: Standing) -> TrayState:
    """Return the one state that the icon shows."""
    if standing.sharing:
        return TrayState.SHARING
    if standing.needs_you:
        return TrayState.NEEDS_YOU
    if standing.offline:
        return TrayState.OFFLINE
    return TrayState.UNREAD if standing.unread else TrayState.IDLE
