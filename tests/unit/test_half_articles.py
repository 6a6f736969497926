# SPDX-License-Identifier: GPL-3.0-or-later
"""An article before it is saved: kept word for word, and begun from a ticket without the person who asked."""

from __future__ import annotations

import pytest

from app.services.half_articles import HIDDEN, HalfArticle, without_person
from app.services.publications import ArticleDraft


def test_what_is_kept_comes_back_word_for_word() -> None:
    """With the version it changes."""
    draft = ArticleDraft({"ko": "결제", "en": ""}, {"ko": "# 먼저\n“닫기”", "en": ""}, "결제", "staff", "2026-05-01")
    half = HalfArticle(draft, b"a" * 16, b"v" * 16)
    assert HalfArticle.of_text(half.text()) == half
    assert HalfArticle.of_text(HalfArticle(draft).text()) == HalfArticle(draft)


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", "7", "{}", '{"titles": [], "bodies": {}}', '{"titles": {}, "bodies": {}}',
     '{"titles": {"ko": "a"}, "bodies": {}, "article": "zz"}'],
)  # fmt: skip
def test_what_cannot_be_read_or_says_nothing_is_no_article(text: str | None) -> None:
    """The window opens as ever."""
    assert HalfArticle.of_text(text) is None


@pytest.mark.parametrize(
    ("text", "known", "left"),
    [
        ("홍길동입니다. 홍길동님께", {"홍길동"}, f"{HIDDEN}입니다. {HIDDEN}님께"),
        ("Dear Anna, ANNA BERG wrote; bananas", {"Anna Berg", "Anna"}, f"Dear {HIDDEN}, {HIDDEN} wrote; bananas"),
        ("010-1234-5678, (02) 123-4567, +82 10-1234-5678, 01012345678로", set(), ", ".join([HIDDEN] * 4) + "로"),
        ("2026-03-09 15:00, E-1042, 192.168.10.1", set(), "2026-03-09 15:00, E-1042, 192.168.10.1"),
        ("a.b+c@mail.example.com로 주세요", set(), f"{HIDDEN}로 주세요"),
        ("SN-99.X 제품", {"SN-99.X", ""}, f"{HIDDEN} 제품"),
    ],
)
def test_known_names_numbers_and_addresses_are_left_out(text: str, known: set[str], left: str) -> None:
    """Dates, error codes and words that only contain a name stay."""
    assert without_person(text, known) == left
