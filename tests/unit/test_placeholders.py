# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholders: filled from what is known, never sent empty, 님 never twice; hand-made ones are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.placeholders import NAMES, fill, is_unfilled, stand_ins

FACTS = {"customer.name": "홍길동", "ticket.number": "DS-10234", "customer.organisation": ""}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{customer.name}} 님, 안녕하세요.", "홍길동 님, 안녕하세요."),
        ("{{ customer.name }}님", "홍길동님"),
        ("{{고객.이름}} 님의 {{문의.번호}}", "홍길동 님의 DS-10234"),
        ("Dear {{customer.name}}", "Dear 홍길동"),
        ("{{customer.organisation|귀사}}에서", "귀사에서"),
        ("{{customer.first|고객님}} 님", "고객님"),
        ("no placeholder { } at all", "no placeholder { } at all"),
    ],
)
def test_placeholders_are_filled_in_both_languages(text: str, filled: str) -> None:
    """A fallback stands after a bar and counts only there."""
    done = fill(text, FACTS)
    assert (done.text, done.missing) == (filled, ())


@pytest.mark.parametrize("name", ["홍길동 님", "홍길동님"])
@pytest.mark.parametrize("text", ["{{customer.name}} 님", "{{customer.name}}님", "{{customer.name}}"])
def test_the_honorific_is_never_doubled(name: str, text: str) -> None:
    """Whether it is in the name or in the text."""
    assert fill(text, {"customer.name": name}).text == name


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("{{customer.organisation}}에서", ("customer.organisation",)),  # known, but empty
        ("{{customer.organisation|}}", ("customer.organisation",)),  # an empty fallback is none
        ("{{customer.nmae}} 님, {{x}} {{x}}", ("customer.nmae", "x")),
        ("{{}}", ("{{}}",)),
        ("{{customer.name 님", ("{{",)),
        ("{{고객 전화}}", ("고객 전화",)),
    ],
)
def test_what_is_not_filled_is_named(text: str, missing: tuple[str, ...]) -> None:
    """Each once, as it was written."""
    assert fill(text, FACTS).missing == missing


def test_values_that_were_used_are_told() -> None:
    """So that a change between reading and sending is noticed."""
    assert fill("{{고객.이름}} {{customer.organisation|귀사}}", FACTS).values == {"customer.name": "홍길동"}


@given(
    st.text(alphabet="{}|a.님 ○", max_size=40), st.dictionaries(st.sampled_from(sorted(set(NAMES.values()))), st.text())
)
def test_no_placeholder_is_left_where_nothing_is_missing(text: str, facts: dict[str, str]) -> None:
    """Whatever is typed: without missing names nothing unfilled goes out, but for what a value brings along."""
    done = fill(text, {name: value for name, value in facts.items() if "{" not in value and "}" not in value})
    if not done.missing:
        assert not is_unfilled(done.text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("OOO 고객님, ○○○ 님", ("OOO", "○○○")),
        ("[이름] 님께 [이름]", ("[이름]",)),
        ("** 님", ("**",)),
        ("GOOOAL and TOOOLS, a * b, 3 ** is fine?", ("**",)),
        ("Nothing here (at all), list[0]", ("[0]",)),
        ("안녕하세요, 홍길동 님", ()),
    ],
)
def test_typed_stand_ins_are_noticed(text: str, found: tuple[str, ...]) -> None:
    """The ways in which people mark a name that they mean to fill in."""
    assert stand_ins(text) == found
