# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of one's own work: each chart has the same figures as a table, one key away."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.own_work import Day
from widgets.foundation import Theme
from widgets.reports.own_work import OwnWorkWindow

DAYS = [Day(date(2026, 3, 1) + timedelta(days=n), n, n // 3) for n in range(14)]


@pytest.mark.ux("UX-65")
def test_one_key_turns_the_charts_into_a_table_with_the_same_figures_and_back(qtbot: QtBot, theme: Theme) -> None:
    """And a screen reader hears the figures of a chart as well."""
    window = OwnWorkWindow(theme)
    qtbot.addWidget(window)
    window.show_days(DAYS)
    window.show()
    qtbot.waitUntil(window.isActiveWindow)
    assert window.replies.isVisible()
    assert "13" in window.replies.accessibleDescription()
    assert window.words.text() == "In the last 14 days: 91 replies, 26 tickets solved."
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert window.table.isVisible()
    assert window.table.hasFocus()
    cells = [[window.table.item(r, c) for c in (1, 2)] for r in range(window.table.rowCount())]
    figures = [tuple(int(cell.text()) for cell in line if cell is not None) for line in cells]
    assert figures == [(day.replies, day.solved) for day in DAYS]
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert window.replies.isVisible()
