# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's chat of a session: a small window that shows itself when the agent writes, and takes no keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.assist import Phase, SessionView
from app.domain.plain_text import ChatLine
from app.services.texts import polite
from widgets.foundation import WINDOW, Theme, column, fit
from widgets.foundation.chat import ChatPanel

__all__ = ["ChatWindow"]


class ChatWindow(QWidget):
    """Hidden until somebody writes. Closing hides it; what was written stays till the session ends."""

    spoken_role = WINDOW

    def __init__(self, theme: Theme, agent: str) -> None:
        super().__init__()
        self._agent = agent
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setWindowTitle(_("Chat with {name}").format(name=agent))
        self.panel = ChatPanel(theme)
        self.panel.left.connect(self.close)
        self.setLayout(column(self.panel))
        space = theme.tokens.space
        fit(self, space.vast * 6, space.vast * 8)
        area = QGuiApplication.primaryScreen().availableGeometry()
        gap = space.wide
        self.move(area.right() - self.width() - gap, area.bottom() - self.height() - gap)

    def show_lines(self, lines: Sequence[ChatLine], *, open_: bool) -> None:
        """Show what was written; a text that came opens the window without taking the keys from elsewhere."""
        self.panel.show_lines(lines, polite(self._agent), open_=open_)
        if self.panel.unread and not self.isVisible():
            self.show()

    def follow(self, view: SessionView) -> None:
        """Say why a text waits."""
        words = ""
        if view.phase is Phase.ENDED:
            words = _("The session is over.")
        elif view.lost:
            words = _("The connection broke. What you write is sent when it is back.")
        elif view.paused:
            words = _("Paused. What you write is sent when it goes on.")
        self.panel.show_state(words, over=view.phase is Phase.ENDED)

    def bring(self) -> None:
        """The customer wants to write: to the front, with the keys."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.panel.take_focus()
