# SPDX-License-Identifier: GPL-3.0-or-later
"""A call or visit on a ticket that exists, and working time: what was said, when, how long it took."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QLineEdit, QRadioButton, QWidget

from app.config.i18n import N_, _
from app.domain.ports import TicketDetails
from app.services.messages import problem_text
from app.services.texts import channel_name, polite
from app.services.tickets import TalkLog
from widgets.foundation import PlainEdit, Theme, fit, read_text, row
from widgets.foundation.form_window import FormWindow

__all__ = ["TalkWindow", "TimeWindow"]

_CHANNELS = ("phone", "visit")
_WORK = (("work", N_("Work")), ("travel", N_("Travel")), ("call", N_("Call")), ("session", N_("Screen session")))
_DAY_MIN = 24 * 60


class TalkWindow(FormWindow):
    """`agreed` gives a TalkLog."""

    agreed = Signal(object)

    def __init__(
        self,
        theme: Theme,
        details: TicketDetails,
        now_ms: Callable[[], int],
        parent: QWidget | None,
        spent_min: int = 0,
    ) -> None:
        label = details.row.label
        title = _("Log a call or visit on {ticket}").format(ticket=label)
        super().__init__(theme, parent, title=title, deed=_("Log it"), wide=theme.tokens.space.vast * 10)
        self._now_ms = now_ms
        space = theme.tokens.space
        self.channel = QComboBox()
        for channel in _CHANNELS:
            self.channel.addItem(channel_name(channel), channel)
        self.when = self.moment(now_ms())
        name = polite(details.customer.name if details.customer else details.row.customer_name) or _("The customer")
        self.theirs = QRadioButton(_("{name} asked or told us something").format(name=name))
        self.ours = QRadioButton(_("We answered {name}").format(name=name))
        self._who = QButtonGroup(self)
        for button in (self.theirs, self.ours):
            self._who.addButton(button)
        self.theirs.setChecked(True)
        self.text = PlainEdit(name=_("What was said"))
        self.text.setMinimumHeight(space.vast * 2)
        self.spent = self.number(_DAY_MIN, _(" min"))
        self.spent.setValue(min(spent_min, _DAY_MIN))
        self.body.addLayout(self.beside(self.field(_("By"), self.channel), self.field(_("When"), self.when)))
        self.body.addWidget(self.theirs)
        self.body.addWidget(self.ours)
        hint = _("The customer can read this, as any message.")
        self.body.addLayout(self.field(_("What was said"), self.text, hint=hint))
        self.body.addLayout(row(self.field(_("Time it took"), self.spent), None))
        fit(self, space.vast * 11, 0)
        self.text.setFocus()

    def submit(self) -> None:
        """Log it."""
        text = read_text(self.text)
        if not text.strip():
            self.tell(problem_text("empty_text"), self.text)
            return
        at = self.when.dateTime().toMSecsSinceEpoch()
        occurred = at if at < self._now_ms() - 60_000 else None
        talk = TalkLog(text, self.channel.currentData(), occurred, self.theirs.isChecked(), self.spent.value())
        self.agreed.emit(talk)
        self.accept()


class TimeWindow(FormWindow):
    """`agreed` gives minutes, kind and a note."""

    agreed = Signal(int, str, str)

    def __init__(self, theme: Theme, label: str, minutes: int, parent: QWidget | None) -> None:
        title = _("Working time on {ticket}").format(ticket=label)
        super().__init__(theme, parent, title=title, deed=_("Note it"))
        space = theme.tokens.space
        self.minutes = self.number(_DAY_MIN, _(" min"))
        self.minutes.setMinimum(1)
        self.minutes.setValue(max(1, min(minutes, _DAY_MIN)))
        self.kind = QComboBox()
        for kind, name in _WORK:
            self.kind.addItem(_(name), kind)
        self.note = QLineEdit()
        self.note.setMaxLength(500)
        self.body.addLayout(self.beside(self.field(_("Minutes"), self.minutes), self.field(_("Kind"), self.kind)))
        self.body.addLayout(self.field(_("What was done"), self.note))
        fit(self, space.vast * 9, 0)
        self.minutes.setFocus()
        self.minutes.selectAll()

    def submit(self) -> None:
        """Note it."""
        self.agreed.emit(self.minutes.value(), self.kind.currentData(), read_text(self.note).strip())
        self.accept()
