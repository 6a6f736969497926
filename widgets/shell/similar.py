# SPDX-License-Identifier: GPL-3.0-or-later
"""The hint of similar tickets while one is read: looked for once somebody stays on it, shown beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer

from app.domain.deed_ports import SimilarTicket, asked_about
from app.domain.ids import TicketId
from app.domain.ports import TicketDetails
from widgets.shell.frame import Ports

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["SimilarPart"]

STAYS_MS: Final = 500  # who walks through the list does not make the disk work for each ticket


class SimilarPart(QObject):
    """GUI thread."""

    def __init__(self, window: AgentWindow, ports: Ports) -> None:
        super().__init__(window)
        self._window, self._ports = window, ports
        self._ticket: TicketId | None = None
        self._soon = QTimer(self, singleShot=True, interval=STAYS_MS)
        self._soon.timeout.connect(self._look)

    def show_details(self, details: TicketDetails) -> None:
        """Another ticket is open: what was alike to the one before goes."""
        if details.row.id == self._ticket:
            return
        self._ticket = details.row.id
        self._window.customer.show_similar(())
        self._soon.start()

    def _look(self) -> None:
        details, deeds = self._window.desk.details, self._ports.deeds
        to = asked_about(details) if details is not None else None
        if to is None or deeds is None:
            return
        ticket = self._ticket
        self._ports.jobs.query(
            lambda: deeds.similar(to), lambda found: self._show(ticket, found), lambda _why: None, key="similar.read"
        )

    def _show(self, ticket: TicketId | None, found: Sequence[SimilarTicket]) -> None:
        if ticket == self._ticket:
            self._window.customer.show_similar(found)
