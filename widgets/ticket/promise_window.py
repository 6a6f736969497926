# SPDX-License-Identifier: GPL-3.0-or-later
"""Promising a time: when, what, and how the customer hears of it. Arrows, Tab and Ctrl+Enter are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QDateTime, Signal
from PySide6.QtWidgets import QButtonGroup, QDateTimeEdit, QLineEdit, QRadioButton, QWidget

from app.config.i18n import _
from app.domain.changes_promises import MAX_PROMISE_CHARS
from app.services.promises import NewPromise
from widgets.foundation import Button, Theme, fit, fmt, read_text
from widgets.foundation.flow import Flow
from widgets.foundation.form_window import FormWindow

__all__ = ["PromiseWindow"]


class PromiseWindow(FormWindow):
    """`agreed` gives a NewPromise; a time behind is not taken."""

    agreed = Signal(object)

    def __init__(
        self, theme: Theme, label: str, name: str, times: Sequence[tuple[str, int]], at: int,
        now_ms: Callable[[], int], parent: QWidget | None,
    ) -> None:  # fmt: skip
        """`times` are offered as buttons; `at` stands in the field at the begin."""
        title = _("Promise a time on {ticket}").format(ticket=label)
        super().__init__(theme, parent, title=title, deed=_("Promise it"))
        self._now_ms = now_ms
        space = theme.tokens.space
        self.when = self.moment(at)
        offered = Flow(space.tiny)
        self.times = [Button(theme, words, pressed=partial(self._set, ms)) for words, ms in times]
        for (_words, ms), offer in zip(times, self.times, strict=True):
            offer.setAccessibleDescription(fmt.moment(ms))
            offered.addWidget(offer)
        self.text = QLineEdit()
        self.text.setMaxLength(MAX_PROMISE_CHARS)
        self.by_reply = QRadioButton(_("My next reply tells {name}").format(name=name))
        self.by_mouth = QRadioButton(_("I have told {name} already, by phone or in person").format(name=name))
        self._how = QButtonGroup(self)
        for button in (self.by_reply, self.by_mouth):
            self._how.addButton(button)
        self.by_reply.setChecked(True)
        self.body.addLayout(self.field(_("By when"), self.when))
        self.body.addLayout(offered)
        hint = _("For you and your colleagues; the customer reads your reply.")
        self.body.addLayout(self.field(_("What is promised"), self.text, hint=hint))
        self.body.addWidget(self.by_reply)
        self.body.addWidget(self.by_mouth)
        fit(self, space.vast * 10, 0)
        self.when.setCurrentSection(QDateTimeEdit.Section.HourSection)
        self.when.setFocus()

    def submit(self) -> None:
        """Promise it."""
        at = self.when.dateTime().toMSecsSinceEpoch() // 60_000 * 60_000
        if at <= self._now_ms():
            self.tell(_("This time has passed. Choose a later one."), self.when)
            return
        self.agreed.emit(NewPromise(at, read_text(self.text).strip(), self.by_reply.isChecked()))
        self.accept()

    def _set(self, ms: int) -> None:
        self.when.setDateTime(QDateTime.fromMSecsSinceEpoch(ms))
        self.deed.setFocus()
