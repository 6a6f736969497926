# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's preview: the picture exactly as it would be sent."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from widgets.foundation import Theme

__all__ = ["Preview"]


class Preview(QWidget):
    """The picture exactly as it would be sent, as large as there is room. Never stretched beyond its own size."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._image: QImage | None = None
        self._text = ""
        self._covered: tuple[QRectF, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        space = theme.tokens.space
        self.setMinimumSize(space.vast * 5, space.vast * 3 + space.wide)

    def has_picture(self) -> bool:
        """Tell whether something can be seen."""
        return self._image is not None

    def show_picture(self, image: QImage | None, text: str) -> None:
        """Show the picture, or the text while there is none; the text is the accessible description."""
        self._image = image
        self._text = text
        self.setAccessibleName(_("Preview of what would be seen"))
        self.setAccessibleDescription(text)
        self.update()

    def cover(self, rects: Sequence[tuple[int, int, int, int]], size: tuple[int, int]) -> None:
        """Name the parts of a picture of this size that are painted over because this very window stands there."""
        wide, high = max(1, size[0]), max(1, size[1])
        self._covered = tuple(QRectF(x / wide, y / high, w / wide, h / high) for x, y, w, h in rects)
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough to recognise things in."""
        space = self._theme.tokens.space
        return QSize(space.vast * 11, space.vast * 5)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint picture or text on a quiet ground with a frame."""
        del event
        painter = QPainter(self)
        rect = self.rect().adjusted(0, 0, -1, -1)
        painter.fillRect(rect, self._theme.colour("bg.hover"))
        if self._image is None:
            painter.setPen(self._theme.colour("fg.muted"))
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._text)
        else:
            ratio = self.devicePixelRatioF()
            size = self._image.size().scaled(rect.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio)
            size = size.boundedTo(self._image.size())
            mode = Qt.TransformationMode.SmoothTransformation
            small = self._image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, mode)
            small.setDevicePixelRatio(ratio)
            width, height = round(small.width() / ratio), round(small.height() / ratio)
            left, top = (rect.width() - width) // 2, (rect.height() - height) // 2
            painter.drawImage(left, top, small)
            self._paint_covered(painter, QRect(left, top, width, height))
        painter.setPen(self._theme.colour("border.control"))
        painter.drawRect(rect)

    def _paint_covered(self, painter: QPainter, picture: QRect) -> None:
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        for part in self._covered:
            rect = QRect(
                picture.x() + round(part.x() * picture.width()),
                picture.y() + round(part.y() * picture.height()),
                round(part.width() * picture.width()),
                round(part.height() * picture.height()),
            )
            painter.fillRect(rect, self._theme.colour("bg.hover"))
            painter.setPen(self._theme.colour("fg.muted"))
            painter.drawText(rect, flags, _("This window. It closes first."))
