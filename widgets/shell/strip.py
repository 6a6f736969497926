# SPDX-License-Identifier: GPL-3.0-or-later
"""The status strip: whether all is sent, since when not, what waits, and the language."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal

from app.config.i18n import _, language, ngettext
from app.domain.ports import SyncPhase, SyncStatus
from app.services.texts_status import StatusWords, status_words
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, announce, fmt, line, row

__all__ = ["StatusStrip"]


class StatusStrip(Panel):
    """`action_asked` gives the command that helps ("sync.now" or "sign_in"), `outbox_asked` the outbox."""

    action_asked = Signal(str)
    outbox_asked = Signal()
    language_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("footer")
        self._theme = theme
        self._status = SyncStatus(SyncPhase.CONNECTING, 0)
        self._session = ""
        self._said: SyncPhase | None = None
        space = theme.tokens.space
        self.picture = PlainLabel()
        self.words = PlainLabel(type="caption")
        self.action = self._button(theme)
        self.action.clicked.connect(lambda _on=False: self.action_asked.emit(self._words().action))
        self.waiting = self._button(theme)
        self.waiting.clicked.connect(lambda _on=False: self.outbox_asked.emit())
        self.needs = PlainLabel(type="caption", tone="warning")
        self.session = PlainLabel(type="caption", tone="danger")
        self.account = PlainLabel(type="caption", tone="muted")
        self.language = self._button(theme)
        self.language.clicked.connect(lambda _on=False: self.language_asked.emit())
        self.setLayout(
            row(
                self.picture, self.words, self.action, self.waiting, self.needs, None, self.session, self.account,
                line(vertical=True), self.language, gap=space.small, margins=(space.medium, 0, space.small, 0),
            )
        )  # fmt: skip
        self.retranslate()

    @staticmethod
    def _button(theme: Theme) -> Button:
        button = Button(theme, "", look=Look.LINK)
        button.setProperty("small", True)
        return button

    def show_status(self, status: SyncStatus) -> None:
        """Show how sync stands."""
        if status == self._status:
            return
        self._status = status
        self.retranslate()
        if status.phase is not self._said and status.phase in (SyncPhase.OFFLINE, SyncPhase.LIVE, SyncPhase.STUCK):
            if self._said is not None:
                announce(self, self._words().full)
            self._said = status.phase

    def status(self) -> SyncStatus:
        """Return the status shown."""
        return self._status

    def show_account(self, text: str) -> None:
        """Show who is signed in where."""
        self.account.setText(text)

    def show_session(self, text: str) -> None:
        """Show a running session; "" for none."""
        self._session = text
        self.session.setText(text)
        self.session.setVisible(bool(text))

    def text(self) -> str:
        """Return the sentence as it reads."""
        return self.words.text()

    def focus(self) -> None:
        """Take the keyboard."""
        target = next((b for b in (self.action, self.waiting, self.language) if b.isVisible()), self.language)
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _words(self) -> StatusWords:
        return status_words(self._status, fmt.time_of_day)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        words = self._words()
        self._theme.set_label_icon(
            self.picture, words.icon, f"{words.tone}.fg" if words.tone != "muted" else "fg.muted"
        )
        self.words.setText(words.short)
        self.words.set_tone(words.tone)
        self.words.setToolTip(words.full)
        self.words.setAccessibleName(words.full)
        self.setAccessibleName(_("Status: {text}").format(text=words.full))
        self.action.setVisible(bool(words.action))
        self.action.setText(_("Sign in…") if words.action == "sign_in" else _("Try now"))
        n = self._status.waiting
        self.waiting.setVisible(n > 0)
        self.waiting.setText(_("Show what waits"))
        needs = self._status.needs_you
        self.needs.setVisible(needs > 0)
        self.needs.setText(ngettext("{n} needs you", "{n} need you", needs).format(n=needs))
        self.session.setVisible(bool(self._session))
        self.language.setText("English" if language() == "ko" else "한국어")
        self.language.setAccessibleName("Switch to English" if language() == "ko" else "한국어로 바꾸기")
