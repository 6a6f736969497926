# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing to support: a new request, or a message on a ticket. Works offline; what is written is kept first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QVBoxLayout, QWidget

from app.config.i18n import _, pgettext
from widgets.companion.attach import AttachPart, FilePort
from widgets.companion.calls import CallPart
from widgets.companion.check import CheckQuestions
from widgets.companion.known import KnownPart
from widgets.companion.model import AssetLine, MessageLine, TicketLine
from widgets.companion.texts import spoken_number
from widgets.foundation import (
    Button,
    Chip,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    clear,
    column,
    fit,
    fmt,
    read_text,
    row,
    scroll,
)
from widgets.foundation.giving import GivenEdit

__all__ = ["AskWindow", "TicketWindow"]

_SUBJECT_MAX = 300
_PRODUCT_CHARS = 12


class AskWindow(QDialog):
    """A new request. `sent` carries (subject, text, asset id or "", what is told of this computer or None)."""

    sent = Signal(str, str, str, object)

    def __init__(
        self, theme: Theme, assets: Sequence[AssetLine], now_ms: Callable[[], int], *, online: bool,
        parent: QWidget | None = None, files: FilePort | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._sends = False
        self._assets = {asset.id: asset for asset in assets}
        space = theme.tokens.space
        self.setWindowTitle(_("Ask for help"))
        self.subject = QLineEdit(maxLength=_SUBJECT_MAX)
        self.subject.setPlaceholderText(_("In a few words, for example: printer stops after page 2"))
        self.text = GivenEdit(name=_("What happens"), placeholder=_("What did you do, what happened, since when?"))
        self.files = AttachPart(theme, files, self)
        self.files.watch(self.subject)
        self.files.watch(self.text)
        self.files.changed.connect(self._files_read)
        self.product = QComboBox()
        self.product.setMinimumContentsLength(_PRODUCT_CHARS)  # long names must not make the form wider than its window
        self.product.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.product.addItem(_("Another or none"), "")
        for asset in assets:
            self.product.addItem(f"{asset.product} {asset.model}  ·  {asset.serial}", asset.id)
        self.known = KnownPart(theme, now_ms)
        self.product.currentIndexChanged.connect(lambda _index: self._show_product())
        if assets:
            self.product.setCurrentIndex(1)
        self.problem = PlainLabel(type="caption", tone="danger", wrap=True)
        self.problem.hide()
        self.offline = Notice(
            theme,
            _("You are offline. Your request is kept safely and sent when the connection is back."),
            kind="warning",
        )
        if online:
            self.offline.hide()
        self.send = Button(theme, _("Send request"), look=Look.PRIMARY, icon="send", pressed=self._send)
        cancel = Button(theme, _("Cancel"), pressed=self.reject)
        edge = (space.wide, space.medium, space.wide, space.medium)
        fields = column(
            _named(_("Subject"), self.subject),
            self.problem,
            _named(_("What happens"), self.text),
            self.files,
            _named(_("Product"), self.product),
            self.known,
            gap=space.medium,
            margins=(space.wide, space.tiny, space.wide, space.tiny),
        )
        title = column(PlainLabel(_("Ask for help"), type="title"), margins=edge)
        buttons = row(None, cancel, self.send, gap=space.small, margins=edge)
        warned = column(self.offline, margins=(space.wide, space.tiny, space.wide, space.small))
        self.area = scroll(Panel("window", fields))
        whole = column(title, self.area, warned, Panel("footer", buttons))
        whole.setStretch(1, 1)
        self.setLayout(whole)
        fit(self, space.vast * 10, space.vast * 13)
        self.subject.setFocus()

    def _show_product(self) -> None:
        self.known.show_product(self._assets.get(str(self.product.currentData() or "")))

    def _send(self) -> None:
        subject, text = read_text(self.subject).strip(), read_text(self.text).strip()
        if not subject and not text:
            self.problem.setText(_("Write at least a subject."))
            self.problem.show()
            self.subject.setAccessibleDescription(self.problem.text())
            self.subject.setFocus()
            return
        if self.files.is_busy():
            self._sends = True
            self.send.setEnabled(False)
            return
        subject = subject or text.splitlines()[0][:_SUBJECT_MAX]
        self.sent.emit(subject, text or subject, str(self.product.currentData() or ""), self.known.told())
        self.accept()

    def _files_read(self) -> None:
        if self._sends and not self.files.is_busy():
            self._sends = False
            self.send.setEnabled(True)
            if self.files.problem.isHidden():  # what was not taken is to be seen before anything goes
                self._send()


def _named(label: str, field: QWidget) -> QVBoxLayout:
    name = PlainLabel(label, type="strong")
    name.setBuddy(field)
    field.setAccessibleName(label)
    return column(name, field, gap=4)


class TicketWindow(QDialog):
    """One ticket: what was written, and a field to write more. `sent` carries (ticket id, text)."""

    sent = Signal(str, str)
    answered = Signal(str, object, object)  # ticket id, solved, treated well; None: no answer

    def __init__(
        self, theme: Theme, ticket: TicketLine, now_ms: Callable[[], int], parent: QWidget | None = None,
        files: FilePort | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._sends = False
        self._theme = theme
        self._now_ms = now_ms
        self._answered: set[str] = set()  # here, while the server has not said so
        self.ticket = ticket
        space = theme.tokens.space
        self._thread = column(gap=space.small, margins=(space.large, space.medium, space.large, space.medium))
        content = Panel("window", self._thread)
        self._state = Chip()
        self._title = PlainLabel(type="title", wrap=True)
        self.text = GivenEdit(name=_("Message to support"), placeholder=_("Write to support"))
        self.files = AttachPart(theme, files, self)
        self.files.watch(self.text)
        self.files.changed.connect(self._files_read)
        self.text.setMaximumHeight(space.vast * 2 + space.wide)
        self.send = Button(theme, _("Send message"), look=Look.PRIMARY, icon="send", pressed=self._send)
        close = Button(theme, _("Close"), pressed=self.reject)
        edge = (space.large, space.medium, space.large, space.medium)
        head = Panel("bar", row(self._title, None, self._state, gap=space.small, margins=edge))
        foot = Panel(
            "footer",
            column(self.text, self.files, row(None, close, self.send, gap=space.small), gap=space.small, margins=edge),
        )
        self.area = scroll(content)
        self.check = CheckQuestions(theme)
        self.check.answered.connect(self._answer)
        self.calls = CallPart(theme, now_ms)
        outer = column(head, self.area, self.check, self.calls, foot)
        outer.setStretch(1, 1)
        self.setLayout(outer)
        self.show_ticket(ticket)
        fit(self, space.vast * 10, space.vast * 12)
        self.text.setFocus()

    def show_ticket(self, ticket: TicketLine) -> None:
        """Show the ticket as it is now; what is being written stays."""
        self.ticket = ticket
        self.setWindowTitle(f"{spoken_number(ticket.number)} {ticket.subject}")
        self._title.setText(f"{spoken_number(ticket.number)} {ticket.subject}")
        self._state.setText(ticket.state)
        self.check.setVisible(ticket.asked and ticket.id not in self._answered)
        self.calls.show_ticket(ticket)
        clear(self._thread)
        for message in ticket.messages:
            self._thread.addWidget(self._message(message))
        self._thread.addStretch(1)

    def _answer(self, solved: bool | None, treated_well: bool | None) -> None:
        self._answered.add(self.ticket.id)
        self.check.hide()
        self.answered.emit(self.ticket.id, solved, treated_well)
        if False in (solved, treated_well):
            self.calls.choose(sorry=True)
        self.text.setFocus()

    def _message(self, message: MessageLine) -> Panel:
        space = self._theme.tokens.space
        who = PlainLabel(self._author(message), type="strong")
        when = PlainLabel(fmt.when(message.at_ms, self._now_ms()), type="caption", tone="muted")
        body = PlainLabel(message.body, wrap=True, selectable=True)
        edge = (space.medium, space.small, space.medium, space.small)
        inner = column(row(who, None, when), body, gap=space.tiny, margins=edge)
        named = _("Attached: {files}").format(files=", ".join(message.files)) if message.files else ""
        if named:
            inner.addWidget(PlainLabel(named, type="caption", tone="muted", wrap=True))
        panel = Panel("card" if message.own else "reply", inner)
        panel.setAccessibleName(" ".join(filter(None, (f"{who.text()}, {when.text()}: {message.body}", named))))
        panel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return panel

    @staticmethod
    def _author(message: MessageLine) -> str:
        return _("You") if message.own else pgettext("who wrote", "{name}").format(name=message.author)

    def _send(self) -> None:
        text = read_text(self.text).strip()
        if self.files.is_busy():
            self._sends = True
            self.send.setEnabled(False)
            return
        names = [each.filename for each in self.files.attachments()]
        if text or names:
            self.sent.emit(self.ticket.id, text or _("Attached: {files}").format(files=", ".join(names)))
            self.text.clear()
            self.files.clear()

    def _files_read(self) -> None:
        if self._sends and not self.files.is_busy():
            self._sends = False
            self.send.setEnabled(True)
            if self.files.problem.isHidden():
                self._send()
