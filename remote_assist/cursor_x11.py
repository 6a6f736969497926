# SPDX-License-Identifier: GPL-3.0-or-later
"""The pointer of an X11 display: where it is, and its shape. It is never in a picture; it travels beside it."""

from __future__ import annotations

import array
import contextlib
import select
import threading
import time
from typing import Any, Final

from Xlib.display import Display
from Xlib.ext import xfixes, xinput
from Xlib.ext.ge import GenericEventCode

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
        self._has_shapes = self._has_motion = self._told_motion = False
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

    def wait(self, timeout_s: float) -> bool:
        """Wait until the pointer moves or changes its shape, or so long; False at once where no display tells.

        A program may put the pointer elsewhere without the server telling of it: look again after some time.
        """
        with self._lock:
            display = self._display
            if display is None or not self._has_motion:
                return False
            try:
                self._tell_motion(display, on=True)
                fd = display.fileno()
                if self._has_news(display):
                    return True
            except X_ERRORS:
                return False
        with contextlib.suppress(OSError, ValueError):  # closed meanwhile
            select.select([fd], [], [], timeout_s)
        with self._lock, contextlib.suppress(*X_ERRORS):
            if display is self._display:
                self._has_news(display)
        return True

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
            self._has_motion = self._display.has_extension(xinput.extname)
            if self._has_motion:
                self._display.xinput_query_version()
        return self._display

    def _tell_motion(self, display: Display, *, on: bool) -> None:
        """Have motion reported only while somebody waits for it: a mouse reports a thousand times a second."""
        if on != self._told_motion:
            self._told_motion = on
            mask = xinput.RawMotionMask if on else 0
            display.screen().root.xinput_select_events([(xinput.AllMasterDevices, mask)])
            display.flush()

    def _has_news(self, display: Display) -> bool:
        """Take what was reported; once there is something, motion need not be reported until the next wait."""
        news = False
        while display.pending_events():
            moved = display.next_event().type == GenericEventCode
            self._shape_due = self._shape_due if moved else 0.0
            news = True
        if news:
            self._tell_motion(display, on=False)
        return news

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
        self._told_motion = False
        if display is not None:
            with contextlib.suppress(*X_ERRORS):
                display.close()

    def _ask(self, display: Display, rect: Rect) -> CursorState:
        root = display.screen().root
        pointer: Any = root.query_pointer()
        self._has_news(display)
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
