# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: kept between starts, never in the way of starting, and stronger when the organisation sets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.config.settings import (
    DECLARED,
    LOGIN,
    SERVER_URL,
    TEXT_PERCENT,
    THEME,
    UNDO_SEND_S,
    Hours,
    SettingLocked,
    Settings,
    Theme,
)


def test_a_changed_setting_is_there_after_a_restart(tmp_path: Path) -> None:
    """What was chosen is found again, in its own type."""
    path = tmp_path / "new folder" / "settings.json"
    Settings.load(path).set(THEME, Theme.DARK)
    assert Settings.load(path).get(THEME) is Theme.DARK
    assert Settings.load(path).warnings == []


def test_a_new_installation_has_defaults_and_no_warning(tmp_path: Path) -> None:
    """No file is no fault."""
    settings = Settings.load(tmp_path / "settings.json")
    assert settings.get(UNDO_SEND_S) == 5
    assert settings.warnings == []


def test_a_damaged_file_gives_defaults_a_warning_and_is_kept(tmp_path: Path) -> None:
    """The program starts, says what happened, and the old file can be looked at."""
    path = tmp_path / "settings.json"
    path.write_text("ui.theme dark", "utf-8")
    settings = Settings.load(path)
    assert settings.get(THEME) is Theme.SYSTEM
    assert str(path) in settings.warnings[0]
    assert (tmp_path / "settings.broken.json").read_text("utf-8") == "ui.theme dark"


def test_a_hand_written_file_with_mistakes_is_told_line_by_line_and_the_rest_counts(tmp_path: Path) -> None:
    """A forgotten quote, a value that is not allowed; the file as it was is kept aside."""
    path = tmp_path / "settings.json"
    text = """{
  "ui.theme": "dark",
  "server.login": jiwoo,
  "composer.undo_send_s": 99,
  "ui.text_percent": 125
}
"""
    path.write_text(text, "utf-8")
    settings = Settings.load(path)
    assert (settings.get(THEME), settings.get(TEXT_PERCENT), settings.get(UNDO_SEND_S)) == (Theme.DARK, 125, 5)
    assert [warning.partition(" of ")[0] for warning in settings.warnings][:1] == ["Line 3"]
    assert settings.warnings[1].startswith("Line 4: ")
    assert (tmp_path / "settings.broken.json").read_text("utf-8") == text
    settings.set(THEME, Theme.LIGHT)
    assert Settings.load(path).get(TEXT_PERCENT) == 125


@pytest.mark.parametrize("text", ['{"ui.theme": "dark"', '"ui.theme": "dark"', '{"ui.theme": "dark",}'])
def test_a_forgotten_bracket_or_comma_costs_nothing(tmp_path: Path, text: str) -> None:
    """It is told, and what stands there counts."""
    path = tmp_path / "settings.json"
    path.write_text(text, "utf-8")
    settings = Settings.load(path)
    assert settings.get(THEME) is Theme.DARK
    assert settings.warnings[0].startswith("Line 1 ")


@pytest.mark.parametrize(("text", "span"), [("", None), ("20:00-08:00", (1200, 480)), ("00:00-23:59", (0, 1439))])
def test_quiet_hours_are_two_times(text: str, span: tuple[int, int] | None) -> None:
    """Anything else is refused."""
    found = Hours(text).span
    assert (None if found is None else (found.begin_min, found.end_min)) == span
    for bad in ("8-20", "20:00", "24:00-08:00", "20:00-08:60"):
        with pytest.raises(ValueError, match=bad):
            Hours(bad)


@pytest.mark.parametrize(
    "raw", [{"ui.theme": "pink"}, {"composer.undo_send_s": 31}, {"composer.undo_send_s": True}, {"server.url": 5}]
)
def test_a_value_that_is_not_allowed_is_ignored_and_told(tmp_path: Path, raw: dict[str, object]) -> None:
    """One bad value costs that value only."""
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({**raw, "server.login": "jiwoo"}), "utf-8")
    settings = Settings.load(path)
    assert (settings.get(THEME), settings.get(UNDO_SEND_S), settings.get(SERVER_URL)) == (Theme.SYSTEM, 5, "")
    assert settings.get(LOGIN) == "jiwoo"
    assert len(settings.warnings) == 1


def test_values_of_a_newer_version_survive(tmp_path: Path) -> None:
    """Going back to an older version and forward again loses nothing."""
    path = tmp_path / "settings.json"
    path.write_text('{"ui.hologram": true}', "utf-8")
    Settings.load(path).set(THEME, Theme.LIGHT)
    assert json.loads(path.read_text("utf-8")) == {"ui.hologram": True, "ui.theme": "light"}


def test_what_the_organisation_sets_cannot_be_changed(tmp_path: Path) -> None:
    """A managed value is in force, shown as locked, and refuses changes; a recommended one is only a default."""
    settings = Settings.load(tmp_path / "settings.json", {"ui.theme": "dark"}, {"composer.undo_send_s": 10})
    assert settings.get(THEME) is Theme.DARK
    assert settings.is_locked(THEME)
    with pytest.raises(SettingLocked):
        settings.set(THEME, Theme.LIGHT)
    assert settings.get(UNDO_SEND_S) == 10
    settings.set(UNDO_SEND_S, 0)
    assert settings.get(UNDO_SEND_S) == 0
    settings.reset(UNDO_SEND_S)
    assert settings.get(UNDO_SEND_S) == 10


def test_windows_hear_of_a_change_until_they_stop_listening(tmp_path: Path) -> None:
    """A theme chosen in Settings is applied at once."""
    settings = Settings.load(tmp_path / "settings.json")
    heard: list[str] = []
    stop = settings.watch(heard.append)
    settings.set(THEME, Theme.DARK)
    settings.set(THEME, Theme.DARK)
    stop()
    stop()
    settings.set(THEME, Theme.LIGHT)
    assert heard == ["ui.theme"]


def test_every_setting_accepts_its_own_default() -> None:
    """Keys are unique and defaults allowed."""
    assert len({setting.key for setting in DECLARED}) == len(DECLARED)
    for setting in DECLARED:
        assert setting.accept(setting.default) == setting.default
