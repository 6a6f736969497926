# SPDX-License-Identifier: GPL-3.0-or-later
"""What is painted over the remote picture: the customer's cursor, and the agent's own marks where it lacks them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import QImage, QPainter

from app.domain.marks import Marks, from_steps
from widgets.foundation import Theme, drawn_form, paint_icon, thinned
from widgets.remote.ports import CursorPicture
from widgets.remote.view import View

__all__ = ["Layers"]

_SHAPES_MAX = 64
_LINES_MAX = 256


class Layers:
    """Places are pixels of the source; `view` says where they are in the window."""

    def __init__(self, theme: Theme) -> None:
        self._line = float(theme.tokens.space.tiny)
        self._arrow = theme.tokens.icon_normal
        self._theme = theme
        self._shapes: dict[int, tuple[QImage, tuple[int, int]]] = {}
        self._cursor: tuple[int, int] | None = None
        self._shape = 0
        self.marks = Marks()

    def learn(self, picture: CursorPicture) -> None:
        """Keep a shape of the cursor."""
        image = QImage(
            picture.bgra, picture.width, picture.height, picture.width * 4, QImage.Format.Format_ARGB32_Premultiplied
        ).copy()
        self._shapes[picture.id] = (image, picture.hot)
        while len(self._shapes) > _SHAPES_MAX:
            del self._shapes[next(iter(self._shapes))]

    def move(self, at: tuple[int, int] | None, shape: int) -> None:
        """The cursor is here now, or nowhere."""
        self._cursor, self._shape = at, shape

    def forget(self) -> None:
        """Nothing shows any more."""
        self._cursor = None
        self.marks = Marks()

    def cursor_rect(self, view: View, ratio: float) -> QRect:
        """Return where the cursor is painted, in the window's own pixels."""
        place = self._cursor_place(view, ratio)
        return place.toAlignedRect().adjusted(-1, -1, 1, 1) if place is not None else QRect()

    def paint(self, painter: QPainter, view: View, ratio: float, *, marks: bool) -> None:
        """Paint over the picture, and only over the picture."""
        left, top, width, height = view.place()
        painter.save()
        painter.setClipRect(QRectF(left / ratio, top / ratio, width / ratio, height / ratio))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if marks:
            for mark in self.marks.drawn:
                points = [self._point(view, from_steps(point, *view.source), ratio) for point in mark.points]
                drawn_form(mark.kind, thinned(points, _LINES_MAX), self._line, mark.colour).paint(painter)
        place = self._cursor_place(view, ratio)
        if place is not None:
            self._paint_cursor(painter, place)
        painter.restore()

    def _paint_cursor(self, painter: QPainter, place: QRectF) -> None:
        shape = self._shapes.get(self._shape)
        if shape is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, shape[0])
        else:
            paint_icon(painter, place, "circle-dot", self._theme.colour("live.bg"))

    def _cursor_place(self, view: View, ratio: float) -> QRectF | None:
        if self._cursor is None:
            return None
        tip = self._point(view, (self._cursor[0] + 0.5, self._cursor[1] + 0.5), ratio)
        shape = self._shapes.get(self._shape)
        if shape is None:
            half = QPointF(self._arrow / 2, self._arrow / 2)
            return QRectF(tip - half, QSizeF(self._arrow, self._arrow))
        image, hot = shape
        scale = max(view.scale(), 1.0) / ratio  # never smaller than it can be recognised
        return QRectF(tip - QPointF(*hot) * scale, QSizeF(image.width() * scale, image.height() * scale))

    @staticmethod
    def _point(view: View, place: tuple[float, float], ratio: float) -> QPointF:
        x, y = view.to_window(*place)
        return QPointF(x / ratio, y / ratio)
