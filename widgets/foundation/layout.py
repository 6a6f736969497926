# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes, cards, lines and folds: the few containers all windows are built from, with distances from the tokens."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from widgets.foundation.buttons import Button, Look
from widgets.foundation.labels import PlainLabel, restyle
from widgets.foundation.theme import Theme
from widgets.foundation.turns import delete_later

__all__ = ["Card", "Fold", "Panel", "Section", "clear", "column", "fit", "grow_with_words", "line", "row", "scroll"]

Item = QWidget | QLayout | int | None
Box = TypeVar("Box", bound=QBoxLayout)


def row(*items: Item, gap: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QHBoxLayout:
    """Lay items out from left to right: widgets, layouts, a number of px, or None for what is left over."""
    return _fill(QHBoxLayout(), items, gap, margins)


def column(*items: Item, gap: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QVBoxLayout:
    """Lay items out from top to bottom, see `row`."""
    return _fill(QVBoxLayout(), items, gap, margins)


def _fill(box: Box, items: tuple[Item, ...], gap: int, margins: tuple[int, int, int, int]) -> Box:
    box.setContentsMargins(*margins)
    box.setSpacing(gap)
    for item in items:
        if item is None:
            box.addStretch(1)
        elif isinstance(item, int):
            box.addSpacing(item)
        elif isinstance(item, QLayout):
            box.addLayout(item)
        else:
            box.addWidget(item)
    return box


def line(*, vertical: bool = False) -> QFrame:
    """Return a thin line between two parts."""
    frame = QFrame()
    frame.setProperty("panel", "vline" if vertical else "line")
    return frame


def clear(layout: QLayout) -> None:
    """Take everything out of a layout; widgets are hidden now and deleted when there is time."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            delete_later(widget)
        elif (inner := item.layout()) is not None:
            clear(inner)


def scroll(content: QWidget) -> QScrollArea:
    """Return the content in an area that scrolls up and down only, reachable by keyboard through its children."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


def fit(window: QWidget, width: int, height: int) -> None:
    """Give a finished window this size, or as much more as its texts need at this text size and language."""
    inside = window.findChildren(QWidget)
    for widget in inside:
        widget.ensurePolished()
    # from the inside out: a layout learns of another size of its parts only when theirs were activated
    for widget in reversed(inside):
        own = widget.layout()
        if own is not None:
            own.activate()
    layout = window.layout()
    if layout is not None:
        layout.activate()
        width = max(width, layout.totalMinimumSize().width(), window.minimumWidth())
        needed = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
        height = max(height, needed)
    window.resize(width, height)


class _Growth(QObject):
    """Makes a window higher when what it holds has become higher than it is; never smaller, never beyond the screen."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # the window's layout has taken the news in before filters see the event
        if event.type() is QEvent.Type.LayoutRequest and isinstance(watched, QWidget) and watched.isVisible():
            layout = watched.layout()
            if layout is not None and layout.hasHeightForWidth():
                needed = min(layout.totalHeightForWidth(watched.width()), watched.screen().availableGeometry().height())
                if needed > watched.height():
                    watched.resize(watched.width(), needed)
        return False


def grow_with_words(window: QWidget) -> None:
    """Let a window grow when a notice appears or a text becomes longer: nothing in it is squeezed."""
    window.installEventFilter(_Growth(window))


class Panel(QFrame):
    """A ground with a role: window, surface, card, bar, footer, reply, note, danger, warning, success, accent, live."""

    def __init__(self, kind: str = "surface", layout: QLayout | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", kind)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        if layout is not None:
            self.setLayout(layout)

    def set_kind(self, kind: str) -> None:
        """Change the role of the ground."""
        restyle(self, panel=kind)


class Card(Panel):
    """A surface with a thin frame; `body` is its column."""

    def __init__(self, theme: Theme, *items: Item, kind: str = "card", parent: QWidget | None = None) -> None:
        space = theme.tokens.space
        edge = (space.large, space.medium, space.large, space.medium)
        self.body = column(*items, gap=space.small, margins=edge)
        super().__init__(kind, self.body, parent)


class Section(QWidget):
    """A quiet heading with content below; the heading names the group for screen readers."""

    def __init__(self, theme: Theme, title: str, *items: Item, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = PlainLabel(title, type="strong", tone="muted")
        self.body = column(*items, gap=theme.tokens.space.small)
        self.setLayout(column(self.heading, self.body, gap=theme.tokens.space.small))
        self.setAccessibleName(title)


class Fold(QWidget):
    """A block whose heading opens and closes it. `folded` tells what the user chose, so that it can be kept."""

    folded = Signal(bool)

    def __init__(
        self, theme: Theme, title: str, *items: Item, open_: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.header = Button(theme, title, look=Look.NAV)
        self.header.setProperty("look", "fold")
        self.header.setCheckable(True)
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        space = theme.tokens.space
        self.body = column(*items, gap=space.small, margins=(space.tiny, space.tiny, space.tiny, space.small))
        self.content = QWidget()
        self.content.setLayout(self.body)
        self.setLayout(column(self.header, self.content))
        self.header.toggled.connect(self._show)
        self.header.setChecked(open_)
        self._show(open_)

    def set_title(self, title: str) -> None:
        """Change the heading."""
        self.header.setText(title)

    def is_open(self) -> bool:
        """Tell whether the content shows."""
        return self.header.isChecked()

    def _show(self, open_: bool) -> None:
        if self.content.isHidden() == open_:
            self.folded.emit(not open_)
        self.content.setVisible(open_)
        self._theme.set_icon(self.header, "chevron-down" if open_ else "chevron-right", "fg.muted")
