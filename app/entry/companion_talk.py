# SPDX-License-Identifier: GPL-3.0-or-later
"""Clipboard and chat at the customer's computer: the only place of the Companion that touches the clipboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.domain.assist import Scope, SessionView
from app.domain.plain_text import ChatLine
from remote_assist.actions import AskScope, ChatChanged, ClipArrived
from widgets.companion.chat import ChatWindow
from widgets.companion.clipboard import ClipQuestion, ClipShown
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme

__all__ = ["CompanionTalk"]


def _clipboard_text() -> str:
    data = QGuiApplication.clipboard().mimeData()
    return data.text() if data is not None and data.hasText() else ""


class CompanionTalk(QObject):
    """The windows of one session. `written` carries a chat text; `unread` how many wait to be read."""

    written = Signal(str)
    unread = Signal(int)

    def __init__(self, theme: Theme, now_ms: Callable[[], int], parent: QObject) -> None:
        super().__init__(parent)
        self._theme, self._now_ms = theme, now_ms
        self._agent = ""
        self.question: ClipQuestion | None = None
        self.shown: ClipShown | None = None
        self.chat: ChatWindow | None = None
        self.lines: tuple[ChatLine, ...] = ()
        self._said: ChatChanged | None = None
        self._view: SessionView | None = None

    def window_for(self, action: AskScope, who: tuple[str, str]) -> PermissionWindow | None:
        """Return the question that shows what would be given; None for other kinds of access."""
        if action.scope is not Scope.CLIPBOARD_TO_AGENT:
            return None
        self.question = ClipQuestion(self._theme, who, action.deadline_ms, self._now_ms, _clipboard_text, action.why)
        return self.question

    def text_to_give(self) -> str:
        """Return what the customer just allowed: exactly the text that was shown."""
        question, self.question = self.question, None
        return question.text if question is not None else ""

    def take(self, action: object, agent: str) -> bool:
        """Carry out an action of clipboard or chat; False for any other."""
        self._agent = agent
        if isinstance(action, ClipArrived):
            self._put(action.text)
        elif isinstance(action, ChatChanged):
            self._show_lines(action)
        else:
            return False
        return True

    def follow(self, view: SessionView) -> None:
        """Paused, lost and over are said where one writes."""
        self._view = view
        if self.chat is not None:
            self.chat.follow(view)

    def open_chat(self) -> None:
        """The customer wants to write."""
        if self._said is not None:
            self._made().bring()

    def end(self) -> None:
        """The session is over: nothing can be written any more, and what was shown is closed."""
        self.question = self._said = None
        for window in (self.shown, self.chat):
            if window is not None:
                window.close()
                window.deleteLater()
        self.shown = self.chat = None

    def _put(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        if self.shown is not None:
            self.shown.close()
            self.shown.deleteLater()
        self.shown = ClipShown(self._theme, self._agent, text)
        self.shown.show()

    def _show_lines(self, action: ChatChanged) -> None:
        """Its window is made when it has something to show: where sharing begins there is enough to do."""
        self._said = action
        self.lines = action.lines
        if action.lines or self.chat is not None:
            self._made().show_lines(action.lines, open_=action.open)

    def _made(self) -> ChatWindow:
        if self.chat is None:
            self.chat = ChatWindow(self._theme, self._agent)
            self.chat.panel.written.connect(self.written)
            self.chat.panel.unread_changed.connect(self.unread)
            if self._view is not None:
                self.chat.follow(self._view)
            if self._said is not None:
                self.chat.show_lines(self._said.lines, open_=self._said.open)
        return self.chat
