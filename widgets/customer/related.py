# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of the details pane for what hangs on a ticket: links, merged tickets, who watches, time worked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.ids import UserId
from app.domain.ports import Choices
from app.domain.related import LinkedTicket, Related
from app.services.texts import owner_name, polite, state_name
from app.services.texts_links import link_title
from widgets.foundation import Button, IconButton, Look, PlainLabel, Theme, Words, column, fmt, row

__all__ = ["RelatedBlocks"]

Block = tuple[str, str, list[Callable[[], QWidget]]]


class RelatedBlocks(QObject):
    """Makes the blocks; what the person presses comes out as signals."""

    ticket_chosen = Signal(object)  # TicketId
    unlink_asked = Signal(object)  # LinkedTicket
    unmerge_asked = Signal(object)  # LinkedTicket

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def blocks(self, related: Related, choices: Choices, me: UserId | None) -> list[Block]:
        """Return (key, title, makers of rows) of what there is; nothing for what there is not."""
        found: list[Block] = []
        into = related.merged_into
        if into is not None:
            found.append(("merged", _("Merged into"), [partial(self._ticket, into, "", "")]))
        if related.merged_here:
            makers: list[Callable[[], QWidget]] = [partial(self._ticket, t, "", "unmerge") for t in related.merged_here]
            found.append(("merged_here", _("Merged into this one"), makers))
        if related.links:
            found.append(("links", _("Links"), [partial(self._link, link, choices) for link in related.links]))
        facts = [*self._watching(related, choices, me), *self._worked(related)]
        if facts:
            found.append(("work", _("Watching and working time"), [partial(Words, text) for text in facts]))
        return found

    def _watching(self, related: Related, choices: Choices, me: UserId | None) -> list[str]:
        others = [polite(owner_name(choices, user)) for user in related.watchers if user != me]
        own = [_("You")] if me in related.watchers else []
        return [_("Watched by: {names}").format(names=", ".join([*own, *others]))] if related.watchers else []

    def _worked(self, related: Related) -> list[str]:
        worked = fmt.duration(related.worked_s // 60 * 60)
        return [_("Working time: {time}").format(time=worked)] if related.worked_s else []

    def _link(self, link: LinkedTicket, choices: Choices) -> QWidget:
        state = state_name(choices, link.state, link.category)
        how = link_title(link.kind, outgoing=link.outgoing)
        asked = "" if link.kind == "split_from" else "unlink"
        return self._ticket(link, f"{how} · {state}", asked)

    def _ticket(self, link: LinkedTicket, foot: str, asked: str) -> QWidget:
        """Return a row that opens a ticket; `asked` (unlink, unmerge) puts a button beside it."""
        text = f"{link.label} {link.subject}"
        button = Button(self._theme, "", look=Look.LINK, pressed=lambda: self.ticket_chosen.emit(link.id))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        room = self._theme.tokens.space.vast * 3 + self._theme.tokens.space.large
        button.setText(button.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room))
        button.setAccessibleName(", ".join(filter(None, (text, foot))))
        line = row(button, gap=self._theme.tokens.space.tiny)
        line.setStretch(0, 1)
        if asked == "unlink":
            name = _("Remove the link with {ticket}").format(ticket=link.label)
            line.addWidget(IconButton(self._theme, "x", name, pressed=lambda: self.unlink_asked.emit(link)))
        elif asked == "unmerge":
            name = _("Take {ticket} out again").format(ticket=link.label)
            line.addWidget(IconButton(self._theme, "undo-2", name, pressed=lambda: self.unmerge_asked.emit(link)))
        below = [PlainLabel(foot, type="caption", tone="muted")] if foot else []
        holder = QWidget()
        holder.setLayout(column(line, *below))
        return holder
