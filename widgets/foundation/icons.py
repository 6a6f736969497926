# SPDX-License-Identifier: GPL-3.0-or-later
"""Icons: the Lucide files of resources/icons, painted in a colour of the tokens."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer


@cache
def _source(name: str) -> str:
    return files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")


@cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    # QtSvg paints currentColor black, so the colour goes into the text.
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


def paint_icon(painter: QPainter, rect: QRectF, name: str, colour: QColor) -> None:
    """Paint the icon into `rect`, sharp at every screen scale. GUI thread. Raises FileNotFoundError."""
    _renderer(name, colour.name()).render(painter, rect)


def icon_pixmap(name: str, colour: QColor, side_px: int, scale: float = 1.0) -> QPixmap:
    """Return the icon as a square picture of `side_px`, with `scale` device pixels for each. GUI thread."""
    side = round(side_px * scale)
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    paint_icon(painter, QRectF(0, 0, side, side), name, colour)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


class _LazyIcon(QIconEngine):
    """Paints an icon when a size of it is first asked for: most icons are shown in one size and one mode."""

    def __init__(self, name: str, normal: QColor, disabled: QColor) -> None:
        super().__init__()
        self._name, self._normal, self._disabled = name, normal, disabled
        self._made: dict[tuple[int, bool], QPixmap] = {}

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the icon as large as fits into `size` device pixels."""
        del state
        side = min(size.width(), size.height())
        key = (side, mode is QIcon.Mode.Disabled)
        if key not in self._made:
            colour = self._disabled if key[1] else self._normal
            self._made[key] = icon_pixmap(self._name, colour, side)
        return self._made[key]

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Paint it into `rect`."""
        del state
        colour = self._disabled if mode is QIcon.Mode.Disabled else self._normal
        paint_icon(painter, QRectF(rect), self._name, colour)

    def clone(self) -> QIconEngine:
        """Return another one like it."""
        return _LazyIcon(self._name, self._normal, self._disabled)


def make_icon(name: str, normal: QColor, disabled: QColor) -> QIcon:
    """Return an icon in two colours. GUI thread. Raises FileNotFoundError for a name that is not in resources/icons."""
    _source(name)
    return QIcon(_LazyIcon(name, normal, disabled))
