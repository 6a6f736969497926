# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in the agent's window, over real files and a real server: planned by key, worked off, never forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.callbacks import GRACE_MS, SLOT_MS, Callback, CallState
from app.domain.entities import CALENDAR, CALENDAR_SPANS, NOTE, REF_SCOPE, TEAM, TIME_ENTRY, USER
from app.domain.ids import TicketId
from app.domain.notices import NoticeKind
from app.domain.ports import DraftKind
from sync.server.bulk import load_rows
from sync.server.callbacks import Callbacks
from sync.server.schema import ENTITY_TABLES
from tests.server.world import NewRow
from tests.sync.desk import Client, Desk
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme
from widgets.reports.callbacks import CallsWindow

_DAY = 86_400
_CALENDAR = b"calendar-of-all!"
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class CallDesk(RealDesk):
    """The window of a lead with one ticket open."""

    ticket: TicketId

    def calls(self) -> tuple[Callback, ...]:
        """The calls of the ticket, newest first."""
        return self.details(self.ticket).related.calls

    def plan(self) -> Callback:
        """Plan a call in the first half hour that is free, by keyboard."""
        self.key(Qt.Key.Key_C)
        part = self.window.calls
        assert part is not None
        assert part.dialog is not None
        part.dialog.phone.setText("010-2345-6789")
        part.dialog.submit()
        return self.calls()[0]

    @staticmethod
    def cell(shown: CallsWindow, place: int) -> str:
        """What stands in the first line of the list."""
        item = shown.table.item(0, place)
        return item.text() if item is not None else ""

    def listed(self) -> CallsWindow:
        """Open the calls to make."""
        self.key(Qt.Key.Key_D, CTRL_SHIFT)
        assert self.window.calls is not None
        shown = self.window.calls.list
        assert shown is not None
        return shown


def _prepare(server: Desk) -> None:
    """Everybody is there day and night; kim is a lead."""
    today = server.clock() // 1000 // _DAY * _DAY
    spans = json.dumps([[today - _DAY, today + 30 * _DAY]])
    rows = [
        NewRow(CALENDAR.number, _CALENDAR, REF_SCOPE, {"name": "all", "zone": "UTC"}),
        NewRow(CALENDAR_SPANS.number, b"spans-of-all-day", REF_SCOPE, {"calendar": _CALENDAR, "spans": spans}),
    ]
    server.store.write(lambda cx: load_rows(cx, rows))
    team, user = ENTITY_TABLES[TEAM.number], ENTITY_TABLES[USER.number]
    server.store.write(lambda cx: cx.execute(team.update().values(calendar=_CALENDAR)))
    server.store.write(lambda cx: cx.execute(user.update().values(roles='["agent","lead"]')))


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, server: Desk, tmp_path: Path) -> Iterator[CallDesk]:
    """The lead's window."""
    _prepare(server)
    kim = Client(server, tmp_path / "kim")
    kim.sync()
    ticket = TicketId(kim.new_ticket())
    kim.sync()
    made = CallDesk(qtbot, theme, kim, tmp_path)
    made.ticket = ticket
    made.open(ticket)
    yield made
    made.window.close()
    kim.close()
    set_language("en")


def test_a_call_is_planned_by_key_and_only_the_server_confirms_it(desk: CallDesk) -> None:
    """Until then the ticket says so."""
    call = desk.plan()
    assert (call.state, call.pending) == (CallState.REQUESTED, True)
    shown = desk.listed()
    assert "not confirmed" in desk.cell(shown, 0)
    desk.sync()
    assert desk.calls()[0].state is CallState.CONFIRMED


def test_the_days_calls_are_worked_off_by_keyboard_with_time_and_note(desk: CallDesk) -> None:
    """Reached ends a call; what was said and how long stands on the ticket, and all of it goes to the server."""
    desk.plan()
    desk.sync()
    shown = desk.listed()
    assert shown.table.rowCount() == 1
    assert "010-2345-6789" in desk.cell(shown, 2)
    QTest.keyClick(shown.take, Qt.Key.Key_Space)
    assert desk.calls()[0].assignee is not None
    shown.note.setText("전원을 바꿔 보기로 함")
    shown.minutes.setValue(7)
    QTest.keyClick(shown.tried, Qt.Key.Key_Space)
    assert desk.calls()[0].attempts == 1
    assert shown.table.rowCount() == 1
    QTest.keyClick(shown.reached, Qt.Key.Key_Space)
    assert desk.calls()[0].state is CallState.DONE
    assert shown.table.rowCount() == 0
    desk.sync()
    server = desk.client.desk
    assert [row["duration_s"] for row in server.rows(TIME_ENTRY.number)] == [420]
    assert [row["body"] for row in server.rows(NOTE.number)] == ["전원을 바꿔 보기로 함"]


def test_a_missed_call_reaches_the_lead_and_an_apology_with_new_times_is_drafted(desk: CallDesk) -> None:
    """The lead is told at slot end and ten minutes; nothing is sent by itself."""
    call = desk.plan()
    desk.sync()
    server, notices = desk.client.desk, desk.client.profile.notices
    notices.collect(loaded=True)
    server.clock.ms = call.start + SLOT_MS + GRACE_MS - 1000
    assert NoticeKind.CALL_MISSED not in {each.kind for each in notices.collect(loaded=True)}
    server.clock.ms += 1000
    told = [each for each in notices.collect(loaded=True) if each.kind is NoticeKind.CALL_MISSED]
    assert [each.at for each in told] == [call.start + SLOT_MS + GRACE_MS]
    Callbacks(server.store, server.clock).run()
    desk.sync()
    assert desk.calls()[0].state is CallState.MISSED
    again = [each for each in notices.collect(loaded=True) if each.kind is NoticeKind.CALL_MISSED]
    assert [each.id for each in again] == [each.id for each in told]  # one notice, whoever said it first
    desk.open(desk.ticket)
    shown = desk.listed()
    assert "missed" in desk.cell(shown, 0)
    QTest.keyClick(shown.sorry, Qt.Key.Key_Space)
    text = desk.window.ticket.composer.sheets[DraftKind.REPLY].edit.toPlainText()
    assert "죄송합니다" in text
    assert text.count("\n- ") == 3
    QTest.keyClick(shown.off, Qt.Key.Key_Space)
    assert shown.table.rowCount() == 0
    assert desk.calls()[0].state is CallState.MISSED  # it stays in the report


def test_a_call_that_was_taken_back_can_be_asked_for_again(desk: CallDesk) -> None:
    """Undo of planning cancels it, undo of cancelling asks again."""
    desk.plan()
    desk.window.desk.undo()
    assert desk.calls()[0].state is CallState.CANCELLED
    desk.plan()
    shown = desk.listed()
    QTest.keyClick(shown.off, Qt.Key.Key_Space)
    assert desk.calls()[0].state is CallState.CANCELLED
    desk.window.desk.undo()
    desk.sync()
    assert CallState.CONFIRMED in {each.state for each in desk.calls()}
