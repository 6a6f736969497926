# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening hours as a person edits them: times of a weekday as typed, holidays, and what is wrong with them. Pure."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.calendars import parse_intervals

__all__ = ["MAX_HOLIDAYS", "MAX_NAME_CHARS", "Holiday", "HoursDraft", "hours_problem", "read_day", "write_day"]

Times = Sequence[tuple[str, str]]
MAX_HOLIDAYS = 400  # five years of public holidays and as many days of one's own
MAX_NAME_CHARS = 80
_PART = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~]\s*(\d{1,2}):(\d{2})")
_HOLIDAY_KEYS = {"date", "name_ko", "name_en"}


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day that is closed, by its date (ISO) and its names."""

    date: str
    name_ko: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class HoursDraft:
    """The weekly hours by weekday (0 = Monday) and the holidays of one calendar; a day that is missing is closed."""

    days: Mapping[int, Times]
    holidays: Sequence[Holiday] = ()

    def columns(self) -> dict[str, str]:
        """Return the columns `week` and `holidays`: the same hours are always the same text."""
        week = {str(day): [list(pair) for pair in sorted(times)] for day, times in self.days.items() if times}
        holidays: dict[str, dict[str, str]] = {}
        for each in sorted(self.holidays, key=lambda each: each.date):  # the first name of a day stays
            names = {"name_ko": each.name_ko.strip(), "name_en": each.name_en.strip()}
            holidays.setdefault(each.date, {"date": each.date, **names})
        return {"week": _json(week), "holidays": _json(list(holidays.values()))}


def read_day(text: str) -> list[tuple[str, str]] | None:
    """Return the times of one day as typed (`9:00-12:00, 13:00-18:00`), none for a closed day; None if they break a
    rule: each ends after it starts and before midnight, at most six, none over another."""
    pairs = []
    for part in filter(None, (piece.strip() for piece in re.split(r"[,;]", text))):
        found = _PART.fullmatch(part)
        if found is None:
            return None
        pairs.append((f"{int(found[1]):02}:{found[2]}", f"{int(found[3]):02}:{found[4]}"))
    try:
        parse_intervals(pairs)
    except ValueError:
        return None
    return sorted(pairs)


def write_day(times: Times) -> str:
    """Return the times of a day as `read_day` reads them."""
    return ", ".join(f"{start}-{end}" for start, end in times)


def hours_problem(week: object, holidays: object) -> str:
    """Return which of the two columns (JSON) breaks a rule, `week` or `holidays`; "" when the hours may be saved.

    A week is open on one day at least: no clock ever ends in a calendar that is always closed.
    """
    if not _is_week(_read(week)):
        return "week"
    return "" if _are_holidays(_read(holidays)) else "holidays"


def _read(column: object) -> object:
    try:
        return json.loads(column) if isinstance(column, str) else None
    except ValueError:
        return None


def _is_week(week: object) -> bool:
    if not isinstance(week, dict) or not set(week) <= set("0123456"):
        return False
    for times in week.values():
        if not isinstance(times, list) or not all(_is_pair(pair) for pair in times):
            return False
        try:
            parse_intervals(times)
        except ValueError:
            return False
    return any(week.values())


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, str) for each in pair)


def _are_holidays(holidays: object) -> bool:
    if not isinstance(holidays, list) or len(holidays) > MAX_HOLIDAYS:
        return False
    dates = set()
    for each in holidays:
        if not isinstance(each, dict) or set(each) != _HOLIDAY_KEYS:
            return False
        date, *names = (each[key] for key in ("date", "name_ko", "name_en"))
        if not all(isinstance(name, str) and len(name) <= MAX_NAME_CHARS for name in names) or not _is_date(date):
            return False
        dates.add(date)
    return len(dates) == len(holidays)


def _is_date(text: object) -> bool:
    try:
        return isinstance(text, str) and dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
