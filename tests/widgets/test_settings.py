# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings window as a person uses it: what changes acts, what is locked says by whom, keys never clash."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.commands.table import AGENT
from app.config import settings as conf
from app.config.i18n import language
from app.config.policy_schema import example, policies
from app.config.policy_view import value_text
from app.config.settings import Setting, Settings
from tests.widgets.scenes_policies import settings_of_an_organisation
from tests.widgets.test_shell import Desk
from widgets.foundation import Theme
from widgets.settings.keys import KeysWindow
from widgets.settings.policies import PoliciesWindow
from widgets.settings.window import SettingsWindow

_FILE: Final = Path("/etc/deskside/policies/managed/10-privacy.json")


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


@pytest.mark.parametrize("setting", policies(), ids=lambda setting: setting.key)
def test_every_policy_locks_its_control_says_why_and_stands_in_the_list(
    qtbot: QtBot, theme: Theme, tmp_path: Path, setting: Setting[Any]
) -> None:
    """A new policy is shown without anybody thinking of it, and no control that it sets stays open."""
    settings = Settings(tmp_path / "settings.json", {setting.key: example(setting)})
    settings.sources = {setting.key: _FILE}
    window = SettingsWindow(theme, settings)
    qtbot.addWidget(window)
    if (control := window.control(setting)) is not None:
        assert not control.isEnabled()
        assert str(_FILE) in control.accessibleDescription()
    assert "1 setting is set" in window.organisation.text()
    policies_window = PoliciesWindow(theme, settings)
    qtbot.addWidget(policies_window)
    ((label, value, how, file),) = policies_window.shown()
    assert (label, how, file) == (setting.label, "Fixed", _FILE.name)
    assert value == value_text(setting, example(setting))
    assert setting.key in policies_window.place.text()


@pytest.mark.parametrize("setting", [s for s in policies() if not s.managed_only], ids=lambda setting: setting.key)
def test_a_preset_leaves_its_control_open(qtbot: QtBot, theme: Theme, tmp_path: Path, setting: Setting[Any]) -> None:
    """And the list says that it can be changed."""
    settings = Settings(tmp_path / "settings.json", recommended={setting.key: example(setting)})
    settings.preset_sources = {setting.key: _FILE}
    window = SettingsWindow(theme, settings)
    qtbot.addWidget(window)
    control = window.control(setting)
    assert control is None or control.isEnabled()
    policies_window = PoliciesWindow(theme, settings)
    qtbot.addWidget(policies_window)
    assert [line[2] for line in policies_window.shown()] == ["Preset, you can change it"]


def test_mistakes_in_the_organisations_files_are_shown_and_copied_with_all_values(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    """For a message to whoever looks after the computer."""
    settings = settings_of_an_organisation(tmp_path / "settings.json")
    window = SettingsWindow(theme, settings)
    qtbot.addWidget(window)
    assert "2 places in its files are wrong" in window.organisation.text()
    shown = PoliciesWindow(theme, settings)
    qtbot.addWidget(shown)
    shown.show()
    assert "session.allow_control" in shown.problems.text.text()
    assert ("Theme", "Dark", "Preset, you chose another", "10-hanbit.json") in shown.shown()
    QTest.keyClick(shown.list, Qt.Key.Key_Down)
    assert "https://desk.hanbit.example" in shown.place.text()
    shown.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "session.max_minutes = 30 minutes (Fixed, /etc/deskside/policies/managed/10-hanbit.json)" in copied
    assert "! Policy file /etc/deskside/policies/managed/30-old.json" in copied


def test_the_list_of_policies_opens_from_the_settings_and_as_a_command(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    """By the palette and the menu, too; without policies it says that everything is one's own to choose."""
    desk = Desk(qtbot, theme, tmp_path)
    desk.window.registry.run("app.policies")
    (shown,) = desk.window.findChildren(PoliciesWindow)
    assert shown.isVisible()
    assert "nothing" in shown.about.text()
    shown.close()
    desk.window.registry.run("app.settings")
    (settings_window,) = desk.window.findChildren(SettingsWindow)
    settings_window.policies.click()
    assert [found.isVisible() for found in settings_window.findChildren(PoliciesWindow)] == [True]
    desk.window.close()


def test_a_language_that_is_fixed_stays_and_the_command_says_why(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """A command that silently does nothing reads as a fault."""
    desk = Desk(qtbot, theme, tmp_path)
    desk.settings.managed = {"ui.language": "en"}
    desk.settings.sources = {"ui.language": _FILE}
    desk.window.registry.run("app.language")
    assert language() == "en"
    assert (
        f"Language: Set by your organisation, so it cannot be changed here. It stands in {_FILE}."
        in desk.window.toast.text()
    )
    desk.window.close()
