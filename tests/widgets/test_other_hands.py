# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader presses, chooses or writes does what mouse and keyboard do."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.domain.assist import TargetChoice
from widgets.companion.targets import TargetChooser
from widgets.foundation import Button, Theme
from widgets.search.field import SearchField


def _press(widget: QWidget, action: str) -> None:
    """As a screen reader does."""
    interface = QAccessible.queryAccessibleInterface(widget)
    assert interface is not None
    actions = interface.actionInterface()
    assert actions is not None
    assert action in actions.actionNames()
    actions.doAction(action)


def test_a_button_that_stays_down_works_when_a_screen_reader_presses_it(theme: Theme, qtbot: QtBot) -> None:
    """Once, as by the mouse; that the program itself shows it pressed does nothing."""
    pressed: list[bool] = []
    button = Button(theme, "My tickets", pressed=lambda: pressed.append(button.isChecked()))
    qtbot.addWidget(button)
    button.setCheckable(True)
    _press(button, "Toggle")
    assert pressed == [True]
    button.click()
    assert pressed == [True, False]
    button.setChecked(True)
    assert pressed == [True, False]


def test_what_a_screen_reader_chooses_is_what_will_be_shared(theme: Theme, qtbot: QtBot) -> None:
    """The mark on "Whole screen" and what is looked at must never differ."""
    chooser = TargetChooser(theme)
    qtbot.addWidget(chooser)
    window, screen = (TargetChoice(kind, kind, "Notes", (0, 0, 800, 600)) for kind in ("window", "screen"))
    chooser.show_targets((window, screen))
    assert chooser.target is window
    with qtbot.waitSignal(chooser.chosen) as chosen:
        _press(chooser.whole_screen, "Toggle")
    assert chosen.args == ["screen", "screen"]
    assert chooser.target is screen


def test_tab_leads_to_the_choice_that_stands(theme: Theme, qtbot: QtBot) -> None:
    """From the first on, not to whichever of the three comes first."""
    chooser = TargetChooser(theme)
    qtbot.addWidget(chooser)
    chooser.show_targets([TargetChoice("screen", "screen", "", (0, 0, 800, 600))])
    tabbed = Qt.FocusPolicy.TabFocus
    assert chooser.whole_screen.focusPolicy() & tabbed == tabbed
    assert not chooser.a_region.focusPolicy() & tabbed


def test_a_choice_is_told_once(theme: Theme, qtbot: QtBot) -> None:
    """Each telling starts a new picture."""
    chooser = TargetChooser(theme)
    qtbot.addWidget(chooser)
    chooser.show_targets([TargetChoice(kind, kind, "", (0, 0, 800, 600)) for kind in ("window", "screen")])
    told: list[str] = []
    chooser.chosen.connect(lambda target, _kind: told.append(target))
    chooser.whole_screen.click()
    chooser.pick(chooser.one_window)
    chooser.pick(chooser.one_window)
    assert told == ["screen", "window", "window"]


@pytest.mark.ux("UX-66")
def test_words_that_are_dictated_into_the_search_are_looked_for(theme: Theme, qtbot: QtBot) -> None:
    """No key is pressed: the whole text comes at once."""
    field = SearchField(theme)
    qtbot.addWidget(field)
    interface = QAccessible.queryAccessibleInterface(field)
    assert interface is not None
    with qtbot.waitSignal(field.searched) as searched:
        interface.setText(QAccessible.Text.Value, "전표")
    assert searched.args == ["전표"]
