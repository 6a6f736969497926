# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something to become true, bounded; never a bare sleep in a test."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(cond: Callable[[], object], timeout_s: float = 30.0, step_s: float = 0.01) -> None:
    """Return as soon as `cond()` is true. Raises AssertionError after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while not cond():
        if time.monotonic() > end:
            raise AssertionError(f"still not true after {timeout_s} s: {getattr(cond, '__name__', cond)}")
        time.sleep(step_s)
