# SPDX-License-Identifier: GPL-3.0-or-later
"""Server side of business calendars: compile them with the zone library and freeze public holidays into dates."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.calendars import BusinessCalendar, Span, clip_spans, spans_of_days

DAY_S = 86_400
BACK_S = 3 * 365 * DAY_S + DAY_S  # three years back
AHEAD_S = 400 * DAY_S  # and 400 days ahead
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _utc_s(local: dt.datetime) -> int:
    # floor division of timedeltas: exact, no floats
    return (local.astimezone(dt.UTC) - _EPOCH) // dt.timedelta(seconds=1)


def _change_s(zone: ZoneInfo, before_s: int, after_s: int) -> int:
    """Return the instant in (before_s, after_s] at which the zone's offset changes, by halving."""
    old = dt.datetime.fromtimestamp(before_s, zone).utcoffset()
    while after_s - before_s > 1:
        middle = (before_s + after_s) // 2
        if dt.datetime.fromtimestamp(middle, zone).utcoffset() == old:
            before_s = middle
        else:
            after_s = middle
    return after_s


def zone_instant(zone: ZoneInfo, day: dt.date, minute: int, is_end: bool) -> int:
    """Return the UTC seconds of a local wall time.

    A wall time skipped by a change of the clocks means the instant of the change; one that occurs twice means the
    first as a start and the second as an end.
    """
    days, rest = divmod(minute, 24 * 60)
    clock = dt.datetime.combine(day, dt.time(rest // 60, rest % 60), zone) + dt.timedelta(days=days)
    first, second = clock.replace(fold=0), clock.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return _utc_s(first)
    early, late = sorted((_utc_s(first), _utc_s(second)))
    if dt.datetime.fromtimestamp(early, zone).replace(tzinfo=None) != clock.replace(tzinfo=None):
        return _change_s(zone, early, late)
    return late if is_end else early


def compile_calendar(calendar: BusinessCalendar, from_s: int, to_s: int) -> list[Span]:
    """Return the open spans in [from_s, to_s) as UTC seconds, half-open, sorted, joined when they touch.

    Raises zoneinfo.ZoneInfoNotFoundError for an unknown zone.
    """
    zone = ZoneInfo(calendar.zone)
    first = dt.datetime.fromtimestamp(from_s, zone).date() - dt.timedelta(days=1)
    last = dt.datetime.fromtimestamp(to_s, zone).date() + dt.timedelta(days=1)
    spans = spans_of_days(calendar, first, last, lambda day, minute, end: zone_instant(zone, day, minute, end))
    return clip_spans(spans, from_s, to_s)


def horizon(now_s: int) -> Span:
    """Return the range that spans are compiled for: whole UTC days, three years back to 400 days ahead."""
    today = now_s - now_s % DAY_S
    return today - BACK_S, today + AHEAD_S


@lru_cache(maxsize=8)
def _holidays(country: str, years: tuple[int, ...]) -> tuple[tuple[str, str, str], ...]:
    import holidays  # here: 0.2 s to load, only the server's admin paths need it

    local = holidays.country_holidays(country, years=years, language="ko")
    english = holidays.country_holidays(country, years=years, language="en_US")
    return tuple((day.isoformat(), name, english.get(day) or name) for day, name in sorted(local.items()))


def public_holidays(years: Iterable[int], country: str = "KR") -> list[dict[str, str]]:
    """Return the public holidays of the years as ``{"date", "name_ko", "name_en"}``, sorted, ready to be frozen."""
    return [{"date": d, "name_ko": ko, "name_en": en} for d, ko, en in _holidays(country, tuple(sorted(set(years))))]


def spans_json(spans: Iterable[Span]) -> str:
    """Return the canonical JSON of the column `calendar_spans.spans`."""
    return json.dumps([list(s) for s in spans], separators=(",", ":"))
