# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of X11 screens, windows and regions by mss, woken by XDamage; the pointer is never in the picture.

A window is taken by its place on the screen: what covers it is in the picture too, and the consent text has to say so.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import mss
from mss.exception import ScreenShotError
from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import damage as xdamage

from app.domain.capture import CaptureError, CursorState, RawFrame, Rect, Target, TargetKind

_STILL_S: Final = 1.0  # a grab although nothing reported damage: a driver may forget to say so
_WITHOUT_DAMAGE_S: Final = 0.05
_WINDOW_MIN: Final = 48
_TITLE_MAX: Final = 200
_X_ERRORS: Final = (XError, DisplayError, ConnectionClosedError, OSError)


class MssSource:
    """A FrameSource for X11. `wait_free` blocks until the encoder could take a picture, or a time limit in seconds."""

    def __init__(self, wait_free: Callable[[float], bool], display: str | None = None) -> None:
        self._display = display or os.environ.get("DISPLAY", "")
        self._wait_free = wait_free
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._target: Target | None = None
        self._rect = Rect(0, 0, 0, 0)
        self.failed = ""

    def targets(self) -> Sequence[Target]:
        """Return screens first, then windows from top to bottom. Raises CaptureError."""
        with _grabber(self._display) as grabber, _connection(self._display) as display:
            screens = [
                Target(
                    f"screen:{n}", TargetKind.SCREEN, str(m.get("name") or m.get("output") or f"{n + 1}"), _rect_of(m)
                )
                for n, m in enumerate(grabber.monitors[1:])
            ]
            whole = _rect_of(grabber.monitors[0])
            windows = [
                Target(f"window:{window.id}", TargetKind.WINDOW, title, rect)
                for window, title, rect in _windows(display, whole)
            ]
        return (*screens, *windows)

    def start(self, target: Target, sink: Callable[[RawFrame], None], fps_max: int) -> None:
        """Begin to deliver. Raises CaptureError when the target is gone or there is no display."""
        self.stop()
        with _grabber(self._display), _connection(self._display) as display:
            self._rect = _place(display, target)
        self._target, self._stop, self.failed = target, threading.Event(), ""
        args = (target, sink, max(1, fps_max), self._stop)
        self._thread = threading.Thread(target=self._run, args=args, name="capture-mss", daemon=True)
        self._thread.start()

    def geometry(self) -> Rect:
        """Return where the target was at the last grab. Raises CaptureError when it is gone."""
        if self._target is None or self.failed:
            raise CaptureError(self.failed or "target_gone")
        return self._rect

    def cursor(self) -> CursorState | None:
        """Return the pointer's place relative to the target, without a shape."""
        try:
            with _connection(self._display) as display:
                pointer: Any = display.screen().root.query_pointer()
        except CaptureError:
            return None
        rect = self._rect
        x, y = pointer.root_x - rect.x, pointer.root_y - rect.y
        return CursorState(x, y, visible=0 <= x < rect.width and 0 <= y < rect.height)

    def stop(self) -> None:
        """Stop and wait for the thread. Idempotent."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self, target: Target, sink: Callable[[RawFrame], None], fps: int, stop: threading.Event) -> None:
        try:
            with _grabber(self._display) as grabber, _connection(self._display) as display:
                self._loop(display, grabber, target, sink, fps, stop)
        except CaptureError as error:
            self.failed = error.code
        except (*_X_ERRORS, ScreenShotError):
            self.failed = "target_gone"

    def _loop(
        self, display: Display, grabber: mss.MSS, target: Target, sink: Callable[[RawFrame], None], fps: int,
        stop: threading.Event,
    ) -> None:  # fmt: skip
        waker = _Waker(display)
        pace = _Pace(fps)
        while not stop.is_set():
            if not self._wait_free(0.1):
                continue
            if stop.wait(pace.delay()):
                return
            waker.rearm()
            try:
                rect = _place(display, target)
            except CaptureError as error:
                if error.code != "target_hidden":
                    raise
                self.failed = error.code  # minimised: nothing is delivered until it is back
                stop.wait(0.3)
                continue
            captured_us = time.perf_counter_ns() // 1000
            shot = grabber.grab({"left": rect.x, "top": rect.y, "width": rect.width, "height": rect.height})
            pace.grabbed()
            if rect != _place(display, target):  # it moved while we looked: these may be another window's pixels
                continue
            self._rect, self.failed = rect, ""
            raw = shot.raw
            buffer = raw if isinstance(raw, bytearray) else bytearray(raw)
            if stop.is_set():
                return
            sink(RawFrame(memoryview(buffer), shot.width, shot.height, shot.width * 4, captured_us, _nothing))
            waker.wait(stop)


class _Pace:
    """At most `fps` grabs a second on average; two may follow closely, so a jittering screen loses none."""

    def __init__(self, fps: int) -> None:
        self._step = 1 / fps
        self._next = time.perf_counter()

    def delay(self) -> float:
        return max(0.0, self._next - self._step * 0.75 - time.perf_counter())

    def grabbed(self) -> None:
        now = time.perf_counter()
        self._next = max(self._next, now) + self._step


class _Waker:
    """Waits until something on the screen may have changed."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._damage: int | None = None
        if display.has_extension("DAMAGE"):
            with contextlib.suppress(*_X_ERRORS):
                display.damage_query_version()
                self._damage = display.screen().root.damage_create(xdamage.DamageReportNonEmpty)
                display.sync()
        self._pending = True

    def rearm(self) -> None:
        """Forget what was reported; later damage reports again. Call right before a grab."""
        if self._damage is not None:
            self._drain()
            self._display.damage_subtract(self._damage)
            self._display.sync()
            self._drain()
        self._pending = False

    def wait(self, stop: threading.Event) -> None:
        until = time.perf_counter() + (_STILL_S if self._damage is not None else _WITHOUT_DAMAGE_S)
        while not stop.is_set() and not self._pending:
            self._drain()
            left = until - time.perf_counter()
            if self._pending or left <= 0:
                return
            select.select([self._display.fileno()], [], [], min(left, 0.1))

    def _drain(self) -> None:
        while self._display.pending_events():
            self._display.next_event()
            self._pending = True


def _nothing() -> None:
    return None


@contextlib.contextmanager
def _connection(name: str) -> Any:
    """Connect with python-xlib; its failed attempts leak sockets, so connect with mss first where both are needed."""
    try:
        display = Display(name)
    except _X_ERRORS as error:
        raise CaptureError("no_display", name) from error
    try:
        yield display
    finally:
        with contextlib.suppress(*_X_ERRORS):
            display.close()


@contextlib.contextmanager
def _grabber(name: str) -> Any:
    try:
        grabber = mss.MSS(display=name)
    except (ScreenShotError, OSError) as error:
        raise CaptureError("no_display", name) from error
    with grabber:
        yield grabber


def _rect_of(monitor: Any) -> Rect:
    return Rect(monitor["left"], monitor["top"], monitor["width"], monitor["height"])


def _place(display: Display, target: Target) -> Rect:
    """Return the target's visible place on the desktop. Raises CaptureError("target_gone" or "target_hidden")."""
    screen = display.screen()
    whole = Rect(0, 0, screen.width_in_pixels, screen.height_in_pixels)
    if target.kind is not TargetKind.WINDOW:
        return _clip(target.rect, whole)
    window = display.create_resource_object("window", _window_id(target))
    try:
        if window.get_attributes().map_state != X.IsViewable:
            raise CaptureError("target_hidden")
        return _clip(_rect_on_root(window, screen.root), whole)
    except XError as error:
        raise CaptureError("target_gone") from error


def _window_id(target: Target) -> int:
    try:
        return int(target.id.removeprefix("window:"))
    except ValueError as error:
        raise CaptureError("target_gone", target.id) from error


def _rect_on_root(window: Any, root: Any) -> Rect:
    size = window.get_geometry()
    at = root.translate_coords(window, 0, 0)
    return Rect(at.x, at.y, size.width, size.height)


def _clip(rect: Rect, whole: Rect) -> Rect:
    left, top = max(rect.x, whole.x), max(rect.y, whole.y)
    right = min(rect.x + rect.width, whole.x + whole.width)
    bottom = min(rect.y + rect.height, whole.y + whole.height)
    if right - left < 2 or bottom - top < 2:
        raise CaptureError("target_hidden")
    return Rect(left, top, right - left, bottom - top)


def _windows(display: Display, whole: Rect) -> list[tuple[Any, str, Rect]]:
    root = display.screen().root
    found = []
    for window in reversed(_top_level(display, root)):
        try:
            if window.get_attributes().map_state != X.IsViewable:
                continue
            rect = _clip(_rect_on_root(window, root), whole)
            title = _title(display, window)
        except (XError, CaptureError):
            continue
        if title and rect.width >= _WINDOW_MIN and rect.height >= _WINDOW_MIN:
            found.append((window, title, rect))
    return found


def _top_level(display: Display, root: Any) -> list[Any]:
    """Return the window manager's list, bottom first; without a manager every child of the root."""
    listed = root.get_full_property(display.intern_atom("_NET_CLIENT_LIST_STACKING"), Xatom.WINDOW)
    if listed is not None and len(listed.value):
        return [display.create_resource_object("window", int(window)) for window in listed.value]
    return list(root.query_tree().children)


def _title(display: Display, window: Any) -> str:
    utf8 = window.get_full_property(display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
    raw = utf8.value if utf8 is not None else window.get_wm_name()
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw or "")
    return "".join(char for char in text if char.isprintable())[:_TITLE_MAX]
