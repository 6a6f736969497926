# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code has words in both languages, and none shows a bare code or an unfilled place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.config.i18n import Language, set_language
from app.domain.assist import EndReason, EntryType, Notice, Scope
from remote_assist.texts import entry_text, notice_text, prompt_text, reason_text, scope_text


@pytest.fixture(params=["en", "ko"])
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    chosen: Language = request.param
    set_language(chosen)
    yield chosen
    set_language("en")


def good(text: str, language: Language) -> bool:
    korean = any("가" <= char <= "힣" for char in text.replace("박민수", ""))
    return bool(text) and not set("{}_") & set(text) and korean == (language == "ko")


@pytest.mark.parametrize("by", ["agent", "customer", "system"])
@pytest.mark.parametrize("reason", list(EndReason))
def test_every_end_has_a_reason_in_words(reason: EndReason, by: str, language: Language) -> None:
    """Whoever ended it."""
    assert good(reason_text(reason, by, "박민수"), language)


def test_silence_is_told_from_a_no(language: Language) -> None:
    """The agent learns whether somebody sat there."""
    assert reason_text(EndReason.REFUSED, "system", "A") != reason_text(EndReason.REFUSED, "customer", "A")


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_has_words(notice: Notice, language: Language) -> None:
    """Also with an unknown detail."""
    for detail in ("", "view", "<b>nonsense</b>"):
        text = notice_text(notice, "박민수", detail)
        assert good(text, language)
        assert "nonsense" not in text


@pytest.mark.parametrize("scope", list(Scope))
def test_every_grant_has_a_name(scope: Scope, language: Language) -> None:
    """Short, for lists."""
    assert good(scope_text(scope), language)


def test_a_further_grant_and_what_was_taken_back_are_named(language: Language) -> None:
    """The first grant is that sharing began; the others say what."""
    pointer = scope_text(Scope.POINTER)
    first = entry_text(EntryType.GRANT, "customer", {"scope": "view", "target_kind": "window"})
    more = entry_text(EntryType.GRANT, "customer", {"scope": "pointer"})
    back = entry_text(EntryType.REVOKE, "customer", {"scopes": ["pointer", "<b>"]})
    assert pointer not in first
    assert pointer in more
    assert pointer in back
    assert all(good(text, language) for text in (first, more, back))
    assert "<b>" not in back


@pytest.mark.parametrize("type_", list(EntryType))
def test_every_entry_of_the_record_is_one_line_without_words_from_outside(type_: EntryType, language: Language) -> None:
    """Whatever its data say."""
    for data in ({}, {"kind": "<b>", "target_kind": 7, "count": "x", "scope": [], "duration_ms": None, "ok": "yes"}):
        text = entry_text(type_, "nobody", data)
        assert good(text, language)
        assert "<b>" not in text


def test_the_request_names_agent_organisation_and_ticket(language: Language) -> None:
    """In one sentence."""
    text = prompt_text("Kim Jiwoo", "Hanbit Support", "4182")
    assert all(word in text for word in ("Kim Jiwoo", "Hanbit Support", "#4182"))
