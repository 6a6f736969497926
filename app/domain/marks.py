# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent points at and draws on a customer's screen, as both ends and their windows see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "MARKS_MAX",
    "MARK_COLOUR",
    "MARK_EDGE",
    "MARK_HALO",
    "MARK_POINTS_MAX",
    "MARK_TTL_S",
    "UNIT",
    "Mark",
    "MarkKind",
    "Marks",
    "Point",
    "from_steps",
    "to_steps",
]

UNIT: Final = 65_535  # a place is counted in this many steps across and down the target
MARKS_MAX: Final = 64
MARK_POINTS_MAX: Final = 512
MARK_TTL_S: Final = 8
# 0xRRGGBB: the same on every theme, because the ground is somebody else's screen; seen on any by its two outlines
MARK_COLOUR: Final = 0xD6281B
MARK_HALO: Final = 0xFFFFFF
MARK_EDGE: Final = 0x14181D
Point = tuple[int, int]


def to_steps(x: float, y: float, width: int, height: int) -> Point:
    """Return a place in pixels of a target of this size as steps, kept inside."""
    return _step(x, width), _step(y, height)


def from_steps(point: Point, width: int, height: int) -> tuple[float, float]:
    """Return the pixel of a target of this size, with its fraction."""
    return point[0] * width / UNIT, point[1] * height / UNIT


def _step(value: float, side: int) -> int:
    return min(max(round(value * UNIT / max(side, 1)), 0), UNIT)


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
