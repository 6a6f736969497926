# SPDX-License-Identifier: GPL-3.0-or-later
"""How pointers and drawings look: a colour with a light and a dark outline, to be seen on any ground.

All is made of straight lines, drawn one by one: what somebody else draws must not cost this computer seconds, however
often it crosses itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from app.domain.marks import MARK_COLOUR, MARK_EDGE, MARK_HALO, MarkKind

__all__ = ["Form", "drawn_form", "pointer_form", "thinned"]

_POINTER = ((0, 0), (0, 17), (4.2, 13.2), (7.2, 20), (10.2, 18.7), (7.3, 12.2), (12.6, 12.2))  # in a height of 20
_POINTER_HIGH = 20
_HEAD_ANGLE = 28
_HALO, _EDGE = 2.0, 2.6  # widths of the outlines, in widths of the line


@dataclass(frozen=True, slots=True)
class Form:
    """Lines of one width, and a body that is filled, in 0xRRGGBB."""

    lines: tuple[QLineF, ...]
    width: float
    colour: int
    body: QPolygonF | None = None

    def paint(self, painter: QPainter) -> None:
        """Paint it from the outside in."""
        for times, rgb in ((_EDGE, MARK_EDGE), (_HALO, MARK_HALO), (1.0, self.colour)):
            self._layer(painter, QColor.fromRgb(rgb), times)

    def cover(self, painter: QPainter) -> None:
        """Paint all it covers into a bitmap."""
        self._layer(painter, QColor(Qt.GlobalColor.color1), _EDGE)

    def bounds(self) -> QRectF:
        """Return a rectangle that holds it."""
        ends = [point for line in self.lines for point in (line.p1(), line.p2())]
        grown = self.width * _EDGE
        return QPolygonF(ends).boundingRect().adjusted(-grown, -grown, grown, grown)

    def _layer(self, painter: QPainter, colour: QColor, times: float) -> None:
        pen = QPen(colour, self.width * times)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        if self.body is not None:
            painter.setBrush(QBrush(colour))
            painter.drawPolygon(self.body)
        painter.drawLines(list(self.lines))


def drawn_form(kind: MarkKind, points: Sequence[QPointF], width: float, colour: int) -> Form:
    """Return a drawing's form."""
    first, last = points[0], points[-1]
    if kind is MarkKind.BOX:
        turns = (first, QPointF(last.x(), first.y()), last, QPointF(first.x(), last.y()), first)
        return Form(_joined(turns), width, colour)
    if kind is MarkKind.ARROW:
        return Form((QLineF(first, last), *_head(first, last, width)), width, colour)
    if len(points) == 1:
        return Form((QLineF(first, first + QPointF(0, width / 10)),), width, colour)  # without length it would not show
    return Form(_joined(points), width, colour)


def pointer_form(at: QPointF, height: float) -> Form:
    """Return a pointer whose tip is `at`."""
    scale = height / _POINTER_HIGH
    turns = [QPointF(at.x() + x * scale, at.y() + y * scale) for x, y in (*_POINTER, _POINTER[0])]
    return Form(_joined(turns), scale * 1.5, MARK_COLOUR, QPolygonF(turns))


def thinned(points: Sequence[QPointF], most: int) -> Sequence[QPointF]:
    """Return at most so many of the points, spread over the line, and always its end."""
    if len(points) <= most:
        return points
    every = -(-len(points) // max(most - 1, 1))
    return [*points[:-1:every], points[-1]]


def _joined(points: Sequence[QPointF]) -> tuple[QLineF, ...]:
    return tuple(QLineF(a, b) for a, b in pairwise(points))


def _head(tail: QPointF, tip: QPointF, width: float) -> tuple[QLineF, QLineF]:
    shaft = QLineF(tip, tail)
    size = min(max(shaft.length() / 3, width * 3), width * 7)
    angles = [math.radians(shaft.angle() + turn) for turn in (_HEAD_ANGLE, -_HEAD_ANGLE)]
    left, right = (tip + QPointF(math.cos(angle) * size, -math.sin(angle) * size) for angle in angles)
    return QLineF(tip, left), QLineF(tip, right)
