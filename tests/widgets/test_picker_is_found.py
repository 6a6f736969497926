# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen reader that walks a window from the top finds the picker over it, though Qt lists no popup."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAccessible, QAccessibleInterface
from pytestqt.qtbot import QtBot

from widgets.foundation import Theme, install_roles
from widgets.foundation.chooser import Chooser, Option
from widgets.foundation.form_window import FormWindow


def name_of(part: QAccessibleInterface) -> str:
    return part.text(QAccessible.Text.Name)


def parts_of(whole: QAccessibleInterface) -> list[QAccessibleInterface]:
    found = [whole.child(place) for place in range(whole.childCount())]
    return [part for part in found if part is not None]


@pytest.mark.ux("UX-62")
def test_an_open_picker_is_the_last_part_of_its_window_with_field_and_list(qtbot: QtBot, theme: Theme) -> None:
    """It is a dialog with a name, knows its window, and is gone from it when it closes."""
    install_roles()
    window = FormWindow(theme, None, title="Hand over", deed="Hand over")
    qtbot.addWidget(window)
    window.show()
    whole = QAccessible.queryAccessibleInterface(window)
    before = whole.childCount()
    picker = Chooser(theme, "Change state", window)
    picker.show_options([Option(1, "Open"), Option(2, "Solved")])
    picker.open_at(QPoint(0, 0))
    gc.collect()  # what is handed to Qt stays
    last = parts_of(whole)[-1]
    assert (whole.childCount(), name_of(last), last.role()) == (before + 1, "Change state", QAccessible.Role.Dialog)
    assert whole.indexOfChild(last) == before
    assert last.parent().object() is window
    inside = [each.role() for part in parts_of(last) for each in parts_of(part)]
    assert QAccessible.Role.EditableText in inside
    assert QAccessible.Role.List in inside
    picker.close()
    assert whole.childCount() == before
