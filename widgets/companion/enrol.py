# SPDX-License-Identifier: GPL-3.0-or-later
"""First run: a link or code, then the organisation and its key to compare, then Home. Nothing is trusted unasked."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QStackedLayout, QWidget

from app.config.i18n import _
from app.domain.enrolment_file import Origin
from widgets.companion.model import Organisation
from widgets.foundation import (
    WINDOW,
    BusyStrip,
    Button,
    Card,
    EnterFilter,
    Look,
    Notice,
    PlainLabel,
    Theme,
    column,
    fit,
    fmt,
    read_text,
    row,
)

__all__ = ["EnrolWindow", "PassphraseWindow"]


class EnrolWindow(QWidget):
    """Asks for the link, shows whom it leads to, and reports the person's yes. `link_given` (text); `confirmed`."""

    spoken_role = WINDOW

    link_given = Signal(str)
    confirmed = Signal()
    refused = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._space = theme.tokens.space
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Connect with your support"))
        self._pages = QStackedLayout()
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.busy = BusyStrip(theme)
        self._pages.addWidget(self._link_page())
        self._pages.addWidget(self._confirm_page())
        edge = (self._space.wide, self._space.wide, self._space.wide, self._space.wide)
        self.setLayout(column(self._pages, self.busy, gap=self._space.medium, margins=edge))
        fit(self, self._space.vast * 10, self._space.vast * 8)

    def _link_page(self) -> QWidget:
        page = QWidget(self)
        self.link = QLineEdit()
        self.link.setAccessibleName(_("Enrolment link or code"))
        self.link.setPlaceholderText("deskside://enrol/…")
        EnterFilter(self.link, self._give)
        self.next = Button(self._theme, _("Continue"), look=Look.PRIMARY, big=True, pressed=self._give)
        label = PlainLabel(_("Enrolment link or code"), type="strong")
        label.setBuddy(self.link)
        text = _(
            "Your support has sent you a link or a code. Paste it here. With it this computer knows your support "
            "and your support knows you; nobody can see your screen by it."
        )
        page.setLayout(
            column(
                PlainLabel(_("Connect with your support"), type="heading", wrap=True),
                PlainLabel(text, tone="muted", wrap=True),
                self._space.small,
                label,
                self.link,
                self.problem,
                self._space.small,
                self.next,
                None,
                gap=self._space.small,
                margins=(self._space.small,) * 4,
            )
        )
        return page

    def _confirm_page(self) -> QWidget:
        page = QWidget(self)
        self._who = PlainLabel(type="title", wrap=True)
        self._server = PlainLabel(tone="muted", wrap=True, selectable=True)
        self.mark = PlainLabel(type="title", selectable=True)
        self.mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.mark.setFont(self._theme.font("title", tabular=True))
        self.yes = Button(self._theme, _("They are the same, connect"), look=Look.PRIMARY, pressed=self._confirm)
        self.no = Button(self._theme, _("They differ, stop"), pressed=self._refuse)
        self._origin = PlainLabel(wrap=True)
        self._advice = PlainLabel(tone="muted", wrap=True)
        card = Card(
            self._theme,
            self._who,
            self._server,
            self._origin,
            PlainLabel(_("Key of the organisation"), type="strong"),
            self.mark,
        )
        page.setLayout(
            column(
                PlainLabel(_("Is this your support?"), type="heading", wrap=True),
                card,
                self._advice,
                None,
                row(self.no, None, self.yes, gap=self._space.small),
                gap=self._space.medium,
                margins=(self._space.small,) * 4,
            )
        )
        return page

    def show_organisation(
        self, organisation: Organisation, origin: Origin = Origin.LINK, *, key_named: bool = False
    ) -> None:
        """Ask whether this is the one; the safe button has the focus.

        `key_named`: policy or file named the key too, and it was compared; else the person compares it.
        """
        self._done()
        self._origin.setText(_origin_text(origin, key_named))
        compare = _("Compare these signs with those in the letter or on the page of your support, or ask by phone.")
        self._advice.setText(_("Nobody can see your screen by this.") if key_named else compare)
        self.yes.setText(_("Connect") if key_named else _("They are the same, connect"))
        self.no.setText(_("Do not connect") if key_named else _("They differ, stop"))
        self._who.setText(organisation.name)
        self._server.setText(organisation.server)
        groups = organisation.key_mark.split()
        half = (len(groups) + 1) // 2
        self.mark.setText("\n".join("  ".join(part) for part in (groups[:half], groups[half:]) if part))
        self.mark.setAccessibleName(_("Key of the organisation") + ": " + organisation.key_mark)
        self._pages.setCurrentIndex(1)
        fit(self, self.width(), self.height())
        self.no.setFocus()

    def show_problem(self, text: str) -> None:
        """Go back to the field and say what went wrong; what was typed stays."""
        self._done()
        self._pages.setCurrentIndex(0)
        self.problem.tell(text, "danger")
        self.problem.show()
        fit(self, self.width(), self.height())
        self.link.setAccessibleDescription(text)
        self.link.setFocus()

    def page(self) -> str:
        """Return "link" or "confirm"."""
        return "confirm" if self._pages.currentIndex() else "link"

    def _give(self) -> None:
        text = read_text(self.link).strip()
        if text:
            self._wait(_("Asking who this link belongs to…"))
            self.link_given.emit(text)

    def _confirm(self) -> None:
        self._wait(_("Connecting this computer…"))
        self.confirmed.emit()

    def _refuse(self) -> None:
        self.link.clear()
        self.show_problem(
            _("Nothing was connected. Call support at the number you know and tell them about this link.")
        )
        self.refused.emit()

    def _wait(self, text: str) -> None:
        self.problem.hide()
        for button in (self.next, self.yes, self.no):
            button.setEnabled(False)
        self.busy.start(text)

    def _done(self) -> None:
        for button in (self.next, self.yes, self.no):
            button.setEnabled(True)
        self.busy.stop()


def _origin_text(origin: Origin, key_named: bool) -> str:
    match origin:
        case Origin.POLICY if key_named:
            return _("Policy on this computer names this organisation. The key is the one that it names.")
        case Origin.POLICY:
            return _("Policy on this computer names this server.")
        case Origin.FILE:
            return _("The file that came with the program names this organisation. The key is the one that it names.")
    return _("Only the link or code that you were sent names this organisation.")


class PassphraseWindow(QWidget):
    """Asks for the passphrase where the system has no safe place for keys. `given` carries it."""

    spoken_role = WINDOW

    given = Signal(str)

    def __init__(self, theme: Theme, *, first: bool, parent: QWidget | None = None) -> None:
        """`first`: it is being chosen, so it is asked twice."""
        super().__init__(parent)
        space = theme.tokens.space
        self._first = first
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Passphrase"))
        self.word = self._field(_("Passphrase"))
        self.again = self._field(_("Passphrase once more"))
        if not first:
            self.again.hide()
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.go = Button(theme, _("Continue"), look=Look.PRIMARY, big=True, pressed=self._give)
        for field in (self.word, self.again):
            EnterFilter(field, self._give)
        why = _("This computer has no safe place for keys. Your passphrase protects them; it is not sent anywhere.")
        title = PlainLabel(_("Choose a passphrase") if first else _("Your passphrase"), type="heading", wrap=True)
        edge = (space.huge, space.huge, space.huge, space.wide)
        body = column(
            title, PlainLabel(why, tone="muted", wrap=True), self.word, self.again, self.problem, gap=space.small
        )
        self.setLayout(column(body, self.go, None, gap=space.medium, margins=edge))
        fit(self, space.vast * 9, space.vast * 6)

    @staticmethod
    def _field(name: str) -> QLineEdit:
        field = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        field.setAccessibleName(name)
        field.setPlaceholderText(name)
        return field

    def show_problem(self, text: str) -> None:
        """Say what is wrong; the field is empty and has the focus."""
        self.problem.tell(text, "danger")
        self.problem.show()
        self.word.clear()
        self.again.clear()
        self.word.setAccessibleDescription(text)
        self.word.setFocus()

    def _give(self) -> None:
        word = read_text(self.word)
        if self._first and len(word) < 8:
            self.show_problem(
                _("Take at least {n} characters; several words are easy to keep.").format(n=fmt.number(8))
            )
        elif self._first and word != read_text(self.again):
            self.show_problem(_("The two passphrases differ. Please type both again."))
        elif word:
            self.given.emit(word)
