# SPDX-License-Identifier: GPL-3.0-or-later
"""One's own work is counted by local days; days without any stand there, too."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.domain.own_work import DAYS, Deed, WorkKind, by_day, since_ms

SEOUL = ZoneInfo("Asia/Seoul")
NOW = round(datetime(2026, 3, 9, 1, 0, tzinfo=UTC).timestamp() * 1000)  # 10:00 there


def test_a_day_begins_at_midnight_here_and_not_in_greenwich() -> None:
    """Half past midnight in Seoul is still yesterday in UTC."""
    at = round(datetime(2026, 3, 9, 0, 30, tzinfo=SEOUL).timestamp() * 1000)
    days = by_day(
        [Deed(WorkKind.REPLY, at), Deed(WorkKind.REPLY, at - 3_600_000), Deed(WorkKind.SOLVED, at)], NOW, SEOUL
    )
    assert [(d.date, d.replies, d.solved) for d in days[-2:]] == [(date(2026, 3, 8), 1, 0), (date(2026, 3, 9), 1, 1)]
    assert len(days) == DAYS


@given(st.lists(st.integers(0, 13 * 86_400_000)))
def test_nothing_that_was_done_since_the_first_day_is_left_out(ago: list[int]) -> None:
    """What is asked of the history is what the days hold."""
    deeds = [Deed(WorkKind.REPLY, NOW - each) for each in ago]
    first = since_ms(NOW, SEOUL)
    assert sum(day.replies for day in by_day(deeds, NOW, SEOUL)) == sum(deed.at >= first for deed in deeds)
