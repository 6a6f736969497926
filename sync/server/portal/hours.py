# SPDX-License-Identifier: GPL-3.0-or-later
"""When support is open, whether somebody is there, and how long an answer takes: as pages say it. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

from app.config.i18n import Language
from app.domain.calendars import Span, closes_at, next_opening, open_now
from app.domain.waits import Basis, Told
from sync.server.home import read_contact
from sync.server.intake import intake_team
from sync.server.portal.pages import day_text, time_text
from sync.server.problems import ProblemError
from sync.server.store import Store
from sync.server.waiting import Waiting

__all__ = ["Day", "Instant", "Now", "ShownWait", "Times", "Waits", "instant", "shown_wait", "week_of"]

_DAY_S = 86_400
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
    """Reads times and waits from the store."""

    def __init__(self, store: Store, waiting: Waiting) -> None:
        self._store = store
        self._waiting = waiting
        self._lock = Lock()
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

    def told(self, now: int, times: Times) -> Told:
        """Return how long somebody waits who writes now, by the portal."""
        return self._waiting.told(now, times.team, "portal") if times.team is not None else Told(Basis.UNKNOWN)

    def wait(self, now: int, times: Times, zone: ZoneInfo, language: Language) -> ShownWait:
        """Return the same as pages show it."""
        return shown_wait(self.told(now, times), zone, language)


def shown_wait(told: Told, zone: ZoneInfo, language: Language) -> ShownWait:
    """Return a wait as pages show it."""

    def at(second: int | None) -> Instant | None:
        return None if second is None else instant(second * 1000, zone, language)

    if told.basis is Basis.ANSWERS:
        return ShownWait(usual=at(told.usual_s), latest=at(told.latest_s))
    if told.basis is Basis.TARGET:
        return ShownWait(target=at(told.latest_s))
    return ShownWait(opens=at(told.opens_s))
