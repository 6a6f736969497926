# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a computer in sections: to be read, and where somebody may keep some back, with a tick for each."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.config.i18n import _, ngettext
from app.domain.facts import FactSection

__all__ = ["FactTree"]

_NAME = Qt.ItemDataRole.UserRole
_INDEX = Qt.ItemDataRole.UserRole + 1
_WHOLE = -1
_OPEN_LINES = 400
_ON, _OFF = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class FactTree(QTreeWidget):
    """Arrow keys walk, Space ticks, left and right close and open. All texts are plain."""

    struck = Signal(str, int, bool)  # section, line or -1 for all of it, kept back or not
    read = Signal(str)  # the whole of the line that the reader is on

    def __init__(self, *, name: str, choose: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choose = choose
        self.setProperty("boxed", choose)
        self.setAccessibleName(name)
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformRowHeights(True)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self._waiting: dict[str, FactSection] = {}
        self.itemChanged.connect(self._changed)
        self.itemExpanded.connect(self._opened)
        self.currentItemChanged.connect(lambda item, _before: self.read.emit(_whole(item)))

    def show_sections(self, sections: tuple[FactSection, ...]) -> None:
        """Show these. Sections are open up to so many lines in all; the lines of others come when they are opened."""
        self.blockSignals(True)
        self.clear()
        self._waiting.clear()
        room = _OPEN_LINES
        for section in sections:
            top = QTreeWidgetItem([section.title, _summary(section)])
            _embolden(top)
            top.setData(0, _NAME, section.name)
            top.setData(0, _INDEX, _WHOLE)
            self._tick(top, struck=section.struck)
            self.addTopLevelItem(top)
            if not section.lines:
                continue
            if len(section.lines) <= room:
                room -= len(section.lines)
                self._fill(top, section)
                top.setExpanded(True)
            else:
                top.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
                self._waiting[section.name] = section
        self.blockSignals(False)
        self._widen()
        if first := self.topLevelItem(0):
            self.setCurrentItem(first)

    def _opened(self, top: QTreeWidgetItem) -> None:
        section = self._waiting.pop(top.data(0, _NAME), None)
        if section is not None:
            self.blockSignals(True)
            self._fill(top, section)
            self.blockSignals(False)

    def _fill(self, top: QTreeWidgetItem, section: FactSection) -> None:
        off = self._choose and top.checkState(0) is _OFF
        for index, line in enumerate(section.lines):
            item = QTreeWidgetItem(top, [line.text, line.value])
            item.setFirstColumnSpanned(not line.value)
            item.setData(0, _NAME, section.name)
            item.setData(0, _INDEX, index)
            self._tick(item, struck=line.struck)
            item.setDisabled(off)

    def _widen(self) -> None:
        self.resizeColumnToContents(0)
        self.setColumnWidth(
            0, min(self.columnWidth(0), max(self.viewport().width() * 3 // 5, self.fontMetrics().height() * 12))
        )

    def resizeEvent(self, event: object) -> None:
        """Keep room for what was found."""
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt gives the right one
        self._widen()

    def _tick(self, item: QTreeWidgetItem, *, struck: bool) -> None:
        if self._choose:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(0, _OFF if struck else _ON)
            if struck:
                self._cross(item, on=True)

    def _changed(self, item: QTreeWidgetItem, column: int) -> None:
        if column != 0 or not self._choose:
            return
        off = item.checkState(0) is _OFF
        self.blockSignals(True)
        self._cross(item, on=off)
        for child in filter(None, map(item.child, range(item.childCount()))):
            child.setDisabled(off)
        self.blockSignals(False)
        self.struck.emit(item.data(0, _NAME), item.data(0, _INDEX), off)

    def _cross(self, item: QTreeWidgetItem, *, on: bool) -> None:
        for column in (0, 1):
            font = item.font(column)
            font.setStrikeOut(on)
            item.setFont(column, font)


def _whole(item: QTreeWidgetItem | None) -> str:
    texts = [item.text(column) for column in (0, 1)] if item is not None and item.parent() is not None else []
    return "\n".join(filter(None, texts))


def _embolden(item: QTreeWidgetItem) -> None:
    font = item.font(0)
    font.setWeight(QFont.Weight.DemiBold)
    item.setFont(0, font)


def _summary(section: FactSection) -> str:
    if section.note:
        return section.note
    count = len(section.lines)
    return ngettext("{n} line", "{n} lines", count).format(n=count) if count else _("nothing found")
