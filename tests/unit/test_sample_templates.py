# SPDX-License-Identifier: GPL-3.0-or-later
"""The canned replies and macros that the demo and first users see."""

from __future__ import annotations

from collections import Counter

import pytest

from app.domain.changes_templates import ACTIONS
from app.domain.entities import TAG, TEMPLATE, USER, Category
from app.domain.placeholders import fill, stand_ins
from app.services.sample_data import SampleSet
from app.services.sample_data.reference import Reference
from app.store.templates import _actions

FACTS = {
    "customer.name": "박민수", "ticket.number": "DS-1", "ticket.subject": "프린터", "agent.name": "김지우",
}  # fmt: skip
ROWS = list(SampleSet("small").reference.rows())
FOUND = [row.values for row in ROWS if row.type == TEMPLATE.number]


def test_there_are_enough_to_begin_with_and_everybody_has_them() -> None:
    """Shared with all, in the order of the file, named in both languages."""
    assert Counter(row["kind"] for row in FOUND) == {"canned": 16, "macro": 12}
    assert {row["share"] for row in FOUND} == {"all"}
    assert all(row["name_ko"] and row["name_en"] and row["folder"] for row in FOUND)
    assert len({row["name_ko"] for row in FOUND}) == len({row["name_en"] for row in FOUND}) == len(FOUND)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_each_text_is_filled_whole_and_holds_no_stand_in(language: str) -> None:
    """What facts every ticket has is enough; nothing has to be typed over before it may go."""
    for row in FOUND:
        body = str(row[f"body_{language}"] or "")
        assert fill(body, FACTS).missing == ()
        assert stand_ins(body) == ()
        assert "님 님" not in fill(body, FACTS).text
        assert bool(row["body_ko"]) == bool(row["body_en"])


def test_each_macro_does_what_programs_know_how_to_do() -> None:
    """Its states, tags and people exist."""
    tags = {row.id for row in ROWS if row.type == TAG.number}
    people = {row.id for row in ROWS if row.type == USER.number}
    for row in FOUND:
        assert row["owner"] in people
        for what, value in _actions(str(row["actions"]) if row["actions"] else None):
            assert what in ACTIONS
            assert what != "tag" or bytes.fromhex(str(value)) in tags
            assert what != "state" or Category(str(value)) not in (Category.SOLVED, Category.WAITING_CUSTOMER)


def test_the_same_seed_gives_the_same_templates() -> None:
    """As with every row."""
    again = [row for row in Reference(1, 0, 0, 6, 4).rows() if row.type == TEMPLATE.number]
    assert again == [row for row in Reference(1, 0, 0, 6, 4).rows() if row.type == TEMPLATE.number]
