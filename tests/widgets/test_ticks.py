# SPDX-License-Identifier: GPL-3.0-or-later
"""A tick with wrapped words: nothing is cut in a narrow window, and a press on the words is a press on the box."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets.foundation import Theme, WrappedTick

_TEXT = "Tell support about this computer, its system and its last error"


def test_the_words_of_a_tick_take_more_lines_where_there_is_less_room(qtbot: QtBot, theme: Theme) -> None:
    """Its least width does not grow with its words."""
    del theme
    tick, short = WrappedTick(_TEXT), WrappedTick("x")
    qtbot.addWidget(tick)
    qtbot.addWidget(short)
    assert tick.minimumSizeHint().width() == short.minimumSizeHint().width()
    assert tick.heightForWidth(tick.sizeHint().width() + 1) == short.heightForWidth(1_000)
    assert tick.heightForWidth(tick.sizeHint().width() // 3) > 2 * short.heightForWidth(1_000)


def test_a_press_on_the_words_and_a_key_tick_the_box(qtbot: QtBot, theme: Theme) -> None:
    """A screen reader hears the words as the name."""
    del theme
    tick = WrappedTick(_TEXT)
    qtbot.addWidget(tick)
    tick.resize(tick.sizeHint())
    tick.show()
    qtbot.waitExposed(tick)
    QTest.mouseClick(tick, Qt.MouseButton.LeftButton, pos=QPoint(tick.width() - 5, tick.height() // 2))
    assert tick.isChecked()
    QTest.keyClick(tick, Qt.Key.Key_Space)
    assert not tick.isChecked()
    assert tick.accessibleName() == _TEXT
