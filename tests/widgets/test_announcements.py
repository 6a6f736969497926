# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does not see it hears it, once: what was done, news of the ticket in front, targets, what is allowed, stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.assist import Scope
from app.domain.ids import TicketId
from app.domain.notices import Moment, Notice, NoticeEvent, NoticeKind
from app.services.notice_desk import NoticeDesk
from app.services.texts_notices import spoken
from widgets.companion.bar import SharingBar
from widgets.foundation import Theme, Toast, announce

TICKET = TicketId(b"t" * 16)
POLITE, URGENT = QAccessible.AnnouncementPoliteness.Polite, QAccessible.AnnouncementPoliteness.Assertive
Said = list[tuple[str, QAccessible.AnnouncementPoliteness]]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[Said]:
    """What screen readers are told."""
    out: Said = []

    def hear(event: QAccessibleEvent) -> None:
        if isinstance(event, QAccessibleAnnouncementEvent):
            out.append((event.message(), event.politeness()))

    monkeypatch.setattr(QAccessible, "updateAccessibility", hear)
    yield out
    set_language("en")


@pytest.mark.ux("UX-64")
def test_what_was_done_is_said_once(qtbot: QtBot, theme: Theme, said: Said) -> None:
    """A line at the foot of the window, politely."""
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    toast = Toast(theme, window, undo="Undo", close="Close")
    toast.tell("Solved #4182")
    toast.hide()
    toast.show()
    assert said == [("Solved #4182", POLITE)]


@pytest.mark.ux("UX-64")
def test_a_new_message_and_a_target_that_is_near_are_said_once_when_their_ticket_is_in_front(
    qtbot: QtBot, said: Said
) -> None:
    """Other tickets have their notice, which the desktop reads out."""
    window = QWidget()
    qtbot.addWidget(window)
    told: list[Notice] = []

    def tell(notice: Notice, done: Callable[[bool], object]) -> None:
        told.append(notice)
        done(True)

    def speak(events: Sequence[NoticeEvent]) -> None:
        announce(window, spoken(events, time_of_day=lambda _ms: "14:30"))

    desk = NoticeDesk([tell], lambda: Moment(10, 600, front=TICKET), lambda _events: None, speak)
    events = [
        NoticeEvent(b"1" * 16, TICKET, NoticeKind.MESSAGE, 1, "#1", "x", "박민수", "It stops again"),
        NoticeEvent(b"2" * 16, TICKET, NoticeKind.SLA, 2, "#1", "x", "박민수", "1000"),
        NoticeEvent(b"3" * 16, TicketId(b"o" * 16), NoticeKind.MESSAGE, 3),
    ]
    for _again in range(3):
        desk.take(events)
    assert said == [("박민수 wrote: It stops again. It is due at 14:30", POLITE)]
    assert len(told) == 1


@pytest.mark.ux("UX-64")
def test_what_is_allowed_and_what_is_stopped_is_said_and_stops_interrupt(
    qtbot: QtBot, theme: Theme, said: Said
) -> None:
    """On the customer's bar: each new state once, however often it is shown."""
    bar = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(bar)
    bar.show()

    def show(*grants: Scope, paused: bool = False) -> None:
        bar.show_sharing(
            "Printer settings", paused=paused, lost=False, number="482 917", live=True, grants=(Scope.VIEW, *grants)
        )

    for _again in range(3):
        show()
    show(Scope.CONTROL)
    show(Scope.CONTROL)
    allowed = [text for text, _how in said if text.startswith("Allowed now")]
    assert len(allowed) == 1
    said.clear()
    show(Scope.CONTROL, paused=True)
    show(Scope.CONTROL, paused=True)
    assert [how for _text, how in said] == [URGENT]
    bar.end()
