# SPDX-License-Identifier: GPL-3.0-or-later
"""Canary for the PySide6 pin: 6.12.0 on CPython 3.11 loses a reference to None per void call, until it aborts.

See docs/decisions/0002-pyside-pin.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

CALLS = 1000
# other parts of the interpreter take and drop a few references to None meanwhile; a loss per call would be 1000
NOISE = 100


def _lost_by(call: Callable[[], object]) -> int:
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        call()
    return before - sys.getrefcount(None)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on: nothing to count")
def test_void_calls_of_qt_do_not_lose_references_to_none(qtbot: QtBot) -> None:
    """The interpreter survives a day of painting."""
    widget = QWidget()
    qtbot.addWidget(widget)
    picture, colour = QImage(8, 8, QImage.Format.Format_RGB32), QColor("white")
    painter = QPainter(picture)
    try:
        assert _lost_by(lambda: painter.fillRect(0, 0, 8, 8, colour)) < NOISE
    finally:
        painter.end()
    assert _lost_by(widget.update) < NOISE
    assert _lost_by(lambda: widget.setToolTip("")) < NOISE
