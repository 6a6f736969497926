# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends where the customer's cursor is and how it looks: often while it moves, seldom while it rests."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from typing import Final

from app.domain.capture import CursorState
from app.domain.signed import b64
from remote_assist import messages as wire

__all__ = ["CursorFeed", "shape_message"]

MOVING_S: Final = 1 / 60
RESTING_S: Final = 1 / 15
UNTOLD_S: Final = 0.5  # where motion is reported: for a pointer that a program has put elsewhere
_REST_AFTER_US: Final = 300_000
_REPEAT_US: Final = 500_000  # the channel may lose the last place, and nothing else would say it again
_REPEAT_FOR_US: Final = 3_000_000
_REPEAT_LATER_US: Final = 2_000_000
_PACKED_MAX: Final = 20_000


class CursorFeed:
    """`read` gives the cursor relative to what is shared, None where nobody can tell; `send` returns at once.

    `wait` returns True once the cursor may have moved or after so many seconds, and False at once where nobody tells.
    """

    def __init__(
        self,
        read: Callable[[], CursorState | None],
        send: Callable[[str, bytes], None],
        now_us: Callable[[], int],
        wait: Callable[[float], bool] = lambda _seconds: False,
    ) -> None:
        self._read, self._send, self._now_us, self._wait = read, send, now_us, wait
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._told_shapes: set[int] = set()
        self._last: tuple[int, int, bool, int] | None = None
        self._moved_us = self._sent_us = 0

    def start(self) -> None:
        """Begin, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cursor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop. Idempotent."""
        self._stop.set()

    def renew(self) -> None:
        """A new connection: the other end may know nothing."""
        with self._lock:
            self._told_shapes.clear()
            self._last = None

    def step(self) -> float:
        """Look once, send what is new, and return the seconds until the next look."""
        state, now = self._read(), self._now_us()
        if state is None:
            return RESTING_S
        with self._lock:
            shape = self._tell_shape(state)
            # where the mouse is beside what is shared is nobody's business
            place = (state.x, state.y, True, shape) if state.visible else (0, 0, False, 0)
            if place != self._last:
                self._moved_us = now
            every_us = _REPEAT_US if now - self._moved_us < _REPEAT_FOR_US else _REPEAT_LATER_US
            if place != self._last or (state.visible and now - self._sent_us >= every_us):
                self._last, self._sent_us = place, now
                self._send("cur", wire.encode(wire.Cursor(*place, now)))
        return MOVING_S if now - self._moved_us < _REST_AFTER_US else RESTING_S

    def _tell_shape(self, state: CursorState) -> int:
        """Return the number under which the other end knows the shape; 0 stands for one of its own."""
        if state.shape_id in self._told_shapes:
            return state.shape_id
        message = shape_message(state) if state.visible else None
        if message is None:
            return 0
        self._told_shapes.add(state.shape_id)
        self._send("ctl", wire.encode(message))
        return state.shape_id

    def _run(self) -> None:
        while not self._stop.is_set():
            seconds = self.step()
            if seconds == MOVING_S or not self._wait(UNTOLD_S):
                self._stop.wait(seconds)


def shape_message(state: CursorState) -> wire.CursorShape | None:
    """Return a shape as it travels; None for none, and for one that would not fit into a message."""
    sides = (state.width, state.height)
    if not state.shape_id or not all(0 < side <= wire.CURSOR_SIDE_MAX for side in sides):
        return None
    packed = zlib.compress(state.bgra, 6)
    if len(packed) > _PACKED_MAX or len(state.bgra) != state.width * state.height * 4:
        return None
    hot = (min(max(state.hot_x, 0), wire.CURSOR_SIDE_MAX), min(max(state.hot_y, 0), wire.CURSOR_SIDE_MAX))
    return wire.CursorShape(state.shape_id & 0xFFFF_FFFF, hot, state.width, state.height, b64(packed))
