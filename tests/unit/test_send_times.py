# SPDX-License-Identifier: GPL-3.0-or-later
"""When a reply may go out later."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.services.send_times import send_times, start_of_business

SEOUL = ZoneInfo("Asia/Seoul")


def at(text: str) -> int:
    """A moment in Seoul."""
    return int(datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp())


SPANS = [
    (at(f"2026-03-{day} {start}"), at(f"2026-03-{day} {end}"))
    for day in ("09", "10", "13", "16")  # Monday, Tuesday, Friday, Monday
    for start, end in (("09:00", "12:00"), ("13:00", "18:00"))
]


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-03-09 08:59", "2026-03-09 09:00"),
        ("2026-03-09 11:00", "2026-03-10 09:00"),  # not one o'clock: lunch is no start of business
        ("2026-03-09 12:30", "2026-03-10 09:00"),
        ("2026-03-09 23:00", "2026-03-10 09:00"),
        ("2026-03-10 18:00", "2026-03-13 09:00"),  # two days off
        ("2026-03-14 10:00", "2026-03-16 09:00"),
    ],
)
def test_the_start_of_business_is_the_first_opening_of_the_next_working_day(now: str, start: str) -> None:
    """Lunch and holidays are known from the spans."""
    assert start_of_business(SPANS, at(now) * 1000, SEOUL) == at(start) * 1000


def test_without_business_hours_only_the_usual_times_are_offered() -> None:
    """Nothing is made up."""
    assert start_of_business([], at("2026-03-09 08:00") * 1000, SEOUL) is None
    usual = send_times([], at("2026-03-10 10:00") * 1000, SEOUL)
    assert [each.at // 1000 for each in usual] == [
        at("2026-03-10 11:00"), at("2026-03-11 09:00"), at("2026-03-16 09:00"),
    ]  # fmt: skip
