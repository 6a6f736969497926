# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks: rectangles painted over a captured picture before anything else sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint32]
MASK_BGRX: Final = 0x00333333


def paint(rows: Rows, rects: Iterable[tuple[int, int, int, int]]) -> None:
    """Fill each (x, y, w, h) in place with one constant colour; parts outside the picture are ignored."""
    height, width = rows.shape
    for x, y, w, h in rects:
        left, top = max(0, x), max(0, y)
        right, bottom = min(width, x + w), min(height, y + h)
        if left < right and top < bottom:
            rows[top:bottom, left:right] = MASK_BGRX
