# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a read that nobody waits for any more: of the searches of one field, only the newest runs on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from app.store.cipher import Session

__all__ = ["Latest", "Superseded"]

_T = TypeVar("_T")
_SQLITE_INTERRUPT = 9


class Superseded(Exception):
    """A newer read began; not a failure."""


class Latest:
    """One read at a time, the newest. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._raw: Any = None

    def run(self, tx: Session, work: Callable[[], _T]) -> _T:
        """Run a read in its transaction; one that runs already ends with Superseded."""
        with self._lock:
            if self._raw is not None:
                self._raw.interrupt()
            self._raw = tx.raw
        try:
            return work()
        except Exception as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == _SQLITE_INTERRUPT:
                raise Superseded from error
            raise
        finally:
            with self._lock:  # from here on the connection is another read's
                if self._raw is tx.raw:
                    self._raw = None
