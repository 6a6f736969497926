# SPDX-License-Identifier: GPL-3.0-or-later
"""Which source of pictures a session child takes. Qt is loaded only when it is the one: chosen, or the last resort."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from app.domain.capture import CaptureError, CursorState, FrameSource, RawFrame, Rect, Target, TargetKind

if TYPE_CHECKING:
    from remote_assist.x11_windows import X11Windows

CHOICE: Final = "DESKSIDE_CAPTURE"
Lend = Callable[[Callable[[], None]], None]
WaitFree = Callable[[float], bool]
QtFactory = Callable[["X11Windows", WaitFree], FrameSource]
_LOAD_S: Final = 20.0


class Sources:
    """Makes sources. `lend` hands work to the main thread, for good: Qt must live there."""

    def __init__(self, lend: Lend) -> None:
        self._qt = _Qt(lend)

    def __call__(self, kind: TargetKind | None, wait_free: WaitFree) -> FrameSource:
        """Return the source for a kind of target, or the one that lists targets. Raises CaptureError."""
        here = bool(os.environ.get("DISPLAY"))
        # without any display no person sits here: the demo and the tests show a drawn picture then
        if kind is TargetKind.DRAWN or (kind is None and not here and not os.environ.get("WAYLAND_DISPLAY")):
            from remote_assist.capture_drawn import DrawnSource  # here: numpy, which loads behind the windows

            return DrawnSource()
        if not here:
            raise CaptureError("no_display")
        if os.environ.get("WAYLAND_DISPLAY") and os.environ.get("XDG_SESSION_TYPE") == "wayland":
            raise CaptureError("capture_failed", "Wayland: the X server shows nothing there")
        if os.environ.get(CHOICE, "") == "qt":
            return self._qt.source(wait_free)
        return FirstThatStarts(lambda: _mss(wait_free), lambda: self._qt.source(wait_free))


def _mss(wait_free: WaitFree) -> FrameSource:
    try:
        from remote_assist.capture_mss import MssSource  # here: needs X libraries, which a machine may lack
    except ImportError as error:
        raise CaptureError("capture_failed", str(error)) from error
    return MssSource(wait_free)


class _Qt:
    """Loads Qt when a source of it is first wanted."""

    def __init__(self, lend: Lend) -> None:
        self._lend = lend
        self._make: QtFactory | None = None

    def source(self, wait_free: WaitFree) -> FrameSource:
        """Raises CaptureError where Qt or its capture is not there, or no display answers: Qt would end the process."""
        from remote_assist.x11_windows import X11Windows, answers  # here: only X11 has these libraries

        display = os.environ["DISPLAY"]
        if not answers(display):
            raise CaptureError("no_display", display)
        if self._make is None:
            ready: Future[QtFactory] = Future()
            self._lend(lambda: _serve_qt(ready))
            try:
                self._make = ready.result(_LOAD_S)
            except TimeoutError as error:
                raise CaptureError("capture_failed", "Qt does not start") from error
        return self._make(X11Windows(display), wait_free)


def _serve_qt(ready: Future[QtFactory]) -> None:
    """Qt's main thread is the one that loads it: this runs there, to the end of the process if Qt is usable."""
    try:
        from app.desktop.capture_qt import QtSource
        from app.desktop.qt_loop import QtLoop  # here: no other child loads Qt

        loop = QtLoop()
    except ImportError as error:
        reason = f"this program is without Qt's capture ({error})"
        sys.stderr.write(f"deskside session: {reason}\n")  # windows only say that nothing can be shown
        ready.set_exception(CaptureError("capture_failed", reason))
    except CaptureError as error:
        ready.set_exception(error)
    else:
        ready.set_result(lambda windows, wait_free: QtSource(loop, windows, wait_free))
        loop.run()


class FirstThatStarts:
    """A FrameSource: the first one, and where that cannot capture here, the second. A missing display is final."""

    def __init__(self, first: Callable[[], FrameSource], second: Callable[[], FrameSource]) -> None:
        self._second: Callable[[], FrameSource] | None = second
        try:
            self._source = first()
        except CaptureError as error:
            self._source = self._next(error)

    @property
    def failed(self) -> str:
        """Why nothing comes at the moment; empty while pictures come."""
        return str(getattr(self._source, "failed", ""))

    def targets(self) -> Sequence[Target]:
        """Return what can be shared now. Raises CaptureError."""
        try:
            return self._source.targets()
        except CaptureError as error:
            self._source = self._next(error)
            return self._source.targets()

    def start(self, target: Target, sink: Callable[[RawFrame], None], fps_max: int) -> None:
        """Deliver from whichever starts. Raises CaptureError."""
        try:
            self._source.start(target, sink, fps_max)
        except CaptureError as error:
            self._source = self._next(error)
            self._source.start(target, sink, fps_max)

    def geometry(self) -> Rect:
        """Return where the target is now. Raises CaptureError when it is gone."""
        return self._source.geometry()

    def cursor(self) -> CursorState | None:
        """Return the pointer, or None where this source cannot tell."""
        return self._source.cursor()

    def wait_cursor(self, timeout_s: float) -> bool:
        """Wait until the pointer may have moved, or so long; False at once where nobody tells."""
        return self._source.wait_cursor(timeout_s)

    def looked(self) -> None:
        """The customer has seen which screens there are now."""
        self._source.looked()

    def stop(self) -> None:
        """Stop. Idempotent."""
        self._source.stop()

    def _next(self, error: CaptureError) -> FrameSource:
        second, self._second = self._second, None
        if error.code != "capture_failed" or second is None:
            self._second = second
            raise error
        try:
            return second()
        except CaptureError as other:
            raise CaptureError(other.code, f"{error}; {other}") from error
