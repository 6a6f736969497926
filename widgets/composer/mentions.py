# SPDX-License-Identifier: GPL-3.0-or-later
"""@-completion in internal notes: a small list at the caret; the keyboard stays in the text.

What is being composed counts, and initial consonants match (ㄱㅈ offers 김지우).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.config.i18n import _
from app.domain.ids import UserId
from app.domain.mentions import typed_mention
from widgets.foundation import Panel, PlainEdit, Theme, announce, column, commit_composition
from widgets.foundation.hangul import matches

__all__ = ["MentionList"]

MOST = 8


class MentionList(QObject):
    """Belongs to one editor. `users` is asked at each key."""

    def __init__(self, theme: Theme, edit: PlainEdit, users: Callable[[], Mapping[UserId, str]]) -> None:
        super().__init__(edit)
        self._theme, self._edit, self._users = theme, edit, users
        self._preedit = ""
        space = theme.tokens.space
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setProperty("boxed", False)  # the panel round it has a frame
        self.list.setAccessibleName(_("Mention a colleague"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(lambda _item: self._take())
        self.panel = Panel("toast", column(self.list, margins=(space.tiny,) * 4), edit.window())
        self.panel.setFixedWidth(space.vast * 5)
        self.panel.hide()
        edit.installEventFilter(self)
        edit.cursorPositionChanged.connect(self._look)
        edit.textChanged.connect(self._look)

    def names(self) -> list[str]:
        """Return the names offered now."""
        if self.panel.isHidden():
            return []
        return [self.list.item(n).text() for n in range(self.list.count())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move, Enter and Tab take, Escape leaves the list; all else is the editor's."""
        if isinstance(event, QInputMethodEvent):
            self._preedit = event.preeditString()
            self._look()
        elif event.type() in (QEvent.Type.FocusOut, QEvent.Type.Hide):
            self.panel.hide()
        elif isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and not self.panel.isHidden():
            return self._key(Qt.Key(event.key()), plain=not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier)
        return super().eventFilter(watched, event)

    def _key(self, key: Qt.Key, *, plain: bool) -> bool:
        if not plain:
            return False
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            by = 1 if key == Qt.Key.Key_Down else -1
            self.list.setCurrentRow((self.list.currentRow() + by) % self.list.count())
            announce(self.list, self.list.currentItem().text())
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab):
            self._take()
            return True
        if key == Qt.Key.Key_Escape:
            self.panel.hide()
            return True
        return False

    def _typed(self) -> str | None:
        cursor = self._edit.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()] + self._preedit
        return typed_mention(before)

    def _look(self) -> None:
        wanted = self._typed()
        if wanted is None or not (self._edit.hasFocus() or self._preedit):
            self.panel.hide()
            return
        names = (name for name in self._users().values() if not wanted or matches(wanted, name))
        # who begins like that first
        fitting = sorted(names, key=lambda name: (not matches(wanted, name[: len(wanted)]), name))[:MOST]
        if not fitting:
            self.panel.hide()
            return
        if fitting != self.names():
            self.list.clear()
            for name in fitting:
                QListWidgetItem(name, self.list)
            self.list.setCurrentRow(0)
        self._place()

    def _place(self) -> None:
        if self.panel.parentWidget() is not self._edit.window():
            self.panel.setParent(self._edit.window())
        space = self._theme.tokens.space
        self.list.setFixedHeight(self.list.sizeHintForRow(0) * self.list.count() + space.tiny)
        self.panel.adjustSize()
        caret = self._edit.cursorRect()
        window = self._edit.window()
        above = self._edit.viewport().mapTo(window, QPoint(caret.left(), caret.top()))
        x = max(0, min(above.x(), window.width() - self.panel.width()))
        self.panel.move(x, max(0, above.y() - self.panel.height() - space.tiny))
        self.panel.show()
        self.panel.raise_()

    def _take(self) -> None:
        if self.list.currentRow() < 0:
            return
        name = self.list.currentItem().text()
        commit_composition()
        self._preedit = ""
        wanted = self._typed()
        self.panel.hide()
        if wanted is None:
            return
        cursor = self._edit.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, len(wanted))
        cursor.insertText(f"{name} ")
        self._edit.setTextCursor(cursor)
