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
    """

    submitted = Signal(str, str, str)
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
        self.language = Button(theme, "", look=Look.LINK, pressed=self.language_asked.emit)
        fields = column(gap=space.tiny)
        for label, field in (
            (self.server_label, self.server), (self.login_label, self.login), (self.password_label, self.password),
        ):  # fmt: skip
            fields.addWidget(label)
            fields.addWidget(field)
            fields.addSpacing(space.small)
        top = row(self.mark, self.heading, None, gap=space.small)
        foot = row(self.language, None, self.submit)
        self.setLayout(
            column(top, self.words, space.small, fields, self.problem, foot, gap=space.small, margins=(space.huge,) * 4)
        )
        self.setMinimumWidth(space.vast * 9)
        self._first_focus()
        self.retranslate()

    def _field(self, text: str) -> QLineEdit:
        field = QLineEdit(text)
        EnterFilter(field, self._submit)
        field.textEdited.connect(lambda _text: self._mark(()))
        return field

    def _first_focus(self) -> None:
        empty = [f for f in (self.server, self.login, self.password) if not f.text()]
        (empty[0] if empty else self.password).setFocus()

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
        self._set_busy(False)
        if code is None:
            self.password.clear()
            self.accept()
            return
        known = {"server": server_address(self.server.text()).partition("://")[2], **(details or {})}
        wrong = [self.login, self.password] if code in ("sign_in_refused", "other_account") else [self.server]
        self._tell(problem_text(code, known), wrong)

    def _tell(self, text: str, fields: list[QLineEdit]) -> None:
        self._mark(tuple(fields))
        self.problem.tell(text, "danger")
        self.problem.show()
        for field in fields:
            field.setAccessibleDescription(text)
        target = next((f for f in fields if not f.isReadOnly()), self.password)
        target.setFocus()
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
        self.submit.setText(_("Signing in…") if busy else _("Sign in"))

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
