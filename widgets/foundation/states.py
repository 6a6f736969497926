# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window says about itself: nothing here yet, still working, done with a way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from widgets.foundation.buttons import Button, IconButton, Look
from widgets.foundation.labels import PlainLabel
from widgets.foundation.layout import Panel, column, row, scroll
from widgets.foundation.scroll_body import ScrollBody
from widgets.foundation.theme import Theme

__all__ = ["BusyStrip", "EmptyState", "Notice", "Toast", "announce"]

_MOVED = frozenset({QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide})


def announce(widget: QWidget, text: str, *, urgent: bool = False) -> None:
    """Have a screen reader speak the text, once. `urgent` interrupts what it is saying. GUI thread."""
    event = QAccessibleAnnouncementEvent(widget, text)
    politeness = QAccessible.AnnouncementPoliteness
    event.setPoliteness(politeness.Assertive if urgent else politeness.Polite)
    QAccessible.updateAccessibility(event)


class EmptyState(QWidget):
    """Says what belongs here and offers one action."""

    def __init__(
        self,
        theme: Theme,
        title: str,
        text: str = "",
        *,
        icon: str = "inbox",
        action: str = "",
        pressed: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self.picture = PlainLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.set_label_icon(self.picture, icon, "fg.muted", theme.tokens.icon_large)
        self.title = PlainLabel(title, type="strong", wrap=True)
        self.text = PlainLabel(text, tone="muted", wrap=True)
        for label in (self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        if not text:
            self.text.hide()
        self.action = Button(theme, action, look=Look.NORMAL, pressed=pressed)
        if not action:
            self.action.hide()
        edge = (space.medium, space.wide) * 2
        middle = row(None, self.action, None)
        body = ScrollBody()
        body.setLayout(column(None, self.picture, self.title, self.text, middle, None, gap=space.small, margins=edge))
        self.setLayout(column(scroll(body)))
        self.setAccessibleName(title)


class BusyStrip(QWidget):
    """A thin bar that appears only when work takes longer than a second; with a percentage when there is one."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bar = QProgressBar(textVisible=False)
        self._text = PlainLabel(type="caption", tone="muted")
        space = theme.tokens.space
        self.setLayout(column(self._bar, self._text, gap=space.hair))
        self._timer = QTimer(self, singleShot=True, interval=theme.tokens.time_ms["busy_after"])
        self._timer.timeout.connect(self.show)
        self.hide()

    def start(self, text: str) -> None:
        """Work began; the strip shows after a second."""
        self._bar.setRange(0, 1 if self._theme.still else 0)  # without a range it would run to and fro
        self._bar.setValue(0)
        self._tell(text)
        self._timer.start()

    def progress(self, percent: int, text: str) -> None:
        """Say how far the work is, 0 to 100."""
        self._bar.setRange(0, 100)
        self._bar.setValue(percent)
        self._tell(text)

    def text(self) -> str:
        """Return what it says."""
        return self._text.text()

    def stop(self) -> None:
        """Work ended."""
        self._timer.stop()
        self.hide()

    def _tell(self, text: str) -> None:
        self._text.setText(text)
        self._bar.setAccessibleName(text)


class Notice(Panel):
    """A coloured block with icon and text that stays: kind is danger, warning, success, accent or note."""

    _ICONS: ClassVar = {
        "danger": "circle-alert",
        "warning": "triangle-alert",
        "success": "circle-check",
        "accent": "info",
        "note": "sticky-note",
    }
    _COLOURS: ClassVar = {"accent": "selected.fg"}

    def __init__(self, theme: Theme, text: str = "", *, kind: str = "warning", parent: QWidget | None = None) -> None:
        self._theme = theme
        self._picture = PlainLabel()
        self.text = PlainLabel(wrap=True)
        space = theme.tokens.space
        self.body = column(self.text, gap=space.small)
        inner = row(
            self._picture, self.body, gap=space.small, margins=(space.medium, space.small, space.medium, space.small)
        )
        inner.setAlignment(self._picture, Qt.AlignmentFlag.AlignTop)
        inner.setStretch(1, 1)
        super().__init__(kind, inner, parent)
        self._told: tuple[str, str] | None = None
        self.tell(text, kind)

    def tell(self, text: str, kind: str) -> None:
        """Change text and kind."""
        if (text, kind) == self._told:
            return
        self._told = (text, kind)
        self.set_kind(kind)
        tone = "selected" if kind == "accent" else kind
        self.text.set_tone(tone)
        self.text.setText(text)
        self._theme.set_label_icon(self._picture, self._ICONS[kind], self._COLOURS.get(kind, f"{kind}.fg"))


class Toast(Panel):
    """One line at the foot of a window: what was done, with Undo for some seconds. A new one replaces the old."""

    undone = Signal()
    covers = Signal(int)  # so many px of what lies behind its upper edge and the part that it stands above

    def __init__(self, theme: Theme, window: QWidget, *, undo: str, close: str) -> None:
        """`undo` and `close` are the labels of the two buttons."""
        self._label = PlainLabel()
        self._undo_run: Callable[[], object] | None = None
        self._window = window
        self._above: QWidget | None = None
        self._space = theme.tokens.space
        self._times = theme.tokens.time_ms
        self.undo = Button(theme, undo, look=Look.LINK, pressed=self._undo)
        self.close_button = IconButton(theme, "x", close, pressed=self.hide)
        edge = (self._space.large, self._space.tiny, self._space.tiny, self._space.tiny)
        super().__init__(
            "toast", row(self._label, self.undo, self.close_button, gap=self._space.medium, margins=edge), window
        )
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        window.installEventFilter(self)
        self.hide()

    def stand_above(self, part: QWidget) -> None:
        """Stand above a part of the window instead of at its foot, wherever that part moves."""
        self._above = part
        part.installEventFilter(self)

    def tell(self, text: str, undo: Callable[[], object] | None = None, stay_ms: int = 0) -> None:
        """Show the text; with `undo` the button stays for 8 s, or `stay_ms`, and calls it once."""
        self._label.setText(text)
        self._undo_run = undo
        self.undo.setVisible(undo is not None)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(stay_ms or self._times["toast_undo" if undo else "toast"])
        announce(self, text)

    def text(self) -> str:
        """Return what it says now, "" when hidden."""
        return "" if self.isHidden() else self._label.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place when the window or the part below changes."""
        if event.type() in _MOVED and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for room: no line of text is hidden."""
        super().showEvent(event)
        self.covers.emit(self.height() + self._space.small)

    def hideEvent(self, event: QHideEvent) -> None:
        """Give the room back."""
        super().hideEvent(event)
        self.covers.emit(0)

    def _undo(self) -> None:
        run, self._undo_run = self._undo_run, None
        self.hide()
        if run is not None:
            run()
            self.undone.emit()

    def _place(self) -> None:
        self.adjustSize()
        window, above = self._window, self._above
        if above is not None and above.isVisible():
            corner = above.mapTo(
                window, QPoint((above.width() - self.width()) // 2, -self.height() - self._space.small)
            )
            self.move(max(0, corner.x()), max(0, corner.y()))
            return
        self.move((window.width() - self.width()) // 2, window.height() - self.height() - self._space.huge)
