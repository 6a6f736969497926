# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles: found by words as people type them, quoted with a link to the version, written by whom the rules allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.announcements import Announcement, Standing, shown_now
from app.domain.articles import (
    Article,
    ArticleFinder,
    article_link,
    article_of_link,
    as_rich,
    current,
    fitting,
    may_be_quoted,
    rivals,
)
from app.domain.changes_publishing import may_save_article
from app.domain.formatting import Look, to_html

PAY = Article(
    b"v" * 16, b"a" * 16, None, 1, {"ko": "간편결제 오류", "en": "Payment fails"},
    {"ko": "# 먼저\n- 앱을 닫습니다\n- 다시 엽니다\n\n1. 카드를 지웁니다\n2. 다시 등록합니다", "en": "Close the app."},
    "결제", state="published",
)  # fmt: skip
INSTALL = replace(
    PAY, id=b"w" * 16, of=b"b" * 16, titles={"ko": "설치하는 방법", "en": ""},
    bodies={"ko": "내려받아 실행합니다.", "en": ""}, folder="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("결제", [PAY]),  # two syllables inside a longer word
        ("결제가", [PAY]),  # with a particle
        ("등록", [PAY]),  # in the text only
        ("실행", [INSTALL]),
        ("ＰＡＹＭＥＮＴ", [PAY]),
        ("", [INSTALL, PAY]),
        ("없는말", []),
    ],
)
def test_articles_are_found_by_a_word_of_two_syllables_wherever_it_stands(typed: str, found: list[Article]) -> None:
    """Inside compounds, before particles, in full-width letters; without words all of them."""
    assert ArticleFinder([PAY, INSTALL]).find(typed, "ko") == found


def test_an_article_stands_in_a_reply_as_readable_text_with_a_link_to_its_version() -> None:
    """Headings bold, lists and steps as ours; only links of this server lead to a version here."""
    link = article_link("https://help.example/", PAY)
    rich = as_rich(PAY, "ko", link, "도움말")
    assert rich.text == (
        "먼저\n\n• 앱을 닫습니다\n• 다시 엽니다\n\n1. 카드를 지웁니다\n2. 다시 등록합니다\n\n도움말: 간편결제 오류"
    )
    assert [(rich.text[m.start : m.end], m.look) for m in rich.marks] == [
        ("먼저", Look.BOLD), ("간편결제 오류", Look.LINK),
    ]  # fmt: skip
    assert f'<a href="{link}">간편결제 오류</a>' in (to_html(rich) or "")
    assert article_of_link(link, "https://help.example") == (PAY.of, PAY.id)
    for other in ("https://evil.example" + link[20:], link + "0", "https://help.example/help", ""):
        assert article_of_link(other, "https://help.example") is None


def test_an_article_without_a_korean_text_is_quoted_in_english() -> None:
    """Rather than nothing."""
    only = replace(PAY, titles={"ko": "", "en": "Payment fails"}, bodies={"ko": "", "en": "Close the app."})
    assert as_rich(only, "ko", "", "도움말").text == "Close the app."


def test_of_two_versions_saved_at_once_the_newer_counts_and_the_other_is_named_until_somebody_saves_after() -> None:
    """Nothing is lost, and nothing nags for ever."""
    mine = replace(PAY, id=b"1" * 16, supersedes=PAY.id, saved_at=2)
    theirs = replace(PAY, id=b"2" * 16, supersedes=PAY.id, saved_at=3)
    assert current([PAY, mine, theirs]) == [theirs]
    assert rivals([PAY, mine, theirs], theirs) == [mine]
    after = replace(PAY, id=b"3" * 16, supersedes=theirs.id, saved_at=4)
    assert current([PAY, mine, theirs, after]) == [after]
    assert rivals([PAY, mine, theirs, after], after) == []


@pytest.mark.parametrize(
    ("roles", "wanted", "heads", "may"),
    [
        ({"agent"}, "draft", [], True),
        ({"agent"}, "review", ["draft"], True),
        ({"field"}, "draft", ["review"], True),
        ({"agent"}, "published", [], False),
        ({"agent"}, "draft", ["published"], False),
        ({"agent"}, "draft", ["draft", "published"], False),
        ({"agent"}, "draft", ["retired"], False),
        ({"manager"}, "draft", [], False),
        ({"lead"}, "published", ["draft"], True),
        ({"agent", "admin"}, "retired", ["published"], True),
    ],
)
def test_agents_write_drafts_and_leads_say_what_is_public(
    roles: set[str], wanted: str, heads: list[str], may: bool
) -> None:
    """An agent's version can never replace what customers read."""
    assert may_save_article(frozenset(roles), wanted, heads) is may


def test_staff_articles_stand_in_notes_only_and_drafts_nowhere() -> None:
    """What a customer must not read cannot slip into a reply."""
    staff, draft = replace(PAY, audience="staff"), replace(PAY, state="draft")
    assert [may_be_quoted(each, to_customer=True) for each in (PAY, staff, draft)] == [True, False, False]
    assert [may_be_quoted(each, to_customer=False) for each in (PAY, staff, draft)] == [True, True, False]


def test_an_announcement_shows_from_its_beginning_to_its_end_in_its_places() -> None:
    """The newest first; withdrawn nowhere."""
    told = Announcement(b"v" * 16, b"a" * 16, None, 1, {"ko": "점검", "en": ""}, frozenset({"portal"}), 100, 200)
    later = replace(told, id=b"w" * 16, of=b"b" * 16, from_at=150, until_at=None)
    assert [told.standing(at) for at in (99, 100, 199, 200)] == [
        Standing.LATER, Standing.SHOWS, Standing.SHOWS, Standing.ENDED,
    ]  # fmt: skip
    assert shown_now([told, later], 160, "portal") == [later, told]
    assert shown_now([told, replace(later, withdrawn=True)], 160, "portal") == [told]
    assert shown_now([told], 160, "companion") == []
    assert told.text("en") == "점검"


FREEZE = replace(
    PAY, id=b"x" * 16, of=b"c" * 16, titles={"ko": "화면이 멈출 때", "en": "The window stands still"},
    bodies={"ko": "저장하기 전에 잠시 기다립니다.", "en": "Wait for a minute, then restart the program."}, folder="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("간편결제가 안 됩니다", [PAY]),  # a word of the title, with its particle
        ("My window stands there and does nothing", [FREEZE]),
        ("설치하는 중에 화면이 멈춥니다", [INSTALL, FREEZE]),
        ("there is a minute", []),  # one word of a text says too little
        ("ment", []),  # Latin words are not looked for inside others
        ("안녕하세요, 도와주세요", []),
        ("<script>alert(1)</script> ' OR 1=1 --", []),
        ("", []),
    ],
)
def test_what_somebody_writes_brings_the_articles_that_may_answer_it_and_rather_none(
    written: str, found: list[Article]
) -> None:
    """Before a request is sent; wrong suggestions would only stand in the way."""
    assert fitting([INSTALL, FREEZE, PAY], written, "ko") == found


def test_a_word_that_most_articles_have_suggests_none_of_them() -> None:
    """Else a product's name would bring every article."""
    same = [replace(PAY, of=bytes([n]) * 16, titles={"ko": f"데스크사이드 {n}장", "en": ""}) for n in range(4)]
    assert fitting(same, "데스크사이드 문제", "ko") == []
    assert fitting(same[:2], "데스크사이드 문제", "ko", most=1) == same[:1]
