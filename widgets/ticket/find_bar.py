# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding words in the open ticket: a field above the conversation, which hit it is, and the way to the next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit

from app.config.i18n import _
from widgets.foundation import IconButton, Panel, PlainLabel, Theme, announce, row
from widgets.ticket.conversation import Conversation

__all__ = ["FindBar"]


class FindBar(Panel):
    """Hidden until it is opened. Enter goes up to older hits, Shift+Enter back, Escape closes. Composed text counts."""

    left = Signal()

    def __init__(self, theme: Theme, conversation: Conversation) -> None:
        super().__init__("bar")
        self._conversation = conversation
        self._hits: Sequence[bytes] = ()
        self._at = -1
        self._preedit = ""
        space = theme.tokens.space
        self.field = QLineEdit()
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._look)
        self.count = PlainLabel(type="caption", tone="muted")
        self.previous = IconButton(theme, "chevron-up", "-", pressed=lambda: self.step(-1))
        self.next = IconButton(theme, "chevron-down", "-", pressed=lambda: self.step(1))
        self.close_button = IconButton(theme, "x", "-", pressed=self.leave)
        edge = (space.large, space.tiny, space.small, space.tiny)
        box = row(
            self.field, self.count, self.previous, self.next, self.close_button, gap=space.small, margins=edge
        )  # fmt: skip
        box.setStretch(0, 1)
        self.setLayout(box)
        self.retranslate()
        self.hide()

    def open(self) -> None:
        """Show it, with the keyboard in the field."""
        self.show()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._look()

    def leave(self) -> None:
        """Hide it and give the keyboard to the conversation."""
        self.hide()
        self.left.emit()

    def refresh(self) -> None:
        """Another ticket shows, or more of it."""
        if not self.isHidden():
            self._hits = self._conversation.find_items(self._text())
            self._at = min(self._at, len(self._hits) - 1)
            self._tell()

    def step(self, by: int) -> None:
        """Go to the next or the previous hit, round and round."""
        if self._hits:
            self._at = (self._at + by) % len(self._hits)
            self._conversation.reveal(self._hits[self._at], self._text())
        self._tell(aloud=True)

    def _text(self) -> str:
        return (self.field.text() + self._preedit).strip()

    def _look(self) -> None:
        self._hits = self._conversation.find_items(self._text())
        self._at = len(self._hits)  # from the newest upwards
        if self._hits:
            self.step(-1)
        else:
            self._tell()

    def _tell(self, *, aloud: bool = False) -> None:
        if not self._text():
            self.count.setText("")
        elif not self._hits:
            self.count.setText(_("Nothing found"))
        else:
            self.count.setText(_("{n} of {total}").format(n=self._at + 1, total=len(self._hits)))
        if aloud:
            announce(self, self.count.text())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the field."""
        if isinstance(event, QInputMethodEvent):
            self._preedit = event.preeditString()
            self._look()
        elif isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and not self._preedit:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.step(1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else -1)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.leave()
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.field.setPlaceholderText(_("Find in this ticket"))
        self.field.setAccessibleName(_("Find in this ticket"))
        self.previous.set_name(_("Previous hit"))
        self.next.set_name(_("Next hit"))
        self.close_button.set_name(_("Close"))
        self._tell()
