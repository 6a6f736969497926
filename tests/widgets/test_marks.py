# SPDX-License-Identifier: GPL-3.0-or-later
"""Badges of tickets and fields, history lines of values that gave way, and word differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.changes import TicketSet
from app.domain.ports import FieldMark, ItemKind, ThreadItem
from app.services.needs_you import both_texts
from app.services.texts import row_words
from app.services.texts_history import event_line
from app.services.worddiff import marked_text, word_diff
from tests.fakes.queries import ME, NOW_MS, FakeDesk, FakeQueries, ticket_id, user_id
from tests.widgets.test_shell import Desk
from widgets.foundation import Theme
from widgets.ticket.header import TicketHeader


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(qtbot, theme, tmp_path)
    yield made
    made.window.close()
    set_language("en")


def gave_way(author: bytes, name: str) -> ThreadItem:
    """Somebody's High lost against Urgent."""
    data = {"field": "priority", "new": 3, "old": 4}
    return ThreadItem(b"g" * 16, ItemKind.EVENT, NOW_MS, "user", author, name, "", event="gave_way", data=data)


def won() -> ThreadItem:
    """The value that stayed."""
    data = {"field": "priority", "new": 4, "old": 2}
    return ThreadItem(b"w" * 16, ItemKind.EVENT, NOW_MS, "user", user_id(1), "Lee", "", event="field", data=data)


@pytest.mark.ux("UX-15")
def test_a_value_that_gave_way_is_a_line_with_both_values_and_both_people(desk: Desk) -> None:
    """In one's own words for the one who lost, with a name for everybody else."""
    choices = desk.queries.choices()
    own, winner = gave_way(ME, "Kim"), won()
    line = event_line(own, [winner, own], choices, ME)
    assert line is not None
    assert line.text == "Priority: your “High” gave way to “Urgent” of Lee"
    assert line.restore == ("priority", 3)
    line = event_line(own, [winner, own], choices, user_id(2))
    assert line is not None
    assert line.text == "Priority: “High” of Kim gave way to “Urgent”"


@pytest.mark.ux("UX-15")
def test_the_value_that_gave_way_is_put_back_with_one_press_and_undone(desk: Desk) -> None:
    """Restore is an ordinary change of the field, with its undo."""
    desk.data.thread(ticket_id(0)).append(gave_way(ME, "Kim"))
    desk.open(0)
    desk.qtbot.waitUntil(lambda: any("gave way" in t for t in desk.window.ticket.conversation.texts()))
    [button] = [
        b for b in desk.window.ticket.conversation.findChildren(QPushButton) if b.accessibleName().startswith("Restore")
    ]
    button.click()
    change = desk.commits.changes[-1]
    assert isinstance(change, TicketSet)
    assert change.fields == {"priority": 3}
    desk.window.deeds.undo()
    assert len(desk.commits.changes) == 2


@pytest.mark.ux("UX-14")
def test_fields_say_in_words_that_they_wait_will_lose_or_have_two_values(qtbot: QtBot, theme: Theme) -> None:
    """Picture, tooltip and spoken name; without a mark there is none of them."""
    details = FakeQueries(FakeDesk(20)).details(ticket_id(0))
    assert details is not None
    header = TicketHeader(theme)
    qtbot.addWidget(header)
    marks = {"state": FieldMark.CONFLICT, "priority": FieldMark.PENDING, "owner": FieldMark.LOSING}
    header.show_details(replace(details, marks=marks), FakeQueries(FakeDesk(20)).choices(), ME)
    assert header.state.accessibleName().endswith("Two values: needs you")
    assert header.priority.accessibleName().endswith("Waits for the server")
    assert header.owner.accessibleName().endswith("Gives way to a newer value")
    wide = header.state.sizeHint().width()
    header.show_details(details, FakeQueries(FakeDesk(20)).choices(), ME)
    assert header.state.accessibleName() == "State: In progress"
    assert header.state.sizeHint().width() < wide


def test_a_row_that_needs_the_person_says_so(desk: Desk) -> None:
    """For screen readers; the list paints a picture."""
    row = desk.data.row(ticket_id(0))
    assert row is not None
    assert "needs you" in row_words(replace(row, needs_you=True), desk.queries.choices(), "")
    assert "needs you" not in row_words(row, desk.queries.choices(), "")


@pytest.mark.ux("UX-13")
def test_word_differences_are_readable_without_colour() -> None:
    """Whole words, in Korean and English; neighbours become one change."""
    assert marked_text(word_diff("call Kim at 9", "call Lee at 10")) == "call [-Kim-][+Lee+] at [-9-][+10+]"
    assert marked_text(word_diff("내선 210으로", "내선 214으로")) == "내선 [-210으로-][+214으로+]"
    assert marked_text(word_diff("", "새 글")) == "[+새 글+]"
    assert marked_text(word_diff("same", "same")) == "same"
    long = " ".join(f"w{n}" for n in range(7000))
    assert marked_text(word_diff(long, long + "\nmore")).endswith("more+]")


def test_a_merge_by_hand_starts_without_lines_that_only_one_side_changed_twice() -> None:
    """What one side changed stands as it changed it; where both did, theirs and then mine."""
    base, mine, theirs = "a\nb\nc", "a1\nb1\nc", "a\nb2\nc"
    assert both_texts(theirs, mine, base) == "a1\nb2\nb1\nc"
    assert both_texts("x\ny", "x\nz") == "x\ny\nz"
