# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something to become true, bounded; never a bare sleep in a test."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 30.0  # a busy machine is no defect


def wait_until(cond: Callable[[], object], timeout_s: float = PATIENCE_S, step_s: float = 0.01) -> None:
    """Return as soon as `cond()` is true. Raises AssertionError after `timeout_s`, never sooner than `PATIENCE_S`."""
    timeout_s = max(timeout_s, PATIENCE_S)
    end = time.monotonic() + timeout_s
    while not cond():
        if time.monotonic() > end:
            raise AssertionError(f"still not true after {timeout_s} s: {getattr(cond, '__name__', cond)}")
        time.sleep(step_s)
