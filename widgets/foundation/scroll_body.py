# SPDX-License-Identifier: GPL-3.0-or-later
"""Scroll areas that fit what they hold: a content whose height follows its width, and an area that is no larger."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

__all__ = ["ScrollBody", "Tall"]


class ScrollBody(QWidget):
    """Claims no height of its own: else QScrollArea takes the one that the narrowest possible width would need."""

    def minimumSizeHint(self) -> QSize:
        """Nothing; the layout's height for the real width decides."""
        return QSize(0, 0)


class Tall(QScrollArea):
    """As high as what it holds while there is room; then it scrolls, with so many `lines` at least in sight.

    It shows and hides with what it holds.
    """

    def __init__(self, inside: QWidget, lines: int = 3) -> None:
        super().__init__()
        self._lines = lines
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(inside)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:
        """All of it."""
        inside = self.widget()
        if inside is None:
            return super().sizeHint()
        hint = inside.sizeHint()
        return QSize(hint.width(), inside.heightForWidth(self.width())) if inside.hasHeightForWidth() else hint

    def minimumSizeHint(self) -> QSize:
        """As wide as what it holds, for it scrolls up and down only."""
        inside = self.widget()
        width = inside.minimumSizeHint().width() if inside is not None else 0
        return QSize(width, min(self.fontMetrics().height() * self._lines, self.sizeHint().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Texts need another height at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what it holds."""
        kind = event.type()
        if watched is self.widget():
            if kind is QEvent.Type.LayoutRequest:
                self.updateGeometry()
            elif kind in {QEvent.Type.ShowToParent, QEvent.Type.HideToParent}:
                self._show_with_it()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Once it has a place it shows, if what it holds does."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.ParentChange:
            self._show_with_it()

    def _show_with_it(self) -> None:
        inside = self.widget()
        if inside is not None and self.parentWidget() is not None:  # without a place it would be a window of its own
            self.setVisible(not inside.isHidden())
