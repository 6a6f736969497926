# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage: which 64x64 tiles of a picture differ from the one before."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

TILE: Final = 64
Tiles = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.uint32]


def grid(width: int, height: int) -> tuple[int, int]:
    """Return (rows, columns) of tiles; the right and bottom ones may be smaller."""
    return -(-height // TILE), -(-width // TILE)


def changed_tiles(before: Rows | None, now: Rows) -> Tiles:
    """Return one bool per tile. Everything counts as changed without a picture before or with another size."""
    rows, cols = grid(now.shape[1], now.shape[0])
    if before is None or before.shape != now.shape:
        return np.ones((rows, cols), np.bool_)
    out = np.empty((rows, cols), np.bool_)
    starts = np.arange(cols) * TILE
    for row in range(rows):  # band by band, so that the intermediate stays in the cache
        band = slice(row * TILE, (row + 1) * TILE)
        differs = before[band] != now[band]
        # most bands are the same on a screen that nobody scrolls, and to know that takes half the time
        out[row] = differs.any() and np.logical_or.reduceat(np.logical_or.reduce(differs, axis=0), starts)
    return out


def bounds(tiles: Tiles, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Return the (x, y, w, h) in pixels that holds all changed tiles, or None."""
    ys, xs = np.flatnonzero(tiles.any(axis=1)), np.flatnonzero(tiles.any(axis=0))
    if not len(ys):
        return None
    x, y = int(xs[0]) * TILE, int(ys[0]) * TILE
    return x, y, min(width, (int(xs[-1]) + 1) * TILE) - x, min(height, (int(ys[-1]) + 1) * TILE) - y


def pack(tiles: Tiles) -> bytes:
    """Return the bitmap, row by row, first tile in the highest bit."""
    return np.packbits(tiles.reshape(-1)).tobytes()


def unpack(raw: bytes, rows: int, cols: int) -> Tiles | None:
    """Return the tiles of a bitmap, or None when its length does not fit."""
    if not (0 < rows <= 256 and 0 < cols <= 256) or len(raw) != -(-rows * cols // 8):
        return None
    return np.unpackbits(np.frombuffer(raw, np.uint8), count=rows * cols).reshape(rows, cols).astype(np.bool_)
