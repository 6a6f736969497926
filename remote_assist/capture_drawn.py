# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawn picture with a running clock: the source where there is no display, and the one the tests look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.capture import CaptureError, CursorState, RawFrame, Rect, Target, TargetKind

TARGET_ID: Final = "drawn:0"
WIDTH: Final = 1280
HEIGHT: Final = 720
COUNTER_CELLS: Final = 24
COUNTER_CELL: Final = 16
COUNTER_AT: Final = (WIDTH - COUNTER_CELLS * COUNTER_CELL - 32, HEIGHT - 48)  # x, y
_FPS: Final = 15
_DESK, _PANEL, _PAGE, _TITLE, _INK, _FAINT = 0x2B5A86, 0x1D2733, 0xFAFAF8, 0x3C6E9F, 0x1F2A36, 0xC9CFD6
_ACCENT: Final = 0xE07A1F
_SEGMENTS: Final = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc",
    "5": "afgcd", "6": "afgedc", "7": "abc", "8": "abcdefg", "9": "abcdfg",
}  # fmt: skip
_DIGIT_W, _DIGIT_H, _THICK = 26, 60, 6
_RIGHT, _MIDDLE, _BOTTOM = _DIGIT_W - _THICK, _DIGIT_H // 2, _DIGIT_H - _THICK
_SEGMENT_BOXES: Final = {
    "a": (0, 0, _DIGIT_W, _THICK),
    "b": (_RIGHT, 0, _THICK, _MIDDLE),
    "c": (_RIGHT, _MIDDLE, _THICK, _MIDDLE),
    "d": (0, _BOTTOM, _DIGIT_W, _THICK),
    "e": (0, _MIDDLE, _THICK, _MIDDLE),
    "f": (0, 0, _THICK, _MIDDLE),
    "g": (0, _MIDDLE - 3, _DIGIT_W, _THICK),
}
Rows = npt.NDArray[np.uint32]


class DrawnSource:
    """A FrameSource without Qt and without a display."""

    def __init__(self, fps: int = _FPS) -> None:
        self._fps = fps
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def targets(self) -> Sequence[Target]:
        """Return the one target."""
        return (Target(TARGET_ID, TargetKind.DRAWN, "Test picture", Rect(0, 0, WIDTH, HEIGHT)),)

    def start(self, target: Target, sink: Callable[[RawFrame], None], fps_max: int) -> None:
        """Begin to draw. Raises CaptureError for a target that is not ours."""
        if target.id != TARGET_ID:
            raise CaptureError("target_gone", target.id)
        self.stop()
        self._stop = threading.Event()
        args = (sink, self._stop, max(1, min(self._fps, fps_max)))
        self._thread = threading.Thread(target=_draw_on, args=args, name="capture-drawn", daemon=True)
        self._thread.start()

    def geometry(self) -> Rect:
        """Return the picture's size."""
        return Rect(0, 0, WIDTH, HEIGHT)

    def cursor(self) -> CursorState | None:
        """Return None: nothing points here."""
        return None

    def wait_cursor(self, timeout_s: float) -> bool:
        """Return False: nothing points here."""
        del timeout_s
        return False

    def looked(self) -> None:
        """No screens matter here."""

    def stop(self) -> None:
        """Stop drawing and wait for the thread. Idempotent."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()


def _draw_on(sink: Callable[[RawFrame], None], stop: threading.Event, fps: int) -> None:
    still = background()
    count = 0
    due = time.perf_counter()
    while not stop.is_set():
        count += 1
        buffer = bytearray(still.tobytes())
        rows = np.frombuffer(buffer, np.uint32).reshape(HEIGHT, WIDTH)
        _paint_moving(rows, count)
        captured_us = time.perf_counter_ns() // 1000
        sink(RawFrame(memoryview(buffer), WIDTH, HEIGHT, WIDTH * 4, captured_us, _nothing))
        due = max(due + 1 / fps, time.perf_counter())
        stop.wait(max(0.0, due - time.perf_counter()))


def _nothing() -> None:
    return None


def read_counter(rows: Rows) -> int | None:
    """Return the frame count painted into a picture of full size, or None when it cannot be read."""
    x, y = COUNTER_AT
    value = 0
    for cell in range(COUNTER_CELLS):
        middle = rows[y + COUNTER_CELL // 2, x + cell * COUNTER_CELL + COUNTER_CELL // 2]
        value = value << 1 | int((int(middle) >> 8 & 0xFF) > 127)
    count, check = value >> 8, value & 0xFF
    return count if check == (count * 7 + 3) & 0xFF else None


def _paint_moving(rows: Rows, count: int) -> None:
    _clock(rows, time.strftime("%H:%M:%S"))
    # a bar that wanders through the page, so that a still picture is seen at once
    x = 120 + abs(count * 6 % 1200 - 600)
    _box(rows, x, 500, 160, 36, _ACCENT)
    value = (count & 0xFFFF) << 8 | (count * 7 + 3) & 0xFF
    left, top = COUNTER_AT
    for cell in range(COUNTER_CELLS):
        lit = value >> (COUNTER_CELLS - 1 - cell) & 1
        _box(rows, left + cell * COUNTER_CELL, top, COUNTER_CELL, COUNTER_CELL, 0xFFFFFF if lit else 0x000000)


def background() -> Rows:
    """Return what never changes in the picture; the clock, the bar and the counter go on top."""
    rows = np.full((HEIGHT, WIDTH), _DESK, np.uint32)
    shade = np.linspace(0, 40, HEIGHT, dtype=np.uint32)[:, None]
    rows -= shade * 0x000101
    _box(rows, 0, HEIGHT - 64, WIDTH, 64, _PANEL)
    for index in range(5):
        _box(rows, 24 + index * 56, HEIGHT - 52, 40, 40, (_TITLE, _ACCENT, 0x4C9A5B, 0x8C6BB1, _FAINT)[index])
    _box(rows, 88, 56, 1104, 560, _INK)
    _box(rows, 90, 58, 1100, 40, _TITLE)
    _box(rows, 90, 98, 1100, 516, _PAGE)
    noise = np.random.default_rng(7)
    for line in range(10):
        width = 0
        while width < 620:
            word = int(noise.integers(20, 90))
            _box(rows, 120 + width, 130 + line * 34, word, 12, _INK if line % 4 else _TITLE)
            width += word + 12
    return rows


def _clock(rows: Rows, text: str) -> None:
    x, y = 860, 160
    for char in text:
        if char == ":":
            _box(rows, x, y + 16, _THICK, _THICK, _INK)
            _box(rows, x, y + 40, _THICK, _THICK, _INK)
            x += 16
            continue
        for segment in _SEGMENTS[char]:
            dx, dy, w, h = _SEGMENT_BOXES[segment]
            _box(rows, x + dx, y + dy, w, h, _INK)
        x += _DIGIT_W + 12


def _box(rows: Rows, x: int, y: int, width: int, height: int, colour: int) -> None:
    rows[y : y + height, x : x + width] = colour
