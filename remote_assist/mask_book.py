# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept back in one session, as the customer's end knows it: the state that every effect is checked against."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.masking import MASKS_MAX, Box, MaskRule, inside

__all__ = ["MaskBook"]


class MaskBook:
    """Rectangles count from the corner of the target (the screen or window), also where a region of it is shared."""

    def __init__(self) -> None:
        self.drawn: tuple[Box, ...] = ()
        self.own: tuple[Box, ...] = ()  # windows of the program itself
        self.own_ids: tuple[int, ...] = ()
        self.rules: tuple[MaskRule, ...] = ()
        self.found: tuple[Box, ...] = ()  # what the child covers by the rules
        self.hits = 0
        self.hold = ""
        self.origin = (0, 0)

    def covers(self, point: tuple[int, int]) -> bool:
        """Tell whether a pixel of the desktop is kept back now: nothing of the agent's may take effect there."""
        here = point[0] - self.origin[0], point[1] - self.origin[1]
        return bool(self.hold) or any(inside(here, box) for box in (*self.drawn, *self.own, *self.found))

    @property
    def count(self) -> int:
        """How many parts are hidden, for the record and for the agent: rectangles drawn, and windows found."""
        return len(self.drawn) + self.hits

    @property
    def rects(self) -> list[Box]:
        """What the child paints over by itself."""
        return [*self.drawn, *self.own]

    @property
    def empty(self) -> bool:
        """Whether the child has nothing to be told."""
        return not (self.drawn or self.own or self.own_ids or self.rules)

    def another_target(self, origin: tuple[int, int]) -> None:
        """What was drawn on one target means nothing on another."""
        self.drawn, self.found, self.hits, self.hold = (), (), 0, ""
        self.origin = origin

    def draw(self, rects: Sequence[Box]) -> None:
        """Keep what the customer drew, in the order it was drawn."""
        self.drawn = tuple((x, y, w, h) for x, y, w, h in rects if w > 0 and h > 0)[:MASKS_MAX]
