# SPDX-License-Identifier: GPL-3.0-or-later
"""One file on its way between the two ends of a session, as windows show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FileStep", "FileView"]


class FileStep(StrEnum):
    """How far a file is. OVER: nothing more happens; the view's `code` says what came of it."""

    ASKED = "asked"
    OPENING = "opening"
    MOVING = "moving"
    HELD = "held"
    CHECKING = "checking"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class FileView:
    """`name` is safe to show and to use. `done` counts bytes. `code` is set once the step is OVER: "" means whole.

    `path` is where a received file lies, "" before it is whole.
    """

    id: int
    name: str
    size: int
    to_customer: bool
    step: FileStep
    done: int = 0
    code: str = ""
    path: str = ""
