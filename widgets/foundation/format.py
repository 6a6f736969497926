# SPDX-License-Identifier: GPL-3.0-or-later
"""Times, durations and numbers as the reader's language writes them. Times are UTC milliseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

from babel import Locale, dates, numbers, units

from app.config.i18n import language

__all__ = [
    "clock",
    "day",
    "duration",
    "moment",
    "near",
    "number",
    "rough_age",
    "size",
    "time_of_day",
    "today",
    "weekday",
    "when",
]

_LOCALES = {"ko": Locale("ko", "KR"), "en": Locale("en", "GB")}  # en_GB: 24 hours, day before month
_SIGNS = {"hour": "h", "minute": "min", "second": "s"}


def _locale() -> Locale:
    return _LOCALES[language()]


# a list writes the same few days and ages over and over, and Babel reads its pattern anew each time


@lru_cache(maxsize=2048)
def _written(when_: date, style: Literal["long", "medium", "short", "EEEE", "MMMd"], locale: Locale) -> str:
    if style == "MMMd":
        return dates.format_skeleton(style, when_, locale=locale)
    return dates.format_date(when_, style, locale)


@lru_cache(maxsize=2048)
def _age(seconds: int, locale: Locale) -> str:
    return dates.format_timedelta(timedelta(seconds=seconds), format="short", threshold=1.0, locale=locale)


@lru_cache(maxsize=4)
def _yesterday(locale: Locale) -> str:
    return dates.format_timedelta(timedelta(days=-1), granularity="day", add_direction=True, locale=locale)


def _local(ms: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)


def time_of_day(ms: int, zone: tzinfo | None = None) -> str:
    """Return "14:30". `zone` is the reader's own when None."""
    return _local(ms, zone).strftime("%H:%M")


def day(when_: date, *, year: bool = True) -> str:
    """Return a calendar day in words: "31 March 2027", "2027년 3월 31일"."""
    return _written(when_, "long" if year else "MMMd", _locale())


def today(now_ms: int, zone: tzinfo | None = None) -> date:
    """Return the calendar day of a moment in the reader's zone."""
    return _local(now_ms, zone).date()


def weekday(ms: int, now_ms: int, zone: tzinfo | None = None) -> str:
    """Return the day a near time falls on: "" for today, "Monday", or day and month when it is a week away."""
    moment_, now = _local(ms, zone).date(), _local(now_ms, zone).date()
    if moment_ == now:
        return ""
    if abs((moment_ - now).days) < 7:
        return _written(moment_, "EEEE", _locale())
    return day(moment_, year=False)


def when(ms: int, now_ms: int, zone: tzinfo | None = None) -> str:
    """Return a short time for lists: today the time, this year day and month, else the whole date."""
    moment_, now = _local(ms, zone), _local(now_ms, zone)
    if moment_.date() == now.date():
        return time_of_day(ms, zone)
    if moment_.date() == now.date() - timedelta(days=1):
        return _yesterday(_locale())
    if moment_.year == now.year:
        return day(moment_.date(), year=False)
    return _written(moment_.date(), "short", _locale())


def near(ms: int, now_ms: int, zone: tzinfo | None = None) -> str:
    """Return a moment near now with its time: "14:30" today, "Monday 14:30", "31 Mar 14:30"."""
    return " ".join(filter(None, (weekday(ms, now_ms, zone), time_of_day(ms, zone))))


def moment(ms: int, zone: tzinfo | None = None) -> str:
    """Return date and time in full, for tooltips and messages."""
    local = _local(ms, zone)
    return f"{_written(local.date(), 'medium', _locale())} {local.strftime('%H:%M')}"


def rough_age(seconds: float) -> str:
    """Return an age with one unit: "9 min", "2 hr", "9분"."""
    return _age(int(seconds), _locale())


def duration(seconds: int) -> str:
    """Return a length of time with at most two units: "12 min 5 s", "1시간 2분"."""
    parts = [("hour", seconds // 3600), ("minute", seconds % 3600 // 60), ("second", seconds % 60)]
    shown = [(unit, n) for unit, n in parts if n][:2] or [("second", 0)]
    if _locale().language == "en":  # the signs of the units, as everywhere else in the windows: no "mins", "secs"
        return " ".join(f"{n} {_SIGNS[unit]}" for unit, n in shown)
    return " ".join(units.format_unit(n, f"duration-{unit}", "short", locale=_locale()) for unit, n in shown)


def clock(seconds: int) -> str:
    """Return a running time: "2:05", "1:02:05"."""
    hours, rest = divmod(max(0, seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def number(value: float) -> str:
    """Return a number with the separators of the language."""
    return numbers.format_decimal(value, locale=_locale())


def size(size_bytes: int) -> str:
    """Return a file size: "41 MB"."""
    for limit, unit in ((1 << 30, "gigabyte"), (1 << 20, "megabyte"), (1 << 10, "kilobyte")):
        if size_bytes >= limit:
            return units.format_unit(round(size_bytes / limit, 1), f"digital-{unit}", "short", locale=_locale())
    return units.format_unit(size_bytes, "digital-byte", "short", locale=_locale())
