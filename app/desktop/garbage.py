# SPDX-License-Identifier: GPL-3.0-or-later
"""Cyclic garbage is collected in the GUI thread only: a widget that another thread deletes can stop or crash Qt."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

__all__ = ["GarbageCollector", "collect_here"]

TURN_MS = 500
_YOUNG = 2_000  # objects made since the last time; fewer are not worth it
_MIDDLE_TURNS = 10
_OLD_TURNS = 600  # five minutes


class GarbageCollector(QObject):
    """Takes over from Python, whose collector runs in whichever thread happens to make an object. GUI thread.

    What exists at the first turn (modules, the first windows) is left out of later collections, which keeps each short.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._turns = 0
        self._timer = QTimer(self, interval=TURN_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect a little; now and then more."""
        self._turns += 1
        if self._turns == 1:
            gc.freeze()
        elif self._turns % _OLD_TURNS == 0:
            gc.collect()
        elif self._turns % _MIDDLE_TURNS == 0:
            gc.collect(1)
        elif gc.get_count()[0] >= _YOUNG:
            gc.collect(0)


def collect_here(application: QObject) -> None:
    """Let garbage be collected in this thread from now on, once for an application."""
    if application.findChild(GarbageCollector) is None:
        GarbageCollector(application)
