# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in: server, login, password; errors stand under the fields and nothing typed is lost."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from app.config.i18n import _, language
from app.services.messages import problem_text
from widgets.foundation import (
    Button,
    EnterFilter,
    Look,
    Notice,
    PlainLabel,
    Theme,
    announce,
    column,
    grow_with_words,
    read_text,
    restyle,
    row,
)

__all__ = ["SignInWindow", "server_address"]


def server_address(text: str) -> str:
    """Return what a person typed as an address: https:// unless they said otherwise or it is this machine."""
    text = text.strip().rstrip("/")
    if not text or "://" in text:
        return text
    host = text.split("/")[0].rsplit(":", 1)[0]
    return f"{'http' if host in ('localhost', '127.0.0.1') else 'https'}://{text}"


class SignInWindow(QDialog):
    """Asks for three fields at most; the server's is filled in and locked when the organisation set it.

    `submitted` gives server, login, password. Then call `answered` with a code of `app.services.messages`, or None.
    Where `offer_browser` said so, a button signs in in the browser instead, and calls that off while it waits.
    """

    submitted = Signal(str, str, str)
    server_named = Signal(str)  # an address to ask whether people can sign in in the browser
    browser_asked = Signal(str)  # server
    browser_cancelled = Signal()
    language_asked = Signal()

    def __init__(
        self,
        theme: Theme,
        *,
        server: str = "",
        login: str = "",
        server_locked: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._problem = ""
        self._busy = False
        self._waiting = False
        self._named = self._offered = ""
        space = theme.tokens.space
        self.mark = PlainLabel()
        theme.set_label_icon(self.mark, "headphones", "fg.link", theme.tokens.icon_large)
        self.heading = PlainLabel(type="heading")
        self.words = PlainLabel(tone="muted", wrap=True)
        self.server, self.login, self.password = (self._field(text) for text in (server, login, ""))
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.server.setReadOnly(server_locked)
        self.server_label, self.login_label, self.password_label = (PlainLabel(type="strong") for _i in range(3))
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.submit = Button(theme, "", look=Look.PRIMARY, icon="log-in", big=True, pressed=self._submit)
        self.browser = Button(theme, "", icon="app-window", big=True, pressed=self._browser_pressed)
        self.browser.hide()
        self.language = Button(theme, "", look=Look.LINK, pressed=self.language_asked.emit)
        fields = column(gap=space.tiny)
        for label, field in (
            (self.server_label, self.server), (self.login_label, self.login), (self.password_label, self.password),
        ):  # fmt: skip
            fields.addWidget(label)
            fields.addWidget(field)
            fields.addSpacing(space.small)
        top = row(self.mark, self.heading, None, gap=space.small)
        foot = row(self.language, None, self.browser, self.submit, gap=space.small)
        self.setLayout(
            column(top, self.words, space.small, fields, self.problem, foot, gap=space.small, margins=(space.huge,) * 4)
        )
        self.setMinimumWidth(space.vast * 9)
        grow_with_words(self)
        self._first_focus()
        self.server.editingFinished.connect(self.name_server)
        self.finished.connect(lambda _result: self._stop_waiting())
        self.retranslate()

    def _field(self, text: str) -> QLineEdit:
        field = QLineEdit(text)
        EnterFilter(field, self._submit)
        field.textEdited.connect(lambda _text: self._mark(()))
        return field

    def _first_focus(self) -> None:
        empty = [f for f in (self.server, self.login, self.password) if not f.text()]
        (empty[0] if empty else self.password).setFocus()

    def suggest_server(self, server: str) -> None:
        """Fill in the server that a link names, and say so; a server set by the organisation or typed here stays."""
        if self.server.isReadOnly() or self._busy or (read_text(self.server) and read_text(self.server) != server):
            return
        self.server.setText(server)
        text = _("This link leads to {server}. Sign in only if that is your organisation's address.")
        self.problem.tell(text.format(server=server), "accent")
        self.problem.show()
        self._first_focus()
        self.name_server()

    # --- in the browser ---------------------------------------------------------------------------------------------

    def name_server(self) -> None:
        """Ask about the address in the field, once for each."""
        server = server_address(read_text(self.server))
        if server and server != self._named:
            self._named = server
            self.server_named.emit(server)
        self._show_browser()

    def offer_browser(self, server: str, *, offered: bool) -> None:
        """Whether people of a server can sign in in the browser."""
        self._offered = server if offered else ""
        self._show_browser()

    def browser_failed(self, page: str, code: str) -> None:
        """No browser could be opened: show the address, so that the person can."""
        self.answered(code)
        self.browser_cancelled.emit()
        self.problem.tell(f"{self.problem.text.text()}\n{page}", "danger")

    def _show_browser(self) -> None:
        same = server_address(read_text(self.server)).lower() == self._offered.lower()
        self.browser.setVisible(self._waiting or (bool(self._offered) and same))

    def _browser_pressed(self) -> None:
        if self._waiting:
            self._stop_waiting()
            self._set_busy(False)
            self.problem.hide()
        elif not self._busy:
            self._waiting = True
            self._set_busy(True)
            self._mark(())
            text = _("Your browser opens. Sign in there, then come back.")
            self.problem.tell(text, "accent")
            self.problem.show()
            announce(self, text)
            self.browser_asked.emit(self._offered)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting = False
            self.browser_cancelled.emit()

    # --- with a password --------------------------------------------------------------------------------------------

    def _submit(self) -> None:
        if self._busy:
            return
        server, login, password = (read_text(f) for f in (self.server, self.login, self.password))
        missing = [
            f for f, text in ((self.server, server), (self.login, login), (self.password, password)) if not text.strip()
        ]
        if missing:
            self._tell(_("Please fill in: {fields}.").format(fields=", ".join(self._name(f) for f in missing)), missing)
            return
        self._set_busy(True)
        self.problem.hide()
        self.submitted.emit(server_address(server), login.strip(), password)

    def answered(self, code: str | None, details: dict[str, object] | None = None) -> None:
        """The server answered: None closes the window, a code is told and the fields stay as they are."""
        self._waiting = False
        self._set_busy(False)
        self._show_browser()
        if code is None:
            self.password.clear()
            self.accept()
            return
        known = {"server": server_address(self.server.text()).partition("://")[2], **(details or {})}
        wrong = [self.login, self.password] if code in ("sign_in_refused", "other_account") else [self.server]
        if code.startswith("oidc_"):
            wrong = []  # what went wrong lies in none of the fields
        self._tell(problem_text(code, known), wrong)

    def _tell(self, text: str, fields: list[QLineEdit]) -> None:
        self._mark(tuple(fields))
        self.problem.tell(text, "danger")
        self.problem.show()
        for field in fields:
            field.setAccessibleDescription(text)
        target = next((f for f in fields if not f.isReadOnly()), self.password)
        (target if fields or not self.browser.isVisible() else self.browser).setFocus()
        if target is self.login and target.text():
            self.password.setFocus()
            self.password.selectAll()
        announce(self, text, urgent=True)

    def _mark(self, fields: tuple[QLineEdit, ...]) -> None:
        for field in (self.server, self.login, self.password):
            restyle(field, invalid=field in fields)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.submit.setEnabled(not busy)
        self.submit.setText(_("Signing in…") if busy and not self._waiting else _("Sign in"))
        self.browser.setText(_("Stop waiting") if self._waiting else _("Sign in with the browser"))
        self.browser.setEnabled(self._waiting or not busy)

    def _name(self, field: QLineEdit) -> str:
        return {self.server: _("Server"), self.login: _("Login")}.get(field, _("Password"))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setWindowTitle(_("Sign in to Deskside"))
        self.heading.setText(_("Sign in to Deskside"))
        self.words.setText(
            _("Tickets are kept encrypted on this computer, so you can go on working without a network.")
        )
        for label, field in (
            (self.server_label, self.server), (self.login_label, self.login), (self.password_label, self.password),
        ):  # fmt: skip
            label.setText(self._name(field))
            field.setAccessibleName(self._name(field))
        self.server.setPlaceholderText("help.example.com")
        self._set_busy(self._busy)
        self.language.setText("English" if language() == "ko" else "한국어")
