# SPDX-License-Identifier: GPL-3.0-or-later
"""A column of many blocks in a scroll area, laid out so that one more block costs no more than itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

__all__ = ["BlockColumn"]


class BlockColumn(QWidget):
    """Blocks under each other, as wide as the column and as high as their words need at that width. GUI thread.

    A box layout measures every block anew, at several widths, whenever one is added: with forty messages that took 100
    ms at a time. Here each block keeps its measure for the one width there is, and the others are only moved.
    """

    def __init__(self, margins: tuple[int, int, int, int], gap: int) -> None:
        super().__init__()
        self._left, self._top, self._right, self._bottom = margins
        self._gap = gap
        self._blocks: list[QWidget] = []
        self._total = 0

    def blocks(self) -> list[QWidget]:
        """Return the blocks from top to bottom."""
        return list(self._blocks)

    def height_of(self, block: QWidget) -> int:
        """Return how much a block makes the column higher."""
        return self._measured(block, self._width()) + self._gap

    def insert(self, place: int, block: QWidget) -> None:
        """Put a block at a place, 0 on top; the column owns it now."""
        self.insert_all([(place, block)])

    def insert_all(self, blocks: Iterable[tuple[int, QWidget]]) -> None:
        """Put blocks at their places, one after the other: the others move, and are painted, once for all of them."""
        new = []
        for place, block in blocks:
            self._blocks.insert(place, block)
            if block.parentWidget() is not self:
                block.setParent(self)
            new.append(block)
        self._arrange()
        for block in new:
            block.show()
        # each asks for another round by that, in which nothing would be found to have changed
        QCoreApplication.removePostedEvents(self, QEvent.Type.LayoutRequest.value)

    def take(self, blocks: Collection[QWidget]) -> None:
        """Hide blocks and forget them; they stay children, to be deleted when there is time."""
        if not blocks:
            return
        gone = set(blocks)
        self._blocks = [block for block in self._blocks if block not in gone]
        for block in blocks:
            block.hide()
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """As narrow as the pane, and as high as all blocks: the scroll area follows."""
        return QSize(0, self._total)

    def sizeHint(self) -> QSize:
        """The same: nothing else is known before there is a width."""
        return self.minimumSizeHint()

    def event(self, event: QEvent) -> bool:
        """Arrange anew when a block says that it needs another height."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._arrange()
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Measure every block at the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def _arrange(self) -> None:
        width = self._width()
        y, first = self._top, True
        for block in self._blocks:
            # one that was never shown counts as hidden for Qt, though nobody hid it
            if block.isHidden() and block.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide):
                continue
            y += 0 if first else self._gap
            first = False
            height = self._measured(block, width)
            block.setGeometry(self._left, y, width, height)
            y += height
        total = y + self._bottom
        if total != self._total:
            self._total = total
            area = self.parentWidget()
            # at once, so that the scroll position follows before anything is painted
            self.resize(self.width(), max(total, area.height() if area is not None else 0))
            self.updateGeometry()

    def _width(self) -> int:
        return max(1, self.width() - self._left - self._right)

    @staticmethod
    def _measured(block: QWidget, width: int) -> int:
        height = block.heightForWidth(width)
        return height if height >= 0 else block.sizeHint().height()  # less: it has one height for every width
