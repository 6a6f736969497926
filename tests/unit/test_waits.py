# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an answer takes is told from the queue's own weeks, in business time, and never where little is known."""

from __future__ import annotations

from app.domain.articles import Article, current, find_articles, parts_of_text, start_of
from app.domain.open_hours import OpenHours
from app.domain.waits import FEWEST, Asked, Basis, Told, expected_wait, offers_call, rounded_up, told_wait

DAY = 86_400
NOW = 20_000 * DAY + 10 * 3600  # ten o'clock
HOURS = OpenHours([(day * DAY + 9 * 3600, day * DAY + 18 * 3600) for day in range(19_900, 20_100)])


def answered_in(seconds: int, days_ago: int) -> Asked:
    """A request of nine o'clock some days ago."""
    opened = NOW - days_ago * DAY - 3600
    return Asked(opened, opened + seconds)


def test_half_and_four_fifths_of_the_answers_are_told_as_times() -> None:
    """Rounded up to five minutes."""
    asked = [answered_in(600 + 60 * n, 1 + n % 20) for n in range(40)]
    wait = expected_wait(asked, NOW, HOURS)
    assert wait is not None
    assert wait.usual_s == rounded_up(NOW + 600 + 60 * 19)
    assert wait.latest_s == rounded_up(NOW + 600 + 60 * 31)
    assert wait.usual_s % 300 == 0


def test_nights_do_not_count_and_an_answer_after_hours_falls_on_the_next_morning() -> None:
    """What came at nine and was answered the next day at nine took nine hours; one waits now, as on other days."""
    asked = [*(answered_in(DAY, 2 + n % 20) for n in range(FEWEST)), Asked(NOW - 60, None)]
    wait = expected_wait(asked, NOW, HOURS)
    assert wait is not None
    assert wait.usual_s == NOW + DAY
    closed = expected_wait([answered_in(600, 2 + n % 20) for n in range(FEWEST)], NOW + 9 * 3600, HOURS)
    assert closed is not None
    assert closed.usual_s == NOW + 23 * 3600 + 600


def test_with_few_answers_or_old_ones_nothing_is_told() -> None:
    """Not even a guess."""
    assert expected_wait([answered_in(60, 1) for _ in range(FEWEST - 1)], NOW, HOURS) is None
    assert expected_wait([answered_in(60, 40) for _ in range(FEWEST)], NOW, HOURS) is None
    assert expected_wait([], NOW, None) is None
    ended = OpenHours([(day * DAY, day * DAY + DAY - 1) for day in range(19_900, 20_000)])  # nobody set it any further
    assert expected_wait([answered_in(60, 1) for _ in range(FEWEST)], NOW, ended) is None


def test_a_longer_queue_than_usual_makes_the_wait_longer_up_to_three_times() -> None:
    """And what was closed without an answer waits no more."""
    usual = [answered_in(600, 1 + n % 20) for n in range(FEWEST)]
    waiting = [Asked(NOW - 60, None) for _ in range(2)]
    twice = expected_wait([*usual, *waiting], NOW, HOURS)
    assert twice is not None
    assert twice.usual_s == NOW + 1200
    many = expected_wait([*usual, *(Asked(NOW - 60, None) for _ in range(50))], NOW, HOURS)
    assert many is not None
    assert many.usual_s == NOW + 1800
    closed = expected_wait([*usual, *(Asked(NOW - 60, None, NOW - 30) for _ in range(50))], NOW, HOURS)
    assert closed is not None
    assert closed.usual_s == NOW + 600


def article(
    n: int, title: str, body: str, at: int = 0, supersedes: bytes | None = None, of: int | None = None
) -> Article:
    """An article in Korean."""
    id_, root = bytes([n]) * 16, bytes([n if of is None else of]) * 16
    return Article(id_, root, supersedes, at, {"ko": title, "en": ""}, {"ko": body, "en": ""}, state="published")


def test_of_two_versions_that_replaced_the_same_the_newer_counts() -> None:
    """Both stay; a version that was replaced never counts."""
    first = article(1, "가", "나")
    left = article(2, "왼쪽", "나", 5, first.id, of=1)
    right = article(3, "오른쪽", "나", 6, first.id, of=1)
    assert current([right, first, left]) == [right]
    assert current([left, first]) == [left]


def test_articles_with_all_words_come_first_and_those_in_the_title_before_others() -> None:
    """Without words all are listed."""
    both = article(1, "프린터 연결", "프린터를 연결합니다")
    one = article(2, "연결 끊김", "프린터 이야기")
    some = article(3, "프린터 용지", "용지가 걸렸습니다")
    assert find_articles([some, one, both], "프린터 연결", "ko") == [both, one, some]
    assert find_articles([some, one], "없는말", "ko") == []
    assert len(find_articles([some, one, both], " ", "ko")) == 3


def test_a_text_is_built_by_its_lines_and_nothing_else() -> None:
    """Headings, lists, steps, paragraphs."""
    parts = parts_of_text("처음\n둘째 줄\n\n# 제목\n1. 하나\n2) 둘\n\n- 가\n* 나\n\n\n<b>굵게</b>")
    assert [p.heading for p in parts] == ["", "제목", "", "", ""]
    assert parts[0].text == "처음\n둘째 줄"
    assert parts[2].steps == ("하나", "둘")
    assert parts[3].items == ("가", "나")
    assert parts[4].text == "<b>굵게</b>"
    assert start_of("# 제목\n\n" + "낱말 " * 100).endswith("…")
    assert start_of("") == ""


def test_without_enough_answers_the_target_is_told_and_without_a_target_the_next_opening() -> None:
    """Both times are then the target's; what cannot be known is not said."""
    target = told_wait([], NOW, HOURS, 3600)
    assert (target.basis, target.usual_s, target.latest_s, target.opens_s) == (
        Basis.TARGET,
        NOW + 3600,
        NOW + 3600,
        None,
    )
    night = NOW + 9 * 3600  # seven in the evening
    late = told_wait([], night, HOURS, 3600)
    assert (late.usual_s, late.opens_s) == (NOW + DAY, NOW + DAY - 3600)
    assert told_wait([], night, HOURS, None) == Told(Basis.OPENING, opens_s=NOW + DAY - 3600, ahead_s=14 * 3600)
    assert told_wait([], NOW, HOURS, None).basis is Basis.UNKNOWN
    assert told_wait([], NOW, None, None).basis is Basis.UNKNOWN
    asked = [answered_in(600, 1 + n % 20) for n in range(FEWEST)]
    told = told_wait(asked, NOW, HOURS, 3600)
    assert told.basis is Basis.ANSWERS
    assert told.usual_s == rounded_up(NOW + told.ahead_s)


def test_a_call_is_offered_where_the_usual_wait_is_longer_than_ten_minutes() -> None:
    """As the customer lives it: a short wait that begins tomorrow morning is a long one."""
    quick = [answered_in(300, 1 + n % 20) for n in range(FEWEST)]
    assert not offers_call(told_wait(quick, NOW, HOURS, None))
    assert offers_call(told_wait(quick, NOW + 9 * 3600, HOURS, None))
    slow = [answered_in(1800, 1 + n % 20) for n in range(FEWEST)]
    busy = [*slow, Asked(NOW - 60, None)]
    assert offers_call(told_wait(busy, NOW, HOURS, None))
    assert offers_call(told_wait([], NOW, None, None))
