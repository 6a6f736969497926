# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises in the window, over real files and a real server: offered under a reply, made by key, counted down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QDateTime, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.ids import TicketId
from app.domain.ports import DraftKind
from app.domain.promises import Standing, standings
from tests.sync.desk import Client
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme

MINUTE = 60_000
CTRL = Qt.KeyboardModifier.ControlModifier


class PromiseDesk(RealDesk):
    """The window with one ticket open."""

    ticket: TicketId

    def standing(self) -> list[Standing]:
        """What the promises of the ticket came to."""
        found = self.details(self.ticket).related.promises
        return [what for _each, what in standings(found, self.client.desk.clock())]


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, kim: Client, tmp_path: Path) -> Iterator[PromiseDesk]:
    """Kim's window."""
    ticket = TicketId(kim.new_ticket())
    kim.sync()
    made = PromiseDesk(qtbot, theme, kim, tmp_path)
    made.ticket = ticket
    made.open(ticket)
    yield made
    made.window.close()
    set_language("en")


def _tick(desk: PromiseDesk, minutes: int) -> None:
    desk.client.desk.clock.ms += minutes * MINUTE
    desk.window.minutes.tick()


def test_a_time_in_the_reply_is_offered_and_one_press_promises_it(desk: PromiseDesk) -> None:
    """The reply tells it and does not close it; the head of the ticket counts down, then says that it is broken."""
    composer = desk.window.ticket.composer
    strip, header = composer.sheets[DraftKind.REPLY].promise, desk.window.ticket.header
    desk.key(Qt.Key.Key_R)
    QTest.keyClicks(composer.sheets[DraftKind.REPLY].edit, "I will call you within 2 hours.")
    strip.look()
    assert strip.isVisible()
    assert "within 2 hours" in strip.words.text()
    QTest.mouseClick(strip.register, Qt.MouseButton.LeftButton)
    assert desk.standing() == [Standing.UNTOLD]
    assert not strip.register.isVisible()
    assert strip.undo.isVisible()
    assert not header.promise.isVisible()  # the customer knows nothing of it yet
    composer.sheets[DraftKind.REPLY].edit.setFocus()
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.window.writing.sends.flush()
    desk.sync()
    assert desk.standing() == [Standing.OPEN]
    assert header.promise.isVisible()
    assert "left" in header.promise.text()
    _tick(desk, 121)
    assert "broken" in header.promise.text()
    assert header.promise.property("chip") == "danger"


def test_w_promises_a_time_without_a_mouse_and_ctrl_z_takes_it_back(desk: PromiseDesk) -> None:
    """A time that has passed is not taken; the block in the details counts down."""
    desk.key(Qt.Key.Key_W)
    dialog = desk.window.promises.dialog
    assert dialog is not None
    now = desk.client.desk.clock()
    dialog.when.setDateTime(QDateTime.fromMSecsSinceEpoch(now - 60 * MINUTE))
    QTest.keyClick(dialog, Qt.Key.Key_Return, CTRL)
    assert dialog.problem.isVisible()
    assert desk.standing() == []
    dialog.when.setDateTime(QDateTime.fromMSecsSinceEpoch(now + 120 * MINUTE))
    dialog.text.setText("Delivery date")
    dialog.by_mouth.setChecked(True)
    QTest.keyClick(dialog, Qt.Key.Key_Return, CTRL)
    assert desk.standing() == [Standing.OPEN]
    desk.window.customer.finish()
    assert desk.window.ticket.header.promise.isVisible()
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.standing() == []
    assert not desk.window.ticket.header.promise.isVisible()


def test_a_reply_that_would_keep_a_promise_says_so_and_a_new_time_replaces_it(desk: PromiseDesk) -> None:
    """Before it is sent: who is not done yet tells a new time in the same reply."""
    desk.key(Qt.Key.Key_W)
    dialog = desk.window.promises.dialog
    assert dialog is not None
    dialog.by_mouth.setChecked(True)
    QTest.keyClick(dialog, Qt.Key.Key_Return, CTRL)
    sheet = desk.window.ticket.composer.sheets[DraftKind.REPLY]
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_R)
    assert "keeps the promise" in sheet.promise.words.text()
    QTest.keyClicks(sheet.edit, "It takes longer, until 23:30.")
    sheet.promise.look()
    QTest.mouseClick(sheet.promise.register, Qt.MouseButton.LeftButton)
    assert desk.standing() == [Standing.OPEN, Standing.UNTOLD]
    sheet.edit.setFocus()
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.window.writing.sends.flush()
    desk.sync()
    assert sorted(desk.standing()) == [Standing.OPEN, Standing.REPLACED]
