# SPDX-License-Identifier: GPL-3.0-or-later
"""The middle: a ticket's head, its conversation and the composer; or what to do when none is open."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget

from app.config.i18n import _
from app.domain.attachments import BlobStatus
from app.domain.ids import UserId
from app.domain.ports import Choices, TicketDetails
from widgets.composer.composer import Composer
from widgets.foundation import EmptyState, IconButton, Notice, Panel, Theme, column, row
from widgets.ticket.conversation import Conversation
from widgets.ticket.find_bar import FindBar
from widgets.ticket.header import TicketHeader
from widgets.ticket.hints import TicketHints

__all__ = ["TicketPane"]

NO_LIMIT_PX = 16_777_215  # Qt's QWIDGETSIZE_MAX


class TicketPane(Panel):
    """Stacks the empty state over the open ticket."""

    def __init__(self, theme: Theme, composer: Composer) -> None:
        super().__init__("window")
        self._theme = theme
        self.header = TicketHeader(theme)
        self.hints = TicketHints(theme)
        self.conversation = Conversation(theme)
        self.finder = FindBar(theme, self.conversation)
        self.finder.left.connect(lambda: self.conversation.area.setFocus())
        self.composer = composer
        self.problem = Notice(theme, kind="warning")
        self.close_problem = IconButton(theme, "x", "-", pressed=self.problem.hide)
        self.problem.body.addLayout(row(None, self.close_problem))
        self.problem.hide()
        self.empty = EmptyState(theme, "", "-", icon="ticket")
        self._page = page = Panel("window")
        self._lay_out()
        self._composer_height = theme.tokens.space.vast * 5
        composer.folded.connect(self._fold)
        self._before_notice: int | None = None  # the composer's height
        self._room = QTimer(self, singleShot=True, interval=0)  # as below
        self._room.timeout.connect(self._make_room)
        composer.noticed.connect(self._room.start)
        # a ticket's head and its conversation come into sight together, painted once
        self.conversation.held.connect(lambda on: page.setUpdatesEnabled(not on))
        self._soon = QTimer(self, singleShot=True, interval=0)  # at once the parts do not know their new sizes yet
        self._soon.timeout.connect(self._refit)
        theme.changed.connect(self._soon.start)
        self.retranslate()

    def _lay_out(self) -> None:
        # from the outside in, see `WindowFrame`
        self.stack = QStackedWidget()
        self.setLayout(column(self.stack))
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._page)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        box = column(self.header, self.hints, self.finder, self.problem, self.split)
        box.setStretch(4, 1)
        self._page.setLayout(box)
        self.split.addWidget(self.conversation)
        self.split.addWidget(self.composer)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the buttons of the composer their height, which a style or a text size changed meanwhile."""
        super().resizeEvent(event)
        self._refit()

    def _refit(self) -> None:
        if self.composer.kind() is None and self.composer.maximumHeight() != self.composer.offer_height():
            self._fold(folded=True)

    def show_details(
        self,
        details: TicketDetails,
        choices: Choices,
        me: UserId | None,
        files: Mapping[bytes, BlobStatus] | None = None,
    ) -> None:
        """Show a ticket; `files` is how the contents of its attachments stand."""
        self.stack.setCurrentWidget(self._page)
        self.header.show_details(details, choices, me)
        self.conversation.show_details(details, choices, me, files)
        self.composer.show_ticket(details)
        self.finder.refresh()

    def show_nothing(self, text: str = "") -> None:
        """No ticket is open; `text` says why."""
        self.composer.show_nothing()
        self.empty.text.setText(text or _("Choose a ticket in the list. J and K go through it, Enter reads."))
        self.stack.setCurrentWidget(self.empty)

    def is_open(self) -> bool:
        """Tell whether a ticket shows."""
        return self.stack.currentWidget() is self._page

    def tell(self, text: str) -> None:
        """Say at the ticket that something did not work; "" takes it away."""
        if not text and self.problem.isHidden():
            return
        self.problem.tell(text, "warning")
        self.problem.setVisible(bool(text))

    def _fold(self, folded: bool) -> None:
        total = sum(self.split.sizes())
        if folded:
            if self.split.sizes()[1] > self.composer.minimumSizeHint().height() * 2:
                self._composer_height = self.split.sizes()[1]
            low = self.composer.offer_height()
            self.composer.setMaximumHeight(low)
            self.split.setSizes([max(0, total - low), low])
        else:
            self.composer.setMaximumHeight(NO_LIMIT_PX)
            # large text needs more, but what it answers stays in sight
            scaled = self._composer_height * max(100, self._theme.text_percent) // 100
            height = max(self._composer_height, min(scaled, total * 2 // 3))
            self.split.setSizes([total - height, height])

    def _make_room(self) -> None:
        """Give the composer the height for a notice above the draft while it shows; what it answers stays in sight."""
        above, now = self.split.sizes()
        needed = min(self.composer.notice_height(), (above + now) * 3 // 4)
        if needed > now:
            if self._before_notice is None:
                self._before_notice = now
            self.split.setSizes([above + now - needed, needed])
        elif needed == 0 and self._before_notice is not None:
            height, self._before_notice = self._before_notice, None
            if self.composer.kind() is not None:
                self.split.setSizes([above + now - height, height])

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.empty.title.setText(_("No ticket is open"))
        self.empty.text.setText(_("Choose a ticket in the list. J and K go through it, Enter reads."))
        self.close_problem.set_name(_("Close"))
