# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of a ticket: number, subject, and buttons for state, priority, owner, tags and the customer's screen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.entities import LIVE, Priority
from app.domain.ids import UserId
from app.domain.ports import Choices, TicketDetails
from app.domain.promises import pressing, standing
from app.services.texts import channel_name, owner_name, polite, priority_name, state_name
from app.services.texts_due import Level, due_words, paused_reason, target_name
from app.services.texts_promises import promise_words
from widgets.foundation import Button, Chip, ElidedLabel, Panel, PlainLabel, Theme, column, fmt, row
from widgets.foundation.due import CHIPS, MOMENTS
from widgets.foundation.flow import Flow
from widgets.ticket.choices import PRIORITY_ICONS, STATE_ICONS
from widgets.ticket.marked_field import MarkedField
from widgets.ticket.presence_line import PresenceLine

__all__ = ["TicketHeader"]


class TicketHeader(Panel):
    """Shows a ticket's fields; pressing one asks for its picker. `asked` gives the command's id."""

    asked = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__("bar")
        self._theme = theme
        self._details: TicketDetails | None = None
        self._choices = Choices()
        self._me: UserId | None = None
        space = theme.tokens.space
        self.number = PlainLabel(type="body", tone="muted", selectable=True)
        self.meta = ElidedLabel(type="caption", tone="muted")
        self.subject = PlainLabel(type="title", wrap=True, selectable=True)
        self.state = self._button("ticket.state")
        self.priority = self._button("ticket.priority")
        self.owner = self._button("ticket.assign")
        self.tags = self._button("ticket.tags", "tag")
        self.see = Button(theme, "", icon="monitor-up", pressed=lambda: self.asked.emit("session.invite"))
        self.see.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.waiting = Chip(kind="neutral")
        self.due = Chip(kind="neutral")
        self.due.hide()
        self.promise = Chip(kind="neutral")
        self.promise.hide()
        self._now_ms = 0
        self.presence = PresenceLine(theme)
        fields = Flow(space.tiny)
        for widget in (self.state, self.priority, self.owner, self.tags):
            fields.addWidget(widget)
        for chip in (self.due, self.promise, self.waiting):
            fields.addWidget(chip)  # there is always room for them: where lines are full they go below
        top = row(self.number, self.meta, self.see, gap=space.small)
        top.setStretch(1, 1)
        edge = (space.large, space.small, space.large, space.medium)
        box = column(top, self.subject, self.presence, space.tiny, fields, gap=space.tiny, margins=edge)
        self.setLayout(box)
        self.retranslate()

    def _button(self, command: str, icon: str = "") -> MarkedField:
        return MarkedField(self._theme, icon, pressed=lambda: self.asked.emit(command))

    def show_details(self, details: TicketDetails, choices: Choices, me: UserId | None) -> None:
        """Show a ticket."""
        self._details, self._choices, self._me = details, choices, me
        self.retranslate()

    def tick(self, now_ms: int) -> None:
        """Say how the next due stands now."""
        self._now_ms = now_ms
        self._show_due()
        self._show_promise()

    def _show_due(self) -> None:
        line = self._details.row if self._details is not None else None
        due = line.due if line is not None else None
        self.due.setVisible(due is not None)
        if line is None or due is None:
            return
        words = due_words(due, self._now_ms, MOMENTS)
        text = paused_reason(line.category) if words.level is Level.PAUSED else words.text
        self.due.setText(f"{target_name(due.target)}: {text}" if due.target is not None else text)
        self.due.set_kind(CHIPS[words.level])

    def _show_promise(self) -> None:
        promises = self._details.related.promises if self._details is not None else ()
        found = pressing(promises, self._now_ms) if promises else None
        self.promise.setVisible(found is not None)
        if found is not None:
            words = promise_words(found, standing(found, promises, self._now_ms), self._now_ms, MOMENTS)
            self.promise.setText(words.text)
            self.promise.set_kind(CHIPS[words.level])

    def anchor(self, command: str) -> QWidget:
        """Return the button under which a picker opens."""
        known = {"ticket.state": self.state, "ticket.priority": self.priority, "ticket.tags": self.tags}
        return known.get(command, self.owner)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.see.setText(_("Ask to see the screen"))
        self.waiting.setText(_("not sent yet"))
        self.presence.retranslate()
        details = self._details
        if details is None:
            return
        line = details.row
        self.number.setText(line.label)
        self.waiting.setVisible(line.pending)
        self._show_due()
        self._show_promise()
        self.subject.setText(line.subject)
        self.meta.setText(" · ".join((channel_name(details.channel), fmt.moment(details.created_at))))
        self._show_fields(details)
        can_see = line.category in LIVE and details.customer is not None
        self.see.setEnabled(can_see)
        self.see.setToolTip("" if can_see else _("A session starts only from an open ticket whose customer is known."))

    def _show_fields(self, details: TicketDetails) -> None:
        line, choices = details.row, self._choices
        marks = details.marks
        state = state_name(choices, line.state, line.category)
        spoken = _("State: {value}").format(value=state)
        self.state.show_field(state, spoken, STATE_ICONS[line.category], marks.get("state"))
        priority = priority_name(line.priority)
        spoken = _("Priority: {value}").format(value=priority)
        self.priority.show_field(priority, spoken, PRIORITY_ICONS[Priority(line.priority)], marks.get("priority"))
        owner = polite(owner_name(choices, line.owner)) if line.owner else _("Nobody")
        icon = (
            ("user-check" if line.owner == self._me else "user", "fg.muted") if line.owner else ("user-x", "warning.fg")
        )
        self.owner.show_field(owner, _("Owner: {value}").format(value=owner), icon, marks.get("owner"))
        names = sorted(choices.tags.get(tag, "?") for tag in details.tags)
        shown = ", ".join(names) or _("Add tags")
        spoken = _("Tags: {value}").format(value=", ".join(names) or _("none"))
        self.tags.show_field(shown, spoken, ("tags", "fg.muted"), marks.get("tags"))
