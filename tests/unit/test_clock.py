# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock that time limits run on."""

from __future__ import annotations

import sys
import time

import pytest

from app.domain.clock import monotonic_ms


def test_the_clock_of_time_limits_never_goes_back() -> None:
    """Whatever is done to the clock on the wall."""
    seen = [monotonic_ms() for _ in range(100)]
    assert seen == sorted(seen)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count otherwise")
def test_the_clock_of_time_limits_goes_on_in_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended computer has used up its hour."""
    slept = {time.CLOCK_BOOTTIME: 7_200_000_000_000}
    real = time.clock_gettime_ns
    before = monotonic_ms()
    monkeypatch.setattr(time, "clock_gettime_ns", lambda which: real(which) + slept.get(which, 0))
    assert monotonic_ms() - before >= 7_200_000
