# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the window when a minute begins, so that dues and ages on screen stay true without reading anything."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer

__all__ = ["Minutes"]

MINUTE_MS = 60_000


class Minutes(QObject):
    """Calls `told` with the time at the begin of every minute, also after a sleep or when the clock was set."""

    def __init__(self, now_ms: Callable[[], int], told: Callable[[int], None], parent: QObject) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        self._told = told
        self._timer = QTimer(self, singleShot=True)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.timeout.connect(self.tick)
        self._wait()

    def tick(self) -> None:
        """A minute has begun."""
        self._told(self._now_ms())
        self._wait()

    def _wait(self) -> None:
        self._timer.start(MINUTE_MS - self._now_ms() % MINUTE_MS)
