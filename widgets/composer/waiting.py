# SPDX-License-Identifier: GPL-3.0-or-later
"""The bar above the composer's buttons while a reply on this ticket waits to go out: when, and how to stop it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.ports import PlannedSend, SendWhy
from app.services.texts import polite
from widgets.foundation import Button, ElidedLabel, Look, PlainLabel, Theme, fmt, row

__all__ = ["WaitingBar"]


class WaitingBar(QWidget):
    """Says that a reply waits. `stopped`: it is to be a draft again, `hurried`: it is to go now."""

    stopped = Signal()
    hurried = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._planned: PlannedSend | None = None
        self._customer = ""
        space = theme.tokens.space
        picture = PlainLabel()
        theme.set_label_icon(picture, "send", "reply.fg")
        self.text = ElidedLabel(tone="reply")
        self.stop = Button(theme, "", pressed=self.stopped.emit)
        self.hurry = Button(theme, "", look=Look.QUIET, pressed=self.hurried.emit)
        line = row(picture, self.text, self.stop, self.hurry, gap=space.small)
        line.setStretch(1, 1)
        self.setLayout(line)
        self.hide()

    def planned(self) -> PlannedSend | None:
        """Return what waits."""
        return self._planned

    def show_planned(self, planned: PlannedSend | None, customer: str) -> None:
        """Show what waits, or nothing."""
        goes = planned is not None and planned.order.why is not SendWhy.STOPPED
        self._planned, self._customer = planned if goes else None, customer
        self.setVisible(goes)
        self.retranslate()

    def retranslate(self) -> None:
        """Say it in the language spoken now."""
        if self._planned is None:
            return
        order = self._planned.order
        if order.why is SendWhy.UNDO:
            self.text.setText(_("The reply goes out in a moment."))
        else:
            self.text.setText(_("Goes out on {when}").format(when=fmt.moment(order.at)))
        self.stop.setText(_("Take back") if order.why is SendWhy.UNDO else _("Edit"))
        self.hurry.setText(_("Send now"))
        self.hurry.setVisible(order.why is SendWhy.LATER)
        whom = _("Reply to {name}").format(name=polite(self._customer) or _("the customer"))
        self.setAccessibleName(f"{whom}, {self.text.text()}")
