# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of the server's copy of a window are its own, and which are left over from what stood there before.

The server fills a new copy with what the screen shows at that place, whatever window that belongs to, and leaves the
rest to the program: a window without a background keeps the pixels of others until it paints, and a program that hangs
never does. A new copy is made when a capture begins, and whenever the window changes its size or is shown again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import composite
from Xlib.ext import damage as xdamage
from Xlib.protocol.event import Expose

from app.domain.capture import CaptureError
from remote_assist.masks import MASK_BGRX

__all__ = ["OwnPixels"]

_DEEP: Final = 8  # windows around a window
_PARTS: Final = 64  # windows inside a window that are asked to paint
Known = npt.NDArray[np.bool_]


class OwnPixels:
    """Has the server keep a copy of one window, and follows what its program paints. One thread, own connection.

    `version` changes with each new copy. Raises CaptureError("target_gone") or one of X_ERRORS.
    """

    def __init__(self, display: Display, window: Any) -> None:
        self._display, self._window = display, window
        self._around: set[int] = set()
        self._asked = False
        self._gone = False
        self.version = 0
        display.set_error_handler(lambda *_about: None)  # windows go while they are asked about
        if not (display.has_extension("Composite") and display.has_extension("DAMAGE")):
            raise CaptureError("capture_failed", "no Composite")
        display.composite_query_version()
        display.damage_query_version()
        with _alone(display):
            self._follow()
            size = window.get_geometry()
            self._size, self._border = (size.width, size.height), size.border_width
            apart = self._is_apart()
            # its first report is what is to be seen of the window on the screen: these pixels are its own
            self._damage = int(window.damage_create(xdamage.DamageReportDeltaRectangles))
            self._known: Known | None = None if apart else np.zeros((size.height, size.width), np.bool_)
            window.composite_redirect_window(composite.RedirectAutomatic)
            display.sync()

    @property
    def complete(self) -> bool:
        """Whether all pixels are the window's own."""
        return self._known is None

    def look(self) -> None:
        """Take in what has happened until now, in the order in which it did."""
        self._display.sync()
        while self._display.pending_events():
            self._on_event(self._display.next_event())
        if self._gone:
            raise CaptureError("target_gone")
        self._display.damage_subtract(self._damage)  # else what is painted again is not reported
        if self._known is not None and bool(self._known.all()):
            self._known = None

    def ask(self) -> None:
        """Have the program paint all of the window, as after it was covered; once for each copy."""
        if not self._asked:
            self._asked = True
            self._expose(self._window, _PARTS)
            self._display.flush()

    def _renew(self) -> None:
        """The copy is another one now: nothing in it counts until the program has painted."""
        self.version += 1
        self._asked = False
        self._known = np.zeros((self._size[1], self._size[0]), np.bool_)

    def cover(self, rows: npt.NDArray[np.uint32]) -> bool:
        """Paint over what is not the window's own; False: the picture is of another copy."""
        known = self._known
        if (rows.shape[1], rows.shape[0]) != self._size:
            return False
        if known is not None:
            rows[~known] = MASK_BGRX
        return True

    # --- events ----------------------------------------------------------------------------------------------------

    def _on_event(self, event: Any) -> None:
        if event.type == self._display.extension_event.DamageNotify:
            self._painted(event)
        elif event.type == X.DestroyNotify and event.window.id == self._window.id:
            self._gone = True  # its number may soon be another's
        elif self._gone:
            return
        elif event.type in (X.MapNotify, X.UnmapNotify) and event.window.id in self._around:
            self._renew()
        elif event.type == X.ReparentNotify and event.window.id in self._around:
            self._follow()
            self._renew()
        elif event.type == X.ConfigureNotify and event.window.id == self._window.id and not event.send_event:
            before = self._size, self._border
            self._size, self._border = (event.width, event.height), event.border_width
            if before != (self._size, self._border):
                self._renew()

    def _painted(self, event: Any) -> None:
        known, of = self._known, event.drawable_geometry
        if known is None or (of.width, of.height) != self._size:
            return
        area = event.area
        left, top = max(0, area.x), max(0, area.y)
        known[top : max(0, area.y + area.height), left : max(0, area.x + area.width)] = True

    def _follow(self) -> None:
        """Hear of the window, and of those around it: where one of them is not shown, there is no copy."""
        self._around = {window.id for window in self._chain()}
        for window in self._chain():
            window.change_attributes(event_mask=X.StructureNotifyMask)

    def _expose(self, window: Any, left: int) -> int:
        with contextlib.suppress(XError):
            size = window.get_geometry()
            whole = Expose(window=window, x=0, y=0, width=size.width, height=size.height, count=0)
            window.send_event(whole, event_mask=X.ExposureMask)
            for part in window.query_tree().children:
                if left > 0:
                    left = self._expose(part, left - 1)
        return left

    # --- what is known at the beginning ----------------------------------------------------------------------------

    def _chain(self) -> list[Any]:
        """Return the window and those around it, without the root."""
        found, window, root = [], self._window, self._display.screen().root
        for _depth in range(_DEEP):
            if not window or window.id == root.id:
                break
            found.append(window)
            window = window.query_tree().parent
        return found

    def _is_apart(self) -> bool:
        """Whether a compositor keeps this window's pixels apart already: nothing of others is in them."""
        for window in self._chain():
            pixmap = window.composite_name_window_pixmap()
            try:
                pixmap.get_geometry()
            except XError:
                continue
            pixmap.free()
            return True
        return False


@contextlib.contextmanager
def _alone(display: Display) -> Iterator[None]:
    """Nobody else draws or moves anything meanwhile."""
    display.grab_server()
    try:
        yield
    finally:
        display.ungrab_server()
        display.flush()
