# SPDX-License-Identifier: GPL-3.0-or-later
"""The strip that every paint of a stimulus carries: 32 cells of 32 px with a frame number and the time of painting."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

CELLS = 32
CELL = 32
UNIT_US = 250
_CLOCK_BITS, _NUMBER_BITS = 16, 10
_CLOCK_MASK = (1 << _CLOCK_BITS) - 1


def value(number: int, painted_us: int) -> int:
    """Return the 32 bits of a strip: Gray-coded clock, frame number, six bits of checksum."""
    clock = painted_us // UNIT_US & _CLOCK_MASK
    body = (clock ^ clock >> 1) << _NUMBER_BITS | number & (1 << _NUMBER_BITS) - 1
    return body << 6 | body % 61


def read(luma: npt.NDArray[np.uint8]) -> tuple[int, int] | None:
    """Return (frame number, clock in units of 250 us) from at least 32 rows of luma, or None when it is not whole."""
    if luma.shape[0] < CELL or luma.shape[1] < CELLS * CELL:
        return None
    cells = luma[8:24, : CELLS * CELL].reshape(16, CELLS, CELL)[:, :, 8:24].mean(axis=(0, 2))
    bits = 0
    for cell in cells:
        bits = bits << 1 | int(cell > 127)
    return parse(bits)


def parse(bits: int) -> tuple[int, int] | None:
    """Return (frame number, clock in units of 250 us) from the 32 bits of a strip, or None when they are not whole."""
    body, check = bits >> 6, bits & 63
    if body % 61 != check or body == 0:
        return None
    gray = body >> _NUMBER_BITS
    clock = gray
    while gray := gray >> 1:
        clock ^= gray
    return body & (1 << _NUMBER_BITS) - 1, clock


def age_ms(clock: int, at_us: int) -> float:
    """Return how long before `at_us` the strip was painted, in ms (up to 16 s)."""
    return ((at_us // UNIT_US - clock) & _CLOCK_MASK) * UNIT_US / 1000


def now_us() -> int:
    """Return the media clock: all processes of a machine share it."""
    return time.perf_counter_ns() // 1000
