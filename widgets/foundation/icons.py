# SPDX-License-Identifier: GPL-3.0-or-later
"""Icons: the Lucide files of resources/icons, painted in a colour of the tokens."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

# 16, 20 and 24 px at 100, 125, 150 and 200 %: Qt takes the one that fits, so nothing is blurred by scaling.
_PIXELS = (16, 20, 24, 25, 30, 32, 36, 40, 48)


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


def make_icon(name: str, normal: QColor, disabled: QColor) -> QIcon:
    """Return an icon in two colours. GUI thread. Raises FileNotFoundError for a name that is not in resources/icons."""
    icon = QIcon()
    for side in _PIXELS:
        icon.addPixmap(icon_pixmap(name, normal, side), QIcon.Mode.Normal)
        icon.addPixmap(icon_pixmap(name, disabled, side), QIcon.Mode.Disabled)
    return icon
