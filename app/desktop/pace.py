# SPDX-License-Identifier: GPL-3.0-or-later
"""Paces what is asked for again and again: at once the first time, then at most once in a while, and the last time."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

__all__ = ["Pace"]


class Pace(QObject):
    """GUI thread."""

    def __init__(self, run: Callable[[], None], every_ms: int, parent: QObject) -> None:
        super().__init__(parent)
        self._run = run
        self._asked = False
        self._rest = QTimer(self, singleShot=True, interval=every_ms)
        self._rest.timeout.connect(self._rested)

    def ask(self) -> None:
        """Run now, or once when the time has come."""
        if self._rest.isActive():
            self._asked = True
            return
        self._rest.start()
        self._run()

    def stop(self) -> None:
        """Run no more of what was asked for."""
        self._asked = False
        self._rest.stop()

    def _rested(self) -> None:
        if self._asked:
            self._asked = False
            self.ask()
