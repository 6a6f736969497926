# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the columns of the ticket table stand, and the strip of their headings above the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QSizePolicy, QWidget

from app.services.texts_views import column_name
from widgets.foundation import Theme

__all__ = ["Cell", "ColumnHeads", "cells"]

# in widths of a figure: what a column needs; the subject takes the rest, and in a narrow list the others leave
_NEEDS = {"number": 8, "customer": 13, "state": 15, "priority": 8, "owner": 11, "due": 17, "when": 9}
_SUBJECT = 22
_LEAVES = ("owner", "priority", "number", "customer", "state", "due", "when")


@dataclass(frozen=True, slots=True)
class Cell:
    """A column's place in a row, in px from its left edge."""

    name: str
    left: int
    width: int


def cells(columns: Sequence[str], width: int, figure: int, gap: int) -> list[Cell]:
    """Return the columns that there is room for, in order; `figure` is the width of a figure."""
    shown = [c for c in columns if c == "subject" or c in _NEEDS]

    def rest() -> int:
        others = [c for c in shown if c != "subject"]
        return width - sum(_NEEDS[c] * figure + gap for c in others)

    for name in _LEAVES:
        if rest() >= _SUBJECT * figure:
            break
        shown = [c for c in shown if c != name]
    out, left = [], 0
    for name in shown:
        wide = rest() if name == "subject" else _NEEDS[name] * figure
        out.append(Cell(name, left, max(1, wide)))
        left += wide + gap
    return out


class ColumnHeads(QWidget):
    """Names the columns above the table; each row says them itself to a screen reader."""

    def __init__(self, theme: Theme, columns: Sequence[str], below: QAbstractScrollArea) -> None:
        """`below` shows the rows: its scroll bar takes room that the headings must not stand in."""
        super().__init__()
        self._theme, self._below = theme, below
        self._columns = columns
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)

    def show_columns(self, columns: Sequence[str]) -> None:
        """Name these."""
        self._columns = columns
        self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        from_text = self.fontMetrics().height() + 2 * self._theme.tokens.space.tiny
        return QSize(self._theme.tokens.space.vast, from_text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the names where the cells are."""
        del event
        theme, space = self._theme, self._theme.tokens.space
        painter = QPainter(self)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("fg.muted"))
        inner = QRect(0, 0, self._below.viewport().width(), self.height()).adjusted(space.wide, 0, -space.medium, 0)
        metrics = painter.fontMetrics()
        figure = QFontMetrics(theme.font("body")).horizontalAdvance("0")
        for cell in cells(self._columns, inner.width(), figure, space.medium):
            place = QRect(inner.left() + cell.left, 0, cell.width, self.height())
            side = Qt.AlignmentFlag.AlignRight if cell.name in ("due", "when") else Qt.AlignmentFlag.AlignLeft
            text = metrics.elidedText(column_name(cell.name), Qt.TextElideMode.ElideRight, cell.width)
            painter.drawText(place, int(side | Qt.AlignmentFlag.AlignVCenter), text)
        painter.setPen(theme.colour("border.subtle"))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
