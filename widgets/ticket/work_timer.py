# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer of working time: one runs at a time, on one ticket, and goes on after the program was closed."""

from __future__ import annotations

import json
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.ids import TicketId
from app.domain.ports import Commits
from widgets.foundation.jobs import Jobs

__all__ = ["WorkTimer"]

KEPT = "ticket.timer"
TICK_MS = 20_000  # the minutes shown are never older than that


class WorkTimer(QObject):
    """GUI thread. `ticked`: the minutes may have changed, or it started or stopped."""

    ticked = Signal()

    def __init__(self, commits: Commits, jobs: Jobs, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._commits, self._jobs, self._now_ms = commits, jobs, now_ms
        self._ticket: TicketId | None = None
        self._since = 0
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self.ticked)

    def load(self) -> None:
        """Go on with what ran when the program was closed."""
        self._jobs.query(lambda: self._commits.ui_state(KEPT), self._loaded, lambda _why: None, key=KEPT)

    def _loaded(self, text: str | None) -> None:
        try:
            data = json.loads(text or "{}")
            self._set(TicketId(bytes.fromhex(data["ticket"])), int(data["since"]))
        except (ValueError, KeyError, TypeError):
            return

    def is_on(self, ticket: TicketId) -> bool:
        """Tell whether it runs on this ticket."""
        return self._ticket == ticket

    def running(self) -> TicketId | None:
        """Return the ticket that it runs on."""
        return self._ticket

    def start(self, ticket: TicketId) -> None:
        """Run on this ticket from now."""
        self._set(ticket, self._now_ms())
        self._keep()

    def stop(self, ticket: TicketId) -> int:
        """Stop if it runs on this ticket; return the minutes, at least 1 when it ran."""
        if self._ticket != ticket:
            return 0
        minutes = self.minutes(ticket)
        self._set(None, 0)
        self._keep()
        return minutes

    def minutes(self, ticket: TicketId) -> int:
        """Return how long it has been running on this ticket, begun minutes counted; 0 when it does not."""
        if self._ticket != ticket:
            return 0
        return max(1, -(-(self._now_ms() - self._since) // 60_000))

    def _set(self, ticket: TicketId | None, since: int) -> None:
        self._ticket, self._since = ticket, since
        if ticket is not None:
            self._tick.start()
        else:
            self._tick.stop()
        self.ticked.emit()

    def _keep(self) -> None:
        data = {"ticket": self._ticket.hex(), "since": self._since} if self._ticket is not None else {}
        commits, text = self._commits, json.dumps(data)
        self._jobs.change(lambda: commits.save_ui_state(KEPT, text), error=lambda _why: None)
