# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the documentation: those of README.md and the guides, and the contact sheets of the set."""

from __future__ import annotations

from pathlib import Path

from tests.widgets.picture_set import Look
from tests.widgets.screenshots import Easel, find_scenes
from widgets.foundation import ThemeMode

__all__ = ["draw"]

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_LIGHT, _DARK = ThemeMode.LIGHT, ThemeMode.DARK
README = (  # file in docs/images, scene, language, theme
    ("agent-light-en.png", "agent-ticket", "en", _LIGHT),
    ("agent-dark-ko.png", "agent-ticket", "ko", _DARK),
    ("companion-light-en.png", "companion-home", "en", _LIGHT),
    ("request-light-ko.png", "companion-request", "ko", _LIGHT),
    ("session-light-ko.png", "session-live", "ko", _LIGHT),
)


def draw(easel: Easel) -> None:
    """Draw all of them anew."""
    scenes = {scene.name: scene for scene in find_scenes([])}
    for file, name, language, mode in README:
        picture, _found = easel.draw(scenes[name], Look(language, mode))
        picture.save(str(IMAGES / file))
