# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of time limits: it never jumps, and goes on while the computer sleeps.

`time.monotonic` stands still in a suspended computer on Linux and macOS, so an hour's limit would outlive a night.
"""

from __future__ import annotations

import sys
import time
from typing import Final

__all__ = ["monotonic_ms"]

# Linux has one of its own; on macOS it is the system's monotonic clock, read directly, for Python's is another one
# there; on Windows Python's counts sleep.
_CLOCKS: Final = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
_WITH_SLEEP: Final[int | None] = getattr(time, _CLOCKS.get(sys.platform, ""), None)


def monotonic_ms() -> int:
    """Return milliseconds since some moment before this program began; the same for all programs of this computer."""
    if _WITH_SLEEP is None:
        return time.monotonic_ns() // 1_000_000
    return time.clock_gettime_ns(_WITH_SLEEP) // 1_000_000
