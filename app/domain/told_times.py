# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds in a draft the time that it tells the customer: "15시까지", "내일 오전 10시", "by 3 pm", "within 2 hours".

Only what lies ahead is found. What can mean two times of the day is taken as the next one in usual working hours, and
the person is shown the full moment before anything is promised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

__all__ = ["ToldTime", "told_time"]

_READ_CHARS: Final = 4000
_DAY_BEGIN_H, _DAY_END_H = 8, 20  # "3시" without 오전 or 오후 is the one of these hours
_FAR_DAYS: Final = 365
_LATE_MS: Final = 60_000  # sooner than this is no promise

_DAYS_KO = {"오늘": 0, "금일": 0, "내일": 1, "명일": 1, "모레": 2, "내일모레": 2}
_DAYS_EN = {"today": 0, "tonight": 0, "tomorrow": 1}
_WEEK_KO = "월화수목금토일"
_WEEK_EN = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBERS_KO = {
    "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
    "열한": 11, "열두": 12,
}  # fmt: skip

_KO = re.compile(
    r"(?:(?:(?P<year>20\d\d)년 ?)?(?P<month>\d{1,2})월 ?(?P<dom>\d{1,2})일|(?P<day>내일모레|오늘|금일|내일|명일|모레)|"
    r"(?P<next>다음 ?주 ?)?(?P<week>[월화수목금토일])요일)?(?:\([월화수목금토일]\))?[ ,에]{0,3}"
    r"(?P<half>오전|오후|아침|저녁|밤|낮|새벽)? ?"
    r"(?:(?P<noon>정오)|(?P<hour>\d{1,2}|열한|열두|다섯|여섯|일곱|여덟|아홉|한|두|세|네|열) ?시(?!간)"
    r"(?: ?(?:(?P<min>\d{1,2}) ?분|(?P<thirty>반)))?"
    r"|(?P<clock>\d{1,2}):(?P<cmin>\d\d)(?!\d))"
    r"(?P<until> ?(?:까지|전까지|이전|안에|전에))?"
)
_KO_SPAN = re.compile(
    r"(?P<n>\d{1,3}|한|두|세|네|다섯|여섯) ?(?P<unit>시간|분|일)"
    r"(?: ?(?P<more>\d{1,2}) ?분)? ?(?:안|내|이내|후|뒤)(?:에|로|까지)?"
)
_EN = re.compile(
    r"\b(?P<until>by|before|until|no later than)?\s*(?:at\s+)?"
    r"(?:(?:on\s+|this\s+)?(?P<day>today|tonight|tomorrow)|(?P<next>next\s+)?(?P<week>mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sat|sun)(?:day)?)?"
    r"[,\s]*(?:at\s+|by\s+)?(?:(?P<noon>noon)\b|(?P<hour>\d{1,2})(?::(?P<min>\d\d))?\s*(?P<half>[ap])\.?m\b\.?|(?P<clock>\d{1,2}):(?P<cmin>\d\d)\b)"
    r"(?:\s+(?:on\s+)?(?P<after>today|tomorrow))?",
    re.IGNORECASE,
)
_EN_SPAN = re.compile(
    r"\b(?:within|in)\s+(?:the\s+next\s+)?(?P<n>\d{1,3}|an?|one|two|three|four)\s+(?P<unit>hours?|minutes?|mins?|days?)\b",
    re.IGNORECASE,
)
_NUMBERS_EN = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_SECONDS = {"시간": 3600, "분": 60, "일": 86400, "hour": 3600, "minute": 60, "min": 60, "day": 86400}
_AFTERNOON = frozenset({"오후", "저녁", "밤", "낮", "p"})
_MORNING = frozenset({"오전", "아침", "새벽", "a"})


@dataclass(frozen=True, slots=True)
class ToldTime:
    """A time in a text: when (Unix ms), and the words that say it."""

    at: int
    words: str
    start: int


def told_time(text: str, now_ms: int, zone: tzinfo | None = None) -> ToldTime | None:
    """Return the time that a text tells, one with "까지" or "by" before any other; None without one ahead."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    found = sorted(_found(_unquoted(text[-_READ_CHARS:]), now), key=lambda each: (not each[0], each[1].start))
    return found[0][1] if found else None


def _unquoted(text: str) -> str:
    """Return the text with quoted lines blank, so that places stay."""
    return "\n".join(" " * len(line) if line.lstrip().startswith(">") else line for line in text.split("\n"))


def _found(text: str, now: datetime) -> Iterator[tuple[bool, ToldTime]]:
    for pattern in (_KO, _EN):
        for hit in pattern.finditer(text):
            moment = _moment(hit, now)
            if moment is not None and _is_ahead(moment, now):
                yield bool(hit["until"]), _told(hit, moment)
    for pattern in (_KO_SPAN, _EN_SPAN):
        for hit in pattern.finditer(text):
            moment = now + timedelta(seconds=_span_s(hit))
            if _is_ahead(moment, now):
                yield True, _told(hit, moment.replace(second=0, microsecond=0))


def _told(hit: re.Match[str], moment: datetime) -> ToldTime:
    return ToldTime(round(moment.timestamp() * 1000), " ".join(hit[0].split()), hit.start())


def _is_ahead(moment: datetime, now: datetime) -> bool:
    left = moment - now
    return timedelta(milliseconds=_LATE_MS) < left < timedelta(days=_FAR_DAYS)


def _span_s(hit: re.Match[str]) -> int:
    said = hit["n"].lower()
    n = int(said) if said.isdigit() else (_NUMBERS_KO.get(said) or _NUMBERS_EN.get(said, 0))
    unit = hit["unit"].lower()
    more = hit.groupdict().get("more")
    return n * _SECONDS[unit if unit in _SECONDS else unit.rstrip("s")] + 60 * int(more or 0)


def _moment(hit: re.Match[str], now: datetime) -> datetime | None:
    groups = hit.groupdict()
    clock = _clock(groups)
    if clock is None:
        return None
    hour, minute, open_ = clock
    day = _day(groups, now)
    if day is not None:
        return _at(day, _likely(hour) if open_ else hour, minute, now)
    return _next(now, hour, minute, open_=open_)


def _clock(groups: dict[str, str | None]) -> tuple[int, int, bool] | None:
    """Return hour, minute and whether it may be morning or afternoon; None for what no clock shows."""
    if groups["noon"]:
        return 12, 0, False
    if groups["clock"]:
        hour, minute, open_ = int(groups["clock"]), int(groups["cmin"] or 0), False
    else:
        said = groups["hour"] or ""
        hour = int(said) if said.isdigit() else _NUMBERS_KO.get(said, 99)
        minute = 30 if groups.get("thirty") else int(groups["min"] or 0)
        open_ = 1 <= hour <= 12
    half = (groups["half"] or "").lower()
    if half in _AFTERNOON and hour < 12:
        hour += 12
    elif half in _MORNING and hour == 12:
        hour = 0
    if half:
        open_ = False
    if hour == 24 and minute == 0:
        hour, minute = 23, 59
    return (hour, minute, open_) if hour < 24 and minute < 60 else None


def _day(groups: dict[str, str | None], now: datetime) -> date | None:
    """Return the day that is named; None without one."""
    today = now.date()
    if groups.get("month"):
        try:
            day = date(int(groups["year"] or today.year), int(groups["month"] or 0), int(groups["dom"] or 0))
            return day if day >= today or groups["year"] else day.replace(year=day.year + 1)
        except ValueError:
            return None
    word = (groups["day"] or groups.get("after") or "").lower()
    if word:
        return today + timedelta(days=_DAYS_KO[word] if word in _DAYS_KO else _DAYS_EN[word])
    week = (groups["week"] or "").lower()
    if not week:
        return None
    wanted = _WEEK_KO.index(week) if week in _WEEK_KO else _WEEK_EN.index(week[:3])
    ahead = (wanted - now.weekday()) % 7
    if groups["next"]:  # the week after this one, Monday first
        ahead = 7 - now.weekday() + wanted
    return today + timedelta(days=ahead)


def _likely(hour: int) -> int:
    """Return the hour of a named day that is meant: "3시" is in the afternoon."""
    return hour + 12 if hour < _DAY_BEGIN_H else hour


def _next(now: datetime, hour: int, minute: int, *, open_: bool) -> datetime | None:
    """Return the next moment with this time of day; today where it is still ahead."""
    hours = sorted({hour % 24, (hour + 12) % 24}) if open_ else [hour]
    usual = [h for h in hours if _DAY_BEGIN_H <= h < _DAY_END_H] or hours
    for day in (now.date(), now.date() + timedelta(days=1)):
        for each in (usual, hours) if day == now.date() and not usual else (usual,):
            for h in each:
                moment = _at(day, h, minute, now)
                if moment is not None and moment > now:
                    return moment
    return None


def _at(day: date, hour: int, minute: int, now: datetime) -> datetime | None:
    try:
        return datetime.combine(day, time(hour, minute), tzinfo=now.tzinfo)
    except ValueError:
        return None
