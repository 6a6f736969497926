# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout that breaks like text: for buttons and badges in narrow panes and at large text sizes."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

__all__ = ["Flow"]


class Flow(QLayout):
    """Lays its items out like words: from left to right, and on the next line when there is no room.

    `spread`: the last of several in a line stands at its right end.
    """

    def __init__(self, gap: int, *items: QWidget, spread: bool = False) -> None:
        super().__init__()
        self._spread = spread
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)
        for item in items:
            self.addWidget(item)

    def addItem(self, item: QLayoutItem) -> None:
        """Take one more."""
        self._items.append(item)

    def insertWidget(self, index: int, widget: QWidget) -> None:
        """Put a widget before others."""
        self.addWidget(widget)
        self._items.insert(index, self._items.pop())

    def count(self) -> int:
        """How many."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at a place, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take an item out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """As wide as the items need."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """More lines when narrow."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of all lines."""
        return self._lay(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        self._lay(rect, move=True)

    def sizeHint(self) -> QSize:
        """All on one line."""
        hints = [i.sizeHint() for i in self._items if not i.isEmpty()]
        width = sum(h.width() for h in hints) + self._gap * max(0, len(hints) - 1)
        return QSize(width, max((h.height() for h in hints), default=0))

    def minimumSize(self) -> QSize:
        """The widest item."""
        hints = [i.minimumSize() for i in self._items if not i.isEmpty()]
        return QSize(max((h.width() for h in hints), default=0), max((h.height() for h in hints), default=0))

    def _lay(self, rect: QRect, *, move: bool) -> int:
        x, y, line = rect.left(), rect.top(), 0
        places: list[tuple[QLayoutItem, QRect]] = []  # of this line
        for item in self._items:
            if item.isEmpty():
                continue
            hint = item.sizeHint()
            width = min(hint.width(), rect.width())
            if x > rect.left() and x + width > rect.right() + 1:
                self._put(places, line, rect, move=move)
                x, y, line = rect.left(), y + line + self._gap, 0
            places.append((item, QRect(QPoint(x, y), QSize(width, hint.height()))))
            x += width + self._gap
            line = max(line, hint.height())
        self._put(places, line, rect, move=move)
        return y + line - rect.top()

    def _put(self, places: list[tuple[QLayoutItem, QRect]], line: int, rect: QRect, *, move: bool) -> None:
        """Place what stands in one line, lower things in its middle."""
        if self._spread and len(places) > 1:
            places[-1][1].moveRight(rect.right())
        for item, place in places if move else ():
            item.setGeometry(place.translated(0, (line - place.height()) // 2))
        places.clear()
