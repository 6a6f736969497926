# SPDX-License-Identifier: GPL-3.0-or-later
"""How the recording of a session stands at the agent's end, for its window."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RecordingState"]


@dataclass(frozen=True, slots=True)
class RecordingState:
    """`on`: pictures are being kept, since `since_ms` (monotonic). `wanted`: it begins as soon as it may.

    `parts` and `stills` count what was kept; `problem` says why it ended by itself: disk_full, not_written, too_long.
    """

    on: bool = False
    since_ms: int | None = None
    wanted: bool = False
    parts: int = 0
    stills: int = 0
    problem: str = ""
