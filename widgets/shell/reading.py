# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks the open ticket as read: when its newest item was on screen for a moment, in the window in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.domain.ids import TicketId
from app.domain.ports import TicketDetails

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["ReadingPart"]

_MOMENT_MS = 1_500


class ReadingPart(QObject):
    """GUI thread. What the person marked as unread stays so until the ticket is opened again."""

    def __init__(self, window: AgentWindow) -> None:
        super().__init__(window)
        self._window = window
        self._stays_unread: TicketId | None = None
        self._sees: tuple[TicketId, int] | None = None
        self._moment = QTimer(self, singleShot=True, interval=_MOMENT_MS)
        self._moment.timeout.connect(self._saw)
        window.desk.details_loaded.connect(self._opened)
        window.turned.connect(self.look)
        window.ticket.conversation.moved.connect(self.look)

    def look(self) -> None:
        """Something moved: begin the moment anew, or break it off."""
        sees = self._before_the_eyes()
        if sees != self._sees:
            self._moment.stop()
        self._sees = sees
        if sees is not None and not self._moment.isActive():
            self._moment.start()

    def begun(self) -> bool:
        """Tell whether something unread is before the eyes, and its moment runs."""
        return self._moment.isActive()

    def mark_unread(self) -> None:
        """Let the open or selected tickets count as unread."""
        rows = self._window.deeds.picked()
        details = self._window.desk.details
        if details is not None and (details.row.id in rows.rows or self._window.inbox.is_selected(details.row.id)):
            self._stays_unread = details.row.id
            self.look()
        self._window.desk.mark_unread(rows)

    def mark_read(self) -> None:
        """Take the open or selected tickets as read."""
        self._stays_unread = None
        self._window.desk.mark_read(self._window.deeds.picked())

    def _opened(self, details: TicketDetails) -> None:
        if self._stays_unread != details.row.id:
            self._stays_unread = None
        self.look()

    def _before_the_eyes(self) -> tuple[TicketId, int] | None:
        """Return the unread ticket that the person reads now, and the number of its newest message."""
        window, details = self._window, self._window.desk.details
        if details is None or not details.row.unread or details.row.id == self._stays_unread:
            return None
        front = window.isActiveWindow() and not window.isMinimized() and window.front_ticket() == details.row.id
        return (details.row.id, details.seen_seq) if front and window.ticket.conversation.shows_end() else None

    def _saw(self) -> None:
        sees, details = self._before_the_eyes(), self._window.desk.details
        if sees is not None and sees == self._sees and details is not None:
            self._window.desk.saw(details.row, details.seen_seq)
