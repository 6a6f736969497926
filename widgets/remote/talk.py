# SPDX-License-Identifier: GPL-3.0-or-later
"""Chat and clipboard in the session window: a panel beside the picture, its button, a window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.commands.registry import Registry
from app.config.i18n import _, ngettext
from app.domain.assist import AskState, Phase, Scope, SessionView
from app.domain.plain_text import ChatLine
from widgets.foundation import Button, Look, Theme, line, row
from widgets.foundation.chat import ChatPanel
from widgets.remote.clipboard import ClipWindow

__all__ = ["SessionTalk"]

_SCOPES = (Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT)


class SessionTalk(QObject):
    """`written` and `offered` carry texts; `requested` the scope of the customer's text. Why comes second."""

    written = Signal(str)
    offered = Signal(str, str)
    requested = Signal(object, str)

    def __init__(self, theme: Theme, registry: Registry, window: QWidget, back: QWidget) -> None:
        """`back` gets the keys when the chat is left."""
        super().__init__(window)
        self._window, self._back = window, back
        self._name = ""
        self._lines: tuple[ChatLine, ...] = ()
        self._can_chat = False
        self.chat = ChatPanel(theme)
        self.chat.setFixedWidth(theme.tokens.space.vast * 5)
        self.panel = QWidget()
        self.panel.setLayout(row(line(vertical=True), self.chat))
        self.panel.hide()
        self.clips = ClipWindow(theme, window)
        self.chat_button = Button(theme, "", look=Look.QUIET, icon="message-circle",
                                  pressed=lambda: registry.run("session.chat"))  # fmt: skip
        self.clip_button = Button(theme, "", icon="copy", pressed=lambda: registry.run("session.clipboard"))
        self.clip_button.hide()
        self.chat.written.connect(self.written)
        self.chat.unread_changed.connect(self._tell_unread)
        self.chat.left.connect(back.setFocus)
        self.clips.offered.connect(self.offered)
        self.clips.asked.connect(lambda why: self.requested.emit(Scope.CLIPBOARD_TO_AGENT, why))
        registry.bind("session.chat", self.toggle_chat)
        registry.bind("session.clipboard", self.open_clips)

    # --- what the session says -------------------------------------------------------------------------------

    def show_view(self, view: SessionView, name: str) -> None:
        """Show what is possible now."""
        self._name = name
        over = view.phase is Phase.ENDED
        self.chat_button.setVisible(view.live or (over and bool(self._lines)))
        asked = any(ask.scope in _SCOPES and ask.state is not AskState.NOT_NOW for ask in view.asks)
        self.clip_button.setVisible(asked and not over)
        self.clips.show_asks(view.asks, name)
        if over:
            self.clips.give.setEnabled(False)
        words = ""
        if over:
            words = _("The session is over. What was written is kept on the ticket.")
        elif view.lost:
            words = _("The connection broke. What you write is sent when it is back.")
        elif view.paused:
            words = _("Paused. What you write is sent when it goes on.")
        self.chat.show_state(words, over=over)

    def show_lines(self, lines: Sequence[ChatLine], *, open_: bool) -> None:
        """Show what was written."""
        self._lines = tuple(lines)
        self.chat.show_lines(lines, self._name, open_=open_)

    def show_text(self, text: str) -> None:
        """The customer's text came."""
        self.clips.show_text(text)
        self.clips.bring()
        self.clips.copy.setFocus()

    # --- inside ----------------------------------------------------------------------------------------------

    def toggle_chat(self) -> None:
        """Open the panel with the keys in its field, or close it."""
        if self.chat_button.isHidden():
            return
        if self.panel.isVisible():
            self.panel.hide()
            self._back.setFocus()
        else:
            self.panel.show()
            self.chat.take_focus()

    def open_clips(self) -> None:
        """Show the window for texts."""
        if not self.clip_button.isHidden():
            self.clips.bring()

    def _tell_unread(self, count: int) -> None:
        self.chat_button.setText(_("Chat ({n})").format(n=count) if count else _("Chat"))
        said = ngettext("Chat, {n} unread text", "Chat, {n} unread texts", count).format(n=count)
        self.chat_button.setAccessibleName(said if count else _("Chat"))

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self._tell_unread(self.chat.unread)
        self.clip_button.setText(_("Clipboard…"))
        self.chat.retranslate()
        self.clips.retranslate()
