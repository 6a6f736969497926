# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files of a profile: one window and one worker each; the system lets go when a process dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.domain.errors import StoreUnavailable


class FileLock:
    """An exclusive lock held as long as this object is open."""

    def __init__(self, path: Path) -> None:
        """Take the lock at once. Raises StoreUnavailable("store_in_use")."""
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(self._fd)
        except OSError as error:
            self.release()
            raise StoreUnavailable("store_in_use", path=str(path)) from error

    def release(self) -> None:
        """Let go. Idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
