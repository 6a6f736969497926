# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing when a reply goes out: a list of usual times, or day and hour in a small window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QDateTime, Signal
from PySide6.QtWidgets import QDateTimeEdit, QDialog, QWidget

from app.config.i18n import _
from app.services.send_times import SendTime
from widgets.foundation import Button, Look, Notice, PlainLabel, Theme, column, fmt, row
from widgets.foundation.chooser import Option

__all__ = ["OTHER", "ChooseTime", "later_options"]

OTHER = "other"  # the value of the line that asks for day and hour


def later_options(times: Sequence[SendTime]) -> list[Option]:
    """Return the times with what they mean today, and one line for any other."""
    found = [Option(each.at, each.words, "alarm-clock", detail=fmt.moment(each.at)) for each in times]
    return [*found, Option(OTHER, _("Another time…"), "pen-line")]


class ChooseTime(QDialog):
    """Day and hour. `chosen` gives Unix ms; what lies behind is not taken."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, now_ms: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        space = theme.tokens.space
        self.setWindowTitle(_("Send later"))
        heading = PlainLabel(_("When is the reply to go out?"), type="title", wrap=True)
        self.field = QDateTimeEdit(QDateTime.fromMSecsSinceEpoch(now_ms + 3_600_000))
        self.field.setCalendarPopup(True)
        self.field.setDisplayFormat("yyyy-MM-dd HH:mm")
        self.field.setAccessibleName(_("Day and time"))
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.send = Button(theme, _("Send then"), look=Look.PRIMARY, pressed=self._take)
        self.cancel = Button(theme, _("Cancel"), pressed=self.reject)
        self.setLayout(
            column(
                heading, self.field, self.problem, None, row(None, self.cancel, self.send, gap=space.small),
                gap=space.large, margins=(space.wide,) * 4,
            )
        )  # fmt: skip
        self.setMinimumWidth(space.vast * 6)
        self.field.setFocus()

    def _take(self) -> None:
        at = self.field.dateTime().toMSecsSinceEpoch()
        if at <= self._now_ms:
            self.problem.tell(_("This time has passed. Choose a later one."), "warning")
            self.problem.show()
            self.field.setFocus()
            return
        self.accept()
        self.chosen.emit(at)
