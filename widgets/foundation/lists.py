# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists: the base of every list and the delegate that paints rows with tokens only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from widgets.foundation.theme import Theme

__all__ = ["Index", "Ink", "RowDelegate", "RowList"]

Index = QModelIndex | QPersistentModelIndex

# several screens of rows
_PICTURES_MAX = 400
# so many px a letter of a line has at least, as a rule; few letters are measured whole
_NARROW_PX = 6
_FEW = 8
# joined once: Python's flags are slow, and a list draws some hundred texts
_LINE = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_TO_LEFT = _LINE | int(Qt.AlignmentFlag.AlignLeft)
_TO_RIGHT = _LINE | int(Qt.AlignmentFlag.AlignRight)


@dataclass(slots=True)
class Ink:
    """What a row is painted with: ready colours, fonts and metrics of the theme, and the state of the row."""

    text: QColor
    muted: QColor
    selected: bool
    hovered: bool
    focused: bool
    scale: float


class RowDelegate(QStyledItemDelegate):
    """Base of delegates: paints ground, selection and focus, then calls `paint_row`.

    Subclasses override `paint_row` and, when rows are higher than the density says, `row_height`. One whose rows cost
    much to paint overrides `picture_key` too: a row that looks the same again is then drawn from its kept picture.
    """

    def __init__(self, theme: Theme, density: str = "comfortable", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.density = theme.tokens.density[density]
        self._fonts: dict[tuple[str, bool], tuple[QFont, QFontMetrics]] = {}
        self._pictures: OrderedDict[Hashable, QPixmap] = OrderedDict()
        theme.changed.connect(self._forget_looks)

    def _forget_looks(self) -> None:
        self._fonts.clear()
        self._pictures.clear()

    def set_density(self, name: str) -> None:
        """Change the height of rows: compact, normal or comfortable; the view must lay out again afterwards."""
        self.density = self.theme.tokens.density[name]

    def row_height(self) -> int:
        """Return the height of a row in px: what the density says, or more when text is large."""
        lines = self.density.lines * self.metrics("body").lineSpacing()
        return max(self.density.row, lines + 2 * (self.density.padding // 2 + self.theme.tokens.space.hair))

    def font(self, step: str, tabular: bool = False) -> QFont:
        """Return a font of the type scale, kept between rows."""
        return self._font(step, tabular)[0]

    def metrics(self, step: str, tabular: bool = False) -> QFontMetrics:
        """Return its metrics."""
        return self._font(step, tabular)[1]

    def _font(self, step: str, tabular: bool) -> tuple[QFont, QFontMetrics]:
        key = (step, tabular)
        if key not in self._fonts:
            font = self.theme.font(step, tabular=tabular)
            self._fonts[key] = (font, QFontMetrics(font))
        return self._fonts[key]

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        del option, index
        return QSize(self.theme.tokens.space.vast, self.row_height())

    def picture_key(self, index: Index) -> Hashable | None:
        """Return all that the row's look depends on but its size and state; None: paint it anew each time."""
        del index
        return None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row, from its kept picture where there is one."""
        ink = self._ink(option, painter)
        rect: QRect = option.rect
        content = self.picture_key(index)
        if content is None:
            painter.save()
            self._paint_whole(painter, rect, index, ink)
            painter.restore()
            return
        key = (content, rect.width(), rect.height(), ink.selected, ink.hovered, ink.focused, ink.scale)
        picture = self._pictures.get(key)
        if picture is None:
            picture = self._picture(option, index, ink)
            self._pictures[key] = picture
            if len(self._pictures) > _PICTURES_MAX:
                self._pictures.popitem(last=False)
        else:
            self._pictures.move_to_end(key)
        painter.drawPixmap(rect.topLeft(), picture)

    def _picture(self, option: QStyleOptionViewItem, index: Index, ink: Ink) -> QPixmap:
        rect: QRect = option.rect
        picture = QPixmap(rect.size() * ink.scale)
        picture.setDevicePixelRatio(ink.scale)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setLayoutDirection(option.direction)
        self._paint_whole(painter, QRect(0, 0, rect.width(), rect.height()), index, ink)
        painter.end()
        return picture

    def _paint_whole(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        if ink.selected:
            painter.fillRect(rect, self.theme.colour("selected.bg"))
        elif ink.hovered:
            painter.fillRect(rect, self.theme.colour("bg.hover"))
        self.paint_row(painter, rect, index, ink)
        if ink.focused:
            self._paint_focus(painter, rect)

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Paint the content; the base shows the display text."""
        inner = rect.adjusted(self.density.padding, 0, -self.density.padding, 0)
        self.draw(painter, inner, str(index.data() or ""), ink.text)

    def draw(
        self,
        painter: QPainter,
        rect: QRect,
        text: str,
        colour: QColor,
        step: str = "body",
        *,
        right: bool = False,
        tabular: bool = False,
    ) -> int:
        """Draw one line, elided, in the vertical middle of `rect`; return its width in px if it stands at the right."""
        font, metrics = self._font(step, tabular)
        shown = _elided(metrics, text, rect.width())
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(rect, _TO_RIGHT if right else _TO_LEFT, shown)
        return metrics.horizontalAdvance(shown) if right else 0

    def draw_icon(self, painter: QPainter, x: int, middle_y: int, name: str, colour: str, scale: float) -> int:
        """Draw a small icon whose left edge is `x`; return its width in px."""
        side = self.theme.tokens.icon_small
        painter.drawPixmap(x, middle_y - side // 2, self.theme.pixmap(name, colour, side, scale))
        return side

    def draw_chip(self, painter: QPainter, x: int, middle_y: int, text: str, kind: str, *, right: bool = False) -> int:
        """Draw a badge with its left (or right) edge at `x`; return its width. `kind`: selected, note, danger, …"""
        font, metrics = self._font("caption", False)
        space = self.theme.tokens.space
        width = metrics.horizontalAdvance(text) + 2 * space.small
        height = metrics.height() + space.hair
        box = QRectF(x - width if right else x, middle_y - height / 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour(f"{kind}.bg"))
        radius = self.theme.tokens.radius_small
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawRoundedRect(box, radius, radius)
        painter.setFont(font)
        painter.setPen(self.theme.colour(f"{kind}.fg"))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
        return width

    def _ink(self, option: QStyleOptionViewItem, painter: QPainter) -> Ink:
        state: QStyle.StateFlag = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        return Ink(
            text=self.theme.colour("selected.fg" if selected else "fg.default"),
            muted=self.theme.colour("selected.fg" if selected else "fg.muted"),
            selected=selected,
            hovered=bool(state & QStyle.StateFlag.State_MouseOver),
            focused=bool(state & QStyle.StateFlag.State_HasFocus),
            scale=painter.device().devicePixelRatioF(),
        )

    def _paint_focus(self, painter: QPainter, rect: QRect) -> None:
        width = self.theme.tokens.focus_width
        painter.setPen(QPen(self.theme.colour("focus"), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = width / 2
        painter.drawRect(QRectF(rect).adjusted(inset, inset, -inset, -inset))


def _elided(metrics: QFontMetrics, text: str, width: int) -> str:
    """Return as much of a line as fits. Of a long text its beginning is measured first: nearly always that is all."""
    start = text[: width // _NARROW_PX + _FEW]
    shown = metrics.elidedText(start, Qt.TextElideMode.ElideRight, width)
    if shown == start and len(start) < len(text):
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    return shown


class RowList(QListView):
    """A list of equal rows: no input method (single keys work in Hangul mode), Enter opens, scrolls by pixel."""

    opened = Signal(QModelIndex)

    def __init__(self, theme: Theme, name: str, delegate: RowDelegate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        delegate.setParent(self)
        self.setItemDelegate(delegate)
        self.doubleClicked.connect(self.opened)
        theme.changed.connect(self._relayout)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show a model; input methods stay off (Qt turns them on again with an editable model)."""
        super().setModel(model)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Keep input methods off: the base class decides about them at each change of row."""
        super().currentChanged(current, previous)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the row with either Enter key; no type-ahead, letters belong to commands."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
            return
        if event.text().isprintable() and event.text() and event.key() != Qt.Key.Key_Space:
            event.ignore()
            return
        super().keyPressEvent(event)

    def _relayout(self) -> None:
        self.scheduleDelayedItemsLayout()
        self.viewport().update()
