# SPDX-License-Identifier: GPL-3.0-or-later
"""A day by keys alone: wherever a person goes, the keyboard is where the work is, and comes back from where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.test_shell import CTRL, SHIFT, Desk
from widgets.foundation import Theme
from widgets.foundation.focus import has_keyboard
from widgets.search.palette import Palette
from widgets.settings.window import SettingsWindow

KEY = Qt.Key


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(qtbot, theme, tmp_path)
    yield made
    made.window.close()


def keyboard(desk: Desk, place: QWidget) -> None:
    """Wait until the keyboard is there."""
    desk.qtbot.waitUntil(lambda: QApplication.focusWidget() is place)


@pytest.mark.ux("UX-29")
def test_every_place_that_a_key_leads_to_takes_the_keyboard(desk: Desk) -> None:
    """From the list, the composer, Needs you and an empty view alike."""
    window = desk.window
    desk.key(KEY.Key_7, CTRL)
    keyboard(desk, window.needs.listing.list)
    desk.key(KEY.Key_3, CTRL)
    keyboard(desk, window.inbox.list)
    desk.key(KEY.Key_5, CTRL)  # nothing is snoozed
    keyboard(desk, window.inbox.empty.action)
    desk.key(KEY.Key_1, CTRL)
    keyboard(desk, window.inbox.list)
    desk.key(KEY.Key_J)
    desk.key(KEY.Key_R)
    desk.type("Half a sentence")
    desk.key(KEY.Key_2, CTRL)
    keyboard(desk, window.inbox.list)
    desk.key(KEY.Key_6, CTRL)
    desk.qtbot.waitUntil(lambda: has_keyboard(window.views))  # everything is sent: there is nothing to stand on
    desk.key(KEY.Key_Left, Qt.KeyboardModifier.AltModifier)
    keyboard(desk, window.inbox.list)


@pytest.mark.ux("UX-29")
def test_the_outbox_takes_the_keyboard_when_something_waits(desk: Desk) -> None:
    desk.open(0)
    desk.key(KEY.Key_I)
    desk.key(KEY.Key_6, CTRL)
    keyboard(desk, desk.window.outbox.list)


@pytest.mark.ux("UX-29")
def test_the_menu_opened_by_key_offers_what_applies_where_the_person_is_and_gives_the_keyboard_back(desk: Desk) -> None:
    """F10 in a reply: sending is offered, and Escape is back in the text."""
    window = desk.window
    desk.open(0)
    desk.key(KEY.Key_R)
    desk.type("Words")
    edit = QApplication.focusWidget()
    desk.key(KEY.Key_F10)
    desk.qtbot.waitUntil(window.top.menu.isVisible)
    assert window.actions_.action("composer.send").isEnabled()
    QTest.keyClick(window.top.menu, KEY.Key_Escape)
    desk.qtbot.waitUntil(lambda: not window.top.menu.isVisible())
    assert QApplication.focusWidget() is edit


@pytest.mark.ux("UX-29")
def test_details_that_are_hidden_while_the_keyboard_is_in_them_hand_it_to_the_conversation(desk: Desk) -> None:
    desk.open(0)
    desk.key(KEY.Key_O)
    keyboard(desk, desk.window.customer.area)
    desk.key(KEY.Key_I, CTRL | SHIFT)
    keyboard(desk, desk.window.ticket.conversation.area)


@pytest.mark.ux("UX-29")
def test_a_ticket_chosen_in_the_palette_is_read_at_once(desk: Desk) -> None:
    """Also when no ticket was open before."""
    desk.key(KEY.Key_K, CTRL)
    palette = next(w for w in desk.window.findChildren(Palette) if w.isVisible())
    palette.field.setText("VPN")
    place = next(i for i, option in enumerate(palette.model.options) if isinstance(option.value, bytes))
    palette.list.setCurrentIndex(palette.model.index(place))
    QTest.keyClick(palette.field, KEY.Key_Return)
    keyboard(desk, desk.window.ticket.conversation.area)
    desk.qtbot.waitUntil(lambda: desk.window.desk.details is not None)


@pytest.mark.ux("UX-24")
def test_every_view_and_the_state_of_sync_are_found_in_the_palette(desk: Desk) -> None:
    """What the mouse reaches at the side and at the foot has its line there, too."""
    desk.key(KEY.Key_K, CTRL)
    palette = next(w for w in desk.window.findChildren(Palette) if w.isVisible())
    offered = {option.text for option in palette.model.options}
    assert {"All open tickets", "Solved", "All tickets", "How sync stands…", "Switch the language"} <= offered
    palette.close()
    desk.window.registry.run("nav.solved")
    assert desk.window.inbox.title.text() == "Solved"


def test_settings_begin_with_the_first_one_that_can_be_set(desk: Desk) -> None:
    """And Escape leaves them."""
    desk.key(KEY.Key_Comma, CTRL)
    dialog = next(w for w in desk.window.findChildren(SettingsWindow) if w.isVisible())
    desk.qtbot.waitUntil(lambda: QApplication.focusWidget() is dialog.language)
    desk.key(KEY.Key_Escape)
    desk.qtbot.waitUntil(lambda: not any(w.isVisible() for w in desk.window.findChildren(SettingsWindow)))
