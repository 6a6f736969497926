# SPDX-License-Identifier: GPL-3.0-or-later
"""How coarse to encode: a model of what pictures cost, and q (x264's constant quality) so that one fits the rate. Pure.

What is new on the screen costs as much as it has edges: from menus to pages full of text it is 1.4 to 1.8 bytes for
each at q 32 (measured). So the first picture of a page is right already; nothing like it need have been sent before.
What moves is found again elsewhere and costs a tenth of it, which only a picture sent can tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from remote_assist.damage import TILE, Tiles

__all__ = ["Q_BEST", "Q_LEGIBLE", "Q_WORST", "Detail", "Luma", "Quality"]

Q_BEST: Final = 24
Q_LEGIBLE: Final = 37  # coarser than this, letters of 14 px are misread (measured: 0.4 % at 37, 1.2 % at 39)
Q_WORST: Final = 44
_Q_REF: Final = 32
_QUIET_US: Final = 300_000
_NEW_S: Final = 0.150
_LEGIBLE_S: Final = 0.190  # longer, if the picture can be read then and could not be otherwise
_COARSE_LATE_S: Final = 0.300  # even the coarsest takes longer: it and the finer ones together take longer still,
_LATE_S: Final = 0.950  # so the first one may take this long, if it can be read
_REFINE_S: Final = 0.100
_PER_EDGE: Final = 1.5
_PER_TILE: Final = 4.0  # edges that a tile without any counts for
_LEARN: Final = 0.3

Luma = npt.NDArray[np.uint8]


class Detail:
    """How many edges each tile of the picture has. Counting takes 1.6 ms for all of 1920x1080, so moving ones wait."""

    def __init__(self) -> None:
        self.edges: npt.NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._stale = True

    def moved(self) -> None:
        """The picture is another one, and its edges are not wanted yet."""
        self._stale = True

    def look(self, luma: Luma, tiles: Tiles) -> None:
        """Count again what may have changed in these tiles, or all of them if that was put off before."""
        if self._stale or self.edges.shape != tiles.shape:
            self.edges, self._stale = _edges(luma), False
        elif len(bands := np.flatnonzero(tiles.any(axis=1))):
            first, last = int(bands[0]), int(bands[-1]) + 1
            self.edges[first:last] = _edges(luma[first * TILE : last * TILE])


def _edges(luma: Luma) -> npt.NDArray[np.int64]:
    """Return for each tile how often brightness steps from one pixel to its right neighbour, in every second row."""
    steps = luma[::2] >> 4
    height, width = steps.shape
    found = np.zeros((height, width), np.uint8)
    np.not_equal(steps[:, 1:], steps[:, :-1], out=found[:, 1:].view(np.bool_))
    rows = np.add.reduceat(found, np.arange(0, height, TILE // 2), axis=0)  # at most 32: fits a byte
    return np.add.reduceat(rows, np.arange(0, width, TILE), axis=1, dtype=np.int64)


class Quality:
    """Chooses q (lower is finer) so that a picture fits what the rate allows."""

    def __init__(self) -> None:
        self._per_edge = _PER_EDGE  # bytes at q 32, learned as we go
        self._motion_bytes = 30.0  # bytes per changed tile at q 32
        self._changed_us = self._large_us = -_QUIET_US
        self._extra = 0.0
        self._cost = 0.0
        self._whole = 0.0
        self.q = Q_BEST

    def is_motion(self, tiles: int, total: int, *, keyframe: bool, now_us: int) -> bool:
        """Note a change of `tiles` of `total` and tell whether it goes on from the one before.

        A large change is new content unless another large one came just before: a page that is flipped by a key or
        button, which changed a moment earlier, is no motion.
        """
        large = tiles * 4 >= total
        motion = not keyframe and now_us - (self._large_us if large else self._changed_us) < _QUIET_US
        self._changed_us = now_us
        if large:
            self._large_us = now_us
        return motion

    def for_motion(self, tiles: int, bps: int) -> int:
        """Return q for a picture in which so many tiles moved on."""
        budget = bps / 8 * (0.017 if bps >= 8_000_000 else 0.033)
        # a finer q also re-sends what did not change, as a refinement
        q = _first(budget, lambda q: tiles * self._motion_bytes * 2 ** ((_Q_REF - q) / 5) + self._refining(q))
        self._extra, self.q = self._refining(q), q
        return q

    def for_new(self, found: npt.NDArray[np.int64], tiles: Tiles, bps: int) -> int:
        """Return q for a picture of which these tiles are new; `found`: the edges of all its tiles."""
        self._cost, self._whole = _weight(found[tiles]), _weight(found[~tiles])

        def cost(q: int) -> float:
            return self._cost * self._per_edge * _share(q) + self._refining(q)

        q = _first(bps / 8 * _NEW_S, cost)
        late = cost(Q_WORST) > bps / 8 * _COARSE_LATE_S
        if q > Q_LEGIBLE and cost(Q_LEGIBLE) <= bps / 8 * (_LATE_S if late else _LEGIBLE_S):
            q = Q_LEGIBLE
        self._extra, self.q = self._refining(q), q
        self.look(found)
        return q

    def look(self, found: npt.NDArray[np.int64]) -> None:
        """Note the edges of the whole picture that may be refined."""
        self._whole = _weight(found)

    def learn(self, tiles: int, size: int, *, motion: bool) -> None:
        """Take in what the picture just chosen for really cost."""
        if motion and tiles > 0:
            at_ref = max(0.0, size - self._extra) / tiles * 2 ** ((self.q - _Q_REF) / 5)
            self._motion_bytes += _LEARN * (at_ref - self._motion_bytes)
        elif not motion and self._cost > 0:
            at_ref = max(0.0, size - self._extra) / self._cost / _share(self.q)
            self._per_edge += _LEARN * (min(max(at_ref, _PER_EDGE / 4), _PER_EDGE * 4) - self._per_edge)

    def refine(self, bps: int, finest: int = Q_BEST) -> int | None:
        """Return the next finer q for an unchanged picture, or None when it is as fine as it gets."""
        if self.q <= finest:
            return None
        steps = [q for q in range(max(finest, self.q - 4), self.q) if self._refining(q) <= bps / 8 * _REFINE_S]
        self.q = steps[0] if steps else self.q - 1
        return self.q

    def _refining(self, q: int) -> float:
        if q >= self.q:
            return 0.0
        return self._whole * self._per_edge * (_share(q) - _share(self.q))


def _weight(found: npt.NDArray[np.int64]) -> float:
    return float(found.sum() + _PER_TILE * found.size)


def _share(q: int) -> float:
    """Return what new content costs at q, of what it costs at q 32: a curve through measured pages and windows."""
    finer = _Q_REF - q
    return math.pow(2, finer / 11.9 - 0.0024 * finer * finer)


def _first(budget: float, cost: Callable[[int], float]) -> int:
    return next((q for q in range(Q_BEST, Q_WORST) if cost(q) <= budget), Q_WORST)
