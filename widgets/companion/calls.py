# SPDX-License-Identifier: GPL-3.0-or-later
"""On a ticket of the Companion: what was told of the wait, and the call that support owes: choose, move, cancel."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.config.i18n import _
from app.domain.addresses import address_value, phone_text
from app.domain.callbacks import SLOT_MS
from widgets.companion.model import Acknowledged, CallLine, TicketLine
from widgets.companion.texts import spoken_number
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, column, fmt, row
from widgets.foundation.flow import Flow

__all__ = ["CallPart", "acknowledgment", "call_text"]


def acknowledgment(told: Acknowledged, ticket: TicketLine, now_ms: int) -> str:
    """Return the first answer to a request: name, number, and the times that were told when it came."""
    name = f"{told.name}, " if told.name else ""
    lines = [_("{name}we have your request {number}.").format(name=name, number=spoken_number(ticket.number)).strip()]
    usual, latest, opens = (
        fmt.near(at * 1000, now_ms) if at is not None else "" for at in (told.usual_s, told.latest_s, told.opens_s)
    )
    if told.basis == "answers" and usual and latest:
        lines.append(_("Usually answered by {usual}, at the latest by {latest}.").format(usual=usual, latest=latest))
    elif told.basis == "target" and latest:
        lines.append(_("We mean to answer by {latest}.").format(latest=latest))
    if opens:
        lines.append(_("Support opens again at {opens}.").format(opens=opens))
    return " ".join(lines)


def call_text(call: CallLine, now_ms: int) -> tuple[str, str]:
    """Return what is said of a call, and its tone."""
    when = f"{fmt.near(call.start_ms, now_ms)}–{fmt.time_of_day(call.start_ms + SLOT_MS)}"
    phone = phone_text(call.phone)
    if call.pending:
        text = _("You asked for a call: {when}. It is not confirmed yet: that is settled once the server is reached.")
        return text.format(when=when), "warning"
    if call.state == "requested":
        text = _("You asked for a call: {when}. That time is not free any more. Choose another one.")
        return text.format(when=when), "warning"
    if call.state == "confirmed":
        return _("We call you: {when}, at {phone}.").format(when=when, phone=phone), "success"
    if call.state == "missed":
        text = _("We did not call you as agreed ({when}). We are sorry. Choose another time, or write to us.")
        return text.format(when=when), "danger"
    return "", ""


class CallPart(Panel):
    """`asked` gives (ticket id, start of the half hour in ms, number); `cancelled` (ticket id, call id)."""

    asked = Signal(str, object, str)
    cancelled = Signal(str, str)

    def __init__(self, theme: Theme, now_ms: Callable[[], int]) -> None:
        super().__init__("bar")
        self._theme, self._now_ms = theme, now_ms
        self._ticket: TicketLine | None = None
        self._choosing = self._sorry = False
        space = theme.tokens.space
        self.told = PlainLabel(wrap=True)
        self.state = PlainLabel(wrap=True)
        self.open = Button(theme, _("Have us call you"), icon="phone", pressed=lambda: self.choose())
        self.cancel = Button(theme, _("Cancel the call"), look=Look.QUIET, pressed=self._cancel)
        self.slots = QComboBox()
        self.slots.setAccessibleName(_("When shall we call?"))
        self.phone = QLineEdit(maxLength=40)
        self.phone.setAccessibleName(_("At which number?"))
        self.phone.setPlaceholderText(_("Your phone number"))
        self.phone.textChanged.connect(lambda _text: self._arm())
        self.send = Button(theme, _("Ask for this call"), look=Look.PRIMARY, pressed=self._send)
        self.hint = PlainLabel(type="caption", tone="muted", wrap=True)
        self._picker = QWidget()
        when = PlainLabel(_("When shall we call?"), type="strong")
        when.setBuddy(self.slots)
        fields = row(self.slots, self.phone, self.send, gap=space.small)
        fields.setStretch(1, 1)
        self._picker.setLayout(column(when, fields, self.hint, gap=space.tiny))
        self._buttons = QWidget()
        self._buttons.setLayout(Flow(space.small, self.open, self.cancel))
        edge = (space.large, space.small, space.large, space.small)
        self.setLayout(column(self.told, self.state, self._buttons, self._picker, gap=space.small, margins=edge))
        self._picker.hide()

    def show_ticket(self, ticket: TicketLine) -> None:
        """Show how the ticket's call stands; a choice that was begun goes on."""
        if self._ticket is None or self._ticket.id != ticket.id:
            self._choosing = self._sorry = False
        self._ticket = ticket
        now = self._now_ms()
        answered = any(not message.own for message in ticket.messages)
        told = ticket.acknowledged if not answered else None
        self.told.setText(acknowledgment(told, ticket, now) if told is not None else "")
        self.told.setVisible(told is not None and not self._choosing)
        call = self._call()
        text, tone = call_text(call, now) if call is not None else ("", "")
        if self._sorry and call is None:
            text, tone = _("We are sorry. Your request is open again. Shall we call you?"), "warning"
        self.state.setText(text)
        self.state.set_tone(tone)
        self.state.setVisible(bool(text))
        self._fill(ticket, now)
        can = bool(self.slots.count())
        again = call is not None and call.state in ("confirmed", "requested")
        self.open.setText(_("Choose another time") if again or call is not None else _("Have us call you"))
        self.open.setVisible(can and not self._choosing)
        self.cancel.setVisible(call is not None and again)
        self._buttons.setVisible(not (self.open.isHidden() and self.cancel.isHidden()))
        self._picker.setVisible(can and self._choosing)
        self.setVisible(bool(told is not None or text or can))
        self._arm()

    def choose(self, *, sorry: bool = False) -> None:
        """Offer the half hours. `sorry`: the customer has just said that something is not right."""
        self._choosing, self._sorry = True, sorry
        if self._ticket is not None:
            self.show_ticket(self._ticket)
            if not sorry:
                self.slots.setFocus()

    def _call(self) -> CallLine | None:
        calls = self._ticket.calls if self._ticket is not None else ()
        return next((call for call in reversed(calls) if call.owed), None)

    def _fill(self, ticket: TicketLine, now: int) -> None:
        chosen = self.slots.currentData()
        self.slots.clear()
        for start in ticket.slots:
            if start > now:
                text = f"{fmt.near(start, now)}–{fmt.time_of_day(start + SLOT_MS)}"
                self.slots.addItem(text, start)
        self.slots.setCurrentIndex(max(0, self.slots.findData(chosen)))
        if not self.phone.text():
            self.phone.setText(phone_text(ticket.phone) if ticket.phone else "")

    def _arm(self) -> None:
        good = address_value("phone", self.phone.text()) is not None
        self.send.setEnabled(good and self.slots.currentData() is not None)
        self.hint.setText("" if good else _("Enter the number at which we reach you."))
        self.hint.setVisible(not good)

    def _send(self) -> None:
        start = self.slots.currentData()
        if self._ticket is None or not isinstance(start, int):
            return
        self._choosing = self._sorry = False
        self.asked.emit(self._ticket.id, start, self.phone.text())
        self._picker.hide()

    def _cancel(self) -> None:
        call = self._call()
        if self._ticket is not None and call is not None:
            self.cancelled.emit(self._ticket.id, call.id)
            self.cancel.setEnabled(False)
