# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the window shows true: gathers what changed, reads what is seen again, never faster than it can be read.

While a large replica loads, everything changes all the time. A round reads one thing after the other, and the pause
after it grows with what it took, so that reading never takes more than a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.domain.ids import ViewId
from app.domain.ports import Choices, OutboxItem, SavedView, ViewKey
from widgets.shell.frame import Ports

__all__ = ["Counted", "Refresher"]

REFRESH_MS = 250
_PAUSE_PER_ROUND = 3
_ROUND_AT_MOST_MS = 5_000  # an answer that never comes must not end all refreshing


@dataclass(frozen=True, slots=True)
class Counted:
    """What the frame round the list says."""

    counts: Mapping[ViewKey | ViewId, int]
    outbox: Sequence[OutboxItem]
    choices: Choices
    needs_you: int
    views: Sequence[SavedView] = ()


class Refresher(QObject):
    """GUI thread. `read_seen` reads the panes that show again; when its answer is here, the owner calls `seen_read`."""

    counted = Signal(object)  # Counted

    def __init__(self, ports: Ports, read_seen: Callable[[frozenset[bytes]], bool], parent: QObject) -> None:
        """`read_seen` gets the ids (empty: anything) and tells whether `seen_read` will follow."""
        super().__init__(parent)
        self._ports = ports
        self._read_seen = read_seen
        self.counts = True  # whether the frame says numbers that have to be read
        self._touched: frozenset[bytes] | None = None
        self._recount = False
        self._seen_runs = False
        self._round, self._rested = QElapsedTimer(), QElapsedTimer()
        self._pause_ms = 0
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._begin)
        self._runs = QTimer(self, singleShot=True, interval=_ROUND_AT_MOST_MS)  # active while a round runs
        self._runs.timeout.connect(self._end)

    def note(self, ids: frozenset[bytes], *, own: bool = False) -> None:
        """Rows changed; empty: anything may have. Many calls make one round; what was done here is read at once."""
        if own:
            self._recount = True
            self._read_seen(ids)
        else:
            before = self._touched
            self._touched = ids if before is None else (before | ids if before and ids else frozenset())
        self._plan()

    def _plan(self) -> None:
        if (self._touched is None and not self._recount) or self._runs.isActive():
            return  # nothing to do, or the next round follows this one
        left = self._pause_ms - self._rested.elapsed() if self._rested.isValid() and not self._recount else 0
        wait = max(REFRESH_MS, left)
        if not self._soon.isActive() or self._soon.remainingTime() > wait:
            self._soon.start(wait)

    def _begin(self) -> None:
        ids, self._touched, self._recount = self._touched, None, False
        self._round.start()
        self._runs.start()
        if ids is None:  # what shows was read when it was done
            self.read_counts()
            return
        self._seen_runs = True
        if not self._read_seen(ids):
            self.seen_read()

    def seen_read(self) -> None:
        """The panes that show have been read: the numbers are next."""
        if self._seen_runs:
            self._seen_runs = False
            self.read_counts()

    def read_counts(self) -> None:
        """Read the numbers beside the views, what waits, and the names of states and people."""
        queries, needs = self._ports.queries, self._ports.needs
        if not self.counts:
            self._end()
            return

        def read() -> Counted:
            return Counted(queries.counts(), queries.outbox(), queries.choices(), needs.number(), queries.views())

        self._ports.jobs.query(read, self._take_counts, lambda _why: self._end(), key="counts")

    def _take_counts(self, counted: Counted) -> None:
        self.counted.emit(counted)
        self._end()

    def _end(self) -> None:
        if self._runs.isActive() or self._seen_runs:
            self._runs.stop()
            self._seen_runs = False
            self._pause_ms = self._round.elapsed() * _PAUSE_PER_ROUND
            self._rested.start()
            self._plan()
