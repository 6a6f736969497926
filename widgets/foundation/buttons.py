# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons: primary, normal, quiet, danger, link, and those with only an icon."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from widgets.foundation.labels import plain_tooltip
from widgets.foundation.theme import Theme

__all__ = ["Button", "CopyButton", "ElidedButton", "IconButton", "Look"]

_LEAST = 6  # letters of an elided label


class Look(StrEnum):
    """How much a button asks to be pressed. One PRIMARY in a window."""

    NORMAL = "normal"
    PRIMARY = "primary"
    QUIET = "quiet"
    DANGER = "danger"
    LINK = "link"
    NAV = "nav"
    LIVE = "live"
    LIVE_QUIET = "live-quiet"


_ICON_COLOUR = {
    Look.PRIMARY: "accent.fg",
    Look.DANGER: "danger.fg",
    Look.LINK: "fg.link",
    Look.LIVE: "live.bg",
    Look.LIVE_QUIET: "live.fg",
}


class Button(QPushButton):
    """A push button whose label is a verb. Enter presses it when it has the focus; it is never a dialog's default.

    The label is shown as it is: an & is an &, there are no mnemonics.
    """

    def __init__(
        self,
        theme: Theme,
        text: str,
        *,
        look: Look = Look.NORMAL,
        icon: str = "",
        big: bool = False,
        pressed: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._label = ""
        self._has_icon = bool(icon)
        self._pressing = False
        self.setProperty("look", look.value)
        self.setProperty("big", big)
        self.setAutoDefault(False)
        self.setText(text)
        if icon:
            theme.set_icon(self, icon, _ICON_COLOUR.get(look, "fg.default"))
        if look in (Look.LINK, Look.NAV):
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        if pressed is not None:
            self.clicked.connect(lambda _checked=False: pressed())
        self.toggled.connect(self._toggled)

    def setChecked(self, on: bool) -> None:
        """Show it pressed down or not; that alone does nothing else."""
        self._pressing = True
        super().setChecked(on)
        self._pressing = False

    def nextCheckState(self) -> None:
        """Mouse and keyboard press it: Qt says `clicked` by itself."""
        self._pressing = True
        super().nextCheckState()
        self._pressing = False

    def _toggled(self, _on: bool) -> None:
        # a screen reader's press goes round `clicked`, which is what this button does
        if not self._pressing:
            self.clicked.emit()

    def setText(self, text: str) -> None:
        """Show the label; it is the accessible name too."""
        self._label = text
        self._paint_words(text)
        self.setAccessibleName(text)

    def _paint_words(self, words: str) -> None:
        air = "\u2009" if self._has_icon and words else ""  # the style leaves too little between icon and text
        super().setText(air + words.replace("&", "&&"))

    def label(self) -> str:
        """Return the text as people read it."""
        return self._label

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let both Enter keys press the button."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.enter_presses():
            self.click()
            event.accept()
            return
        super().keyPressEvent(event)

    def enter_presses(self) -> bool:
        """Tell whether Enter presses this button. Those that give a consent say no."""
        return True


class ElidedButton(Button):
    """A button with a name in its label: it ends in "…" where there is no room, and its tooltip says it whole.

    For labels that say what else can be read close by. A consent is never given with one.
    """

    def __init__(
        self, theme: Theme, text: str, *, look: Look = Look.NORMAL, icon: str = "",
        pressed: Callable[[], object] | None = None,
    ) -> None:  # fmt: skip
        self._words = self._tip = ""
        super().__init__(theme, text, look=look, icon=icon, pressed=pressed)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        """Show as much of the label as there is room for."""
        super().setText(text)
        self._elide()

    def setToolTip(self, tip: str) -> None:
        """Say this too, beside a label that has no room."""
        self._tip = tip
        self._elide()

    def words(self) -> str:
        """Return what is painted of the label."""
        return self._words

    def sizeHint(self) -> QSize:
        """Room for the whole label."""
        return self._size(self.label())

    def minimumSizeHint(self) -> QSize:
        """Room for its first letters."""
        return self._size(self.label()[:_LEAST] + "…" if len(self.label()) > _LEAST else self.label())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more of it, or less."""
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: QEvent) -> None:
        """Another style may have other letters."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._elide()

    def showEvent(self, event: QShowEvent) -> None:
        """Only now the style is known."""
        super().showEvent(event)
        self._elide()

    def _size(self, words: str) -> QSize:
        hint, letters = super().sizeHint(), self.fontMetrics()
        more = letters.horizontalAdvance(words) - letters.horizontalAdvance(self._words)
        return QSize(hint.width() + more, hint.height())

    def _paint_words(self, words: str) -> None:
        self._words = words
        super()._paint_words(words)

    def _elide(self) -> None:
        room = self.width() - self._size("").width() + 1  # sizes are rounded
        words = self.fontMetrics().elidedText(self.label(), Qt.TextElideMode.ElideRight, room)
        if words != self._words:
            self._paint_words(words)
        shown = self._tip if words == self.label() else plain_tooltip(f"{self.label()}  {self._tip}".rstrip())
        if shown != self.toolTip():
            super().setToolTip(shown)


class IconButton(Button):
    """A button with only an icon: `name` is what a screen reader says and what the tooltip shows, with its key."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        name: str,
        *,
        keys: str = "",
        look: Look = Look.QUIET,
        pressed: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, "", look=look, icon=icon, pressed=pressed, parent=parent)
        self.setProperty("iconOnly", True)
        self._icon_name, self._icon_colour = icon, _ICON_COLOUR.get(look, "fg.default")
        self.toggled.connect(self._tint)
        self.set_name(name, keys)

    def _tint(self, on: bool) -> None:
        # pressed down it stands on another ground: in high contrast the usual colour would not be seen
        self._theme.set_icon(self, self._icon_name, "selected.fg" if on else self._icon_colour)

    def set_name(self, name: str, keys: str = "") -> None:
        """Say what the button does, and by which key."""
        self.setAccessibleName(name)
        shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
        self.setToolTip(plain_tooltip(f"{name}  {shown}".rstrip()))


class CopyButton(Button):
    """Copies a text with one click and says so for a moment."""

    def __init__(
        self, theme: Theme, value: str, *, label: str, done: str, name: str, parent: QWidget | None = None
    ) -> None:
        """`label` is shown, `done` replaces it after the click, `name` says for a screen reader what is copied."""
        super().__init__(theme, label, look=Look.QUIET, icon="copy", pressed=self._copy, parent=parent)
        self._value = value
        self._usual = label
        self._done = done
        self._name = name
        self.setAccessibleName(name)
        self._timer = QTimer(self, singleShot=True, interval=theme.tokens.time_ms["copied"])
        self._timer.timeout.connect(self._restore)

    def set_value(self, value: str) -> None:
        """Change what is copied."""
        self._value = value

    def relabel(self, label: str, done: str, name: str) -> None:
        """Change the words: what is shown, what replaces it after the click, and what a screen reader says."""
        self._usual, self._done, self._name = label, done, name
        self.setAccessibleName(name)
        if not self._timer.isActive():
            self.setText(label)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._value)
        width = self.width()
        self.setMinimumWidth(width)  # the row does not jump
        self.setText(self._done)
        self._theme.set_icon(self, "check", "success.fg")
        self._timer.start()

    def _restore(self) -> None:
        self.setText(self._usual)
        self.setAccessibleName(self._name)
        self._theme.set_icon(self, "copy")
