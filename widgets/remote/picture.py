# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints the remote picture: one picture pixel on one device pixel where it can, zoomed and moved by keys and wheel."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.marks import Marks
from widgets.foundation import Theme
from widgets.remote.layers import Layers
from widgets.remote.pens import Pens, Tool
from widgets.remote.ports import CursorPicture, Part, Target
from widgets.remote.view import View

__all__ = ["Picture"]

ASK_MS = 40


class Picture(QWidget):
    """`part_asked` gives what to send, `drawn` the number of each picture painted, `active` that a person is there."""

    part_asked = Signal(object)
    drawn = Signal(int)
    active = Signal()
    zoomed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._view = View()
        self._image: QImage | None = None
        self._seq = 0
        self._words = self._granted = ""
        self._asked: Part | None = None
        self._drag: QPointF | None = None
        self._layers = Layers(theme)
        self._own_marks = False
        self.pens = Pens(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self._ask_soon = QTimer(self, singleShot=True, interval=ASK_MS)
        self._ask_soon.timeout.connect(self._ask)
        theme.changed.connect(self.update)
        self._name()

    # --- what the window says --------------------------------------------------------------------------------

    def show_target(self, target: Target | None) -> None:
        """Say how large the source is."""
        size = (max(1, target.width), max(1, target.height)) if target else (1, 1)
        self._own_marks = target is not None and not target.shows_marks
        if size != self._view.source:
            self.pens.use(self.pens.tool, size)
            self._set(replace(self._view, source=size, factor=None, centre=(0.5, 0.5)))

    def show_image(self, image: QImage, seq: int) -> None:
        """Paint a picture at the next chance; an unpainted older one is dropped."""
        self._image, self._seq = image, seq
        self.update()

    def clear(self) -> None:
        """Forget the picture: nothing of the customer's screen stays."""
        self._image = None
        self._layers.forget()
        self.update()

    def use_tool(self, tool: Tool) -> None:
        """The mouse points or draws from now on, or moves the picture."""
        self.pens.use(tool, self._view.source)
        if tool is Tool.LOOK:
            self.unsetCursor()
        else:
            self.setCursor(Qt.CursorShape.CrossCursor)

    def show_marks(self, marks: Marks) -> None:
        """Show what the agent drew, where the picture itself does not."""
        self._layers.marks = marks
        if self._own_marks:
            self.update()

    def show_cursor(self, at: tuple[int, int] | None, shape: int) -> None:
        """Show where the customer's cursor is; only what changes is painted anew."""
        ratio = self.devicePixelRatioF()
        before = self._layers.cursor_rect(self._view, ratio)
        self._layers.move(at, shape)
        self.update(before)
        self.update(self._layers.cursor_rect(self._view, ratio))

    def learn_cursor(self, picture: CursorPicture) -> None:
        """Keep a shape of the cursor."""
        self._layers.learn(picture)

    def show_words(self, words: str) -> None:
        """Dim the picture and say why; "" shows it plainly."""
        self._words = words
        self._describe()
        self.update()

    def tell_grants(self, words: str) -> None:
        """Say to who hears the picture what may be done here."""
        self._granted = words
        self._describe()

    def fit(self) -> None:
        """Show all of it."""
        self._set(self._view.zoomed(None))

    def actual(self) -> None:
        """Show one pixel of the source on one of the screen, keeping what is under the pointer."""
        self._set(self._view.zoomed(1.0, self._pointer()))

    def step(self, by: int) -> None:
        """Zoom in (1) or out (-1)."""
        self._set(self._view.stepped(by, self._pointer()))

    def percent(self) -> int:
        """Return the zoom as people read it."""
        return round(self._view.scale() * 100)

    def is_known(self) -> bool:
        """Tell whether the size of the customer's screen is known."""
        return self._view.source != (1, 1)

    def is_fit(self) -> bool:
        """Tell whether all of it shows."""
        return self._view.factor is None

    def view(self) -> View:
        """Return the arithmetic of what shows."""
        return self._view

    # --- inside ----------------------------------------------------------------------------------------------

    def _set(self, view: View) -> None:
        self._view = view
        self.update()
        self._ask_soon.start()
        self.zoomed.emit()
        self._name()

    def _name(self) -> None:
        name = _("Customer's screen")
        if self.is_known():
            width, height = self._view.source
            name = _("Customer's screen, {width} by {height}, shown at {percent} %").format(
                width=width, height=height, percent=self.percent()
            )
        self.setAccessibleName(name)

    def _describe(self) -> None:
        self.setAccessibleDescription("\n".join(filter(None, (self._words, self._granted))))

    def _ask(self) -> None:
        part = self._view.part()
        if part != self._asked and self.is_known() and self.isVisible():
            self._asked = part
            self.part_asked.emit(part)

    def _pointer(self) -> tuple[float, float] | None:
        if not self.underMouse():
            return None
        place = self.mapFromGlobal(self.cursor().pos())
        ratio = self.devicePixelRatioF()
        return place.x() * ratio, place.y() * ratio

    def sizeHint(self) -> QSize:
        """A usual window."""
        vast = self._theme.tokens.space.vast
        return QSize(vast * 16, vast * 10)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for pictures of the new size."""
        super().resizeEvent(event)
        ratio = self.devicePixelRatioF()
        self._set(replace(self._view, window=(round(self.width() * ratio), round(self.height() * ratio))))

    def showEvent(self, event: QShowEvent) -> None:
        """Ask once it is on the screen."""
        del event
        self._ask_soon.start()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground, picture, words."""
        del event
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("bg.window"))
        if self._image is not None and not self._image.isNull():
            self._paint_image(painter, self._image)
            self._layers.paint(painter, self._view, self.devicePixelRatioF(), marks=self._own_marks)
        if self._words:
            self._paint_words(painter)
        painter.end()
        if self._image is not None and self._seq:
            seq, self._seq = self._seq, 0
            self.drawn.emit(seq)

    def _paint_image(self, painter: QPainter, image: QImage) -> None:
        ratio = self.devicePixelRatioF()
        x, y, width, height = self._view.place()
        exact = (image.width(), image.height()) == (width, height)
        whole = self._view.scale() >= 1 and self._view.scale() == int(self._view.scale())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not exact and not whole)
        painter.drawImage(QRectF(x / ratio, y / ratio, width / ratio, height / ratio), image, QRectF(image.rect()))

    def _paint_words(self, painter: QPainter) -> None:
        veil = self._theme.colour("bg.window")
        veil.setAlphaF(0.8)
        painter.fillRect(self.rect(), veil)
        space = self._theme.tokens.space
        painter.setFont(self._theme.font("title"))
        painter.setPen(self._theme.colour("fg.default"))
        room = self.rect().adjusted(space.vast, space.wide, -space.vast, -space.wide)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._words)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the part."""
        step = self._theme.tokens.space.vast
        moves = {
            Qt.Key.Key_Left: (-step, 0),
            Qt.Key.Key_Right: (step, 0),
            Qt.Key.Key_Up: (0, -step),
            Qt.Key.Key_Down: (0, step),
        }
        self.active.emit()
        if event.key() in moves:
            self._set(self._view.moved(*moves[Qt.Key(event.key())]))
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ctrl and the wheel zoom; the wheel alone moves."""
        delta = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.step(1 if delta.y() > 0 else -1)
        else:
            self._set(self._view.moved(-delta.x(), -delta.y()))
        self.active.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to draw, or to drag the picture."""
        if self.pens.tool is Tool.LOOK:
            self._drag = event.position()
        elif event.button() is Qt.MouseButton.LeftButton:
            self.pens.press(*self._source_point(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point, draw, or move the part along."""
        self.active.emit()
        if self.pens.tool is not Tool.LOOK:
            self.pens.hover(*self._source_point(event.position()))
        if self._drag is not None:
            ratio = self.devicePixelRatioF()
            moved = (self._drag - event.position()) * ratio
            self._drag = event.position()
            self._set(self._view.moved(moved.x(), moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop drawing or dragging."""
        del event
        self._drag = None
        self.pens.release()

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer goes with the mouse."""
        self.pens.leave()
        super().leaveEvent(event)

    def _source_point(self, place: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        x, y = self._view.point(place.x() * ratio, place.y() * ratio)
        width, height = self._view.source
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
