# SPDX-License-Identifier: GPL-3.0-or-later
"""Above the conversation: why the ticket came here, and the offer to snooze it again to the same time."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.ids import UserId
from app.domain.ports import TicketDetails
from app.domain.ticket_hints import handed_over, woken_up
from app.services.texts import polite
from widgets.foundation import Button, Notice, Theme, column, fmt

__all__ = ["TicketHints"]


class TicketHints(QWidget):
    """Hidden while there is nothing to say. `snooze_asked` gives the time to come back at."""

    snooze_asked = Signal(object)  # ms

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        space = theme.tokens.space
        self._until = 0
        self.reason = Notice(theme, kind="accent")
        self.woken = Notice(theme, kind="warning")
        self.again = Button(theme, "", icon="alarm-clock", pressed=lambda: self.snooze_asked.emit(self._until))
        self.again.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.woken.body.addWidget(self.again)
        for notice in (self.reason, self.woken):
            notice.hide()
        self.setLayout(column(self.reason, self.woken, gap=space.hair))
        self.hide()

    def show_details(self, details: TicketDetails, me: UserId | None, now_ms: int) -> None:
        """Show what this ticket has to say."""
        given = handed_over(details, me)
        if given is not None:
            who = polite(given.by) or _("Somebody")
            when = fmt.moment(given.at)
            text = _("{who} handed this over to you, {when}: {reason}").format(who=who, when=when, reason=given.reason)
            self.reason.tell(text, "accent")
            self.reason.setAccessibleName(text)
        woken = woken_up(details, now_ms)
        if woken is not None:
            self._until = woken.until
            until = fmt.moment(woken.until)
            self.woken.tell(
                _("The customer wrote at {time}, so the ticket came back before {until}.").format(
                    time=fmt.moment(woken.at), until=until
                ),
                "warning",
            )
            self.again.setText(_("Snooze again until {until}").format(until=until))
        self.reason.setVisible(given is not None)
        self.woken.setVisible(woken is not None)
        self.setVisible(given is not None or woken is not None)
