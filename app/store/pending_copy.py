# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies pending.db aside while the window runs, so that damage to it costs minutes of work and not days.

The copy has the same pages at the same places, sealed with the same key, as the one made at the window's start.
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

from app.config.logs import get_logger
from app.domain.errors import StoreUnavailable
from app.store.cipher import Database, our_errors
from app.store.pending_file import check, copy_path, pending_path
from app.store.replica_file import remove_database

COPY_EVERY_MS = 180_000
_TRIES, _PAUSE_S = 10, 0.02
_State = tuple[int, int, int]
_log = get_logger("store.copy")


class CopyAside:
    """Any thread but the GUI's. `lock` is held by whoever writes the file."""

    def __init__(self, folder: Path, key: bytes, file: Database, *, copied: bool) -> None:
        """`copied`: the copy that is there is of this very moment."""
        self._folder = folder
        self._key = key
        self._file = file
        self._running = threading.Lock()
        self._ended = threading.Event()
        self._last: _State | None = self._state() if copied else None

    def run(self, lock: threading.Lock) -> bool:
        """Copy the file if it changed since the last time; tells whether it did. Keeps the old copy when it cannot."""
        with self._running:
            if self._ended.is_set() or self._state() == self._last:
                return False
            fresh = self._folder / "pending.aside.new"
            try:
                with our_errors():
                    remove_database(fresh)
                    state = self._take(fresh, lock)
                    if state is None:
                        return False
                    check(fresh, self._key)
                _to_disk(fresh)
                fresh.replace(copy_path(self._folder))
            except (StoreUnavailable, OSError) as error:
                _log.warning("copy_failed", code=getattr(error, "code", type(error).__name__))
                remove_database(fresh)
                return False
            self._last = state
            return True

    def close(self) -> None:
        """Wait for a copy under way; afterwards none is made. Idempotent."""
        self._ended.set()
        with self._running:
            pass

    def _take(self, fresh: Path, lock: threading.Lock) -> _State | None:
        """Copy the bytes while nobody writes; None while somebody reads what is only in the log yet."""
        for _ in range(_TRIES):
            with lock:
                if self._fold_back():
                    state = self._state()
                    shutil.copyfile(pending_path(self._folder), fresh)
                    return state
            if self._ended.wait(_PAUSE_S):
                return None
        return None

    def _fold_back(self) -> bool:
        """Write the log back into the file, unless somebody still needs it: no one who saves waits for that."""
        with self._file.plain() as session:
            session.run("PRAGMA busy_timeout=0")
            try:
                found = session.one("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                session.run("PRAGMA busy_timeout=5000")
        return found is not None and not found[0]

    def _state(self) -> _State:
        """Return what changes with every commit."""
        path = pending_path(self._folder)
        try:
            log = path.with_name(path.name + "-wal").stat().st_size
        except OSError:
            log = 0
        try:
            found = path.stat()
        except OSError:
            return 0, 0, log
        return found.st_mtime_ns, found.st_size, log


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
