# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether replica.db must be read whole before it is used: not when it lies as a clean end left it.

Reading it whole takes 20 s of processor time with a million tickets. What makes it worth that: an end that was none
(power, kill), somebody else who wrote the file, a reader who found a page damaged, and a week since the last time.
Pages that nobody wrote are proved by SQLCipher whenever they are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.store.replica_file import fold_log, replica_path

__all__ = ["SoundMark", "doubt"]

WHOLE_EVERY_MS = 7 * 86_400_000


class SoundMark:
    """The note beside the replica that says how a clean end left it. The worker's; it holds worker.lock."""

    def __init__(self, folder: Path, now_ms: Callable[[], int]) -> None:
        self._file, self._note, self._doubt = replica_path(folder), folder / "replica.sound", _doubt_path(folder)
        self._now_ms = now_ms
        self._read_whole = 0  # when, ms

    def take(self) -> bool:
        """Tell whether the replica lies as a clean end left it, and nobody doubts it. The note is gone then."""
        note: object = None
        with suppress(OSError, ValueError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
        with suppress(OSError):
            self._note.unlink(missing_ok=True)
        if self._note.exists() or self._doubt.exists() or not isinstance(note, dict):
            return False
        read = note.get("read_whole")
        if note.get("file") != self._look() or not isinstance(read, int):
            return False
        self._read_whole = read
        return 0 <= self._now_ms() - read < WHOLE_EVERY_MS

    def was_read(self) -> None:
        """The replica was read whole now and is sound, or was just made."""
        self._read_whole = self._now_ms()
        with suppress(OSError):
            self._doubt.unlink(missing_ok=True)

    def leave(self, key: bytes) -> None:
        """Everything was closed in good order: the next start need not read the file whole. Never raises."""
        fold_log(self._file, key)  # while a window still has the file open, nobody has done it yet
        look = self._look()
        if look is None or not self._read_whole:
            return
        with suppress(OSError):
            self._note.write_text(json.dumps({"file": look, "read_whole": self._read_whole}), encoding="utf-8")

    def _look(self) -> list[int] | None:
        """Return what changes when anybody writes the file; None while its log holds what the file does not."""
        try:
            log = self._file.with_name(self._file.name + "-wal")
            if log.exists() and log.stat().st_size:
                return None
            found = self._file.stat()
        except OSError:
            return None
        return [found.st_ino, found.st_size, found.st_mtime_ns]


def doubt(folder: Path) -> None:
    """A reader found a page damaged: the next start of the worker reads the file whole. Never raises."""
    with suppress(OSError):
        _doubt_path(folder).touch()


def _doubt_path(folder: Path) -> Path:
    return folder / "replica.doubt"
