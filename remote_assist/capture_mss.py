# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of X11 screens and windows, woken by XDamage; the pointer is never in the picture.

Screens are taken by mss. A window is taken from the server's own copy of it (Composite), so what covers it is never in
the picture.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import mss
from mss.exception import ScreenShotError
from Xlib.display import Display
from Xlib.ext import damage as xdamage

from app.domain.capture import CaptureError, CursorState, RawFrame, Rect, Target, TargetKind
from app.domain.pace import Pace
from remote_assist.cursor_x11 import X11Cursor
from remote_assist.x11_screens import SCREEN, screens
from remote_assist.x11_windows import (
    X_ERRORS,
    WindowCamera,
    answers,
    connection,
    screen_targets,
    window_place,
    window_targets,
)

# a grab although nothing reported damage, for a driver may forget to say so: the longer nothing changes, the later
_STILL_S: Final = 1.0
_STILL_MAX_S: Final = 4.0
_WITHOUT_DAMAGE_S: Final = 0.05
_WAIT_S: Final = 0.2
_SETTLE: Final = 5  # screens change one by one
_WAITS: Final = frozenset({"target_hidden", "target_changed"})


class MssSource:
    """A FrameSource for X11. `wait_free` blocks until the encoder could take a picture, or a time limit in seconds."""

    def __init__(self, wait_free: Callable[[float], bool], display: str | None = None) -> None:
        self._display = display or os.environ.get("DISPLAY", "")
        self._wait_free = wait_free
        self._stop: _Stop | None = None
        self._thread: threading.Thread | None = None
        self._target: Target | None = None
        self._rect = Rect(0, 0, 0, 0)
        self._cursor = X11Cursor(self._display)
        self._looked = False
        self.failed = ""

    def targets(self) -> Sequence[Target]:
        """Return screens first, then windows from top to bottom. Raises CaptureError."""
        with _grabber(self._display) as grabber, connection(self._display) as display:
            whole = _rect_of(grabber.monitors[0])
            titles = {_rect_of(m): str(m.get("name") or m.get("output") or "") for m in grabber.monitors[1:]}
            return (*screen_targets(display, titles), *window_targets(display, whole))

    def start(self, target: Target, sink: Callable[[RawFrame], None], fps_max: int) -> None:
        """Begin to deliver. Raises CaptureError: target gone, no display, or one whose pictures mss cannot take."""
        self.stop()
        with _grabber(self._display) as grabber, connection(self._display) as display:
            self._rect = window_place(display, target) if target.kind is TargetKind.WINDOW else target.rect
            if target.kind is not TargetKind.WINDOW:
                _try_pixel(grabber, target.rect)
        self._target, self._stop, self.failed, self._looked = target, _Stop(), "", False
        args = (target, sink, max(1, fps_max), self._stop)
        self._thread = threading.Thread(target=self._run, args=args, name="capture-mss", daemon=True)
        self._thread.start()

    def geometry(self) -> Rect:
        """Return where the target was at the last grab. Raises CaptureError when it is gone."""
        if self._target is None or self.failed:
            raise CaptureError(self.failed or "target_gone")
        return self._rect

    def cursor(self) -> CursorState | None:
        """Return the pointer's place relative to the target, and its shape."""
        return self._cursor.state(self._rect)

    def wait_cursor(self, timeout_s: float) -> bool:
        """Wait until the pointer may have moved, or so long; False at once where nobody tells."""
        return self._cursor.wait(timeout_s)

    def looked(self) -> None:
        """The customer has seen which screens there are now."""
        self._looked = True

    def stop(self) -> None:
        """Stop and wait for the thread. Idempotent."""
        stop, self._stop = self._stop, None
        thread, self._thread = self._thread, None
        if stop is not None:
            stop.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._cursor.close()

    def _run(self, target: Target, sink: Callable[[RawFrame], None], fps: int, stop: _Stop) -> None:
        try:
            with (
                _grabber(self._display) as grabber,
                connection(self._display) as display,
                connection(self._display) as own,
            ):
                windowed = target.kind is TargetKind.WINDOW
                camera = WindowCamera(own, target) if windowed else _ScreenCamera(own, grabber, target)
                self._loop(camera, display, sink, fps, stop)
        except CaptureError as error:
            self.failed = error.code
        except (*X_ERRORS, ScreenShotError):
            self.failed = "target_gone"
        finally:
            if not stop.is_set() and self.failed in _WAITS | {""}:
                self.failed = "capture_failed"  # something nobody thought of: it is over, and not only still
            stop.close()

    def _loop(self, camera: _Camera, display: Display, sink: Callable[[RawFrame], None], fps: int, stop: _Stop) -> None:
        waker, pace = _Waker(display), Pace(fps)
        while not stop.is_set():
            if not self._wait_free(0.1):
                continue
            if stop.wait(pace.delay()):
                return
            waker.rearm()
            captured_us = time.perf_counter_ns() // 1000
            if self._looked:
                self._looked = False
                camera.looked()
            try:
                rect, buffer = camera.take()
            except CaptureError as error:
                if error.code not in _WAITS:
                    raise
                self.failed = error.code  # minimised, or to be looked at: nothing is delivered until then
                stop.wait(_WAIT_S)
                continue
            pace.grabbed()
            self._rect, self.failed = rect, ""
            if stop.is_set():
                return
            sink(RawFrame(memoryview(buffer), rect.width, rect.height, rect.width * 4, captured_us, _nothing))
            waker.wait(stop)


class _Stop(threading.Event):
    """An event that also ends a `select`: a thread that waits for the display need not wake to look for it."""

    def __init__(self) -> None:
        super().__init__()
        self._ends = threading.Lock()
        self.fd, self._other = os.pipe()

    def set(self) -> None:
        """Stop. Any thread; idempotent."""
        super().set()
        with self._ends:
            if self._other >= 0:
                os.write(self._other, b"0")

    def close(self) -> None:
        """Nobody waits any more. Idempotent."""
        with self._ends:
            ends, self._other = (self.fd, self._other), -1
            for end in ends if ends[1] >= 0 else ():
                os.close(end)


class _Camera(Protocol):
    def take(self) -> tuple[Rect, bytearray]: ...
    def looked(self) -> None: ...


class _ScreenCamera:
    """Takes one screen, also in another size or place; never what stands where it was before."""

    def __init__(self, display: Display, grabber: mss.MSS, target: Target) -> None:
        self._display, self._grabber, self._target = display, grabber, target
        self._names: dict[int, str] = {}
        self._screens = screens(display, self._names)
        self._unsettled = False

    def take(self) -> tuple[Rect, bytearray]:
        """Return place and pixels. Raises CaptureError("target_gone", "target_changed").

        The latter until `looked`: monitors are gone or moved, and the desktop moves their windows.
        """
        name = self._target.id.removeprefix(SCREEN)
        for _again in range(_SETTLE):
            rect = self._screens.place(name)
            if rect is None:
                break
            try:
                shot = self._grabber.grab({"left": rect.x, "top": rect.y, "width": rect.width, "height": rect.height})
            except ScreenShotError:
                shot = None
            now = screens(self._display, self._names)  # asked after the grab, so it is what the picture was taken in
            if now == self._screens:
                if shot is None:
                    break
                if self._unsettled:
                    raise CaptureError("target_changed")
                return rect, shot.raw if isinstance(shot.raw, bytearray) else bytearray(shot.raw)
            self._unsettled = self._unsettled or now.unsettled(self._screens, name)
            self._screens = now
        raise CaptureError("target_gone", self._target.id)

    def looked(self) -> None:
        """The customer has seen which screens there are now."""
        self._unsettled = False


class _Waker:
    """Waits until something on the screen may have changed."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._still_s = _STILL_S
        self._damage: int | None = None
        if display.has_extension("DAMAGE"):
            with contextlib.suppress(*X_ERRORS):
                display.damage_query_version()
                self._damage = display.screen().root.damage_create(xdamage.DamageReportNonEmpty)
                display.sync()
        self._pending = True

    def rearm(self) -> None:
        """Have damage reported anew. Call right before a grab.

        What is reported after the subtraction must be kept: until the next one the server reports nothing more.
        """
        if self._damage is not None:
            self._drain()
            self._pending = False
            self._display.damage_subtract(self._damage)
            self._display.sync()
        else:
            self._pending = False

    def wait(self, stop: _Stop) -> None:
        until = time.perf_counter() + (self._still_s if self._damage is not None else _WITHOUT_DAMAGE_S)
        while not stop.is_set():
            if not self._pending:
                self._drain()
            if self._pending:
                self._still_s = _STILL_S
                return
            left = until - time.perf_counter()
            if left <= 0:
                self._still_s = min(_STILL_MAX_S, self._still_s * 2)
                return
            select.select([self._display.fileno(), stop.fd], [], [], left)

    def _drain(self) -> None:
        while self._display.pending_events():
            self._display.next_event()
            self._pending = True


def _nothing() -> None:
    return None


@contextlib.contextmanager
def _grabber(name: str) -> Any:
    try:
        grabber = mss.MSS(display=name)
    except (ScreenShotError, OSError) as error:
        raise CaptureError("capture_failed" if answers(name) else "no_display", f"{name} {error}") from error
    with grabber:
        yield grabber


def _try_pixel(grabber: mss.MSS, rect: Rect) -> None:
    try:
        grabber.grab({"left": rect.x, "top": rect.y, "width": 1, "height": 1})
    except ScreenShotError as error:
        raise CaptureError("capture_failed", str(error)) from error


def _rect_of(monitor: Any) -> Rect:
    return Rect(monitor["left"], monitor["top"], monitor["width"], monitor["height"])
