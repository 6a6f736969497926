# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture at the receiving end: the newest decoded one, except where an exact tile still holds. Pure.

`Arrivals` is told of everything in the order it comes and knows which runs may be used; `Canvas` holds the pixels. They
are apart because pictures arrive in one thread and pixels are copied in another.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from remote_assist import damage, tiles
from remote_assist.damage import TILE, Rows, Tiles
from remote_assist.tiles import Run

__all__ = ["OLDER_MAX", "WAITING_MAX", "Arrivals", "Canvas"]

WAITING_MAX: Final = 32
OLDER_MAX: Final = 16  # more than a closed connection may still have to decode
_OPAQUE: Final = 255
_BAD_MAX: Final = 32

Row = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]  # left, top, right, bottom


class Arrivals:
    """Which picture last changed each tile, and the runs that wait. Pictures and runs belong to a connection (epoch).

    Not for several threads at once.
    """

    def __init__(self, dropped: Callable[[Run], None]) -> None:
        self._dropped = dropped
        self._epoch = -1
        self._newest = -1
        self._older = 0  # pictures of an older connection since the last of this one
        self._size = (0, 0)
        self._changed_at: npt.NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._runs: deque[Run] = deque()
        self.longest = 0

    def picture(self, epoch: int, frame_id: int, size: tuple[int, int], named: Tiles, *, key: bool) -> Tiles | None:
        """Take note of a decoded picture; return the tiles it changes, or None when it is older than what is known.

        Where a picture between is missing, nobody knows what it changed: then everything counts as changed.
        """
        if not self._is_next(epoch, frame_id, key=key):
            return None
        grid, begins = damage.grid(*size), epoch != self._epoch
        if begins:
            self._begin(epoch)
        whole = key or size != self._size or frame_id != self._newest + 1 or named.shape != grid
        changed = np.ones(grid, np.bool_) if whole else named
        if size != self._size:
            self._size, self._changed_at = size, np.zeros(grid, np.int64)
        self._newest = frame_id
        self._changed_at[changed] = frame_id
        if begins and not key:
            self._ask_for_all(*grid)
        return changed

    def run(self, epoch: int, run: Run) -> None:
        """Keep a run until it is taken; the oldest gives way when too many wait."""
        if epoch > self._epoch:
            self._begin(epoch)
        if epoch == self._epoch:
            self._runs.append(run)
            if len(self._runs) > WAITING_MAX:
                self._dropped(self._runs.popleft())
            self.longest = max(self.longest, len(self._runs))

    @property
    def ready(self) -> bool:
        """Whether any run waits whose picture was decoded."""
        return any(run.frame_id <= self._newest for run in self._runs)

    def take(self) -> list[tuple[Run, Row]]:
        """Return the runs of pictures decoded so far, each with which of its tiles did not change since."""
        ready = [run for run in self._runs if run.frame_id <= self._newest]
        self._runs = deque(run for run in self._runs if run.frame_id > self._newest)
        found = [(run, self._unchanged(run)) for run in ready]
        return [(run, good) for run, good in found if good.any()]

    def _unchanged(self, run: Run) -> Row:
        part = self._changed_at[run.row : run.row + 1, run.col : run.col + run.run]
        good: Row = (part <= run.frame_id).reshape(-1)
        return good if len(good) == run.run else np.zeros(1, np.bool_)

    def _is_next(self, epoch: int, frame_id: int, *, key: bool) -> bool:
        """Tell whether a picture is to be shown. An older connection counts again when the newer one says no more."""
        if epoch < self._epoch:
            self._older += 1
            return self._older >= OLDER_MAX
        self._older = 0
        return epoch > self._epoch or frame_id > self._newest or key

    def _ask_for_all(self, rows: int, cols: int) -> None:
        """The other end may hold any tile for exact, and none is here."""
        for row, col in itertools.product(range(rows), range(0, cols, tiles.RUN_MAX)):
            self._dropped(Run(0, col, row, min(tiles.RUN_MAX, cols - col), tiles.RAW, 0, b""))

    def _begin(self, epoch: int) -> None:
        self._epoch, self._newest, self._older, self._size = epoch, -1, 0, (0, 0)
        self._runs.clear()


class Canvas:
    """Pixels of the exact tiles, in the size of the source. Belongs to one thread."""

    def __init__(self, again: Callable[[Run], None]) -> None:
        self._again = again
        self._size = (0, 0)
        self._exact: Tiles = np.zeros((0, 0), np.bool_)
        self._pixels: Rows | None = None
        self._bad = 0
        self.exact_tiles = 0
        self.version = 0

    def begin(self, size: tuple[int, int], changed: Tiles | None) -> None:
        """Another picture is shown, in which these tiles (None: all) differ from the one before."""
        if size != self._size or changed is None or changed.shape != self._exact.shape:
            self._exact = np.zeros(damage.grid(*size), np.bool_)
            self.exact_tiles = 0
            if size != self._size:
                self._size, self._pixels = size, None
        elif self.exact_tiles:
            self._exact &= ~changed
            self.exact_tiles = int(self._exact.sum())

    def put(self, runs: list[tuple[Run, Row]]) -> Tiles | None:
        """Take in runs; return the tiles they made exact, or None. Unsound ones are asked for again, up to a number."""
        made: Tiles | None = None
        for run, good in runs:
            try:
                pixels = tiles.pixels(run, *self._size) if self._bad < _BAD_MAX else None
            except tiles.BadRun:
                self._bad += 1
                self._again(run)
                continue
            if pixels is not None:
                made = np.zeros_like(self._exact) if made is None else made
                made[run.row, run.col : run.col + run.run] = good
                self._paste(run, good, pixels)
        if made is not None:
            self.version += 1
            self._exact |= made
            self.exact_tiles = int(self._exact.sum())
        return made

    def _paste(self, run: Run, good: Row, pixels: tiles.Pixels) -> None:
        width, height = self._size
        if self._pixels is None:
            self._pixels = np.zeros((height, width), np.uint32)
        target = self._pixels.view(np.uint8).reshape(height, width, 4)
        down = slice(run.row * TILE, run.row * TILE + pixels.shape[0])
        for first, last in _segments(good):
            part = pixels[:, first * TILE : last * TILE]
            left = (run.col + first) * TILE
            across = slice(left, left + part.shape[1])
            target[down, across, :3] = part
            target[down, across, 3] = _OPAQUE

    @property
    def pixels(self) -> Rows | None:
        """Our own picture, right where tiles are exact; None when none is. It changes with `version`."""
        return self._pixels if self.exact_tiles else None

    def blend(self, decoded: Rows, own: Rows | None) -> Rows:
        """Return a picture with exact tiles out of a decoded one and `pixels`, both scaled alike to the same size.

        The smaller part is copied, so that either may be written to.
        """
        if own is None or decoded.shape != own.shape or not self.exact_tiles:
            return decoded
        if self.exact_tiles * 2 > self._exact.size:
            _copy(own, decoded, self._inexact_boxes(decoded.shape))
            return own
        _copy(decoded, own, self._exact_boxes(decoded.shape))
        return decoded

    def _inexact_boxes(self, shape: tuple[int, int]) -> Iterator[Box]:
        """What must come from the decoded picture, and around it what the scaling has mixed with that."""
        scale = _Scale(self._size, shape)
        for row, first, last in _stretches(~self._exact):
            left, top, right, bottom = scale.box(row, first, last)
            reach = scale.reach
            yield max(0, left - reach), max(0, top - reach), right + reach, bottom + reach

    def _exact_boxes(self, shape: tuple[int, int]) -> Iterator[Box]:
        """What may come from our own picture, without what the scaling has mixed with anything else."""
        scale, exact = _Scale(self._size, shape), self._exact
        rows, cols = exact.shape
        for row, first, last in _stretches(exact):
            left, top, right, bottom = scale.box(row, first, last)
            beside = slice(max(0, first - 1), last + 1)
            above = row == 0 or bool(exact[row - 1, beside].all())
            below = row == rows - 1 or bool(exact[row + 1, beside].all())
            reach = scale.reach
            left, right = left + reach * (first > 0), right - reach * (last < cols)
            yield left, top + reach * (not above), right, bottom - reach * (not below)


class _Scale:
    """Where tiles lie in a scaled picture."""

    def __init__(self, size: tuple[int, int], shape: tuple[int, int]) -> None:
        self._size = size
        self._x, self._y = shape[1] / size[0], shape[0] / size[1]
        whole = shape[1] % size[0] == 0 and shape[0] % size[1] == 0
        self.reach = 0 if whole else math.ceil(2 * max(1.0, self._x, self._y)) + 1  # of a bicubic filter

    def box(self, row: int, first: int, last: int) -> Box:
        """Return (left, top, right, bottom) of the tiles from `first` to before `last`."""
        right, bottom = min(last * TILE, self._size[0]), min((row + 1) * TILE, self._size[1])
        return (
            math.floor(first * TILE * self._x),
            math.floor(row * TILE * self._y),
            math.ceil(right * self._x),
            math.ceil(bottom * self._y),
        )


def _stretches(which: Tiles) -> Iterator[tuple[int, int, int]]:
    """Yield (row, first, behind last) of all stretches of True."""
    for row in np.flatnonzero(which.any(axis=1)).tolist():
        for first, last in _segments(which[row]):
            yield row, first, last


def _segments(row: Row) -> Iterator[tuple[int, int]]:
    """Yield (first, behind last) of each stretch of True."""
    edges = np.flatnonzero(np.diff(row, prepend=False, append=False)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def _copy(target: Rows, source: Rows, boxes: Iterator[Box]) -> None:
    for left, top, right, bottom in boxes:
        if left < right and top < bottom:
            target[top:bottom, left:right] = source[top:bottom, left:right]
