# SPDX-License-Identifier: GPL-3.0-or-later
"""Folds the replica's write-ahead log back into its file in a thread of its own, while another one goes on writing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from app.domain.errors import StoreUnavailable
from app.store.cipher import our_errors

__all__ = ["LogFolder"]

_ROWS = 12_000  # about the largest transaction of a first load, 22 MB of log


class LogFolder:
    """Copies and syncs pages that a first load has committed: seconds during which its writer would stand still.

    The log begins anew when a commit finds it full (`wal_autocheckpoint`): by then all but the last transactions
    are folded. Whatever goes wrong here that commit does, or says. Called from one thread; it starts its own when
    there is enough to do, so nothing of it runs on quiet days.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._rows = 0
        self._pool: ThreadPoolExecutor | None = None
        self._folding: Future[None] | None = None
        self._raw: Any = None

    def wrote(self, rows: int) -> None:
        """So many rows were committed."""
        self._rows += rows
        if self._rows < _ROWS or (self._folding is not None and not self._folding.done()):
            return
        self._rows = 0
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="log")
        self._folding = self._pool.submit(self._fold)

    def _fold(self) -> None:
        with contextlib.suppress(StoreUnavailable), our_errors():
            if self._raw is None:
                self._raw = self._connect()
            self._raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """Wait for what is under way and close the file. Idempotent."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        if self._raw is not None:
            self._raw.close()
            self._raw = None
