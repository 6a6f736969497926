# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of windows shares: one themed application, English texts, no display."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from tests.sync.desk import Client, Desk
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme, ThemeMode, load_tokens

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def _theme(qapp: QApplication) -> Theme:
    return Theme(qapp, load_tokens(), ThemeMode.LIGHT)


@pytest.fixture
def theme(_theme: Theme) -> Iterator[Theme]:
    """The one theme of the application, light and 100 % again after each test."""
    yield _theme
    if _theme.mode is not ThemeMode.LIGHT:
        _theme.set_mode(ThemeMode.LIGHT)
    if _theme.text_percent != 100:
        _theme.set_text_percent(100)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


@pytest.fixture(scope="module", autouse=True)
def _collected_here() -> Iterator[None]:
    """As in the programs: a fake server's thread must not be the one that deletes the widgets of earlier tests."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def _little_garbage() -> Iterator[None]:
    yield
    gc.collect(1)


# --- one agent at work over a real profile and a real server; a module that wants more of it makes its own -----------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Desk]:
    """A server of its own."""
    made = Desk(tmp_path / "server")
    yield made
    made.close()


@pytest.fixture
def kim(server: Desk, tmp_path: Path) -> Iterator[Client]:
    """An agent's profile with everything of the server."""
    client = Client(server, tmp_path / "kim")
    client.sync()
    yield client
    client.close()


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, kim: Client, tmp_path: Path) -> Iterator[RealDesk]:
    """Kim's window."""
    made = RealDesk(qtbot, theme, kim, tmp_path)
    yield made
    made.window.close()
