# SPDX-License-Identifier: GPL-3.0-or-later
"""In the invitation window: the agent proves who invites, by password or in the browser; nothing typed is lost."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.config.i18n import _
from app.domain.clock import monotonic_ms
from app.services.messages import problem_text
from widgets.foundation import (
    Button,
    Card,
    EnterFilter,
    Look,
    Notice,
    PlainLabel,
    Theme,
    announce,
    column,
    fmt,
    read_text,
    restyle,
    row,
)
from widgets.remote.ports import ProofAsk

__all__ = ["ProofCard"]

_TICK_MS = 500


class ProofCard(QWidget):
    """Give it each `ProofAsk`; it says what the person did. Enter in the field submits."""

    submitted = Signal(str)  # the password
    browser_asked = Signal()
    browser_stopped = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask: ProofAsk | None = None
        self._problem = ""  # said here: the field is empty
        self._until = 0
        space = theme.tokens.space
        self.heading = PlainLabel(type="strong", wrap=True)
        self.words = PlainLabel(wrap=True)
        self.label = PlainLabel(type="strong")
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.label.setBuddy(self.field)
        EnterFilter(self.field, self._submit)
        self.field.textEdited.connect(self._typed)
        self.problem = Notice(theme, kind="danger")
        self.submit = Button(theme, "", look=Look.PRIMARY, pressed=self._submit)
        self.browser = Button(theme, "", icon="app-window", pressed=self._browser_pressed)
        foot = row(None, self.browser, self.submit, gap=space.small)
        self.setLayout(
            column(Card(theme, self.heading, self.words, self.label, self.field, self.problem, foot), margins=(0,) * 4)
        )
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._count_down)
        self.retranslate()

    def show_ask(self, ask: ProofAsk | None) -> None:
        """Show what is asked for, or with None nothing: then what was typed is gone."""
        before, self._ask = self._ask, ask
        if ask is None:
            self.field.clear()
            self._tick.stop()
            return
        if before is None or ask.problem != before.problem or ask.wait_s != before.wait_s:
            self._problem = ""
            self._until = monotonic_ms() + ask.wait_s * 1000 if ask.wait_s else 0
        if self._until:
            self._tick.start()
        self.retranslate()
        if before is None:
            (self.field if ask.password else self.browser).setFocus()
            announce(self, f"{self.heading.text()} {self.words.text()}")
        elif before.busy and not ask.busy:
            self.field.setFocus()
            self.field.selectAll()
        if self.problem.isVisibleTo(self) and ask != before:
            announce(self, self.problem.text.text(), urgent=bool(ask.problem))

    @property
    def _waits(self) -> bool:
        return self._until > monotonic_ms()

    def _typed(self) -> None:
        self._problem = ""
        restyle(self.field, invalid=False)

    def _submit(self) -> None:
        ask = self._ask
        if ask is None or ask.busy or ask.in_browser or self._waits:
            return
        password = read_text(self.field)
        if password:
            self.submitted.emit(password)
            return
        self._problem = _("Please fill in: {fields}.").format(fields=_("Password"))
        self.retranslate()
        self.field.setFocus()
        announce(self, self._problem, urgent=True)

    def _browser_pressed(self) -> None:
        if self._ask is not None and self._ask.in_browser:
            self.browser_stopped.emit()
        elif self._ask is not None and not self._ask.busy:
            self.browser_asked.emit()

    def _count_down(self) -> None:
        if not self._waits:
            self._until = 0
            self._tick.stop()
        self.retranslate()

    def _said(self) -> tuple[str, str]:
        """Return what the notice says, and in which colour."""
        ask = self._ask
        if ask is None:
            return "", "danger"
        if self._problem:
            return self._problem, "danger"
        if ask.in_browser:
            text = _("Your browser opens. Sign in there, then come back.")
            return (f"{text}\n{ask.page}" if ask.page else text), "accent"
        if self._until:
            left = max(0, self._until - monotonic_ms())
            text = _("That was tried too often. You can try again in {time}. Nobody was invited yet.")
            return text.format(time=fmt.clock(round(left / 1000))), "warning"
        if ask.problem and not (ask.problem == "busy" and ask.wait_s):
            return problem_text(ask.problem), "danger"
        return "", "danger"

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        ask = self._ask or ProofAsk(password=True, browser=False)
        self.heading.setText(_("Is it still you?"))
        self.words.setText(
            _("You signed in a while ago. Before a customer is asked for the screen, show that this is you.")
            if ask.password or ask.browser
            else _("You signed in a while ago. Sign out and in again, then ask for the screen once more.")
        )
        self.label.setText(_("Password"))
        self.field.setAccessibleName(_("Password"))
        for part in (self.label, self.field, self.submit):
            part.setVisible(ask.password)
        text, kind = self._said()
        self.problem.setVisible(bool(text))
        if text:
            self.problem.tell(text, kind)
        self.field.setAccessibleDescription(text)
        restyle(self.field, invalid=bool(self._problem) or ask.problem == "credentials")
        self.submit.setText(_("Checking…") if ask.busy else _("Confirm and ask"))
        self.submit.setEnabled(not (ask.busy or ask.in_browser or self._waits))
        self.field.setReadOnly(ask.busy)
        self.browser.setText(_("Stop waiting") if ask.in_browser else _("Confirm in the browser"))
        self.browser.setVisible(ask.browser)
        self.browser.setEnabled(not ask.busy)
