# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the window process still answers: where nobody could press Stop, nothing is shown. Pure; time is handed in.

A process that dies closes the pipe, and its child goes with it. One that hangs or is frozen keeps the pipe open.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["BEAT_MS", "END_MS", "HOLD_MS", "Step", "WindowWatch"]

BEAT_MS: Final = 1_000  # a sign of life from the thread that draws the bar
HOLD_MS: Final = 3_000  # as with a peer that falls silent: a busy computer holds that thread up for a second or two
END_MS: Final = 30_000
_COUNTED_MOST_MS: Final = 1_000


class Step(StrEnum):
    """What the child must do now."""

    NOTHING = ""
    HOLD = "hold"
    GO_ON = "go_on"
    END = "end"


class WindowWatch:
    """Counts how long the windows were silent. They are believed to be there until their first sign of life."""

    def __init__(self) -> None:
        self._known = False
        self._silent_ms = 0
        self.held = False

    def heard(self) -> Step:
        """A sign of life."""
        was, self.held = self.held, False
        self._known, self._silent_ms = True, 0
        return Step.GO_ON if was else Step.NOTHING

    def passed(self, ms: int) -> Step:
        """So much time passed since this was called last. What is more than a second was this process's own sleep."""
        if not self._known:
            return Step.NOTHING
        self._silent_ms += min(ms, _COUNTED_MOST_MS)
        if self._silent_ms >= END_MS:
            return Step.END
        if self._silent_ms < HOLD_MS or self.held:
            return Step.NOTHING
        self.held = True
        return Step.HOLD
