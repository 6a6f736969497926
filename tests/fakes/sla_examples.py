# SPDX-License-Identifier: GPL-3.0-or-later
"""The worked examples of the SLA clock (`sla_examples.md`) as values: calendars, policies, events, results."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from app.domain.calendars import BusinessCalendar, parse_calendar
from app.domain.entities import Category
from app.domain.open_hours import OpenHours
from app.domain.sla import ClockEvent, EventKind, SlaPolicy, Target
from app.services.calendars import compile_calendar

HOUR_S = 3600
_TABLE = Path(__file__).with_name("sla_examples.md")
_DAY = [["09:00", "12:00"], ["13:00", "18:00"]]
_WORK = {str(d): _DAY for d in range(5)}
_EVERY = [str(d) for d in range(7)]
# frozen as the design names them; a library that knows others changes nothing
_HOLIDAYS = [
    {"date": day, "name_ko": "", "name_en": ""}
    for day in (
        "2026-02-16", "2026-02-17", "2026-02-18", "2026-05-24", "2026-05-25", "2027-01-01", "2027-02-06", "2027-02-07",
        "2027-02-08", "2027-02-09",
    )
]  # fmt: skip
_HALF_DAY = {"date": "2026-12-31", "intervals": [["09:00", "12:00"]], "name": ""}
_CLOSED = {"date": "2026-03-10", "intervals": [], "name": ""}

# name -> (zone, week, holidays, exceptions), the columns of a calendar row
COLUMNS = {
    "SEOUL": ("Asia/Seoul", _WORK, _HOLIDAYS, [_HALF_DAY]),
    "SEOUL2": ("Asia/Seoul", _WORK, _HOLIDAYS, [_HALF_DAY, _CLOSED]),
    "SEOULSAT": ("Asia/Seoul", {**_WORK, "5": [["10:00", "13:00"]]}, _HOLIDAYS, [_HALF_DAY]),
    "ALWAYS": ("Asia/Seoul", {d: [["00:00", "24:00"]] for d in _EVERY}, [], []),
    "LATE": ("Asia/Seoul", {d: [["00:00", "02:00"], ["21:00", "24:00"]] for d in _EVERY}, [], []),
    "NY": ("America/New_York", {str(d): [["09:00", "17:00"]] for d in range(5)}, [], []),
    "NIGHT": ("Europe/Berlin", {d: [["00:00", "06:00"]] for d in _EVERY}, [], []),
}
TARGETS = {
    "STD": {Target.FIRST: 4 * HOUR_S, Target.NEXT: 8 * HOUR_S, Target.RESOLUTION: 24 * HOUR_S},
    "URG": {Target.FIRST: HOUR_S, Target.NEXT: 2 * HOUR_S, Target.RESOLUTION: 8 * HOUR_S},
}
RANGE = ("2026-01-01", "2028-01-01")


def utc_s(text: str, zone: str = "UTC", *, second: bool = False) -> int:
    """Return the UTC seconds of a wall time; of one that occurs twice the first, or the second."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=int(second)).timestamp())


def calendar(name: str) -> BusinessCalendar:
    """Return a calendar of the examples."""
    zone, week, holidays, exceptions = COLUMNS[name]
    return parse_calendar(zone, json.dumps(week), json.dumps(holidays), json.dumps(exceptions))


def version(name: str) -> bytes:
    """Return the version id of a calendar or policy of the examples."""
    return name.encode().ljust(16, b"\0")


@cache
def hours() -> dict[bytes, OpenHours]:
    """Return every calendar, compiled as the server does."""
    first, last = (utc_s(day) for day in RANGE)
    return {version(name): OpenHours(compile_calendar(calendar(name), first, last)) for name in COLUMNS}


POLICIES = {version(name): SlaPolicy(version(name), targets) for name, targets in TARGETS.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an example as its table says it: `what` is opened, customer, reply, notice, state or policy."""

    at_s: int
    what: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the table."""

    id: str
    calendar: str
    policy: str
    target: Target
    steps: tuple[Step, ...]
    status: str
    due_s: int | None
    warn_s: int | None

    @property
    def now_s(self) -> int:
        """The last event."""
        return self.steps[-1].at_s

    def events(self) -> list[ClockEvent]:
        """Return the events, the policy of the ticket first."""
        steps = [Step(self.steps[0].at_s, "policy", f"{self.policy}/{self.calendar}"), *self.steps]
        return [_event(n, step) for n, step in enumerate(steps)]


def _event(n: int, step: Step) -> ClockEvent:
    if step.what == "policy":
        policy, _, calendar_name = step.value.partition("/")
        return ClockEvent(
            step.at_s, EventKind.POLICY, (n,), policy=version(policy), calendar=version(calendar_name)
        )  # fmt: skip
    if step.what == "state":
        return ClockEvent(step.at_s, EventKind.STATE, (n,), category=Category(step.value))
    return ClockEvent(step.at_s, EventKind(step.what), (n,))


def _read(cells: list[str]) -> Example:
    id_, calendar_name, policy, target, events, status, due, due_utc, warning, _ = cells
    zone = COLUMNS[calendar_name][0]
    steps = []
    for event in events.split("; "):
        at, what = event.split(" ")
        kind, _, value = what.partition("=")
        steps.append(Step(utc_s(at, zone), kind, value))
    due_s = None if due == "–" else utc_s(due, zone)
    if due_s is not None and due_s != utc_s(due_utc.rstrip("Z")):
        raise ValueError(f"{id_}: two dues")
    # C15 warns at 02:30 on the night it occurs twice, after 03:00 summer time
    warn_s = None if warning == "–" else utc_s(warning, zone, second=True)
    return Example(id_, calendar_name, policy, Target(target), tuple(steps), status, due_s, warn_s)


EXAMPLES = tuple(
    _read([cell.strip() for cell in line.strip("| \n").split(" | ")])
    for line in _TABLE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| C")
)
