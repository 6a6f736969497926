# SPDX-License-Identifier: GPL-3.0-or-later
"""The status strip: whether all is sent, since when not, what waits, what needs the person, and the language."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal

from app.config.i18n import _, language, ngettext
from app.domain.ports import Choices, SyncPhase, SyncStatus
from app.services.texts_status import StatusWords, scope_name, status_words
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, announce, fmt, line, row

__all__ = ["StatusStrip"]


class StatusStrip(Panel):
    """`action_asked` gives what helps ("sync.now", "sign_in", "details"), the others lead to their pages."""

    action_asked = Signal(str)
    outbox_asked = Signal()
    needs_asked = Signal()
    guard_asked = Signal()
    language_asked = Signal()
    session_told = Signal(str)  # a session runs, with what; "" none

    def __init__(self, theme: Theme) -> None:
        super().__init__("footer")
        self._theme = theme
        self._status = SyncStatus(SyncPhase.CONNECTING, 0)
        self._session = ""
        self._said: SyncPhase | None = None
        self._choices = Choices()
        self._guarded = False
        space = theme.tokens.space
        self.picture = PlainLabel()
        self.words = PlainLabel(type="caption")
        self.action = self._button(theme)
        self.action.clicked.connect(lambda _on=False: self.action_asked.emit(self._words().action))
        self.waiting = self._button(theme)
        self.waiting.clicked.connect(lambda _on=False: self.outbox_asked.emit())
        self.needs = self._button(theme)
        theme.set_icon(self.needs, "circle-alert", "warning.fg")
        self.needs.clicked.connect(lambda _on=False: self.needs_asked.emit())
        self.guard = self._button(theme)
        theme.set_icon(self.guard, "triangle-alert", "warning.fg")
        self.guard.clicked.connect(lambda _on=False: self.guard_asked.emit())
        self.session = PlainLabel(type="caption", tone="danger")
        self.account = PlainLabel(type="caption", tone="muted")
        self.language = self._button(theme)
        self.language.clicked.connect(lambda _on=False: self.language_asked.emit())
        self.setLayout(
            row(
                self.picture, self.words, self.action, self.waiting, self.needs, self.guard, None, self.session,
                self.account, line(vertical=True), self.language, gap=space.small,
                margins=(space.medium, 0, space.small, 0),
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
        more = status.needs_you > self._status.needs_you
        self._status = status
        self.retranslate()
        if more and self._said is not None:
            announce(self, self.needs.accessibleName())
        if status.phase is not self._said and status.phase in (SyncPhase.OFFLINE, SyncPhase.LIVE, SyncPhase.STUCK):
            if self._said is not None:
                announce(self, self._words().full)
            self._said = status.phase

    def show_choices(self, choices: Choices) -> None:
        """Names of teams came or changed."""
        if choices.teams != self._choices.teams:
            self._choices = choices
            self.retranslate()

    def show_guard(self, *, waits: bool) -> None:
        """Show that the question about many tickets waits for its answer."""
        self._guarded = waits
        self.retranslate()

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
        self.session_told.emit(text)

    def session_text(self) -> str:
        """Return what is said of a running session; "" for none."""
        return self._session

    def text(self) -> str:
        """Return the sentence as it reads."""
        return self.words.text()

    def focus(self) -> None:
        """Take the keyboard."""
        target = next(
            (b for b in (self.action, self.waiting, self.needs, self.guard, self.language) if b.isVisible()),
            self.language,
        )
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _words(self) -> StatusWords:
        return status_words(self._status, fmt.time_of_day, scope_name(self._status.scope, self._choices))

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
        labels = {"sign_in": _("Sign in…"), "details": _("What to do…")}
        self.action.setText(labels.get(words.action, _("Try now")))
        n = self._status.waiting
        self.waiting.setVisible(n > 0)
        self.waiting.setText(_("Show what waits"))
        needs = self._status.needs_you
        self.needs.setVisible(needs > 0)
        self.needs.setText(ngettext("{n} needs you", "{n} need you", needs).format(n=needs))
        self.guard.setVisible(self._guarded)
        self.guard.setText(_("Many tickets would go"))
        self.session.setVisible(bool(self._session))
        self.language.setText("English" if language() == "ko" else "한국어")
        self.language.setAccessibleName("Switch to English" if language() == "ko" else "한국어로 바꾸기")
