# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing flashes: a part that is shown before it has a place would be a window of its own and take the keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.screenshots import find_scenes
from widgets.foundation import Theme
from widgets.foundation.turns import is_building

SCENES = (
    "agent-offline", "agent-held", "agent-empty", "agent-sign-in", "agent-settings", "files-reply", "needs-draft",
    "needs-edit", "session-invite", "session-live", "companion-home-offline", "companion-ask", "companion-enrol",
    "companion-enrol-confirm", "companion-passphrase", "companion-request-problem", "companion-ended",
)  # fmt: skip


class _Strays(QObject):
    """Notes every window that shows."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[QWidget] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look, and let everything pass."""
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(watched)
        return False


@pytest.fixture
def strays(qapp: QApplication) -> Iterator[_Strays]:
    made = _Strays()
    qapp.installEventFilter(made)
    yield made
    qapp.removeEventFilter(made)


@pytest.mark.parametrize("name", SCENES)
def test_a_window_comes_up_and_fills_alone(name: str, strays: _Strays, theme: Theme, qtbot: QtBot) -> None:
    """Also while its contents change, as when a reply that waits to be sent comes into the conversation."""
    scene = next(scene for scene in find_scenes([name]) if scene.name == name)
    window = scene.build(theme)
    qtbot.addWidget(window)
    assert [type(each).__name__ for each in strays.shown] == []
    window.show()
    qtbot.waitUntil(lambda: not is_building())
    assert [each for each in strays.shown if each is not window] == []
