# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets and views in windows of their own: by keys, one place to write, news for all, there again next time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.domain.changes import TicketSet
from app.domain.ids import TicketId
from app.domain.ports import DraftKind, ViewKey
from tests.sync.desk import Client
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme
from widgets.shell.window import AgentWindow

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, kim: Client, tmp_path: Path) -> Iterator[RealDesk]:
    made = RealDesk(qtbot, theme, kim, tmp_path)
    made.window.go_view(ViewKey.ALL)
    yield made
    made.window.close()


def key(window: AgentWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifiers)


def beside(desk: RealDesk, ticket: TicketId) -> AgentWindow:
    """Open a ticket in its own window, by keys."""
    desk.window.go_view(ViewKey.ALL)
    desk.open(ticket)
    key(desk.window, Qt.Key.Key_Return, SHIFT)
    (window,) = [w for w in desk.window.windows if w.side is not None and w.side.ticket == ticket]
    desk.qtbot.waitUntil(lambda: window.isActiveWindow() and window.ticket.is_open())
    return window


def to_front(desk: RealDesk, window: AgentWindow) -> None:
    """Go to a window: keys reach the one in front."""
    window.activateWindow()
    desk.qtbot.waitUntil(window.isActiveWindow)


def text(window: AgentWindow, kind: DraftKind = DraftKind.REPLY) -> str:
    return window.ticket.composer.sheets[kind].edit.toPlainText()


def test_a_ticket_opens_in_its_own_window_once_and_closes_by_a_key(desk: RealDesk, kim: Client) -> None:
    ticket = kim.new_ticket("프린터")
    window = beside(desk, ticket)
    assert "프린터" in window.windowTitle()
    assert not window.lists.isVisible()
    assert desk.window.windows.open_ticket(ticket) is window
    key(window, Qt.Key.Key_W, CTRL)
    assert not window.isVisible()
    assert not list(desk.window.windows)
    assert desk.window.isVisible()


def test_a_command_acts_on_the_window_in_front_and_the_others_see_it(desk: RealDesk, kim: Client) -> None:
    first, second = kim.new_ticket("하나"), kim.new_ticket("둘")
    window = beside(desk, first)
    desk.window.open_ticket(second)
    key(window, Qt.Key.Key_I)
    assert desk.details(first).row.owner == kim.me
    assert desk.details(second).row.owner is None
    desk.window.open_ticket(first)
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.owner == kim.me
    key(window, Qt.Key.Key_Z, CTRL)
    assert desk.details(first).row.owner is None
    desk.qtbot.waitUntil(lambda: desk.window.desk.details is not None and desk.window.desk.details.row.owner is None)


def test_the_last_deed_is_undone_in_whichever_window_is_in_front_and_after_its_own_was_closed(
    desk: RealDesk, kim: Client
) -> None:
    """One row of deeds for all windows: the newest goes first, wherever it was done, and redo follows it."""
    first, second = kim.new_ticket("하나"), kim.new_ticket("둘")
    window = beside(desk, first)
    key(window, Qt.Key.Key_I)
    to_front(desk, desk.window)
    desk.window.open_ticket(second)
    desk.window.inbox.list.setFocus()
    key(desk.window, Qt.Key.Key_I)
    assert desk.details(second).row.owner == kim.me
    to_front(desk, window)
    key(window, Qt.Key.Key_Z, CTRL)
    assert desk.details(second).row.owner is None
    assert desk.details(first).row.owner == kim.me
    assert window.toast.text().startswith("Undone: #")  # says which ticket: it is not the one in front
    key(window, Qt.Key.Key_Z, CTRL | SHIFT)
    assert desk.details(second).row.owner == kim.me
    key(window, Qt.Key.Key_W, CTRL)
    to_front(desk, desk.window)
    key(desk.window, Qt.Key.Key_Z, CTRL)
    key(desk.window, Qt.Key.Key_Z, CTRL)
    assert (desk.details(first).row.owner, desk.details(second).row.owner) == (None, None)


def test_a_draft_is_written_in_one_window_and_the_other_leads_there(desk: RealDesk, kim: Client) -> None:
    """What was begun in the main window goes along; when its own window closes, it comes back."""
    ticket = kim.new_ticket()
    desk.window.go_view(ViewKey.ALL)
    desk.open(ticket)
    key(desk.window, Qt.Key.Key_R)
    QTest.keyClicks(desk.window.focusWidget(), "Hello ")
    window = beside(desk, ticket)
    assert text(window) == "Hello "
    assert text(desk.window) == ""
    assert desk.window.ticket.composer.go_there.isVisible()
    assert not desk.window.ticket.composer.reply_button.isVisible()
    desk.window.activateWindow()
    desk.qtbot.waitUntil(lambda: desk.window.isActiveWindow())
    desk.window.inbox.list.setFocus()
    key(desk.window, Qt.Key.Key_R)
    desk.qtbot.waitUntil(lambda: window.isActiveWindow())
    QTest.keyClicks(window.ticket.composer.sheets[DraftKind.REPLY].edit, "there")
    whole = text(window)
    key(window, Qt.Key.Key_W, CTRL)
    assert text(desk.window) == whole
    assert sorted(whole) == sorted("Hello there")
    assert desk.window.ticket.composer.kind() is DraftKind.REPLY


def test_a_reply_sent_from_its_own_window_goes_once_and_empties_the_sheet(desk: RealDesk, kim: Client) -> None:
    ticket = kim.new_ticket()
    desk.sync()
    window = beside(desk, ticket)
    key(window, Qt.Key.Key_R)
    QTest.keyClicks(window.focusWidget(), "Done.")
    key(window, Qt.Key.Key_Return, CTRL)
    assert text(window) == ""
    assert window.ticket.composer.waiting.isVisible()
    window.ticket.composer.send_now_asked.emit(ticket)
    desk.qtbot.waitUntil(lambda: [item.body for item in desk.details(ticket).items].count("Done.") == 1)
    assert not desk.window.writing.sends.all()


def test_the_windows_are_there_again_after_a_restart_and_close_with_the_program(
    desk: RealDesk, kim: Client, qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    ticket = kim.new_ticket()
    window = beside(desk, ticket)
    desk.window.windows.open_view(ViewKey.UNASSIGNED)
    desk.window.close()
    assert not window.isVisible()
    again = RealDesk(qtbot, theme, kim, tmp_path)
    qtbot.waitUntil(lambda: len(list(again.window.windows)) == 2)
    sides = [other.side for other in again.window.windows]
    shown = [(side.ticket, side.view) for side in sides if side is not None]
    assert shown == [(ticket, None), (None, ViewKey.UNASSIGNED)]
    again.window.close()
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, AgentWindow) and w.isVisible()]


def test_a_view_in_its_own_window_keeps_its_list_and_its_own_ticket(desk: RealDesk, kim: Client) -> None:
    mine, other = kim.new_ticket("내 것"), kim.new_ticket("남의 것")
    kim.do(TicketSet(b"e" * 16, mine, {"owner": kim.me}))
    window = desk.window.windows.open_view(ViewKey.MINE)
    desk.qtbot.waitUntil(lambda: window.inbox.model.rowCount() == 1)
    window.inbox.select(mine)
    desk.window.open_ticket(other)
    assert window.desk.details is not None
    assert window.desk.details.row.id == mine
    assert not window.views.isVisible()


def test_a_ticket_that_has_its_own_window_is_shown_there(desk: RealDesk, kim: Client) -> None:
    """By a link, a notice or the palette."""
    ticket = kim.new_ticket()
    window = beside(desk, ticket)
    desk.window.activateWindow()
    desk.qtbot.waitUntil(lambda: desk.window.isActiveWindow())
    desk.window.read_ticket(ticket)
    desk.qtbot.waitUntil(lambda: window.isActiveWindow())
