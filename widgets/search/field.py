# SPDX-License-Identifier: GPL-3.0-or-later
"""The search field: finds while one types, the syllable being composed included."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit

from app.config.i18n import _
from widgets.foundation import Theme

__all__ = ["SearchField"]

# What is typed meanwhile ends the search before it, and keys that came together count as one. A lone letter or syllable
# stands in half of all texts: it is looked for when nothing follows it
WAIT_MS, LONE_WAIT_MS = 0, 250


class SearchField(QLineEdit):
    """`searched` gives the text a moment after the last key ("" when emptied); `entered` asks for the list."""

    searched = Signal(str)
    entered = Signal()
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._preedit = ""
        self._last = ""
        space = theme.tokens.space
        self.setTextMargins(space.wide, 0, 0, 0)
        self._soon = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._soon.timeout.connect(self._tell)
        # not textEdited: who dictates or writes through a screen reader presses no key
        self.textChanged.connect(self._changed)
        theme.changed.connect(self.update)
        self.retranslate()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Count what is being composed."""
        super().inputMethodEvent(event)
        self._preedit = event.preeditString()
        self._plan()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape empties and leaves; Down and Enter go to the list."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._soon.stop()
            self._tell()
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show a glass before the text."""
        super().paintEvent(event)
        side = self._theme.tokens.icon_small
        picture = self._theme.pixmap("search", "fg.muted", side, self.devicePixelRatioF())
        painter = QPainter(self)
        painter.drawPixmap(self._theme.tokens.space.small, (self.height() - side) // 2, picture)

    def put(self, text: str) -> None:
        """Search for this text, as if it had been typed."""
        self.setText(text)
        self._soon.stop()
        self._tell()

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setPlaceholderText(_("Search tickets, people, serial numbers"))
        self.setAccessibleName(_("Search"))

    def _plan(self) -> None:
        self._soon.start(WAIT_MS if len(self.text() + self._preedit) > 1 else LONE_WAIT_MS)

    def _changed(self, text: str) -> None:
        if text:
            self._plan()
        else:
            self._soon.stop()
            self._tell()

    def _tell(self) -> None:
        text = (self.text() + self._preedit).strip()
        if text != self._last:
            self._last = text
            self.searched.emit(text)
