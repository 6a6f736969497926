# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of a scroll area whose height follows its width, for columns of wrapping texts."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

__all__ = ["ScrollBody"]


class ScrollBody(QWidget):
    """Claims no height of its own: else QScrollArea takes the one that the narrowest possible width would need."""

    def minimumSizeHint(self) -> QSize:
        """Nothing; the layout's height for the real width decides."""
        return QSize(0, 0)
