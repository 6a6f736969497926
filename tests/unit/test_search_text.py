# SPDX-License-Identifier: GPL-3.0-or-later
"""The search language: what people type, read without ever failing, and put together again for chips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.search_text import (
    HintKind,
    Operator,
    Term,
    parts_of,
    read_query,
    typed_serial,
    with_operator,
    without_part,
)


def _hints(text: str) -> list[tuple[HintKind, str]]:
    return [(hint.kind, hint.text) for hint in read_query(text).hints]


@pytest.mark.parametrize(
    ("korean", "english"),
    [
        ("상태:해결됨", "state:해결됨"), ("상태:open", "status:open"), ("담당:me", "owner:me"),
        ("담당:kim", "assignee:kim"), ("팀:북부", "team:북부"), ("태그:vip", "tag:vip"), ("고객:한", "customer:한"),
        ("고객사:한빛", "org:한빛"), ("우선순위:긴급", "priority:긴급"), ("채널:전화", "channel:전화"),
        ("일련번호:88-1032", "serial:88-1032"), ("장애:프린터", "incident:프린터"), ("이전:어제", "before:어제"),
        ("이후:7d", "after:7d"),
    ],
)  # fmt: skip
def test_each_operator_has_its_korean_name(korean: str, english: str) -> None:
    """Both spellings are the same search."""
    assert read_query(korean).groups == read_query(english).groups
    assert read_query(korean).operators


def test_different_operators_must_all_fit_and_the_same_one_may_fit_either_way() -> None:
    """owner:a owner:b state:open means open, and of a or b."""
    groups = read_query("owner:a state:open owner:b 프린터").groups
    assert groups == (
        (Operator("owner", "a"), Operator("owner", "b")), (Operator("state", "open"),), (Term("프린터"),),
    )  # fmt: skip


def test_or_joins_what_stands_beside_it_and_nothing_else() -> None:
    """a OR b c is (a or b) and c; an OR at an end, or a small one, joins nothing."""
    assert read_query("a OR b c").groups == ((Term("a"), Term("b")), (Term("c"),))
    assert read_query("결제 OR tag:vip").groups == ((Term("결제"), Operator("tag", "vip")),)
    assert read_query("OR a OR").groups == ((Term("a"),),)
    assert read_query("a or b").groups == ((Term("a"),), (Term("or"),), (Term("b"),))


def test_minus_takes_away_words_phrases_and_operators() -> None:
    """-weg, -"genau so" and -state:solved."""
    query = read_query('-weg -"genau so" -state:solved bleibt')
    assert query.without == (Term("weg"), Term("genau so", exact=True), Operator("state", "solved"))
    assert query.groups == ((Term("bleibt"),),)


def test_a_phrase_that_is_still_being_typed_is_one_already() -> None:
    """The closing quote need not be there."""
    assert read_query('"결제 실').groups == ((Term("결제 실", exact=True),),)
    assert read_query('team:"Technical support').operators == (Operator("team", "technical support"),)


def test_an_unknown_operator_is_text_and_is_remarked_on() -> None:
    """Addresses and times are no operators that somebody mistyped."""
    assert read_query("onwer:kim").groups == ((Term("onwer:kim"),),)
    assert _hints("onwer:kim") == [(HintKind.UNKNOWN, "onwer")]
    assert _hints("https://example.com/a 10:42 C:\\temp") == []


def test_one_syllable_is_remarked_on() -> None:
    """It finds the beginnings of words only."""
    assert _hints("해") == [(HintKind.ONE_SYLLABLE, "해")]
    assert _hints("환불") == []


def test_in_notes_looks_for_words_in_notes_and_alone_for_any_note() -> None:
    """in:notes and 범위:메모."""
    query = read_query("범위:메모 부품")
    assert query.in_notes
    assert query.groups == ((Term("부품"),),)
    assert read_query("in:notes").groups == ((Operator("has", "note"),),)
    assert _hints("in:mars x") == [(HintKind.VALUE, "in:mars")]


def test_a_chip_is_a_piece_of_the_text_and_can_be_taken_out() -> None:
    """What is left is what the other chips say."""
    text = '상태:open  "결제 실패" OR 환불 -tag:test'
    parts = parts_of(text)
    assert [(p.text, p.name, p.value, p.negative) for p in parts] == [
        ("상태:open", "state", "open", False), ('"결제 실패"', "", "", False), ("OR", "", "", False),
        ("환불", "", "", False), ("-tag:test", "tag", "test", True),
    ]  # fmt: skip
    assert without_part(text, parts[0]) == '"결제 실패" OR 환불 -tag:test'
    assert without_part(text, parts[3]) == '상태:open "결제 실패" -tag:test'


def test_an_operator_is_added_once() -> None:
    """Values with spaces are quoted."""
    assert with_operator("", "team", "Technical support") == 'team:"Technical support"'
    assert with_operator("상태:Open", "state", "open") == "상태:Open"
    assert with_operator("환불", "owner", "me") == "환불 owner:me"


@given(st.text(max_size=80))
def test_every_text_is_a_search(text: str) -> None:
    """Whatever is typed or pasted is read, and so is what is left when one of its chips is taken out."""
    read_query(text)
    for part in parts_of(text):
        assert text[part.start : part.end] == part.text
        read_query(without_part(text, part))


def test_a_whole_serial_number_is_told_from_words_and_numbers_of_tickets() -> None:
    """With spaces in it, by its operator, and in full width; a signed number, a phrase, or more beside it is none."""
    assert typed_serial("88 1032 AB") == "88 1032 ab"
    assert typed_serial("일련번호:88-1032") == "88-1032"
    assert typed_serial("ＱＸ９") == "qx9"
    for text in ("", "printer", "#4182", "~K7-12", "serial:88 printer", "serial:88 serial:99", "88 -1032", '"88 1032"'):
        assert typed_serial(text) == "", text
