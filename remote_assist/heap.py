# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives back to the system what the C library keeps of freed memory: a session lasts hours, and pictures are large.

Pictures, packets and what an encoder holds come and go on several threads, in sizes that differ with the movement on
the screen. The library keeps the holes between them for later, and its share of a child grew for the first minutes by
20 MB and more. Given back, a hole costs nothing until it is needed again.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Final

_EVERY_MS: Final = 30_000  # it takes 1 to 4 ms, during which other threads wait for memory


def _found() -> Callable[[int], int] | None:
    """Return malloc_trim(3) of the GNU library; others give back by themselves or cannot."""
    if sys.platform != "linux":
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    found: Callable[[int], int] = trim
    return found


_TRIM: Final = _found()


def give_back() -> bool:
    """Return free memory to the system; say whether any was. From any thread, without the interpreter's lock."""
    return _TRIM is not None and _TRIM(0) == 1


class Heap:
    """Says when it is time again. All on one thread, the loop's."""

    def __init__(self) -> None:
        self._since_ms = 0

    def due(self, passed_ms: int) -> bool:
        """Count these milliseconds; return whether memory is to be given back now."""
        self._since_ms += passed_ms
        if self._since_ms < _EVERY_MS:
            return False
        self._since_ms = 0
        return True

    def passed(self, ms: int) -> None:
        """Count, and give back when it is time, in a thread of its own: nobody waits for it, whatever else hangs."""
        if self.due(ms):
            threading.Thread(target=give_back, name="heap", daemon=True).start()
