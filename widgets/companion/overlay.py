# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent points at and draws, on the customer's own screen: on top of everything, and nothing to click on.

Each window is cut to exactly what it shows, so it needs no transparency and no compositor, and the mouse goes through.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QBitmap, QGuiApplication, QPainter, QPaintEvent, QPixmap, QRegion, QScreen
from PySide6.QtWidgets import QWidget

from app.domain.marks import Marks, Point, from_steps
from widgets.foundation import Form, Theme, drawn_form, pointer_form, thinned

__all__ = ["MarkOverlay", "ScreenPart", "screen_part"]

Physical = tuple[int, int, int, int]
_CALM_MS = 20
_SHARE = 5  # drawing what others send takes at most this part of the time: Stop must be heard
_LINES_MAX = 1024  # in all
_LINES_LEAST = 8


@dataclass(frozen=True, slots=True)
class ScreenPart:
    """One screen as the system counts it, and how its pixels become Qt's."""

    origin: QPoint
    ratio: float
    pixels: QRectF

    def logical(self, x: float, y: float) -> QPointF:
        """Return where a pixel of the desktop lies for Qt: each screen is scaled from its own corner."""
        left, top = self.origin.x(), self.origin.y()
        return QPointF(left + (x - left) / self.ratio, top + (y - top) / self.ratio)


def screen_part(screen: QScreen) -> ScreenPart:
    """Return a screen in pixels of the desktop."""
    place, ratio = screen.geometry(), screen.devicePixelRatio()
    pixels = QRectF(place.x(), place.y(), place.width() * ratio, place.height() * ratio)
    return ScreenPart(place.topLeft(), ratio, pixels)


class _Sheet(QWidget):
    """A window that is nothing but some forms."""

    def __init__(self, title: str) -> None:
        super().__init__()
        flags = Qt.WindowType
        self.setWindowFlags(
            flags.Tool
            | flags.FramelessWindowHint
            | flags.WindowStaysOnTopHint
            | flags.WindowTransparentForInput
            | flags.X11BypassWindowManagerHint
            | flags.WindowDoesNotAcceptFocus
        )
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setWindowTitle(title)
        self._picture = QPixmap()

    def show_forms(self, forms: Sequence[Form], clear_of: QRegion, screen: QScreen) -> None:
        """Show these, given in Qt's pixels of the desktop, except in that region and outside of the screen."""
        bounds = QRectF()
        for form in forms:
            bounds = bounds.united(form.bounds())
        place = bounds.toAlignedRect().intersected(screen.geometry())
        region = _covered(forms, place).subtracted(clear_of) if forms else QRegion()
        if region.isEmpty():
            self.hide()
            return
        self._picture = _painted(forms, place, screen.devicePixelRatio())
        self.setGeometry(place)
        self.setMask(region.translated(-place.topLeft()))
        self.update()
        if not self.isVisible():
            self.show()
            self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the forms; the mask leaves nothing else."""
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        painter.drawPixmap(0, 0, self._picture)
        painter.end()


def _covered(forms: Sequence[Form], place: QRect) -> QRegion:
    if place.isEmpty():
        return QRegion()
    bits = QBitmap(place.size())
    bits.clear()
    painter = QPainter(bits)
    painter.translate(-place.topLeft())
    for form in forms:
        form.cover(painter)
    painter.end()
    return QRegion(bits).translated(place.topLeft())


def _painted(forms: Sequence[Form], place: QRect, ratio: float) -> QPixmap:
    picture = QPixmap(place.size() * ratio)
    picture.setDevicePixelRatio(ratio)
    painter = QPainter(picture)
    painter.translate(-place.topLeft())
    for form in forms:
        form.paint(painter)
    painter.end()
    return picture


class MarkOverlay(QObject):
    """Two windows for each screen that holds part of the target: one follows the pointer, one has the drawings."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self._title = title
        self._line = float(theme.tokens.space.tiny)
        self._pointer_high = float(theme.tokens.space.huge)
        self._target: Physical = (0, 0, 0, 0)
        self._marks = Marks()
        self._clear_of = QRegion()
        self._sheets: dict[tuple[str, bool], _Sheet] = {}
        self._shown: tuple[Marks, Physical] = (self._marks, self._target)
        self._calm = QTimer(self, singleShot=True)
        self._calm.timeout.connect(self._refresh_changed)

    def show_marks(self, marks: Marks, target: Physical) -> None:
        """Show exactly this on a target at this place in pixels of the desktop; what is gone goes at once."""
        gone = (bool(self._marks.drawn) and not marks.drawn) or (self._marks.pointer and not marks.pointer)
        self._marks, self._target = marks, target
        if gone or not self._calm.isActive():
            self._refresh_changed()

    def keep_clear(self, rects: Sequence[QRect]) -> None:
        """Leave these free, in Qt's pixels of the desktop: nobody draws on the questions of the Companion itself."""
        region = QRegion()
        for rect in rects:
            region = region.united(rect)
        if region != self._clear_of:
            self._clear_of = region
            self._refresh(pointer=True, drawn=True)

    def clear(self) -> None:
        """Take everything away."""
        self.show_marks(Marks(), self._target)

    def end(self) -> None:
        """Take the windows away for good."""
        self._calm.stop()
        self._marks = Marks()
        for sheet in self._sheets.values():
            sheet.hide()
            sheet.deleteLater()
        self._sheets.clear()

    def windows(self) -> list[QWidget]:
        """Return the windows that show something."""
        return [sheet for sheet in self._sheets.values() if sheet.isVisible()]

    def _refresh_changed(self) -> None:
        (marks, target), self._shown = self._shown, (self._marks, self._target)
        if self._shown == (marks, target):
            return
        began = time.perf_counter()
        elsewhere = target != self._target
        self._refresh(pointer=elsewhere or marks.pointer != self._marks.pointer,
                      drawn=elsewhere or marks.drawn != self._marks.drawn)  # fmt: skip
        took_ms = (time.perf_counter() - began) * 1000
        self._calm.start(max(_CALM_MS, round(took_ms * (_SHARE - 1))))

    def _refresh(self, *, pointer: bool, drawn: bool) -> None:
        for screen in QGuiApplication.screens():
            part = screen_part(screen)
            here = part.pixels.intersects(QRectF(*self._target))
            if pointer:
                self._show(screen, self._pointer_forms(part) if here else [], pointer=True)
            if drawn:
                self._show(screen, self._drawn_forms(part) if here else [], pointer=False)

    def _show(self, screen: QScreen, forms: list[Form], *, pointer: bool) -> None:
        key = (screen.name(), pointer)
        if key not in self._sheets:
            if not forms:
                return
            self._sheets[key] = _Sheet(self._title)
        self._sheets[key].show_forms(forms, self._clear_of, screen)

    def _pointer_forms(self, part: ScreenPart) -> list[Form]:
        if self._marks.pointer is None:
            return []
        return [pointer_form(self._place(part, self._marks.pointer), self._pointer_high)]

    def _drawn_forms(self, part: ScreenPart) -> list[Form]:
        most = max(_LINES_LEAST, _LINES_MAX // max(1, len(self._marks.drawn)))
        return [
            drawn_form(mark.kind, thinned([self._place(part, point) for point in mark.points], most), self._line,
                       mark.colour)
            for mark in self._marks.drawn
        ]  # fmt: skip

    def _place(self, part: ScreenPart, point: Point) -> QPointF:
        left, top, width, height = self._target
        x, y = from_steps(point, width, height)
        return part.logical(left + x, top + y)
