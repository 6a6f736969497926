# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending without a network, over a real profile and a real server: listed, counted, taken back, tried again, kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.changes import MessageAdd
from app.domain.ids import new_id
from app.domain.ports import DraftKind
from app.services.needs_you import Action
from tests.sync.desk import Client, Desk
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.mark.ux("UX-07")
def test_send_works_offline_and_what_failed_stays_until_a_person_acts(
    qtbot: QtBot, theme: Theme, server: Desk, kim: Client, tmp_path: Path
) -> None:
    """A reply is listed and counted, taken back, sent again and tried again; one that is held waits for its author."""
    ticket = kim.new_ticket()
    kim.sync()
    lee = Client(server, tmp_path / "lee", "lee")
    lee.sync()
    lee.do(MessageAdd(new_id(), new_id(), ticket, "It works again", inbound=True))
    lee.sync()
    lee.close()
    kim.line.down = True
    desk = RealDesk(qtbot, theme, kim, tmp_path)
    window, edit = desk.window, desk.window.ticket.composer.sheets[DraftKind.REPLY].edit
    desk.open(ticket)
    desk.key(Qt.Key.Key_R)
    QTest.keyClicks(edit, "Please restart it")
    desk.key(Qt.Key.Key_Return, CTRL)
    window.go_outbox()
    assert window.outbox.model.rowCount() == 1
    assert window.views.outbox.count() == 1
    window.outbox.back.click()  # cancel
    assert edit.toPlainText() == "Please restart it"
    assert not kim.profile.queries.outbox()
    edit.setFocus()
    desk.key(Qt.Key.Key_Return, CTRL)
    window.go_outbox()
    window.outbox.hurry.click()
    assert [item.name for item in kim.profile.queries.outbox()] == ["message.add"]
    assert "1 change is safe on this computer" in window.outbox.words.text()
    tries = desk.link.syncs
    window.outbox.send.click()  # retry
    assert desk.link.syncs == tries + 1
    assert not kim.sync()  # there is no network still
    assert len(kim.profile.queries.outbox()) == 1

    kim.line.down = False
    desk.sync()
    assert not kim.profile.queries.outbox()
    for _ in range(2):  # the customer wrote first: it is held, and nothing but a person takes it away
        assert kim.profile.numbers().needs_you == 1
        kim.restart_worker()
        desk.sync()
    window.go_needs_you()
    window.needs.detail.buttons[Action.RELEASE].click()
    desk.sync()
    assert kim.profile.numbers().needs_you == 0
    assert [item.body for item in desk.details(ticket).items].count("Please restart it") == 1
    window.close()
