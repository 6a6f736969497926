# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings window as a person uses it: what changes acts, what is locked says by whom, keys never clash."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.commands.table import AGENT
from app.config import settings as conf
from app.config.settings import Settings
from tests.widgets.test_shell import Desk
from widgets.foundation import Theme
from widgets.settings.keys import KeysWindow
from widgets.settings.window import SettingsWindow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.json", {"notices.hide_text": True, "composer.undo_send_s": 10})


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: Settings) -> SettingsWindow:
    settings.sources = {"notices.hide_text": Path("/etc/deskside/policies/managed/10-privacy.json")}
    made = SettingsWindow(theme, settings)
    qtbot.addWidget(made)
    made.show()
    return made


def test_what_the_organisation_set_is_shown_with_its_value_and_says_who_and_where(window: SettingsWindow) -> None:
    """F31: it cannot be changed, and a screen reader says why."""
    assert window.hide_text.isChecked()
    assert not window.hide_text.isEnabled()
    assert "/etc/deskside/policies/managed/10-privacy.json" in window.hide_text.accessibleDescription()
    assert window.undo_send.currentText() == "10 seconds"
    assert not window.undo_send.isEnabled()
    assert "organisation" in window.undo_send.accessibleDescription()


def test_quiet_hours_are_kept_as_two_times_and_off_again(window: SettingsWindow, settings: Settings) -> None:
    """Switched on they begin with the usual night."""
    window.quiet.setChecked(True)
    assert settings.get(conf.QUIET_HOURS) == "20:00-08:00"
    QTest.keyClicks(window.quiet_to, "07:3")
    assert settings.get(conf.QUIET_HOURS) == "20:00-07:30"
    window.quiet.setChecked(False)
    assert settings.get(conf.QUIET_HOURS) == ""
    assert not window.quiet_from.isEnabled()


def test_every_field_has_a_name_and_can_be_reached_by_tab(window: SettingsWindow) -> None:
    """Keyboard alone does everything."""
    fields = [
        window.language, window.theme, window.size_box, window.motion, window.single_keys, window.shortcuts,
        window.notices, window.quiet, window.tray, window.crash_reports,
    ]  # fmt: skip
    for field in fields:
        assert field.accessibleName() or field.text()  # type: ignore[attr-defined]  # a box has a name, a check a text
        assert field.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.fixture
def keys(qtbot: QtBot, theme: Theme, settings: Settings) -> KeysWindow:
    made = KeysWindow(theme, settings, AGENT)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.ux("UX-28")
def test_a_key_that_is_taken_is_refused_by_the_name_of_the_other_command(
    qtbot: QtBot, keys: KeysWindow, settings: Settings
) -> None:
    """And a free one is taken, kept and shown; the delivered one comes back."""
    keys.choose("ticket.solve")
    keys.key.setKeySequence(QKeySequence("R"))
    keys.take.click()
    assert "“Write reply”" in keys.problem.text.text()
    assert settings.get(conf.KEYS) == ""
    keys.key.setKeySequence(QKeySequence("Ctrl+Space"))
    keys.take.click()
    assert "input methods" in keys.problem.text.text()
    keys.key.setKeySequence(QKeySequence("Ctrl+E"))
    with qtbot.waitSignal(keys.changed):
        keys.take.click()
    assert settings.get(conf.KEYS) == "ticket.solve=Ctrl+E"
    assert keys.shown()["ticket.solve"] == "Ctrl+E"
    keys.usual.click()
    assert keys.shown()["ticket.solve"] == "E"
    assert settings.get(conf.KEYS) == ""


@pytest.mark.ux("UX-28")
def test_a_changed_key_works_at_once(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """The old one does nothing any more."""
    desk = Desk(qtbot, theme, tmp_path)
    desk.settings.set(conf.KEYS, "help.keys=Ctrl+E")
    desk.window.use_keys()
    assert [s.toString() for s in desk.window.actions_.action("help.keys").shortcuts()] == ["Ctrl+E"]
    opened: list[bool] = []
    desk.window.registry.bind("help.keys", lambda: opened.append(True))
    QTest.keyClick(desk.window.inbox.list, Qt.Key.Key_F1)
    assert opened == []
    QTest.keyClick(desk.window.inbox.list, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert opened == [True]
    desk.window.close()
