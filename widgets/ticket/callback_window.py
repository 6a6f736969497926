# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning a call: in which half hour, at which number. Arrows, Tab and Ctrl+Enter are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.config.i18n import _
from app.domain.addresses import address_value, phone_text
from app.domain.callbacks import SLOT_MS
from widgets.foundation import Theme, fit, fmt
from widgets.foundation.form_window import FormWindow

__all__ = ["CallbackWindow", "slot_words"]


def slot_words(start_ms: int, now_ms: int) -> str:
    """Return a half hour near now in words."""
    return f"{fmt.near(start_ms, now_ms)}–{fmt.time_of_day(start_ms + SLOT_MS)}"


class CallbackWindow(FormWindow):
    """`agreed` gives (start in ms, number)."""

    agreed = Signal(object, str)

    def __init__(
        self, theme: Theme, label: str, slots: Sequence[int], phone: str, now_ms: Callable[[], int],
        parent: QWidget | None,
    ) -> None:  # fmt: skip
        super().__init__(theme, parent, title=_("Plan a call on {ticket}").format(ticket=label), deed=_("Ask for it"))
        self._now_ms = now_ms
        self.slots = QComboBox()
        for start in slots:
            self.slots.addItem(slot_words(start, now_ms()), start)
        self.phone = QLineEdit(phone_text(phone) if phone else "")
        self.body.addLayout(
            self.field(_("When"), self.slots, hint=_("Half hours in which your team calls. The server confirms."))
        )
        self.body.addLayout(self.field(_("Number"), self.phone))
        fit(self, theme.tokens.space.vast * 8, 0)
        if not slots:
            self.tell(_("No half hour is free in the coming week, or the team has no opening hours."), self.slots)
        (self.slots if phone else self.phone).setFocus()

    def submit(self) -> None:
        """Ask for it."""
        start = self.slots.currentData()
        if not isinstance(start, int) or start <= self._now_ms():
            self.tell(_("This time has passed. Choose a later one."), self.slots)
            return
        if address_value("phone", self.phone.text()) is None:
            self.tell(_("This is no phone number."), self.phone)
            return
        self.agreed.emit(start, self.phone.text())
        self.accept()
