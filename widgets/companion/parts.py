# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture with rectangles on it, drawn and moved by mouse or keyboard: parts to hide, or the one part to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.masking import MASKS_MAX, Box
from widgets.foundation import Theme, announce

__all__ = ["PartsPicture"]

LEAST: Final = 16
_STEP: Final = 16
_FIRST: Final = 4  # a part made by the keyboard is a quarter of the picture
_ARROWS: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class PartsPicture(QWidget):
    """Rectangles count in pixels of the source. `changed` comes after every finished change, `chosen` for another one.

    Keys: Insert makes one, arrows move it, with Shift its lower right corner, with Ctrl by single pixels; Delete takes
    it away; Page Up and Page Down choose another. With `single` there is at most one, and it is shown, not hidden.
    """

    changed = Signal()
    chosen = Signal(int)

    def __init__(self, theme: Theme, *, single: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._single = single
        self._image: QImage | None = None
        self._view = QRect(0, 0, 1, 1)  # which part of the target the picture shows
        self._boxes: list[QRect] = []
        self._now = -1
        self._from: QPoint | None = None  # where the mouse went down
        self._was = QRect()
        self._how = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        space = theme.tokens.space
        self.setMinimumSize(space.vast * 8, space.vast * 5)
        self._describe()

    # --- for the window --------------------------------------------------------------------------------------------

    def show_picture(self, image: QImage, at: tuple[int, int] = (0, 0)) -> None:
        """Show what is shared in its own size; `at` is where it lies in the target."""
        self._image = image
        self._view = QRect(QPoint(*at), image.size())
        self.update()

    def boxes(self) -> list[Box]:
        """Return the rectangles, in the order they were made."""
        return [(box.x(), box.y(), box.width(), box.height()) for box in self._boxes]

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show exactly these."""
        self._boxes = [QRect(*box) for box in boxes]
        self._select(len(self._boxes) - 1)

    @property
    def current(self) -> int:
        """Which one the keyboard changes; -1 for none."""
        return self._now

    def add(self) -> None:
        """Make one in the middle, to be moved by keys."""
        view = self._view
        box = QRect(0, 0, max(LEAST, view.width() // _FIRST), max(LEAST, view.height() // _FIRST))
        box.moveCenter(view.center())
        self._put_new(self._fitted(box))
        self._done()

    def remove(self, index: int) -> None:
        """Take one away."""
        if 0 <= index < len(self._boxes):
            del self._boxes[index]
            self._select(min(index, len(self._boxes) - 1))
            self._done()

    def choose(self, index: int) -> None:
        """Change this one from now on."""
        if 0 <= index < len(self._boxes) and index != self._now:
            self._select(index)

    def words(self, index: int) -> str:
        """Return one in words: its number, place and size."""
        box = self._boxes[index]
        text = _("Part {n}: {left} from the left, {top} from the top, {width} × {height}")
        if self._single:
            text = _("{left} from the left, {top} from the top, {width} × {height}")
        return text.format(n=index + 1, left=box.x(), top=box.y(), width=box.width(), height=box.height())

    # --- inside ----------------------------------------------------------------------------------------------------

    def _put_new(self, box: QRect) -> None:
        if self._single:
            self._boxes = []
        if len(self._boxes) < MASKS_MAX:
            self._boxes.append(box)
            self._select(len(self._boxes) - 1)

    def _select(self, index: int) -> None:
        self._now = index
        self.chosen.emit(index)
        self._describe()
        self.update()

    def _done(self) -> None:
        self._describe()
        self.update()
        self.changed.emit()
        if self._now >= 0:
            announce(self, self.words(self._now))

    def _describe(self) -> None:
        name = _("Picture with the part that is shown") if self._single else _("Picture with the parts that are hidden")
        self.setAccessibleName(name)
        keys = _("Insert makes a part, arrows move it, with Shift they size it, Delete takes it away.")
        where = self.words(self._now) + ". " if 0 <= self._now < len(self._boxes) else ""
        self.setAccessibleDescription(where + keys)

    def _fitted(self, box: QRect) -> QRect:
        """Return it inside the picture, with even sides: the encoder halves colours."""
        whole = self._view
        width = min(max(LEAST, box.width()), whole.width()) & ~1
        height = min(max(LEAST, box.height()), whole.height()) & ~1
        left = min(max(box.x(), whole.x()), whole.x() + whole.width() - width)
        top = min(max(box.y(), whole.y()), whole.y() + whole.height() - height)
        return QRect(left, top, width, height)

    def _area(self) -> QRect:
        """Where the picture lies in this widget."""
        size = self._view.size().scaled(self.size() - QSize(2, 2), Qt.AspectRatioMode.KeepAspectRatio)
        area = QRect(QPoint(0, 0), size)
        area.moveCenter(self.rect().center())
        return area

    def _to_source(self, at: QPoint) -> QPoint:
        area, view = self._area(), self._view
        x = (at.x() - area.x()) * view.width() // max(1, area.width())
        y = (at.y() - area.y()) * view.height() // max(1, area.height())
        return view.topLeft() + QPoint(min(max(x, 0), view.width()), min(max(y, 0), view.height()))

    def _to_widget(self, box: QRect) -> QRect:
        area, view = self._area(), self._view
        across, down = area.width() / view.width(), area.height() / view.height()
        left, top = box.x() - view.x(), box.y() - view.y()
        x, y = area.x() + round(left * across), area.y() + round(top * down)
        right, bottom = area.x() + round((left + box.width()) * across), area.y() + round((top + box.height()) * down)
        return QRect(x, y, right - x, bottom - y)

    def _corner(self, box: QRect) -> QRect:
        side = self._theme.tokens.space.medium
        corner = QRect(0, 0, side, side)
        corner.moveCenter(self._to_widget(box).bottomRight())
        return corner

    # --- mouse -----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a corner, a part, or begin a new one."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at = event.position().toPoint()
        self._from = self._to_source(at)
        if self._now >= 0 and self._corner(self._boxes[self._now]).contains(at):
            self._how, self._was = "size", QRect(self._boxes[self._now])
            return
        hit = next((n for n in reversed(range(len(self._boxes))) if self._to_widget(self._boxes[n]).contains(at)), -1)
        if hit >= 0:
            self._select(hit)
            self._how, self._was = "move", QRect(self._boxes[hit])
        else:
            self._how, self._was = "new", QRect()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw, move or size."""
        if self._from is None:
            return
        at = self._to_source(event.position().toPoint())
        by = at - self._from
        if self._how == "new":
            if max(abs(by.x()), abs(by.y())) < LEAST // 2:
                return
            self._put_new(self._fitted(QRect(self._from, at).normalized()))
            self._how, self._was = "drag", QRect(self._from, QSize(0, 0))
        elif self._how == "drag":
            self._boxes[self._now] = self._fitted(QRect(self._from, at).normalized())
        elif self._how == "move":
            self._boxes[self._now] = self._fitted(self._was.translated(by))
        elif self._how == "size":
            self._boxes[self._now] = self._sized(self._was, by)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """What was drawn counts now."""
        del event
        moved, self._from, self._how = self._how in ("drag", "move", "size"), None, ""
        if moved and self._now >= 0 and self._boxes[self._now] != self._was:
            self._done()

    def _sized(self, box: QRect, by: QPoint) -> QRect:
        view = self._view
        width = min(box.width() + by.x(), view.x() + view.width() - box.x())
        height = min(box.height() + by.y(), view.y() + view.height() - box.y())
        return self._fitted(QRect(box.x(), box.y(), width, height))

    # --- keys ------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Everything the mouse can do."""
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Insert:
            self.add()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(self._now)
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp) and self._boxes:
            self._select((self._now + (1 if key is Qt.Key.Key_PageDown else -1)) % len(self._boxes))
            announce(self, self.words(self._now))
        elif key in _ARROWS and self._now >= 0:
            step = 2 if event.modifiers() & Qt.KeyboardModifier.ControlModifier else _STEP
            by = QPoint(*_ARROWS[key]) * step
            box = self._boxes[self._now]
            sizes = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._boxes[self._now] = self._sized(box, by) if sizes else self._fitted(box.translated(by))
            self._done()
        else:
            super().keyPressEvent(event)

    # --- looks -----------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Large enough to aim in."""
        space = self._theme.tokens.space
        return QSize(space.vast * 13, space.vast * 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, then the rectangles."""
        del event
        painter = QPainter(self)
        area = self._area()
        painter.fillRect(self.rect(), self._theme.colour("bg.hover"))
        if self._image is None:
            painter.setPen(self._theme.colour("fg.muted"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), _("Waiting for the picture…"))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._image)
        if self._single and self._boxes:
            self._dim_outside(painter, area)
        for number, box in enumerate(self._boxes):
            self._paint_box(painter, self._to_widget(box), number)
        painter.setPen(self._theme.colour("border.control"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _dim_outside(self, painter: QPainter, area: QRect) -> None:
        shade = QColor(self._theme.colour("bg.window"))
        shade.setAlphaF(0.75)
        inner = self._to_widget(self._boxes[0])
        for part in (
            QRect(area.left(), area.top(), area.width(), inner.top() - area.top()),
            QRect(area.left(), inner.bottom() + 1, area.width(), area.bottom() - inner.bottom()),
            QRect(area.left(), inner.top(), inner.left() - area.left(), inner.height()),
            QRect(inner.right() + 1, inner.top(), area.right() - inner.right(), inner.height()),
        ):
            painter.fillRect(part, shade)

    def _paint_box(self, painter: QPainter, rect: QRect, number: int) -> None:
        theme = self._theme
        current = number == self._now
        if not self._single:
            painter.fillRect(rect, theme.colour("selected.bg"))
            painter.fillRect(rect, QBrush(theme.colour("fg.muted"), Qt.BrushStyle.BDiagPattern))
        wide = theme.tokens.focus_width if current else 1
        painter.setPen(QPen(theme.colour("focus" if current else "fg.default"), wide))
        painter.drawRect(rect.adjusted(0, 0, -1, -1))
        if not self._single:
            label = QRect(rect.center() - QPoint(14, 12), QSize(28, 24))
            painter.fillRect(label, theme.colour("bg.surface"))
            painter.setPen(theme.colour("fg.default"))
            painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), str(number + 1))
        if current:
            painter.fillRect(self._corner(self._boxes[number]), theme.colour("focus"))
