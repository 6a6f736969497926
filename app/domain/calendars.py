# SPDX-License-Identifier: GPL-3.0-or-later
"""Business calendars without a zone library: their rules, and sums over the compiled spans (UTC seconds, half-open).

The server compiles a calendar into spans (`app.services.calendars`); whoever asks "are we open" uses only these.
"""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int]  # [open, close) in UTC seconds
Minutes = tuple[int, int]  # [from, to) in minutes after local midnight
# (day, minute of the day 0..1440, is it an end) -> UTC seconds
Instant = Callable[[dt.date, int, bool], int]

DAY_MINUTES = 24 * 60
MAX_INTERVALS = 6


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Open intervals per weekday (0 = Monday) in one zone; holidays close a day, exceptions replace any day."""

    zone: str
    week: Mapping[int, tuple[Minutes, ...]]
    holidays: frozenset[dt.date] = frozenset()
    exceptions: Mapping[dt.date, tuple[Minutes, ...]] = field(default_factory=dict)

    def intervals_on(self, day: dt.date) -> tuple[Minutes, ...]:
        """Return the open minutes of a local day. An exception wins over a holiday, a holiday over the weekday."""
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.holidays:
            return ()
        return self.week.get(day.weekday(), ())


def _minute(text: str, *, end: bool) -> int:
    hour, sep, minute = text.partition(":")
    if not (sep and len(hour) == 2 and len(minute) == 2 and (hour + minute).isdecimal()):
        raise ValueError(f"not a time of day: {text!r}")
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > (DAY_MINUTES if end else DAY_MINUTES - 1):
        raise ValueError(f"not a time of day: {text!r}")
    return total


def parse_intervals(pairs: Iterable[Sequence[str]]) -> tuple[Minutes, ...]:
    """Read ``[["09:00", "12:00"], …]`` of one day, sorted.

    Raises ValueError for a bad time, more than six intervals, an overlap, or one that crosses midnight.
    """
    found = sorted((_minute(a, end=False), _minute(b, end=True)) for a, b in pairs)
    if len(found) > MAX_INTERVALS:
        raise ValueError("more than six intervals in a day")
    last = 0
    for start, end in found:
        if end <= start:
            raise ValueError("an interval ends before it starts or crosses midnight")
        if start < last:
            raise ValueError("intervals overlap")
        last = end
    return tuple(found)


def parse_calendar(zone: str, week: str, holidays: str, exceptions: str) -> BusinessCalendar:
    """Read the JSON columns of a calendar row. Raises ValueError when they break the rules."""
    try:
        days = {int(k): parse_intervals(v) for k, v in json.loads(week).items()}
        closed = frozenset(dt.date.fromisoformat(h["date"]) for h in json.loads(holidays))
        replaced = {dt.date.fromisoformat(e["date"]): parse_intervals(e["intervals"]) for e in json.loads(exceptions)}
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("calendar columns have the wrong shape") from exc
    if not set(days) <= set(range(7)):
        raise ValueError("weekdays are 0 to 6")
    return BusinessCalendar(zone, days, closed, replaced)


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Sort spans, drop empty ones and join those that touch or overlap."""
    joined: list[Span] = []
    for start, end in sorted(s for s in spans if s[1] > s[0]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def spans_of_days(calendar: BusinessCalendar, first: dt.date, last: dt.date, instant: Instant) -> list[Span]:
    """Return the joined spans of the local days `first` to `last`, both included; `instant` knows the zone."""
    spans: list[Span] = []
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = dt.date.fromordinal(ordinal)
        spans += [(instant(day, a, False), instant(day, b, True)) for a, b in calendar.intervals_on(day)]
    return join_spans(spans)


def clip_spans(spans: Iterable[Span], from_s: int, to_s: int) -> list[Span]:
    """Return the parts of the spans that lie in [from_s, to_s)."""
    return [(max(a, from_s), min(b, to_s)) for a, b in spans if a < to_s and b > from_s]


def parse_spans(text: str) -> list[Span]:
    """Read the JSON column `calendar_spans.spans`."""
    return [(int(a), int(b)) for a, b in json.loads(text)]


def _index(spans: Sequence[Span], now_s: int) -> int:
    """Index of the last span that starts at or before `now_s`, or -1."""
    return bisect_right(spans, now_s, key=lambda s: s[0]) - 1


def open_now(spans: Sequence[Span], now_s: int) -> bool:
    """Tell whether an instant (UTC seconds) lies in an open span. The closing second is closed."""
    i = _index(spans, now_s)
    return i >= 0 and now_s < spans[i][1]


def closes_at(spans: Sequence[Span], now_s: int) -> int | None:
    """Return when the present span ends (UTC seconds), or None when closed."""
    i = _index(spans, now_s)
    return spans[i][1] if i >= 0 and now_s < spans[i][1] else None


def next_opening(spans: Sequence[Span], now_s: int) -> int | None:
    """Return the next start of a span after `now_s` (UTC seconds), or None past the horizon.

    While open it is the opening after the present span; ask `open_now` first.
    """
    i = _index(spans, now_s) + 1
    return spans[i][0] if i < len(spans) else None


def elapsed(spans: Sequence[Span], from_s: int, to_s: int) -> int:
    """Return the open seconds in [from_s, to_s)."""
    total = 0
    for i in range(max(_index(spans, from_s), 0), len(spans)):
        start, end = spans[i]
        if start >= to_s:
            break
        total += max(0, min(end, to_s) - max(start, from_s))
    return total


def deadline(spans: Sequence[Span], from_s: int, remaining_s: int) -> int | None:
    """Return the earliest instant at which `remaining_s` open seconds have passed since `from_s`.

    None when that lies past the horizon of the spans. Nothing remaining: `from_s` itself.
    """
    if remaining_s <= 0:
        return from_s
    for i in range(max(_index(spans, from_s), 0), len(spans)):
        start, end = max(spans[i][0], from_s), spans[i][1]
        if end <= start:
            continue
        if end - start >= remaining_s:
            return start + remaining_s
        remaining_s -= end - start
    return None
