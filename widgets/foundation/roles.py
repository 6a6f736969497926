# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader calls the windows that are plain widgets: for Qt they are no more than areas."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QApplication, QDialog, QWidget

__all__ = ["ASKS", "WINDOW", "install_roles"]

WINDOW: Final = QAccessible.Role.Window
ASKS: Final = QAccessible.Role.Dialog
"""A window that waits for an answer, or tells something and waits to be closed."""


def install_roles() -> None:
    """Give windows with a `spoken_role` that role, in this process from now on. Once; more do no harm.

    Windows with `spoken_pickers` also hold the picker that is open over them.
    """
    QAccessible.installFactory(_interface)


class _WithPicker(QAccessibleWidget):
    """A window as Qt tells it, and the picker open over it as its last part: Qt lists no popup anywhere."""

    def childCount(self) -> int:
        """How many parts."""
        return super().childCount() + (_picker_over(self.widget()) is not None)

    def child(self, index: int) -> QAccessibleInterface:
        """One part."""
        picker = _picker_over(self.widget())
        if picker is not None and index == super().childCount():
            return QAccessible.queryAccessibleInterface(picker)
        return super().child(index)

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Which part this is; -1: none."""
        picker = _picker_over(self.widget())
        if picker is not None and child is not None and child.object() is picker:
            return super().childCount()
        return super().indexOfChild(child)


class _Picker(QAccessibleWidget):
    """A popup that is a part of the window it stands over."""

    def parent(self) -> QAccessibleInterface:
        """The window."""
        over = self.widget().parentWidget()
        return QAccessible.queryAccessibleInterface(over.window()) if over is not None else super().parent()


def _picker_over(window: QWidget | None) -> QWidget | None:
    picker = QApplication.activePopupWidget()
    if window is None or picker is None or not getattr(type(picker), "spoken_in_window", False):
        return None
    over = picker.parentWidget()
    return picker if over is not None and over.window() is window else None


def _interface(_key: str, made_for: QObject) -> QAccessibleInterface | None:
    kind = type(made_for)
    role = getattr(kind, "spoken_role", None)
    if not isinstance(made_for, QWidget):
        return None
    if getattr(kind, "spoken_in_window", False):
        return _Picker(made_for, ASKS)
    if getattr(kind, "spoken_pickers", False):
        return _WithPicker(made_for, ASKS if isinstance(made_for, QDialog) else WINDOW)
    return QAccessibleWidget(made_for, role) if isinstance(role, QAccessible.Role) else None
