# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of any length: a table view of one column, because QListView asks the model about every row to lay it out."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from widgets.foundation.lists import Index, RowDelegate
from widgets.foundation.theme import Theme

__all__ = ["LongList"]


class LongList(QTableView):
    """Equal rows painted by a `RowDelegate`; a million cost what one costs. Enter opens; no input method."""

    opened = Signal(QModelIndex)

    def __init__(self, theme: Theme, name: str, delegate: RowDelegate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = delegate
        self._entering = False
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        delegate.setParent(self)
        self.setItemDelegate(delegate)
        self.doubleClicked.connect(self.opened)
        theme.changed.connect(self._measure)
        self._measure()

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show a model of one column; input methods stay off."""
        super().setModel(model)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self._measure()

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Keep input methods off: the base class decides about them at each change of row."""
        super().currentChanged(current, previous)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Choose no row: the base class takes the first when there is none, and that would open a ticket unasked."""
        self._entering = True
        super().focusInEvent(event)
        self._entering = False

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Tell where a key leads; nowhere while the keyboard only comes here."""
        return QModelIndex() if self._entering else super().moveCursor(action, modifiers)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The one column is as wide as the view."""
        super().resizeEvent(event)
        self.horizontalHeader().setDefaultSectionSize(self.viewport().width())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Home and End go to the ends; letters belong to commands."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.model() is not None:
            last = self.model().rowCount() - 1
            self._go_to(0 if key == Qt.Key.Key_Home else last, event.modifiers())
        elif event.text().isprintable() and event.text() and key != Qt.Key.Key_Space and not _is_held(event):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _go_to(self, row: int, modifiers: Qt.KeyboardModifier) -> None:
        """Go to a row; with Shift everything from the one before is selected."""
        target, model = self.model().index(row, 0), self.selectionModel()
        if not modifiers & Qt.KeyboardModifier.ShiftModifier or not self.currentIndex().isValid():
            self.setCurrentIndex(target)
            return
        here = self.currentIndex().row()
        ends = (top if bottom == here else bottom for top, bottom in self.spans() if here in (top, bottom))
        start = next(ends, here)
        span = QItemSelection(self.model().index(min(start, row), 0), self.model().index(max(start, row), 0))
        model.select(span, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        model.setCurrentIndex(target, QItemSelectionModel.SelectionFlag.NoUpdate)

    def spans(self) -> list[tuple[int, int]]:
        """Return the first and last row of each selected range, from the top; a million rows are one range."""
        chosen = self.selectionModel().selection()
        ranges = (chosen.at(place) for place in range(chosen.size()))
        return sorted((span.top(), span.bottom()) for span in ranges)

    def measure(self) -> None:
        """Rows have another height now."""
        self._measure()

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._delegate.row_height())
        self.horizontalHeader().setDefaultSectionSize(max(1, self.viewport().width()))
        self.viewport().update()


def _is_held(event: QKeyEvent) -> bool:
    """Tell whether Ctrl is held: then it is no letter."""
    return bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
