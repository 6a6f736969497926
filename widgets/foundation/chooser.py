# SPDX-License-Identifier: GPL-3.0-or-later
"""A small window to choose from a list by typing, arrows and Enter: pickers of fields and the command palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QApplication, QFrame, QLineEdit, QWidget

from widgets.foundation.hangul import matches
from widgets.foundation.labels import PlainLabel
from widgets.foundation.layout import Panel, column
from widgets.foundation.lists import Index, Ink, RowDelegate, RowList
from widgets.foundation.states import announce
from widgets.foundation.theme import Theme

__all__ = ["Chooser", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """One line. `value` comes back when it is chosen; `also` is further text to find it by; `detail` stands right."""

    value: object
    text: str
    icon: str = ""
    icon_colour: str = "fg.muted"
    detail: str = ""
    also: str = ""
    checked: bool | None = None
    enabled: bool = field(default=True)


_NO_INDEX = QModelIndex()


class _Model(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.options: Sequence[Option] = ()

    def show_options(self, options: Sequence[Option]) -> None:
        self.beginResetModel()
        self.options = options
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """How many fit."""
        return 0 if parent.isValid() else len(self.options)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """An option or its words."""
        option = self.options[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return option
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(filter(None, (option.text, option.detail)))
        return None


class _Delegate(RowDelegate):
    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Tick, icon, text, detail."""
        option = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(option, Option):
            return
        space, side = self.theme.tokens.space, self.theme.tokens.icon_small
        inner = rect.adjusted(space.medium, 0, -space.medium, 0)
        left, middle = inner.left(), inner.center().y() + 1
        if option.checked is not None:
            if option.checked:
                self.draw_icon(painter, left, middle, "check", "selected.fg" if ink.selected else "fg.link", ink.scale)
            left += side + space.small
        if option.icon:
            colour = "selected.fg" if ink.selected else option.icon_colour
            self.draw_icon(painter, left, middle, option.icon, colour, ink.scale)
            left += side + space.small
        width = self.draw(painter, inner, option.detail, ink.muted, "caption", right=True) if option.detail else 0
        place = QRect(left, inner.top(), inner.right() - width - space.medium - left, inner.height())
        self.draw(painter, place, option.text, ink.text)


class Chooser(QFrame):
    """Type to narrow, arrows to move, Enter to choose, Escape to leave; the focus goes back where it was.

    With `many` Enter ticks and the window stays. Composed text counts while it is being typed.
    """

    spoken_in_window = True  # Qt lists no popup: a screen reader finds it in the window it stands over
    chosen = Signal(object)  # the value of the option
    typed = Signal(str)
    left = Signal()

    def __init__(
        self, theme: Theme, name: str, parent: QWidget, *, many: bool = False, always_typing: bool = True, wide: int = 0
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme, self._many = theme, many
        self._all: Sequence[Option] = ()
        self._narrow = True
        self._preedit = ""
        self._before = QApplication.focusWidget()
        self._build(theme, name)
        self.field.setVisible(always_typing)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus if always_typing else Qt.FocusPolicy.StrongFocus)
        space = theme.tokens.space
        self._width = wide or space.vast * 6

    def _build(self, theme: Theme, name: str) -> None:
        space = theme.tokens.space
        self.field = QLineEdit()
        self.field.setAccessibleName(name)
        self.field.setPlaceholderText(name)
        self.field.textChanged.connect(self._typed)
        self.field.installEventFilter(self)
        self.list = RowList(theme, name, _Delegate(theme, "normal"))
        self.list.installEventFilter(self)
        self.model = _Model(self)
        self.list.setModel(self.model)
        self.list.clicked.connect(self._choose)
        self.nothing = PlainLabel(tone="muted", wrap=True)
        self.nothing.setContentsMargins(space.medium, space.small, space.medium, space.small)
        self.nothing.hide()
        inner = Panel("toast", column(self.field, self.list, self.nothing, gap=space.tiny, margins=(space.tiny,) * 4))
        self.setLayout(column(inner))

    def show_options(self, options: Sequence[Option], *, narrow: bool = True) -> None:
        """Show these; with `narrow` off the caller already narrowed them to what is typed."""
        self._all, self._narrow = options, narrow
        self._filter()

    def set_nothing(self, text: str) -> None:
        """Say what stands there when nothing fits."""
        self.nothing.setText(text)

    def open_at(self, corner: QPoint) -> None:
        """Open with the upper left corner here (global), moved so that all of it is on the screen."""
        self._fit()
        screen = self.screen().availableGeometry()
        x = max(screen.left(), min(corner.x(), screen.right() - self.width()))
        y = max(screen.top(), min(corner.y(), screen.bottom() - self.height()))
        self.move(x, y)
        self.show()
        (self.list if self.field.isHidden() else self.field).setFocus()

    def text(self) -> str:
        """Return what is typed, the syllable being composed included."""
        return self.field.text() + self._preedit

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Enter act on the list while the field has the keyboard."""
        if isinstance(event, QInputMethodEvent):
            self._preedit = event.preeditString()
            self._typed(self.field.text())
        if not isinstance(event, QKeyEvent) or event.type() is not QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not self._preedit:
                self._choose(self.list.currentIndex())
            return True
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}[Qt.Key(key)]
            place = max(0, min(self.model.rowCount() - 1, self.list.currentIndex().row() + by))
            self.list.setCurrentIndex(self.model.index(place))
            self._tell_current()
            return True
        if key == Qt.Key.Key_Space and self.field.isHidden():
            self._choose(self.list.currentIndex())
            return True
        return super().eventFilter(watched, event)

    def hideEvent(self, event: object) -> None:
        """Give the keyboard back."""
        del event
        before, self._before = self._before, None
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.left.emit()

    def _typed(self, _text: str) -> None:
        self.typed.emit(self.text())
        self._filter()
        self._tell_current()

    def _tell_current(self) -> None:
        """The keyboard is in the field: who does not see the list hears which line Enter would take."""
        if self.isVisible() and self.list.currentIndex().isValid():
            announce(self.list, str(self.list.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)))

    def _filter(self) -> None:
        text = self.text().strip() if self._narrow else ""
        keep = self.model.options[self.list.currentIndex().row()].value if self.list.currentIndex().isValid() else None
        fitting = [o for o in self._all if not text or matches(text, f"{o.text} {o.also}")]
        self.model.show_options(fitting)
        ticked = next((i for i, o in enumerate(fitting) if o.checked), 0)
        place = next((i for i, o in enumerate(fitting) if o.value == keep), 0 if text or self._many else ticked)
        if fitting:
            self.list.setCurrentIndex(self.model.index(place))
        self.nothing.setVisible(not fitting)
        self.list.setVisible(bool(fitting))
        self._fit()

    def _fit(self) -> None:
        rows = min(max(self.model.rowCount(), 1), 12)
        delegate = self.list.itemDelegate()
        height = delegate.row_height() if isinstance(delegate, RowDelegate) else self._theme.tokens.control_big
        self.list.setFixedHeight(rows * height)
        self.setFixedWidth(self._width)
        self.adjustSize()

    def _choose(self, index: QModelIndex) -> None:
        if not index.isValid() or not self.model.options[index.row()].enabled:
            return
        value = self.model.options[index.row()].value
        if not self._many:
            self.close()
        self.chosen.emit(value)
