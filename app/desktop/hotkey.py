# SPDX-License-Identifier: GPL-3.0-or-later
"""The one key that works in every program: Ctrl+Alt+End stops sharing. On X11 a grab of that combination alone."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["StopKey"]

_JOIN_S = 2.0
Settled = Callable[[bool], None]


class StopKey:
    """Calls `pressed` on a thread of its own while it is grabbed. `start` and `stop` may be called from any thread.

    No listener that sees all keys: the X server sends this combination, whatever else is held, and nothing else. While
    another program has the whole keyboard (an open menu, a password question) it sends nothing: then the bar stops.
    """

    def __init__(self, pressed: Callable[[], None]) -> None:
        self._pressed = pressed
        self._thread: threading.Thread | None = None
        self._wake_read = self._wake_write = -1

    def start(self, settled: Settled) -> None:
        """Grab the key, unless that was done. Returns at once: display servers take their time.

        `settled` is called once, here or on the key's own thread: with False where this system or another program does
        not let us have the key.
        """
        if self._thread is not None:
            return
        if sys.platform != "linux" or not os.environ.get("DISPLAY"):
            settled(False)
            return
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, args=(settled,), name="stop-key", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give the key back. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")
        if thread is not threading.current_thread():
            thread.join(_JOIN_S)
        for end in (self._wake_read, self._wake_write):
            os.close(end)

    def _run(self, settled: Settled) -> None:
        # here: it is needed on X11 only
        from Xlib import X
        from Xlib import error as xerror
        from Xlib.display import Display

        try:
            display = Display()
        except (xerror.DisplayError, OSError):
            settled(False)
            return
        try:
            works = self._grabbed(display, X, xerror)
            settled(works)
            if works:
                self._listen(display, X)
        except (xerror.ConnectionClosedError, OSError):
            pass  # the display server has gone, and this program goes with it
        finally:
            with contextlib.suppress(xerror.ConnectionClosedError, OSError):
                display.close()

    def _grabbed(self, display: Any, x: Any, xerror: Any) -> bool:
        try:
            return self._grab(display, x, xerror)
        except (xerror.ConnectionClosedError, OSError):
            return False

    @staticmethod
    def _grab(display: Any, x: Any, xerror: Any) -> bool:
        from Xlib import XK

        keycode = display.keysym_to_keycode(XK.string_to_keysym("End"))
        refused, ignored = xerror.CatchError(xerror.BadAccess), xerror.CatchError(xerror.BadAccess)
        root = display.screen().root
        # a grab is for one exact state of all modifiers: with each lock, level and further modifier that may be down
        others = (x.LockMask, x.Mod2Mask, x.ShiftMask, x.Mod3Mask, x.Mod4Mask, x.Mod5Mask)
        for number in range(1 << len(others)):
            more = sum(mask for place, mask in enumerate(others) if number >> place & 1)
            # without Caps Lock and Num Lock the key is none; that another program has one with Shift too is no matter
            needed = refused if number < 4 else ignored
            modifiers = x.ControlMask | x.Mod1Mask | more
            root.grab_key(keycode, modifiers, False, x.GrabModeAsync, x.GrabModeAsync, onerror=needed)
        display.sync()
        return bool(keycode) and refused.get_error() is None

    def _listen(self, display: Any, x: Any) -> None:
        while True:
            readable, _writable, _broken = select.select([display.fileno(), self._wake_read], [], [])
            if self._wake_read in readable:
                return
            while display.pending_events():
                if display.next_event().type == x.KeyPress:
                    self._pressed()
