# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with which an administrator sets calendars and response targets: TOML, read and checked whole. Pure."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.calendars import parse_calendar, parse_intervals
from app.domain.changes import canonical_json
from app.domain.entities import Priority, Value
from app.domain.errors import Refused
from app.domain.sla import Target
from app.domain.sla_rows import parse_policy

__all__ = ["CalendarSpec", "Holidays", "PolicySpec", "SlaFile", "read_sla_file"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_CALLS = 100  # of a team in one half hour
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LENGTH = re.compile(r"(\d{1,6})\s*([smhd])")
_POLICY_KEYS = frozenset(
    {"name_ko", "name_en", "match", "calendar", "first", "next", "resolution", "warn_percent", "warn_min", "grace",
     "pauses"}
)  # fmt: skip
_CALENDAR_KEYS = frozenset({"zone", "week", "country", "holidays", "exceptions"})
_MATCH_KEYS = frozenset({"priority", "team", "organisation", "channel", "kind"})


@dataclass(frozen=True, slots=True)
class CalendarSpec:
    """A calendar by name; `columns` are those of its row."""

    name: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A policy; teams and organisations in `match` stand by name. `calendar`: by name, or the team's."""

    values: Mapping[str, Value]
    match: Mapping[str, Sequence[Any]]
    calendar: str | None


@dataclass(frozen=True, slots=True)
class SlaFile:
    """What a file says. `teams`: which calendar a team has, both by name; `callbacks`: its calls in one half hour."""

    calendars: tuple[CalendarSpec, ...] = ()
    teams: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[PolicySpec, ...] = ()
    callbacks: Mapping[str, int] = field(default_factory=dict)


Holidays = Callable[[str], list[dict[str, str]]]


class _Bad(Exception):
    """What is wrong, and where."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


def read_sla_file(text: str, holidays: Holidays) -> SlaFile:
    """Read a file. `holidays(country)` gives the public holidays to be frozen. Raises Refused("bad_sla_file")."""
    try:
        return _read(tomllib.loads(text), holidays)
    except (tomllib.TOMLDecodeError, _Bad) as error:
        raise Refused("bad_sla_file", why=str(error)) from error


def _read(data: Mapping[str, Any], holidays: Holidays) -> SlaFile:
    unknown = set(data) - {"calendars", "teams", "policies", "callbacks"}
    if unknown:
        raise _Bad(sorted(unknown)[0], "not known here")
    calendars = tuple(_calendar(name, raw, holidays) for name, raw in _table(data, "calendars").items())
    names = {spec.name for spec in calendars}
    teams = {team: _known(names, calendar, f"teams.{team}") for team, calendar in _table(data, "teams").items()}
    listed = data.get("policies", [])
    if not isinstance(listed, list):
        raise _Bad("policies", "write [[policies]] for each")
    calls = {team: _calls(n, f"callbacks.{team}") for team, n in _table(data, "callbacks").items()}
    return SlaFile(calendars, teams, tuple(_policy(n, raw, names) for n, raw in enumerate(listed)), calls)


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise _Bad(name, "not a table")
    return found


def _calls(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_CALLS:
        raise _Bad(where, f"a whole number from 0 to {MOST_CALLS}")
    return value


def _known(names: Iterable[str], name: object, where: str) -> str:
    if not isinstance(name, str) or name not in names:
        raise _Bad(where, f"there is no calendar “{name}” in this file")
    return name


def _calendar(name: str, raw: Any, holidays: Holidays) -> CalendarSpec:
    where = f"calendars.{name}"
    if not isinstance(raw, dict) or not set(raw) <= _CALENDAR_KEYS:
        raise _Bad(where, f"may hold {', '.join(sorted(_CALENDAR_KEYS))}")
    zone = str(raw.get("zone", ""))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _Bad(f"{where}.zone", f"“{zone}” is no time zone; write it like Asia/Seoul") from error
    week = _table(raw, "week")
    if not set(week) <= set(_DAYS):
        raise _Bad(f"{where}.week", f"days are {', '.join(_DAYS)}")
    days = {str(_DAYS.index(day)): _intervals(times, f"{where}.week.{day}") for day, times in week.items()}
    closed = [*(holidays(str(raw["country"])) if "country" in raw else []), *_holidays(raw, where)]
    columns = {
        "zone": zone, "week": canonical_json(days), "holidays": canonical_json(closed),
        "exceptions": canonical_json(_exceptions(raw, where)),
    }  # fmt: skip
    try:
        parse_calendar(**columns)
    except ValueError as error:
        raise _Bad(where, str(error)) from error
    return CalendarSpec(name, columns)


def _intervals(times: Any, where: str) -> list[list[str]]:
    if not isinstance(times, list):
        raise _Bad(where, 'write times like ["09:00-12:00", "13:00-18:00"]')
    pairs = [[part.strip() for part in str(each).split("-")] for each in times]
    if any(len(pair) != 2 for pair in pairs):
        raise _Bad(where, 'write times like "09:00-18:00"')
    try:
        parse_intervals(pairs)
    except ValueError as error:
        raise _Bad(where, str(error)) from error
    return pairs


def _date(value: Any, where: str) -> str:
    try:
        return value.isoformat() if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise _Bad(where, f"“{value}” is no date") from error


def _holidays(raw: Mapping[str, Any], where: str) -> list[dict[str, str]]:
    out = []
    for each in raw.get("holidays", []):
        item = each if isinstance(each, dict) else {"date": each}
        names = {name: str(item.get(name, "")) for name in ("name_ko", "name_en")}
        out.append({"date": _date(item.get("date"), f"{where}.holidays"), **names})
    return out


def _exceptions(raw: Mapping[str, Any], where: str) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for each in raw.get("exceptions", []):
        if not isinstance(each, dict):
            raise _Bad(f"{where}.exceptions", 'write {date = "2026-12-31", open = ["09:00-12:00"], name = "…"}')
        day = _date(each.get("date"), f"{where}.exceptions")
        times = _intervals(each.get("open", []), f"{where}.exceptions")
        out.append({"date": day, "intervals": times, "name": str(each.get("name", ""))})
    return out


def _length_s(value: Any, where: str) -> int:
    found = _LENGTH.fullmatch(str(value).strip())
    if found is None:
        raise _Bad(where, f"“{value}” is no length of business time; write it like 30m, 4h or 90s")
    return int(found[1]) * _UNITS[found[2]]


def _policy(n: int, raw: Any, calendars: Iterable[str]) -> PolicySpec:
    where = f"policies[{n + 1}]"
    if not isinstance(raw, dict) or not set(raw) <= _POLICY_KEYS:
        raise _Bad(where, f"may hold {', '.join(sorted(_POLICY_KEYS))}")
    values: dict[str, Value] = {"position": n, "active": True}
    for name in ("name_ko", "name_en"):
        if not isinstance(raw.get(name), str) or not raw[name].strip():
            raise _Bad(where, f"needs {name}")
        values[name] = raw[name].strip()
    for target in Target:
        name = target.value
        values[f"{name}_s"] = _length_s(raw[name], f"{where}.{name}") if name in raw else None
    values["warn_percent"] = raw["warn_percent"] if isinstance(raw.get("warn_percent"), int) else 25
    values["warn_min_s"] = _length_s(raw.get("warn_min", "10m"), f"{where}.warn_min")
    values["change_grace_s"] = _length_s(raw.get("grace", "15m"), f"{where}.grace")
    values["pauses"] = canonical_json(raw.get("pauses", {}))
    try:
        parse_policy(values, b"")
    except (ValueError, TypeError) as error:
        raise _Bad(where, str(error)) from error
    calendar = raw.get("calendar")
    named = _known(calendars, calendar, f"{where}.calendar") if calendar is not None else None
    return PolicySpec(values, _match(raw.get("match", {}), where), named)


def _match(raw: Any, where: str) -> dict[str, list[Any]]:
    if not isinstance(raw, dict) or not set(raw) <= _MATCH_KEYS:
        raise _Bad(f"{where}.match", f"may name {', '.join(sorted(_MATCH_KEYS))}")
    out: dict[str, list[Any]] = {}
    for name, value in raw.items():
        wanted = value if isinstance(value, list) else [value]
        out[name] = [_priority(each, where) for each in wanted] if name == "priority" else [str(w) for w in wanted]
    return out


def _priority(value: Any, where: str) -> int:
    try:
        return int(Priority[str(value).upper()])
    except KeyError as error:
        raise _Bad(f"{where}.match.priority", f"“{value}” is none of low, normal, high, urgent") from error
