# SPDX-License-Identifier: GPL-3.0-or-later
"""The pointer of an X11 display: where it is, and its shape. It is never in a picture; it travels beside it."""

from __future__ import annotations

import array
import contextlib
import threading
import time
from typing import Any, Final

from Xlib.display import Display
from Xlib.ext import xfixes

from app.domain.capture import CursorState, Rect
from remote_assist.x11_windows import X_ERRORS

__all__ = ["X11Cursor"]

_SHAPE_EVERY_S: Final = 2.0  # also when nothing was reported
_RETRY_S: Final = 5.0  # every failed attempt of the library leaves a socket behind
_SIDE_MAX: Final = 128


class X11Cursor:
    """Keeps one connection, for it is asked many times a second. Any thread; one at a time waits for the other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._display: Display | None = None
        self._has_shapes = False
        self._shape = CursorState(0, 0, visible=False)
        self._shape_due = self._retry_at = 0.0

    def state(self, rect: Rect) -> CursorState | None:
        """Return place and shape relative to a rectangle of the desktop, or None while no display answers."""
        with self._lock:
            if time.monotonic() < self._retry_at:
                return None
            try:
                return self._ask(self._open(), rect)
            except (*X_ERRORS, RuntimeError):
                self._close()
                self._retry_at = time.monotonic() + _RETRY_S
                return None

    def close(self) -> None:
        """Let the display go. Idempotent; the next call opens it again."""
        with self._lock:
            self._close()

    def _open(self) -> Display:
        if self._display is None:
            self._display = Display(self._name)
            self._has_shapes = self._display.has_extension("XFIXES")
            if self._has_shapes:
                self._display.xfixes_query_version()
                self._report_shapes(self._display)
        return self._display

    def _report_shapes(self, display: Display) -> None:
        """Have changes of the shape reported: fetching it each time costs more than all the rest here."""
        self._shape_due = 0.0
        xfixes.SelectCursorInput(
            display=display.display,
            opcode=display.display.get_extension_major(xfixes.extname),
            window=display.screen().root,
            mask=xfixes.XFixesDisplayCursorNotifyMask,
        )

    def _close(self) -> None:
        display, self._display = self._display, None
        if display is not None:
            with contextlib.suppress(*X_ERRORS):
                display.close()

    def _ask(self, display: Display, rect: Rect) -> CursorState:
        root = display.screen().root
        pointer: Any = root.query_pointer()
        while display.pending_events():
            display.next_event()
            self._shape_due = 0.0
        if self._has_shapes and time.monotonic() >= self._shape_due:
            self._shape_due = time.monotonic() + _SHAPE_EVERY_S
            self._look_at_shape(display.xfixes_get_cursor_image(root))
        x, y, shape = pointer.root_x - rect.x, pointer.root_y - rect.y, self._shape
        visible = 0 <= x < rect.width and 0 <= y < rect.height
        return CursorState(
            x, y, visible, shape.shape_id, shape.hot_x, shape.hot_y, shape.width, shape.height, shape.bgra
        )

    def _look_at_shape(self, image: Any) -> None:
        if image.cursor_serial == self._shape.shape_id:
            return
        fits = 0 < image.width <= _SIDE_MAX and 0 < image.height <= _SIDE_MAX
        pixels = array.array("I", [pixel & 0xFFFF_FFFF for pixel in image.cursor_image]) if fits else array.array("I")
        if not fits or len(pixels) != image.width * image.height:
            self._shape = CursorState(0, 0, visible=False)
            return
        self._shape = CursorState(
            0, 0, visible=False, shape_id=image.cursor_serial, hot_x=min(image.xhot, _SIDE_MAX),
            hot_y=min(image.yhot, _SIDE_MAX), width=image.width, height=image.height, bgra=pixels.tobytes(),
        )  # fmt: skip
