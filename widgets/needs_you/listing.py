# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what waits: where it belongs, why, since when. Several can be chosen to decide them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QEvent, QItemSelectionModel, QModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QStackedWidget

from app.config.i18n import _, ngettext
from app.domain.needs import NeedItem
from app.domain.ports import Choices
from app.services.texts_needs import entry_line, need_words
from widgets.foundation import (
    EmptyState,
    Index,
    Ink,
    Notice,
    Panel,
    PlainLabel,
    RowDelegate,
    RowList,
    Theme,
    column,
    fmt,
    row,
)

__all__ = ["NeedsList"]

_NO_INDEX = QModelIndex()
_WHEN = Qt.ItemDataRole.UserRole + 1


class _Model(QAbstractListModel):
    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._now_ms = now_ms
        self.items: Sequence[NeedItem] = ()
        self.choices = Choices()

    def show_items(self, items: Sequence[NeedItem]) -> None:
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """How many wait."""
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """An entry or its words."""
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return item
        if role == _WHEN:
            return fmt.when(item.at, self._now_ms())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            words = need_words(item, self.choices, fmt.time_of_day)
            return f"{words.reason}, {entry_line(item)}, {fmt.when(item.at, self._now_ms())}"
        return None


class _Delegate(RowDelegate):
    def __init__(self, theme: Theme, model: _Model) -> None:
        super().__init__(theme, "comfortable")
        self._model = model

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Reason and age above, where it belongs below."""
        item = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(item, NeedItem):
            return
        space, side = self.theme.tokens.space, self.theme.tokens.icon_small
        words = need_words(item, self._model.choices, fmt.time_of_day)
        inner = rect.adjusted(space.large, space.tiny + space.hair, -space.medium, -space.tiny - space.hair)
        half = inner.height() // 2
        top = QRect(inner.left(), inner.top(), inner.width(), half)
        colour = "selected.fg" if ink.selected else f"{words.tone}.fg"
        self.draw_icon(painter, top.left(), top.center().y() + 1, words.icon, colour, ink.scale)
        left = top.left() + side + space.small
        width = self.draw(painter, top, str(index.data(_WHEN) or ""), ink.muted, "caption", right=True, tabular=True)
        place = QRect(left, top.top(), top.right() - width - space.small - left, half)
        self.draw(painter, place, words.reason, ink.text, "strong")
        foot = QRect(left, inner.top() + half, inner.right() - left, inner.height() - half)
        self.draw(painter, foot, entry_line(item), ink.muted)
        painter.setPen(self.theme.colour("border.subtle"))
        painter.drawLine(rect.left() + space.medium, rect.bottom(), rect.right() - space.medium, rect.bottom())


class NeedsList(Panel):
    """`chosen` gives the selected entries; `opened`: Enter was pressed on one."""

    chosen = Signal(object)  # list[NeedItem]
    opened = Signal()

    def __init__(self, theme: Theme, now_ms: Callable[[], int]) -> None:
        super().__init__("surface")
        space = theme.tokens.space
        self.title = PlainLabel(type="title")
        self.count = PlainLabel(tone="muted")
        self.words = PlainLabel(type="caption", tone="muted", wrap=True)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.model = _Model(now_ms)
        self.list = RowList(theme, "", _Delegate(theme, self.model))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setModel(self.model)
        self.list.opened.connect(lambda _index: self.opened.emit())
        self.list.selectionModel().selectionChanged.connect(lambda _on, _off: self._choose())
        self.empty = EmptyState(theme, "", "-", icon="circle-check")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        edge = (space.large, space.medium, space.large, space.small)
        top = column(row(self.title, self.count, None, gap=space.small), self.words, gap=space.tiny, margins=edge)
        box = column(top, self.problem, self.stack)
        box.setStretch(2, 1)
        self.setLayout(box)
        self.retranslate()

    def show_items(self, items: Sequence[NeedItem]) -> None:
        """Show what waits; the entry the person is on stays, or the one that takes its place."""
        self.problem.hide()
        if items == self.model.items:
            return
        before = {i.id for i in self.chosen_items()}
        place = self.list.currentIndex().row()
        model = self.list.selectionModel()
        blocked = model.blockSignals(True)
        self.model.show_items(items)
        kept = [n for n, item in enumerate(items) if item.id in before]
        if not kept and items:
            kept = [max(0, min(place, len(items) - 1))]
        for n in kept:
            self._select(n, first=n == kept[0])
        model.blockSignals(blocked)
        self.list.viewport().update()
        self.stack.setCurrentWidget(self.list if items else self.empty)
        self._tell()
        self._choose()

    def show_choices(self, choices: Choices) -> None:
        """Names of states and people came or changed."""
        self.model.choices = choices
        self.list.viewport().update()

    def tell(self, text: str) -> None:
        """Say that something did not work; "" takes it away."""
        self.problem.tell(text, "warning")
        self.problem.setVisible(bool(text))

    def chosen_items(self) -> list[NeedItem]:
        """Return the selected entries in order."""
        places = sorted(index.row() for index in self.list.selectedIndexes())
        return [self.model.items[n] for n in places]

    def _select(self, place: int, *, first: bool) -> None:
        flags = QItemSelectionModel.SelectionFlag
        index = self.model.index(place)
        if first:
            self.list.selectionModel().setCurrentIndex(index, flags.ClearAndSelect)
        else:
            self.list.selectionModel().select(index, flags.Select)

    def _choose(self) -> None:
        self.chosen.emit(self.chosen_items())

    def _tell(self) -> None:
        n = self.model.rowCount()
        self.count.setText(fmt.number(n) if n else "")
        self.count.setAccessibleName(ngettext("{n} needs you", "{n} need you", n).format(n=fmt.number(n)))
        self.words.setVisible(n > 0)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("Needs you"))
        self.list.setAccessibleName(_("Needs you"))
        self.title.setText(_("Needs you"))
        self.words.setText(_("Nothing here is lost or sent until you decide. It works without a connection too."))
        self.empty.title.setText(_("Nothing waits for you"))
        self.empty.text.setText(
            _(
                "When two people change the same thing, or something could not be sent, it is kept here until "
                "you decide."
            )
        )
        self._tell()
