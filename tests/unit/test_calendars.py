# SPDX-License-Identifier: GPL-3.0-or-later
"""Business hours: compiled exactly, also where clocks change, and asked for the right instants."""

from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendars import (
    BusinessCalendar,
    Span,
    clip_spans,
    closes_at,
    deadline,
    elapsed,
    join_spans,
    next_opening,
    open_now,
    parse_calendar,
    parse_intervals,
    parse_spans,
)
from app.services.calendars import compile_calendar, horizon, public_holidays, spans_json

DAY = [["09:00", "12:00"], ["13:00", "18:00"]]
WORK = {str(d): DAY for d in range(5)}
HOLIDAYS = json.dumps(public_holidays([2026, 2027]))


def _utc(text: str) -> int:
    return int(dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def _local(text: str, zone: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def _calendar(
    zone: str, week: dict[str, list[list[str]]], holidays: str = "[]", exceptions: str = "[]"
) -> BusinessCalendar:
    return parse_calendar(zone, json.dumps(week), holidays, exceptions)


HALF_DAY = json.dumps([{"date": "2026-12-31", "intervals": [["09:00", "12:00"]], "name": "half day"}])
EVERY = [str(d) for d in range(7)]
CALENDARS = {
    "SEOUL": _calendar("Asia/Seoul", WORK, HOLIDAYS, HALF_DAY),
    "SEOULSAT": _calendar("Asia/Seoul", {**WORK, "5": [["10:00", "13:00"]]}, HOLIDAYS, HALF_DAY),
    "ALWAYS": _calendar("Asia/Seoul", {d: [["00:00", "24:00"]] for d in EVERY}),
    "LATE": _calendar("Asia/Seoul", {d: [["00:00", "02:00"], ["21:00", "24:00"]] for d in EVERY}),
    "NY": _calendar("America/New_York", {str(d): [["09:00", "17:00"]] for d in range(5)}),
    "NIGHT": _calendar("Europe/Berlin", {d: [["00:00", "06:00"]] for d in EVERY}),
}
SPANS = {
    name: compile_calendar(calendar, _utc("2026-01-01T00:00:00Z"), _utc("2028-01-01T00:00:00Z"))
    for name, calendar in CALENDARS.items()
}


@pytest.mark.parametrize(
    ("name", "opened", "hours", "due"),
    [
        ("SEOUL", "2026-03-09T10:00", 1, "2026-03-09T02:00Z"),
        ("SEOUL", "2026-03-09T11:30", 1, "2026-03-09T04:30Z"),
        ("SEOUL", "2026-03-09T17:00", 1, "2026-03-09T09:00Z"),
        ("SEOUL", "2026-03-06T19:40", 1, "2026-03-09T01:00Z"),
        ("SEOUL", "2026-02-13T17:30", 4, "2026-02-19T04:30Z"),
        ("SEOUL", "2027-02-05T16:00", 24, "2027-02-12T07:00Z"),
        ("SEOUL", "2026-05-24T10:00", 4, "2026-05-26T05:00Z"),
        ("SEOUL", "2026-12-31T11:00", 4, "2027-01-04T03:00Z"),
        ("SEOULSAT", "2026-03-13T17:00", 4, "2026-03-14T04:00Z"),
        ("LATE", "2026-03-09T23:00", 4, "2026-03-10T13:00Z"),
        ("ALWAYS", "2026-02-17T03:15", 1, "2026-02-16T19:15Z"),
        ("NY", "2027-03-12T16:30", 1, "2027-03-15T13:30Z"),
        ("NIGHT", "2027-03-28T00:30", 4, "2027-03-28T03:30Z"),
        ("NIGHT", "2027-10-31T00:30", 4, "2027-10-31T02:30Z"),
    ],
)
def test_open_hours_end_when_the_worked_examples_say(name: str, opened: str, hours: int, due: str) -> None:
    """Lunch, weekends, Seollal, substitute holidays, half days, midnight and changes of the clocks."""
    start = _local(opened, CALENDARS[name].zone)
    assert deadline(SPANS[name], start, hours * 3600) == _utc(due)


def test_intervals_that_touch_at_midnight_are_one_span() -> None:
    """An always-open calendar is one span."""
    assert SPANS["ALWAYS"] == [(_utc("2026-01-01T00:00:00Z"), _utc("2028-01-01T00:00:00Z"))]


def test_a_skipped_wall_time_means_the_instant_of_the_change() -> None:
    """In Berlin 02:30 does not exist on 2027-03-28: an interval to 02:30 ends at 03:00 summer time."""
    calendar = _calendar("Europe/Berlin", {d: [["01:00", "02:30"]] for d in EVERY})
    spans = compile_calendar(calendar, _utc("2027-03-27T23:00:00Z"), _utc("2027-03-28T12:00:00Z"))
    assert spans == [(_utc("2027-03-28T00:00:00Z"), _utc("2027-03-28T01:00:00Z"))]


def test_a_wall_time_that_occurs_twice_is_first_as_a_start_and_second_as_an_end() -> None:
    """02:30 occurs twice on 2027-10-31: 02:30–02:45 lasts an hour and a quarter."""
    calendar = _calendar("Europe/Berlin", {d: [["02:30", "02:45"]] for d in EVERY})
    spans = compile_calendar(calendar, _utc("2027-10-30T12:00:00Z"), _utc("2027-10-31T12:00:00Z"))
    assert spans == [(_utc("2027-10-31T00:30:00Z"), _utc("2027-10-31T01:45:00Z"))]


def test_an_exception_opens_a_holiday() -> None:
    """An exception replaces a day's intervals, also on holidays."""
    exception = json.dumps([{"date": "2026-02-17", "intervals": [["10:00", "11:00"]], "name": "on call"}])
    calendar = _calendar("Asia/Seoul", WORK, HOLIDAYS, exception)
    spans = compile_calendar(calendar, _utc("2026-02-15T15:00:00Z"), _utc("2026-02-18T15:00:00Z"))
    assert spans == [(_utc("2026-02-17T01:00:00Z"), _utc("2026-02-17T02:00:00Z"))]


@pytest.mark.parametrize(
    "pairs",
    [
        [["09:00", "09:00"]],
        [["22:00", "02:00"]],
        [["09:00", "12:00"], ["11:00", "13:00"]],
        [["24:00", "24:00"]],
        [["09:00", "24:01"]],
        [["9:00", "12:00"]],
        [["09:60", "12:00"]],
        [[f"{h:02d}:00", f"{h:02d}:30"] for h in range(7)],
    ],
)
def test_hours_that_break_the_rules_are_refused(pairs: list[list[str]]) -> None:
    """No empty, crossing, overlapping or seventh interval."""
    with pytest.raises(ValueError, match=r"interval|time"):
        parse_intervals(pairs)


@pytest.mark.parametrize("columns", [("{}", "[{}]", "[]"), ('{"7": []}', "[]", "[]"), ("[]", "[]", "[]")])
def test_columns_of_the_wrong_shape_are_refused(columns: tuple[str, str, str]) -> None:
    """A broken row is a ValueError, never another exception."""
    with pytest.raises(ValueError, match=r"shape|weekdays"):
        parse_calendar("Asia/Seoul", *columns)


def test_open_closing_and_next_opening_at_the_edges() -> None:
    """The first second is open, the closing second is not."""
    spans = [(100, 200), (300, 400)]
    assert [open_now(spans, t) for t in (99, 100, 199, 200, 399, 400)] == [False, True, True, False, True, False]
    assert [next_opening(spans, t) for t in (0, 100, 250, 300)] == [100, 300, 300, None]
    assert [closes_at(spans, t) for t in (150, 200, 300)] == [200, None, 400]
    assert deadline(spans, 150, 150) == 400
    assert deadline(spans, 150, 151) is None
    assert deadline(spans, 250, 0) == 250


def test_korean_holidays_are_named_in_both_languages() -> None:
    """Seollal and Chuseok with their substitutes, ready to be frozen."""
    days = {h["date"]: h for h in public_holidays([2026, 2027])}
    assert {"2026-02-16", "2026-02-17", "2026-02-18", "2026-09-25", "2026-05-25", "2027-02-09"} <= set(days)
    assert days["2026-02-17"]["name_ko"] == "설날"
    assert all(h["name_ko"] and h["name_en"].isascii() for h in days.values())


def test_spans_survive_the_wire() -> None:
    """What the server writes is what the client reads; the horizon is three years back and 400 days ahead."""
    spans = SPANS["SEOUL"]
    assert parse_spans(spans_json(spans)) == spans
    from_s, to_s = horizon(_utc("2026-03-31T09:00:00Z"))
    assert from_s == _utc("2023-03-31T00:00:00Z")
    assert to_s == _utc("2027-05-05T00:00:00Z")


SPAN_LISTS = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 60)).map(lambda s: (s[0], s[0] + s[1])), max_size=12
)


@given(SPAN_LISTS, st.integers(0, 600), st.integers(0, 600))
def test_elapsed_counts_every_open_second_once(raw: list[Span], first: int, second: int) -> None:
    """The sum over spans equals counting seconds one by one."""
    start, end = sorted((first, second))
    spans = join_spans(raw)
    counted = sum(open_now(spans, t) for t in range(start, end))
    assert elapsed(spans, start, end) == counted
    assert sum(b - a for a, b in clip_spans(spans, start, end)) == counted


@given(SPAN_LISTS, st.integers(0, 600), st.integers(1, 200))
def test_a_deadline_is_the_earliest_instant_with_enough_open_time(raw: list[Span], start: int, need: int) -> None:
    """One second earlier would be too early."""
    spans = join_spans(raw)
    due = deadline(spans, start, need)
    if due is None:
        assert elapsed(spans, start, 10_000) < need
    else:
        assert elapsed(spans, start, due) == need
        assert elapsed(spans, start, due - 1) == need - 1
