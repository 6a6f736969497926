# SPDX-License-Identifier: GPL-3.0-or-later
"""When a customer likes to be called: kept as the week of a calendar, typed and read as `Mon-Fri 09:00-12:00`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

__all__ = ["call_times_text", "is_call_times", "parse_call_times"]

_DAYS: Mapping[str, tuple[str, ...]] = {
    "ko": ("월", "화", "수", "목", "금", "토", "일"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MOST = 6  # intervals a day
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_PART = re.compile(r"(?:(?P<from>[^\W\d]+)(?:\s*[-–~]\s*(?P<to>[^\W\d]+))?\s+)?(?P<a>[\d:]+)\s*[-–~]\s*(?P<b>[\d:]+)")
Week = dict[str, list[list[str]]]


def parse_call_times(text: str) -> str | None:
    """Return what was typed as it is kept, "" for nothing typed, None for what cannot be read.

    Parts are set apart by commas or semicolons; a part without days takes those of the one before, else every day.
    """
    week: Week = {}
    days = range(7)
    for raw in re.split(r"[,;\n]", text):
        part = raw.strip()
        if not part:
            continue
        found = _PART.fullmatch(part)
        start, end = (_time(found[name]) for name in ("a", "b")) if found else (None, None)
        if found is None or start is None or end is None or start >= end:
            return None
        if found["from"]:
            first = _day(found["from"])
            last = _day(found["to"]) if found["to"] else first
            if first is None or last is None or first > last:
                return None
            days = range(first, last + 1)
        for day in days:
            week.setdefault(str(day), []).append([start, end])
    for spans in week.values():
        spans.sort()
    kept = json.dumps(week, sort_keys=True, separators=(",", ":")) if week else ""
    return kept if not kept or is_call_times(kept) else None


def _day(word: str) -> int | None:
    for names in _DAYS.values():
        for place, name in enumerate(names):
            if word.casefold() in (name.casefold(), f"{name}요일"):
                return place
    return None


def _time(text: str) -> str | None:
    found = _TIME.fullmatch(text)
    value = f"{int(found[1]):02}:{found[2]}" if found else None
    return value if value is not None and value <= "24:00" else None


def is_call_times(text: str) -> bool:
    """Tell whether a kept text can be shown: weekdays with intervals that do not overlap."""
    try:
        week = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(week, dict)
        and set(week) <= {str(day) for day in range(7)}
        and all(isinstance(spans, list) and len(spans) <= _MOST and _is_day(spans) for spans in week.values())
    )


def _is_day(spans: list[object]) -> bool:
    before = ""
    for span in spans:
        if not isinstance(span, list) or len(span) != 2 or not all(isinstance(t, str) and _time(t) == t for t in span):
            return False
        if not before <= span[0] < span[1]:
            return False
        before = span[1]
    return True


def call_times_text(kept: str | None, language: str) -> str:
    """Return kept call times as they are typed: days with the same hours together."""
    if not kept or not is_call_times(kept):
        return ""
    week: Week = json.loads(kept)
    names = _DAYS.get(language, _DAYS["en"])
    groups: list[tuple[int, int, list[list[str]]]] = []
    for day in range(7):
        spans = week.get(str(day))
        if not spans:
            continue
        if groups and groups[-1][1] == day - 1 and groups[-1][2] == spans:
            groups[-1] = (groups[-1][0], day, spans)
        else:
            groups.append((day, day, spans))
    return ", ".join(
        f"{names[first]}{f'-{names[last]}' if last > first else ''} {', '.join('-'.join(span) for span in spans)}"
        for first, last, spans in groups
    )
