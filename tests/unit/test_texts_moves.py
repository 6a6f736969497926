# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket's history says in words that it was moved, merged, split or deleted."""

from __future__ import annotations

import pytest

from app.domain.ids import TeamId
from app.domain.ports import Choices, ItemKind, ThreadItem
from app.services.texts_history import event_line
from app.services.texts_moves import MOVE_LINES

SOUTH = TeamId(b"u" * 16)


def words(event: str, **data: object) -> str:
    item = ThreadItem(b"i" * 16, ItemKind.EVENT, 0, "user", b"a" * 16, "Kim", "", event=event, data=data)
    line = event_line(item, [item], Choices(teams={SOUTH: ("남부", "South")}))
    assert line is not None
    return line.text


@pytest.mark.parametrize("event", MOVE_LINES)
def test_every_kind_of_line_has_words_whatever_its_details_are(event: str) -> None:
    """Details of a newer server, or none, never break a conversation."""
    for data in ({}, {"rows": "x", "number": "7", "minutes": None}):
        assert "Kim" in words(event, **data)


def test_the_details_are_named() -> None:
    """Which ticket, how many entries, which team."""
    assert "#10042" in words("merged_in", number=10042)
    assert "2 entries" in words("split", rows=["a", "b"])
    assert "25 minutes" in words("time", minutes=25)
    assert "South" in words("field", field="team", new=SOUTH.hex())
    assert "another team" in words("field", field="team", new="zz")
