# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is at a ticket, as the agent sees and hears it; and what colleagues are told of the agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.domain.entities import TICKET
from app.domain.ids import UserId
from app.domain.ports import SyncPhase, SyncStatus
from tests.fakes.queries import NOW_MS, ticket_id
from tests.widgets.test_shell import Desk
from widgets.foundation import Theme
from widgets.shell import presence as presence_module


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Desk:
    made = Desk(qtbot, theme, tmp_path)
    made.open(0)
    return made


def others(desk: Desk) -> list[UserId]:
    return [user for user in desk.window.desk.choices.users if user != desk.window.desk.me]


def heard(desk: Desk, word: str, who: UserId, ticket: int = 0) -> None:
    desk.window.presence.desk.heard(TICKET.number, ticket_id(ticket), word, who)


@pytest.mark.ux("UX-19")
def test_who_looks_and_who_writes_differ_in_icon_and_words_and_nothing_is_locked(desk: Desk) -> None:
    head, names = desk.window.ticket.header.presence, desk.window.desk.choices.users
    assert not head.isVisible()
    choi, lee = others(desk)[:2]
    heard(desk, "reading", choi)
    heard(desk, "writing", lee)
    assert head.reading.isVisible()
    assert head.reading.words.text() == f"{names[choi]} is looking"
    assert head.reading.words.width() >= head.reading.words.sizeHint().width()
    assert head.writing.words.text() == f"{names[lee]} is writing"
    assert head.reading.words.accessibleName() == f"{names[choi]} is looking"
    assert head.reading.picture.pixmap().toImage() != head.writing.picture.pixmap().toImage()
    desk.key(Qt.Key.Key_R)
    desk.type("I write all the same")
    assert desk.composer.is_writing()
    heard(desk, "gone", lee)
    heard(desk, "gone", choi)
    assert not head.isVisible()


@pytest.mark.ux("UX-19")
def test_offline_it_says_unknown_and_old_names_do_not_come_back(desk: Desk) -> None:
    head, window = desk.window.ticket.header.presence, desk.window
    heard(desk, "writing", others(desk)[0])
    window.show_status(SyncStatus(SyncPhase.OFFLINE, NOW_MS))
    assert head.unknown.isVisible()
    assert "unknown" in head.unknown.words.text()
    assert not head.writing.isVisible()
    window.show_status(SyncStatus(SyncPhase.LIVE, NOW_MS))
    assert not head.isVisible()


@pytest.mark.ux("UX-19")
def test_in_the_list_a_screen_reader_says_that_others_write(desk: Desk) -> None:
    model = desk.window.inbox.model
    place = next(n for n in range(model.rowCount(QModelIndex())) if model.id_at(n) == ticket_id(0))

    def spoken() -> str:
        return str(model.data(model.index(place), Qt.ItemDataRole.AccessibleTextRole))

    assert "others are writing" not in spoken()
    heard(desk, "writing", others(desk)[0])
    assert "others are writing" in spoken()
    heard(desk, "reading", others(desk)[0])
    assert "others are writing" not in spoken()


def test_who_comes_and_who_begins_to_write_is_spoken_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def speak(_widget: QWidget, text: str) -> None:
        said.append(text)

    monkeypatch.setattr(presence_module, "announce", speak)
    who = others(desk)[0]
    name = desk.window.desk.choices.users[who]
    for word in ("reading", "reading", "writing", "writing"):
        heard(desk, word, who)
    heard(desk, "writing", who, ticket=1)  # not the ticket in front
    assert said == [f"{name} is looking", f"{name} is writing"]


def test_colleagues_are_told_what_one_does_and_that_one_left(desk: Desk, qtbot: QtBot) -> None:
    told, first = desk.link.presences, ticket_id(0)
    qtbot.waitUntil(lambda: told == [(first, "reading")])
    desk.key(Qt.Key.Key_R)
    desk.type("Hello")
    qtbot.waitUntil(lambda: told[-1] == (first, "writing"))
    desk.open(1)
    qtbot.waitUntil(lambda: told[-2:] == [(first, "gone"), (ticket_id(1), "reading")])
    desk.window.close()
    assert told[-1] == (ticket_id(1), "gone")


def test_ones_own_hint_from_another_computer_is_not_somebody_else(desk: Desk) -> None:
    assert desk.window.desk.me is not None
    heard(desk, "writing", desk.window.desk.me)
    assert not desk.window.ticket.header.presence.isVisible()
