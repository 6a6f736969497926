# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a screen may be looked at: no more than so many pictures a second, and none of them late for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["Pace"]

_LEAD: Final = 0.75  # of a step: two pictures may follow as closely, so a jittering screen loses none
_SLACK: Final = 0.05  # faster than asked: else what came too close at the start is never worked off


class Pace:
    """At most `fps` pictures a second and a twentieth, on average. For one thread.

    A screen that paints exactly `fps` times a second and once had two changes close together would, without the
    twentieth, be grabbed late ever after: each picture then waits for the one before it, up to 0.75 of a step.
    """

    def __init__(self, fps: int, now: Callable[[], float] = time.perf_counter) -> None:
        """`now`: seconds of a clock that only goes forward."""
        self._step = 1 / (fps * (1 + _SLACK))
        self._now = now
        self._next = now()

    def delay(self) -> float:
        """Return the seconds until the next picture may be taken; 0 when it may be now."""
        return max(0.0, self._next - self._step * _LEAD - self._now())

    def grabbed(self) -> None:
        """A picture was taken."""
        self._next = max(self._next, self._now()) + self._step
