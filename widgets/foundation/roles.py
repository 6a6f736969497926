# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader calls the windows that are plain widgets: for Qt they are no more than areas."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

__all__ = ["ASKS", "WINDOW", "install_roles"]

WINDOW: Final = QAccessible.Role.Window
ASKS: Final = QAccessible.Role.Dialog
"""A window that waits for an answer, or tells something and waits to be closed."""


def install_roles() -> None:
    """Give windows with a `spoken_role` that role, in this process from now on. Once; more do no harm."""
    QAccessible.installFactory(_interface)


def _interface(_key: str, made_for: QObject) -> QAccessibleInterface | None:
    role = getattr(type(made_for), "spoken_role", None)
    if isinstance(role, QAccessible.Role) and isinstance(made_for, QWidget):
        return QAccessibleWidget(made_for, role)
    return None
