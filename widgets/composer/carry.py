# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets drafts follow their author: carried when the composer is left, at most once a minute for each ticket."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from app.domain.ids import TicketId
from app.domain.ports import Commits
from widgets.foundation.jobs import Jobs

__all__ = ["CARRY_MS", "DraftCarrier"]

CARRY_MS = 60_000


class DraftCarrier(QObject):
    """GUI thread. What waits for its minute goes when that is over, or when the window closes."""

    def __init__(
        self, commits: Commits, jobs: Jobs, now_ms: Callable[[], int], poke: Callable[[int], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._commits, self._jobs, self._now_ms, self._poke = commits, jobs, now_ms, poke
        self._last: dict[TicketId, int] = {}
        self._waits: set[TicketId] = set()
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._look)

    def left(self, ticket: TicketId) -> None:
        """The composer of a ticket was left; its drafts are saved, or their saving is under way."""
        self._waits.add(ticket)
        self._look()

    def flush(self) -> None:
        """The program ends: what waits goes now."""
        self._soon.stop()
        for ticket in tuple(self._waits):
            self._carry(ticket)

    def _look(self) -> None:
        now = self._now_ms()
        for ticket in tuple(self._waits):
            if now - self._last.get(ticket, -CARRY_MS) >= CARRY_MS:
                self._carry(ticket)
        if self._waits:
            left = min(self._last[ticket] + CARRY_MS - now for ticket in self._waits)
            self._soon.start(max(1, min(left, CARRY_MS)))

    def _carry(self, ticket: TicketId) -> None:
        self._waits.discard(ticket)
        self._last[ticket] = self._now_ms()
        self._jobs.change(lambda: self._commits.carry_drafts(ticket), self._carried, lambda _why: None)

    def _carried(self, mid: int) -> None:
        if mid:
            self._poke(mid)
