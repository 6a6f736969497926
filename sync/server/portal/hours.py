# SPDX-License-Identifier: GPL-3.0-or-later
"""When support is open, whether somebody is there, and how long an answer takes: as pages say it. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.config.i18n import Language
from app.domain.calendars import Span, closes_at, next_opening, open_now
from app.domain.entities import CALENDAR_SPANS, LIVE, MESSAGE, STATE, TICKET, Priority, Value
from app.domain.open_hours import OpenHours, open_hours
from app.domain.sla import Target
from app.domain.sla_rows import Book
from app.domain.waits import LOOK_BACK_S, Asked, expected_wait, rounded_up
from sync.server.home import contact_calendar, read_contact
from sync.server.intake import intake_team
from sync.server.portal.pages import day_text, time_text
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["Day", "Instant", "Now", "ShownWait", "Times", "Waits", "instant", "week_of"]

_DAY_S = 86_400
_MOST = 20_000  # requests that are looked at
_FRESH_MS = 120_000
_TIMES_MS = 2_000


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant as it is shown, and as a script can say it in the reader's own zone."""

    iso: str
    text: str


def instant(at_ms: int, zone: ZoneInfo, language: Language) -> Instant:
    """Return an instant for a page."""
    iso = datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")
    return Instant(iso, time_text(at_ms, zone, language))


@dataclass(frozen=True, slots=True)
class Now:
    """Whether support can be reached; `state` names the text that says so."""

    state: str
    until: Instant | None = None
    opens: Instant | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One of the coming days, today first."""

    name: str
    times: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ShownWait:
    """What is said of the wait: from the queue's history, else the target, else the next opening, else nothing."""

    usual: Instant | None = None
    latest: Instant | None = None
    target: Instant | None = None
    opens: Instant | None = None
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Times:
    """Everything about time that pages show."""

    name: tuple[str, str]
    phone: str
    mail: str
    zone: str
    spans: tuple[Span, ...]
    team: bytes | None

    def now(self, now_ms: int, somebody: bool | None, zone: ZoneInfo, language: Language) -> Now:
        """Tell whether support is open; `somebody`: an agent is at the desk, None where that is not known."""
        now_s = now_ms // 1000
        if not self.spans:
            return Now("here" if somebody else "no_hours")
        if open_now(self.spans, now_s):
            state = {True: "here", False: "open_nobody", None: "open_now"}[somebody]
            end = closes_at(self.spans, now_s)
            return Now(state, until=instant(end * 1000, zone, language) if end else None)
        opens = next_opening(self.spans, now_s)
        return Now("closed_now", opens=instant(opens * 1000, zone, language) if opens else None)


def week_of(spans: Sequence[Span], now_ms: int, zone: ZoneInfo, language: Language) -> list[Day]:
    """Return the coming seven days with their open times in a zone."""
    if not spans:
        return []
    today = (
        datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    )
    days = []
    for n in range(7):
        start, end = today + timedelta(days=n), today + timedelta(days=n + 1)
        first, last = int(start.timestamp()), int(end.timestamp())
        times = [
            f"{_clock(max(a, first), zone)}–{'24:00' if b >= last else _clock(b, zone)}"
            for a, b in spans
            if a < last and b > first
        ]
        days.append(Day(day_text(first * 1000, zone, language), times))
    return days


def _clock(at_s: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC).astimezone(zone):%H:%M}"


class Waits:
    """Reads times and waits from the store; a wait is reckoned anew every two minutes at most."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._history: dict[bytes, tuple[int, list[Asked], OpenHours | None, int | None]] = {}
        self._times: tuple[int, Times] | None = None

    def times(self, now: int) -> Times:
        """Return contact, hours and the team that reads what is written; read at most every two seconds."""
        with self._lock:
            known = self._times
        if known is not None and 0 <= now - known[0] < _TIMES_MS:
            return known[1]
        with self._store.read() as connection:
            contact = read_contact(connection, now)
            try:
                team = intake_team(connection)
            except ProblemError:
                team = None
        spans = tuple(contact.spans)
        times = Times((contact.name_ko, contact.name_en), contact.phone, contact.mail, contact.zone, spans, team)
        with self._lock:
            self._times = (now, times)
        return times

    def wait(self, now: int, times: Times, zone: ZoneInfo, language: Language) -> ShownWait:
        """Return how long somebody waits who writes now, by the portal."""
        team = times.team
        if team is None:
            return ShownWait()
        now_s = now // 1000
        asked, hours, target = self._known(now, team)
        found = expected_wait(asked, now_s, hours)
        if found is not None:
            usual, latest = (instant(at * 1000, zone, language) for at in (found.usual_s, found.latest_s))
            return ShownWait(usual=usual, latest=latest)
        if target is not None:
            at = hours.deadline(now_s, target) if hours is not None else now_s + target
            if at is not None:
                return ShownWait(target=instant(rounded_up(at) * 1000, zone, language))
        opens = None if not times.spans or open_now(times.spans, now_s) else next_opening(times.spans, now_s)
        return ShownWait(opens=instant(opens * 1000, zone, language) if opens else None)

    def _known(self, now: int, team: bytes) -> tuple[list[Asked], OpenHours | None, int | None]:
        with self._lock:
            known = self._history.get(team)
        if known is not None and 0 <= now - known[0] < _FRESH_MS:
            return known[1], known[2], known[3]
        with self._store.read() as connection:
            asked, hours = _asked(connection, now, team, "portal"), _hours(connection)
        target = self._target(team)
        with self._lock:
            self._history[team] = (now, asked, hours, target)
        return asked, hours, target

    def _target(self, team: bytes) -> int | None:
        with self._store.read() as connection:
            book = Book(TxRows(connection))
            values: dict[str, Value] = {
                "team": team,
                "channel": "portal",
                "priority": int(Priority.NORMAL),
                "kind": "question",
                "tier": 1,
            }
            applying = book.applying(values)
            if applying is None:
                return None
            policy = book.policies([applying.policy]).get(applying.policy)
        return policy.targets.get(Target.FIRST) if policy is not None else None


def _hours(connection: sa.Connection) -> OpenHours | None:
    table = ENTITY_TABLES[CALENDAR_SPANS.number]
    query = sa.select(table.c.spans).where(
        table.c.calendar == contact_calendar(connection), table.c.deleted == sa.false()
    )
    text = connection.execute(query.order_by(table.c.seq.desc()).limit(1)).scalar()
    return open_hours(text) if text else None


def _asked(connection: sa.Connection, now: int, team: bytes, channel: str) -> list[Asked]:
    ticket, state, message = (ENTITY_TABLES[e.number] for e in (TICKET, STATE, MESSAGE))
    first = (
        sa.select(sa.func.min(message.c.created_at))
        .where(
            message.c.ticket == ticket.c.id,
            message.c.direction == "out",
            message.c.author_kind == "user",
            message.c.deleted == sa.false(),
        )
        .scalar_subquery()
    )
    query = (
        sa.select(ticket.c.created_at, ticket.c.last_at, state.c.category, first.label("answered"))
        .join(state, state.c.id == ticket.c.state)
        .where(
            ticket.c.team == team,
            ticket.c.channel == channel,
            ticket.c.deleted == sa.false(),
            ticket.c.created_at > now - LOOK_BACK_S * 1000,
        )
        .order_by(ticket.c.created_at.desc())
        .limit(_MOST)
    )
    return [
        Asked(
            row.created_at // 1000,
            row.answered // 1000 if row.answered is not None else None,
            None if row.category in LIVE else (row.last_at or row.created_at) // 1000,
        )
        for row in connection.execute(query)
    ]
