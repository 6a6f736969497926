# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening hours as typed: what is read, what is refused, and that the same hours are the same text."""

from __future__ import annotations

import pytest

from app.domain.opening_hours import Holiday, HoursDraft, hours_problem, read_day, write_day


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", []),
        ("9:00-18:00", [("09:00", "18:00")]),
        ("13:00~18:00; 09:00 – 12:00", [("09:00", "12:00"), ("13:00", "18:00")]),
        ("00:00-24:00", [("00:00", "24:00")]),
        ("18:00-09:00", None),
        ("09:00-12:00, 11:00-14:00", None),
        ("09:70-12:00", None),
        ("morning", None),
    ],
)
def test_a_line_of_times_is_read_or_refused_whole(typed: str, read: list[tuple[str, str]] | None) -> None:
    """What was read is written so that it is read the same again."""
    assert read_day(typed) == read
    if read is not None:
        assert read_day(write_day(read)) == read


def test_the_same_hours_are_the_same_text_and_a_day_is_closed_once() -> None:
    """Days are in order; the second name of a day is dropped."""
    days = {1: [("09:00", "12:00")], 0: []}
    draft = HoursDraft(days, [Holiday("2026-12-25", "성탄절"), Holiday("2026-05-05"), Holiday("2026-12-25", "둘")])
    assert draft.columns() == {
        "week": '{"1":[["09:00","12:00"]]}',
        "holidays": '[{"date":"2026-05-05","name_en":"","name_ko":""},'
        '{"date":"2026-12-25","name_en":"","name_ko":"성탄절"}]',
    }
    assert hours_problem(*draft.columns().values()) == ""


@pytest.mark.parametrize(
    ("week", "holidays", "problem"),
    [
        ('{"0":[]}', "[]", "week"),
        ('{"7":[["09:00","12:00"]]}', "[]", "week"),
        ('{"0":[["12:00","09:00"]]}', "[]", "week"),
        ('{"0":"always"}', "[]", "week"),
        (None, "[]", "week"),
        ('{"0":[["09:00","12:00"]]}', '[{"date":"2026-02-30","name_ko":"","name_en":""}]', "holidays"),
        ('{"0":[["09:00","12:00"]]}', '[{"date":"2026-02-03"}]', "holidays"),
        ('{"0":[["09:00","12:00"]]}', "nothing", "holidays"),
    ],
)
def test_hours_that_break_a_rule_are_refused(week: str | None, holidays: str, problem: str) -> None:
    """The same function at the desktop and at the server."""
    assert hours_problem(week, holidays) == problem
