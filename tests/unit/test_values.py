# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that no computer of a team could show are refused, and those that came in before break no conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import changes as c
from app.domain.changes_base import check_body
from app.domain.changes_values import MAX_TIME_MS, checked_value
from app.domain.entities import CUSTOMER, ENTITIES, TICKET, FieldType
from app.domain.errors import Refused
from app.domain.ids import UserId
from app.domain.ports import Choices, ItemKind, ThreadItem
from app.services.texts_history import event_line
from app.services.texts_moves import MOVE_LINES

WHAT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
    | st.sampled_from([2**63 - 1, -(2**63), MAX_TIME_MS, "00" * 16, "zz"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
EVENTS = [*MOVE_LINES, "opened", "state", "field", "member", "gave_way", "session.end", "session.open", "?"]
NAMES = ["", "state", "priority", "team", "owner", "snooze_until", "subject", "customer", "zone", "x"]


def refusal(entity: Any, name: str, value: object) -> str:
    with pytest.raises(Refused) as refused:
        checked_value(entity, name, value)
    return refused.value.code


@pytest.mark.parametrize("ms", [-(2**63), -1, MAX_TIME_MS, 10**15, 2**63 - 1, 2**63])
def test_a_moment_outside_every_calendar_is_refused(ms: int) -> None:
    assert refusal(TICKET, "snooze_until", ms) == "bad_value"


def test_moments_that_people_choose_are_taken() -> None:
    for ms in (0, 1_790_000_000_000, MAX_TIME_MS - 1):
        assert checked_value(TICKET, "snooze_until", ms)[1] == ms


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Asia/Seoul\x00", "", "Mars/Olympus", "x" * 60, "/etc/localtime"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    assert refusal(CUSTOMER, "zone", zone) == "bad_value"


def test_zones_of_the_database_are_taken() -> None:
    for zone in ("Asia/Seoul", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+9"):
        assert checked_value(CUSTOMER, "zone", zone)[1] == zone


def test_no_text_column_takes_a_book() -> None:
    """Every column of every entity that holds text has a length."""
    for entity in ENTITIES:
        for column in entity.fields:
            if column.type in (FieldType.TEXT, FieldType.JSON):
                assert refusal(entity, column.name, "x" * 300_000) == "text_too_long"


def test_a_record_of_a_session_has_a_moment_that_exists() -> None:
    record = c.SessionRecordAdd(b"e" * 16, b"t" * 16, b"s" * 16, 1, "note", "x", b"h" * 32, 5)
    c.validate(record)
    for at in (-1, 2**63 - 1):
        with pytest.raises(Refused):
            c.validate(replace(record, at=at))


def test_a_text_that_no_row_could_carry_is_refused_where_it_is_typed() -> None:
    """What counts is its size as JSON: so it stands in the row that holds a reply. Formatted text counts too."""
    for fits in ('"' * 300_000, "\n." * 200_000, "x" * 600_000, "가" * 200_000, "\x01." * 80_000):
        check_body(fits)
    for text in ('"' * 310_000, "\n." * 210_000, "x" * 620_000, "가" * 210_000, "\x01." * 90_000):
        with pytest.raises(Refused):
            check_body(text)
    check_body("x" * 300_000, "x" * 300_000)
    with pytest.raises(Refused):
        check_body("x" * 310_000, "x" * 310_000)


@given(event=st.sampled_from(EVENTS), field=st.sampled_from(NAMES), old=WHAT, new=WHAT, more=st.dictionaries(
    st.sampled_from(["kind", "member", "present", "cause", "sid", "reason", "category", "rows", "minutes", "number"]),
    WHAT, max_size=4))  # fmt: skip
def test_a_line_of_the_history_has_words_whatever_an_older_server_let_in(
    event: str, field: str, old: object, new: object, more: dict[str, object]
) -> None:
    """One line must never keep a conversation from being shown."""
    data = {**more, "field": field, "old": old, "new": new}
    item = ThreadItem(b"i" * 16, ItemKind.EVENT, 0, "user", b"a" * 16, "Kim", "", event=event, data=data)
    for me in (None, UserId(b"a" * 16)):
        line = event_line(item, [item], Choices(), me)
        assert line is None or line.text


def test_an_impossible_date_that_gave_way_is_a_dash() -> None:
    data = {"field": "snooze_until", "old": 2**63 - 1, "new": -(2**63)}
    item = ThreadItem(b"i" * 16, ItemKind.EVENT, 0, "user", b"a" * 16, "Kim", "", event="gave_way", data=data)
    line = event_line(item, [item], Choices())
    assert line is not None
    assert "–" in line.text
