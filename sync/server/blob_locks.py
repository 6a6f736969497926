# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks for attachments: one at a time per content, among the threads of a process and the processes of a folder.

The system lets go when a process dies. Nobody takes two of them, and no database transaction waits for one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.server.problems import ProblemError

__all__ = ["BlobLocks"]


class BlobLocks:
    """256 locks, each for the contents whose hash begins with its byte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._here = [threading.Lock() for _ in range(256)]

    @contextmanager
    def held(self, sha256: bytes) -> Iterator[None]:
        """Hold the lock of a content. Raises ProblemError 503 `busy` when the folder cannot be written."""
        with self._here[sha256[0]]:
            fd = self._taken(sha256[:1].hex())
            try:
                yield
            finally:
                os.close(fd)

    def _taken(self, name: str) -> int:
        fd = -1
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            _lock(fd)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            raise ProblemError(503, "busy", retry_s=60) from error
        return fd


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)
