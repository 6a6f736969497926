# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as read, as a person meets it: on screen for a moment, in the window in front; and U takes it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.qtbot import QtBot

from app.domain.changes_reading import ReadMark
from tests.fakes.queries import ticket_id
from tests.widgets.test_shell import Desk
from widgets.foundation import Theme
from widgets.foundation.turns import is_building

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Desk:
    made = Desk(qtbot, theme, tmp_path)
    made.data.customer_writes(0, "Is anybody there?")
    return made


def marks(desk: Desk) -> list[ReadMark]:
    return [change for change in desk.commits.changes if isinstance(change, ReadMark)]


def spoken(desk: Desk, n: int) -> str:
    model = desk.window.inbox.model
    place = next(p for p in range(model.rowCount(QModelIndex())) if model.id_at(p) == ticket_id(n))
    return str(model.data(model.index(place), Qt.ItemDataRole.AccessibleTextRole))


def test_a_ticket_is_read_when_its_newest_item_was_on_screen_for_a_moment(desk: Desk, qtbot: QtBot) -> None:
    assert "unread" in spoken(desk, 0)
    desk.open(0)
    assert not marks(desk)
    qtbot.waitUntil(lambda: [mark.about for mark in marks(desk)] == [ticket_id(0)])
    assert marks(desk)[0].upto == 4
    qtbot.waitUntil(lambda: "unread" not in spoken(desk, 0))
    assert not desk.window.toast.isVisible()  # reading is no deed that somebody wants to hear of


def test_what_is_only_passed_by_or_scrolled_away_or_behind_stays_unread(desk: Desk, qtbot: QtBot) -> None:
    desk.open(0)
    desk.open(1)
    desk.window.reading.look()
    qtbot.waitUntil(lambda: bool(marks(desk)))
    assert [mark.about for mark in marks(desk)] == [ticket_id(1)]
    desk.data.customer_writes(0, "line\n" * 200)
    desk.open(0)
    qtbot.waitUntil(lambda: not is_building())
    bar = desk.window.ticket.conversation.area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    assert desk.window.reading.begun()
    bar.setValue(0)
    assert not desk.window.reading.begun()
    bar.setValue(bar.maximum())
    assert desk.window.reading.begun()
    desk.window.go_needs_you()
    assert not desk.window.reading.begun()


def test_u_marks_the_selected_tickets_as_unread_and_one_undo_takes_it_back(desk: Desk, qtbot: QtBot) -> None:
    desk.open(0)
    qtbot.waitUntil(lambda: bool(marks(desk)))
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_U)
    assert marks(desk)[-1].unread
    qtbot.waitUntil(lambda: "unread" in spoken(desk, 0))
    assert not desk.window.reading.begun()  # though it is still before the eyes
    desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "unread" not in spoken(desk, 0))
    before = len(marks(desk))
    desk.window.inbox.list.selectAll()
    desk.key(Qt.Key.Key_U)
    qtbot.waitUntil(lambda: len(marks(desk)) > before + 10)
    desk.key(Qt.Key.Key_U, SHIFT)
    qtbot.waitUntil(lambda: not marks(desk)[-1].unread)


def test_opened_again_a_ticket_that_was_marked_as_unread_is_read(desk: Desk, qtbot: QtBot) -> None:
    desk.open(0)
    desk.key(Qt.Key.Key_U)
    desk.open(1)
    desk.open(0)
    qtbot.waitUntil(lambda: desk.window.reading.begun())
