# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of windows shares: one themed application, English texts, no display."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app.config.i18n import set_language
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
