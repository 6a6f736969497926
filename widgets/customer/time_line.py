# SPDX-License-Identifier: GPL-3.0-or-later
"""All that happened with a customer in one list, the latest first; more is read when the end comes into sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QPainter

from app.config.i18n import _
from app.domain.customer_ports import TimeItem
from app.services.texts_customers import time_icon, time_words
from widgets.foundation import Index, Ink, RowDelegate, Theme, fmt
from widgets.foundation.long_list import LongList

__all__ = ["PART", "TimeLine"]

PART = 50
_NO_INDEX = QModelIndex()


class _Model(QAbstractListModel):
    wanted = Signal()

    def __init__(self, parent: QObject, now_ms: Callable[[], int]) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        self.items: list[TimeItem] = []
        self.is_whole = True

    def show_items(self, items: Sequence[TimeItem], *, whole: bool) -> None:
        self.beginResetModel()
        self.items, self.is_whole = list(items), whole
        self.endResetModel()

    def add(self, items: Sequence[TimeItem], *, whole: bool) -> None:
        if items:
            self.beginInsertRows(_NO_INDEX, len(self.items), len(self.items) + len(items) - 1)
            self.items.extend(items)
            self.endInsertRows()
        self.is_whole = whole

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """How many were read."""
        return 0 if parent.isValid() else len(self.items)

    def canFetchMore(self, parent: Index) -> bool:
        """Whether there is more in the store."""
        return not parent.isValid() and not self.is_whole

    def fetchMore(self, parent: Index) -> None:
        """Ask for more; it comes when it is read."""
        del parent
        self.wanted.emit()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """An item or its words."""
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            when = fmt.when(item.at, self._now_ms())
            return ", ".join(filter(None, (time_words(item), when, item.text, f"{item.label} {item.subject}")))
        return None


class _Delegate(RowDelegate):
    def __init__(self, theme: Theme, now_ms: Callable[[], int]) -> None:
        super().__init__(theme)
        self._now_ms = now_ms

    def row_height(self) -> int:
        """Three lines: who and when, the words, which ticket."""
        lines = 2 * self.metrics("body").lineSpacing() + self.metrics("caption").lineSpacing()
        return lines + 2 * self.theme.tokens.space.small

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Picture, who and which way, when; the words; the ticket."""
        item = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(item, TimeItem):
            return
        space, side = self.theme.tokens.space, self.theme.tokens.icon_small
        inner = rect.adjusted(space.medium, space.small, -space.medium, -space.small)
        body, small = self.metrics("body").lineSpacing(), self.metrics("caption").lineSpacing()
        first = QRect(inner.left(), inner.top(), inner.width(), body)
        self.draw_icon(painter, first.left(), first.center().y() + 1, time_icon(item),
                       "selected.fg" if ink.selected else "fg.muted", ink.scale)  # fmt: skip
        when = fmt.when(item.at, self._now_ms())
        width = self.draw(painter, first, when, ink.muted, "caption", right=True, tabular=True)
        first = first.adjusted(side + space.small, 0, -width - space.medium, 0)
        self.draw(painter, first, time_words(item), ink.text, "strong")
        second = QRect(first.left(), first.bottom() + 1, inner.right() - first.left(), body)
        self.draw(painter, second, item.text or item.subject, ink.text)
        third = QRect(second.left(), second.bottom() + 1, second.width(), small)
        self.draw(painter, third, f"{item.label} {item.subject}", ink.muted, "caption")


class TimeLine(LongList):
    """`more_wanted`: the end came into sight. `ticket_chosen` gives a ticket's id."""

    more_wanted = Signal()
    ticket_chosen = Signal(object)

    def __init__(self, theme: Theme, now_ms: Callable[[], int]) -> None:
        super().__init__(theme, _("Time line"), _Delegate(theme, now_ms))
        self._model = _Model(self, now_ms)
        self.setModel(self._model)
        self._model.wanted.connect(self.more_wanted)
        self.opened.connect(lambda index: self.ticket_chosen.emit(self._model.items[index.row()].ticket))

    def items(self) -> Sequence[TimeItem]:
        """What was read, the latest first."""
        return tuple(self._model.items)

    def show_items(self, items: Sequence[TimeItem], *, whole: bool) -> None:
        """Show the newest part; the row that is chosen stays chosen. `whole`: there is nothing more."""
        if list(items) == self._model.items[: len(items)] and len(items) <= len(self._model.items):
            return
        row = self.currentIndex().row()
        chosen = self._model.items[row].id if row >= 0 else None
        self._model.show_items(items, whole=whole)
        place = next((n for n, item in enumerate(items) if item.id == chosen), -1)
        if place >= 0:
            self.setCurrentIndex(self._model.index(place, 0))

    def add(self, items: Sequence[TimeItem], *, whole: bool) -> None:
        """Show one more part below."""
        known = {item.id for item in self._model.items}
        self._model.add([item for item in items if item.id not in known], whole=whole)
