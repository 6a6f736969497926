# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent points at and draws on a customer's screen, as both ends and their windows see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["MARKS_MAX", "MARK_POINTS_MAX", "MARK_TTL_S", "UNIT", "Mark", "MarkKind", "Marks"]

UNIT: Final = 65_535  # a place is counted in this many steps across and down the target
MARKS_MAX: Final = 64
MARK_POINTS_MAX: Final = 512
MARK_TTL_S: Final = 8
Point = tuple[int, int]


class MarkKind(StrEnum):
    """Forms of drawings."""

    PEN = "pen"
    BOX = "box"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class Mark:
    """One drawing. Points are x and y from 0 to UNIT; a box has two corners, an arrow its tail and its tip.

    `colour` is 0xRRGGBB. After `ttl_s` seconds it goes by itself; 0 keeps it.
    """

    id: int
    kind: MarkKind
    points: tuple[Point, ...]
    colour: int
    ttl_s: int = MARK_TTL_S


@dataclass(frozen=True, slots=True)
class Marks:
    """Everything that shows now. `pointer` is where the agent points."""

    pointer: Point | None = None
    drawn: tuple[Mark, ...] = ()

    def __bool__(self) -> bool:
        return self.pointer is not None or bool(self.drawn)
