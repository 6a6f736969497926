# SPDX-License-Identifier: GPL-3.0-or-later
"""A time that a draft tells the customer is found, in Korean and English, with the moment that is meant."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.told_times import told_time

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 3, 9, 13, 20, tzinfo=SEOUL)  # a Monday


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("15시까지 답변드리겠습니다.", "03-09 15:00"),
        ("오늘 오후 4시 30분까지 연락드릴게요", "03-09 16:30"),
        ("3시 반까지 확인하겠습니다", "03-09 15:30"),
        ("내일 오전 10시까지 보내 드리겠습니다", "03-10 10:00"),
        ("내일 3시에 전화드리겠습니다", "03-10 15:00"),
        ("모레 14:00까지 처리하겠습니다", "03-11 14:00"),
        ("금요일 오후 2시까지", "03-13 14:00"),
        ("다음 주 수요일 오전 11시까지", "03-18 11:00"),
        ("3월 12일 정오까지 답을 드리겠습니다", "03-12 12:00"),
        ("두 시간 안에 다시 연락드리겠습니다", "03-09 15:20"),
        ("30분 이내로 확인하겠습니다", "03-09 13:50"),
        ("9시까지 알려 드리겠습니다", "03-10 09:00"),
        ("I will call you by 3 pm.", "03-09 15:00"),
        ("You will have an answer tomorrow at 3 pm", "03-10 15:00"),
        ("tomorrow 10:30", "03-10 10:30"),
        ("by Friday 10:00 at the latest", "03-13 10:00"),
        ("I'll get back to you within 2 hours", "03-09 15:20"),
        ("by noon tomorrow", "03-10 12:00"),
        ("아침 8시에 주신 메일을 보았습니다. 17시까지 답드리겠습니다.", "03-09 17:00"),
    ],
)
def test_a_time_in_the_draft_is_found_with_the_moment_that_is_meant(text: str, wanted: str) -> None:
    """What is offered as a promise is the moment that the customer reads out of the words."""
    found = told_time(text, _ms(NOW), SEOUL)

    assert found is not None
    assert datetime.fromtimestamp(found.at / 1000, SEOUL).strftime("%m-%d %H:%M") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "확인 후 연락드리겠습니다.",
        "오늘 오전 9시에 주신 메일을 보았습니다.",
        "3시간이 걸렸습니다",
        "오류 E-1042:33",
        "> 15시까지 답을 주세요",
        "25시까지",
        "2019년 3월 5일 오후 2시",
        "It took 3 hours. Version 10.4 of 3 parts.",
    ],
)
def test_what_is_no_time_ahead_offers_nothing(text: str) -> None:
    """Past times, durations, numbers and what the customer wrote are no promise of ours."""
    assert told_time(text, _ms(NOW), SEOUL) is None


def test_a_long_draft_is_read_in_no_time_and_its_end_counts() -> None:
    """Nothing that is pasted holds the window, and the newest words are read."""
    text = "1" * 200_000 + "오" * 200_000 + " 15시까지 답변드리겠습니다"

    found = told_time(text, _ms(NOW), SEOUL)

    assert found is not None
    assert found.words == "15시까지"
