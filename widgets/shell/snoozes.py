# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings snoozed tickets back on time: looks when the next minute begins, tells the person, and refreshes the lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from app.config.i18n import _, ngettext
from app.domain.deed_ports import DeedStore, SnoozeEnd
from app.services.texts import polite
from widgets.foundation.jobs import Jobs

__all__ = ["SnoozeWatch"]

LOOK_MS = 20_000
_BACK_MS = 12 * 3_600_000  # at the start: what came back while the program was closed


class SnoozeWatch(QObject):
    """GUI thread. `returned` gives the tickets (SnoozeEnd) and what to say of them, once for each ticket."""

    returned = Signal(object, str)

    def __init__(self, store: DeedStore, jobs: Jobs, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._jobs, self._now_ms = store, jobs, now_ms
        self._seen = now_ms() - _BACK_MS
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Look now and from now on."""
        self._timer.start()
        self.look()

    def look(self) -> None:
        """Find what came back since the last look."""
        after, until = self._seen, self._now_ms()
        self._jobs.query(
            lambda: self._store.snoozes_due(after, until), lambda found: self._tell(until, found), lambda _why: None,
            key="snoozes",
        )  # fmt: skip

    def _tell(self, until: int, found: Sequence[SnoozeEnd]) -> None:
        self._seen = max(self._seen, until)
        if not found:
            return
        first = found[0].row
        if len(found) == 1:
            text = _("{ticket} of {name} is back: {subject}").format(
                ticket=first.label, name=polite(first.customer_name), subject=first.subject
            )
        else:
            text = ngettext("{n} snoozed ticket is back", "{n} snoozed tickets are back", len(found)).format(
                n=len(found)
            )
        self.returned.emit(tuple(found), text)
