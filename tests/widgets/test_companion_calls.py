# SPDX-License-Identifier: GPL-3.0-or-later
"""In the Companion a customer reads the acknowledgment, chooses a half hour for a call, and sees how it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.desktop.companion_store import WrittenItem
from app.domain.callbacks import SLOT_MS
from app.entry.companion_rows import with_calls
from tests.widgets import scenes_companion as scenes
from widgets.companion.calls import CallPart
from widgets.companion.compose import TicketWindow
from widgets.companion.model import CallLine
from widgets.foundation import Theme

_NOW = scenes._NOW_MS


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> TicketWindow:
    """A request that was just acknowledged."""
    made = TicketWindow(theme, scenes.sample_calling(), lambda: _NOW)
    qtbot.addWidget(made)
    made.show()
    return made


def _call(part: CallPart, state: str, *, pending: bool = False) -> None:
    ticket = scenes.sample_calling()
    call = CallLine("c1", state, ticket.slots[2], ticket.phone, owed=True, pending=pending)
    part.show_ticket(replace(ticket, calls=(call,)))


def test_a_customer_reads_name_number_and_times_and_chooses_a_half_hour(window: TicketWindow) -> None:
    """With the keyboard alone too; a number that is none cannot be sent."""
    part = window.calls
    for said in ("Park Minsu", "#4182", "at the latest"):
        assert said in part.told.text()
    asked: list[tuple[str, object, str]] = []
    part.asked.connect(lambda *said: asked.append(said))
    QTest.keyClick(part.open, Qt.Key.Key_Space)
    assert part.slots.isVisible()
    assert part.slots.count() == 8
    part.phone.setText("nobody")
    assert not part.send.isEnabled()
    part.phone.setText("010-2345-6789")
    part.slots.setCurrentIndex(1)
    QTest.keyClick(part.send, Qt.Key.Key_Space)
    assert asked == [("t1", scenes.sample_calling().slots[1], "010-2345-6789")]
    assert not part.slots.isVisible()


def test_a_wish_made_offline_says_that_it_is_not_confirmed(window: TicketWindow) -> None:
    """Only the server says yes."""
    _call(window.calls, "requested", pending=True)
    assert "not confirmed" in window.calls.state.text()
    _call(window.calls, "confirmed")
    assert window.calls.state.text().startswith("We call you")
    _call(window.calls, "missed")
    assert "sorry" in window.calls.state.text()
    assert window.calls.open.isVisible()
    assert not window.calls.cancel.isVisible()


def test_a_customer_cancels_a_call(window: TicketWindow) -> None:
    """One press, with the ticket and the call."""
    gone: list[tuple[str, str]] = []
    window.calls.cancelled.connect(lambda *said: gone.append(said))
    _call(window.calls, "confirmed")
    QTest.mouseClick(window.calls.cancel, Qt.MouseButton.LeftButton)
    assert gone == [("t1", "c1")]


def test_a_no_offers_a_call_in_the_same_answer(window: TicketWindow) -> None:
    """Either question; a yes to both offers nothing."""
    window.show_ticket(replace(scenes.sample_calling(), asked=True))
    window.check.choose(0, yes=True)
    window.check.choose(1, yes=False)
    QTest.mouseClick(window.check.send, Qt.MouseButton.LeftButton)
    assert window.calls.slots.isVisible()
    assert "Shall we call you?" in window.calls.state.text()


def test_the_acknowledgment_goes_once_somebody_answered(window: TicketWindow) -> None:
    """Its times say nothing any more."""
    answered = replace(scenes.sample_calling(), messages=scenes.sample_home().tickets[0].messages)
    window.show_ticket(answered)
    assert not window.calls.told.isVisible()


def test_what_was_asked_for_here_stands_on_the_ticket_until_the_server_has_it() -> None:
    """And a call that was cancelled here is owed no more."""
    ticket = scenes.sample_calling()
    start = ticket.slots[0]
    ask = f'{{"id":"a1","ticket":"t1","slot_start":{start},"phone":"+8210"}}'.encode()
    item = WrittenItem("a1", "call", "t1", "Call", ask, _NOW)
    (call,) = with_calls(ticket, [item]).calls
    assert (call.start_ms, call.pending, call.owed) == (start, True, True)
    assert with_calls(ticket, [replace(item, state="sent")]) == ticket
    there = replace(ticket, calls=(CallLine("c1", "confirmed", start + SLOT_MS, "+8210", owed=True),))
    cancel = WrittenItem("u1", "uncall", "t1", "", b'{"id":"u1","call":"c1","ticket":"t1"}', _NOW)
    assert not with_calls(there, [cancel]).calls[0].owed
