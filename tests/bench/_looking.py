# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a program's window from outside: when it was painted for the first time, and when its list can be used.

Nothing of this runs inside the program, so that a frozen one is measured as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import xtest

Pixels = npt.NDArray[np.uint32]
_LOOK_S: Final = 0.004
_CALM_S: Final = 1.5
_ALL_PLANES: Final = 0xFFFFFFFF
_SAME: Final = 0.9
_MOVED: Final = 0.002
_DOWN: Final = 0xFF54


class Watch:
    """One program on a display of its own."""

    def __init__(self, display: str, pid: int, patience_s: float = 60.0) -> None:
        self._display = Display(display)
        self._root = self._display.screen().root
        self._pid, self._patience_s = pid, patience_s
        self._window: Any = None

    def close(self) -> None:
        """Look no longer."""
        self._display.close()

    def first_paint(self) -> float:
        """Return when its window had more than one colour for the first time. Raises TimeoutError."""
        going = self._clock("window")
        while going():
            if (pixels := self.look()) is not None and (pixels != pixels[0, 0]).any():
                return time.perf_counter()
        raise AssertionError

    def settled(self) -> Pixels:
        """Wait until the picture has stayed the same for a moment, and return it."""
        going, pixels, since = self._clock("calm window"), self.look(), time.perf_counter()
        while going():
            now = self.look()
            if now is None or pixels is None or not np.array_equal(now, pixels):
                pixels, since = now, time.perf_counter()
            elif time.perf_counter() - since > _CALM_S:
                return pixels
        raise AssertionError

    def moved_down(self) -> Pixels:
        """Press the key Down in the window, and return how it looks then."""
        before = self.settled()
        self._press(_DOWN)
        going = self._clock("list that follows the key")
        while going():
            if (now := self.look()) is not None and (now != before).mean() > _MOVED:
                break
        return self.settled()

    def shows(self, wanted: Pixels, where: npt.NDArray[np.bool_]) -> float:
        """Return when nearly all pixels of a place were as they should be; hours and minutes in it may differ."""
        going = self._clock("list")
        while going():
            now = self.look()
            if now is not None and now.shape == wanted.shape and (now == wanted)[where].mean() > _SAME:
                return time.perf_counter()
        raise AssertionError

    def look(self) -> Pixels | None:
        """Return the picture of its window, or None while there is none."""
        try:
            self._window = self._window or self._found()
            if self._window is None or self._window.get_attributes().map_state != X.IsViewable:
                return None
            shape = self._window.get_geometry()
            image = self._window.get_image(0, 0, shape.width, shape.height, X.ZPixmap, _ALL_PLANES)
        except XError:
            self._window = None
            return None
        pixels: Pixels = np.frombuffer(bytes(image.data), np.uint32) & np.uint32(0xFFFFFF)
        return pixels.reshape(shape.height, shape.width)

    def _press(self, symbol: int) -> None:
        code = self._display.keysym_to_keycode(symbol)
        self._window.set_input_focus(X.RevertToParent, X.CurrentTime)
        for kind in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(self._display, kind, code)
        self._display.sync()

    def _found(self) -> Any:
        """The largest window of the process."""
        pid_of = self._display.intern_atom("_NET_WM_PID")
        found = []
        for window in self._root.query_tree().children:
            pid = window.get_full_property(pid_of, Xatom.CARDINAL)
            if pid is not None and pid.value[0] == self._pid and window.get_attributes().map_state == X.IsViewable:
                shape = window.get_geometry()
                found.append((shape.width * shape.height, window.id, window))
        return max(found)[2] if found else None

    def _clock(self, what: str) -> Callable[[], bool]:
        end = time.perf_counter() + self._patience_s

        def going() -> bool:
            if time.perf_counter() > end:
                raise TimeoutError(f"no {what} within {self._patience_s:.0f} s")
            time.sleep(_LOOK_S)
            return True

        return going
