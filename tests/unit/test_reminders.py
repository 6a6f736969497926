# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket that waits for a colleague comes back a business day later, in the team's hours."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.reminders import business_day_later

SEOUL = ZoneInfo("Asia/Seoul")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL)


def _s(text: str) -> int:
    return round(_at(text).timestamp())


# Monday 9 March and Tuesday with lunch, Wednesday closed, Thursday
SPANS = [
    (_s(f"2026-03-{day} {start}:00"), _s(f"2026-03-{day} {end}:00"))
    for day in ("09", "10", "12")
    for start, end in (("09", "12"), ("13", "18"))
]


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-03-09 10:15", "2026-03-10 10:15"),
        ("2026-03-09 12:30", "2026-03-10 13:00"),  # in the lunch break
        ("2026-03-09 07:00", "2026-03-10 09:00"),
        ("2026-03-10 15:00", "2026-03-12 15:00"),  # Wednesday is a holiday
        ("2026-03-09 20:00", "2026-03-12 09:00"),  # after hours: nothing of Tuesday is left at that time
    ],
)
def test_the_reminder_comes_on_the_next_working_day_in_the_teams_hours(now: str, wanted: str) -> None:
    """Holidays and breaks are skipped."""
    found = business_day_later(SPANS, round(_at(now).timestamp()) * 1000, SEOUL)
    assert datetime.fromtimestamp(found / 1000, SEOUL) == _at(wanted)


def test_without_known_hours_a_weekend_is_skipped() -> None:
    """From Friday to Monday, at the same time."""
    found = business_day_later((), round(_at("2026-03-13 16:20").timestamp()) * 1000, SEOUL)
    assert datetime.fromtimestamp(found / 1000, SEOUL) == _at("2026-03-16 16:20")
