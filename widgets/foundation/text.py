# SPDX-License-Identifier: GPL-3.0-or-later
"""Editors and input methods: the one way an action reads a field, and the one filter for Enter."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QTextEdit, QWidget

__all__ = ["EnterFilter", "PlainEdit", "commit_composition", "read_text"]

Field = QLineEdit | QPlainTextEdit | QTextEdit


def commit_composition() -> None:
    """End an open composition so that its syllable is in the field. GUI thread."""
    QGuiApplication.inputMethod().commit()


def read_text(field: Field) -> str:
    """Return what the field holds, the syllable being composed included (UX-66), without NULs. GUI thread.

    Every action (send, save, switch, close, undo) reads editors through this and nothing else.
    """
    commit_composition()
    text = field.text() if isinstance(field, QLineEdit) else field.toPlainText()
    return text.replace("\0", "")  # pasted from a terminal or a log; nobody sees them, and no database takes them


class EnterFilter(QObject):
    """Calls `entered` when Enter or keypad Enter is pressed in a field, but not when it only ends a composition.

    With `control` the key is Ctrl+Enter (Cmd on macOS), for editors of several lines.
    """

    def __init__(self, field: QWidget, entered: Callable[[], object], *, control: bool = False) -> None:
        super().__init__(field)
        self._entered = entered
        self._wanted = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
        self._composing = False
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch preedit text and Enter."""
        if isinstance(event, QInputMethodEvent):
            self._composing = bool(event.preeditString())
        elif isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and self._is_ours(event):
            if not self._composing:
                self._entered()
            return True
        return super().eventFilter(watched, event)

    def _is_ours(self, event: QKeyEvent) -> bool:
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and modifiers == self._wanted


class PlainEdit(QPlainTextEdit):
    """An editor for plain text: Tab leaves it, Ctrl+Tab types a tab, pasting never brings markup."""

    def __init__(self, *, name: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Type a tab on Ctrl+Tab."""
        if event.key() == Qt.Key.Key_Tab and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.insertPlainText("\t")
            return
        super().keyPressEvent(event)
