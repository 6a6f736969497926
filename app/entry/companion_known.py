# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what a fact card says of this computer: in a thread of its own, one look at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.config.logs import get_logger
from remote_assist.diagnostics import Bundle
from remote_assist.diagnostics_card import findings

__all__ = ["KnownHere"]

_log: Final = get_logger(__name__)


class KnownHere(QObject):
    """GUI thread, but for the look itself. `found` gives the findings; one look under way answers all who ask."""

    found = Signal(object)

    def __init__(self, gather: Callable[[], Bundle], parent: QObject | None = None) -> None:
        """`gather` asks this computer, in another thread, and may take its time."""
        super().__init__(parent)
        self._gather = gather
        self.looker: threading.Thread | None = None

    def look(self) -> None:
        """Begin; `found` follows. The thread is no reason for the program to stay."""
        if self.looker is not None and self.looker.is_alive():
            return
        self.looker = threading.Thread(target=self._look, name="known here", daemon=True)
        self.looker.start()

    def _look(self) -> None:
        found = findings(self._gather())
        try:
            self.found.emit(found)
        except RuntimeError:  # the program is gone
            _log.info("facts came too late")
