# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what the organisation has set on a computer: some values, files with mistakes, nothing at all."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.config.settings import Settings
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.settings.policies import PoliciesWindow

__all__ = ["SCENES", "settings_of_an_organisation"]

_FOLDER = Path("/etc/deskside/policies")
_MANAGED = {
    "server.url": "https://desk.hanbit.example",
    "notices.hide_text": True,
    "session.allow_recording": "off",
    "session.max_minutes": 30,
    "session.mask_windows": ["급여", {"word": "KeePass", "pause": True}],
}
_PRESET = {"ui.theme": "dark", "composer.undo_send_s": 10}
_PROBLEMS = (
    "Policy file /etc/deskside/policies/managed/20-helpdesk.json, line 4: “session.allow_control” takes true or false. "
    'Here stands "no". To be safe the strictest counts: false.',
    "Policy file /etc/deskside/policies/managed/30-old.json: The file could be changed by others than the "
    "administrator. It is ignored.",
)


def settings_of_an_organisation(path: Path = Path("none.json"), *, problems: bool = True) -> Settings:
    """Settings on a computer where an organisation has set much; the person has chosen another theme."""
    made = Settings(path, _MANAGED, _PRESET, _own={"ui.theme": "light"})
    made.sources = dict.fromkeys(_MANAGED, _FOLDER / "managed" / "10-hanbit.json")
    made.preset_sources = dict.fromkeys(_PRESET, _FOLDER / "recommended" / "10-hanbit.json")
    made.policy_problems = _PROBLEMS if problems else ()
    return made


def _set(theme: Theme) -> QWidget:
    return PoliciesWindow(theme, settings_of_an_organisation())


def _nothing(theme: Theme) -> QWidget:
    return PoliciesWindow(theme, Settings(Path("none.json")))


SCENES = [Scene("agent-policies", _set), Scene("agent-policies-none", _nothing)]
