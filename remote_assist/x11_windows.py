# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of an X11 desktop: which there are, where they are, and their own pixels whatever covers them."""

from __future__ import annotations

import contextlib
import ctypes
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError

from app.domain.capture import CaptureError, Rect, Target, TargetKind, window_number
from remote_assist.x11_own_pixels import OwnPixels
from remote_assist.x11_screens import SCREEN, screens

_WINDOW_MIN: Final = 48
_TITLE_MAX: Final = 200
_ALL_PLANES: Final = 0xFFFFFFFF
_PAINT_S: Final = 0.1  # what a program has to paint a new copy before its picture is taken without
X_ERRORS: Final = (XError, DisplayError, ConnectionClosedError, OSError)


@contextlib.contextmanager
def connection(name: str) -> Iterator[Display]:
    """Connect with python-xlib; its failed attempts leak sockets, so connect with mss first where both are needed.

    Raises CaptureError("no_display").
    """
    try:
        display = Display(name)
    except X_ERRORS as error:
        raise CaptureError("no_display", name) from error
    try:
        yield display
    finally:
        with contextlib.suppress(*X_ERRORS):
            display.close()


def answers(name: str) -> bool:
    """Whether a display is there: asked where something else failed on it, or would end the process without it.

    Through libxcb: python-xlib leaks sockets when it is refused.
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # who needs it will say so
    xcb.xcb_connect.restype = ctypes.c_void_p
    connected = ctypes.c_void_p(xcb.xcb_connect(name.encode(), None))
    try:
        return not xcb.xcb_connection_has_error(connected)
    finally:
        xcb.xcb_disconnect(connected)


def window_targets(display: Display, whole: Rect) -> list[Target]:
    """Return titled windows from top to bottom; none where the server keeps no copies of windows."""
    if not display.has_extension("Composite"):
        return []
    root = display.screen().root
    found = []
    for window in reversed(_top_level(display, root)):
        try:
            rect = _place(window, root)
            title = window_title(display, window)
            whose = _whose(display, window) or title
        except (XError, CaptureError):
            continue
        on_screen = rect.x < whole.x + whole.width and rect.y < whole.y + whole.height
        if title and on_screen and rect.width >= _WINDOW_MIN and rect.height >= _WINDOW_MIN:
            found.append(Target(_id(window, whose), TargetKind.WINDOW, title, rect))
    return found


def window_place(display: Display, target: Target) -> Rect:
    """Return where the window is now. Raises CaptureError("target_gone" or "target_hidden")."""
    try:
        return _place(_window(display, target), display.screen().root)
    except XError as error:
        raise CaptureError("target_gone") from error


def screen_targets(display: Display, titles: Mapping[Rect, str]) -> list[Target]:
    """Return monitors, named by their output and called by a title where there is one."""
    return [
        Target(SCREEN + name, TargetKind.SCREEN, titles.get(rect) or name, rect)
        for name, rect in screens(display).places
    ]


class X11Windows:
    """Windows and screens of one display, for a source that captures them by their id."""

    def __init__(self, display: str) -> None:
        self._display = display

    def targets(self, whole: Rect) -> list[Target]:
        """Return titled windows from top to bottom. Raises CaptureError("no_display")."""
        with connection(self._display) as display:
            return window_targets(display, whole)

    def screens(self) -> list[Target]:
        """Return monitors, called by their output. Raises CaptureError("no_display")."""
        with connection(self._display) as display:
            return screen_targets(display, {})

    def hold(self, target: Target) -> WindowHold | ScreenHold:
        """Have the server keep a copy of a window, or follow a screen. Raises CaptureError."""
        if target.kind is TargetKind.WINDOW:
            return WindowHold(self._display, target)
        return ScreenHold(self._display, target)


class ScreenHold:
    """A screen that somebody else takes, who would not hear that another stands in its place. One thread at a time."""

    def __init__(self, name: str, target: Target) -> None:
        self._target, self._unsettled = target, False
        self._open = contextlib.ExitStack()
        self._display = self._open.enter_context(connection(name))
        self._screens = screens(self._display)

    def place(self) -> Rect:
        """Return where it is now. Raises CaptureError: gone or moved, or to be looked at since another is gone."""
        try:
            now = screens(self._display)
        except X_ERRORS as error:
            raise CaptureError("no_display") from error
        name = self._target.id.removeprefix(SCREEN)
        self._unsettled, self._screens = self._unsettled or now.unsettled(self._screens, name), now
        rect = now.place(name)
        if rect is None or (rect.x, rect.y) != (self._target.rect.x, self._target.rect.y):
            raise CaptureError("target_gone")
        if self._unsettled:
            raise CaptureError("target_changed")
        return rect

    def looked(self) -> None:
        """The customer has seen which screens there are now."""
        self._unsettled = False

    def close(self) -> None:
        """Let go of the display. Idempotent."""
        self._open.close()


class WindowHold:
    """A window whose pixels are its own, also where others cover it, until `close`. One thread at a time."""

    def __init__(self, name: str, target: Target) -> None:
        self._target = target
        self._whole_from = 0.0
        self._open = contextlib.ExitStack()
        self._display = self._open.enter_context(connection(name))
        try:
            window_place(self._display, target)
            self._pixels = OwnPixels(self._display, _window(self._display, target))
        except (CaptureError, *X_ERRORS, AttributeError) as error:
            self._open.close()
            if isinstance(error, CaptureError):
                raise
            raise CaptureError("capture_failed", "no Composite") from error

    def place(self) -> Rect:
        """Return where the window is now. Raises CaptureError("target_gone" or "target_hidden").

        It counts as hidden while its program has not painted all of it: whoever captures it would show what is below.
        """
        try:
            self._pixels.look()
            rect = window_place(self._display, self._target)
        except X_ERRORS as error:
            raise CaptureError("no_display") from error
        if not self._pixels.complete:
            self._pixels.ask()
            self._whole_from = time.perf_counter() + _PAINT_S
        if time.perf_counter() < self._whole_from:
            raise CaptureError("target_hidden")
        return rect

    def looked(self) -> None:
        """Other screens change nothing for a window."""

    def close(self) -> None:
        """Let the server forget its copy. Idempotent."""
        self._open.close()


class WindowCamera:
    """Takes one window from the server's copy of it, also where other windows cover it. One thread.

    What its program has not painted yet is grey: the server puts there what it finds (`OwnPixels`).
    """

    def __init__(self, display: Display, target: Target) -> None:
        """`display` is for this camera alone. Raises CaptureError."""
        self._display = display
        self._window = _window(display, target)
        self._root = display.screen().root
        self._pixmap: Any = None
        self._size = (0, 0)
        self._border = 0
        self._version = -1
        self._patient = False  # whether the copy had its moment: a program that hangs is not waited for again
        try:
            window_place(display, target)
            self._pixels = OwnPixels(display, self._window)
        except XError as error:
            raise CaptureError("target_gone", target.id) from error

    def take(self) -> tuple[Rect, bytearray]:
        """Return place and BGRX pixels. Raises CaptureError("target_gone", "target_hidden" or "capture_failed")."""
        try:
            self._settle()
            rect = _place(self._window, self._root)
            size = self._size
            image = self._pixmap.get_image(self._border, self._border, *size, X.ZPixmap, _ALL_PLANES)
        except XError as error:
            self._version = -1
            raise CaptureError(self._why()) from error
        if len(image.data) != size[0] * size[1] * 4:
            raise CaptureError("capture_failed", f"depth {image.depth}")
        buffer = bytearray(image.data)
        if not self._pixels.cover(np.frombuffer(buffer, np.uint32).reshape(size[1], size[0])):
            raise CaptureError("target_hidden")
        return Rect(rect.x, rect.y, *size), buffer

    def looked(self) -> None:
        """Other screens change nothing for a window."""

    def _settle(self) -> None:
        """Have the newest copy, and wait a moment for a program that is about to paint it."""
        until = time.perf_counter() + _PAINT_S
        while True:
            self._pixels.look()
            if self._window.get_attributes().map_state != X.IsViewable:
                raise CaptureError("target_hidden")
            if self._version != self._pixels.version:
                self._version = self._pixels.version
                self._name_pixmap()
                until = time.perf_counter() + _PAINT_S
            elif self._pixels.complete or self._patient or time.perf_counter() > until:
                self._patient = True
                return
            else:
                if time.perf_counter() > until - _PAINT_S / 2:
                    self._pixels.ask()
                time.sleep(_PAINT_S / 10)

    def _name_pixmap(self) -> None:
        """A new copy needs a new name; the old name keeps the old one."""
        if self._pixmap is not None:
            self._pixmap.free()
        self._pixmap, self._patient = None, False
        self._border = self._window.get_geometry().border_width
        self._pixmap = self._window.composite_name_window_pixmap()
        size = self._pixmap.get_geometry()
        self._size = (size.width - 2 * self._border, size.height - 2 * self._border)

    def _why(self) -> str:
        try:
            return "target_hidden" if self._window.get_attributes() else "target_gone"
        except XError:
            return "target_gone"


def _window(display: Display, target: Target) -> Any:
    try:
        return display.create_resource_object("window", window_number(target.id))
    except ValueError as error:
        raise CaptureError("target_gone", target.id) from error


def _id(window: Any, whose: str) -> str:
    return f"window:{window.id}:{zlib.crc32(whose.encode()):08x}"


def _whose(display: Display, window: Any) -> str:
    """Return what stays the same for as long as a window is there: its number alone is given to others later."""
    number = window.get_full_property(display.intern_atom("_NET_WM_PID"), Xatom.CARDINAL)
    program = window.get_wm_class()
    pid = [str(part) for part in number.value[:1]] if number is not None else []
    return " ".join([*pid, *(program or ())])


def _place(window: Any, root: Any) -> Rect:
    if window.get_attributes().map_state != X.IsViewable:
        raise CaptureError("target_hidden")
    size = window.get_geometry()
    at = root.translate_coords(window, 0, 0)
    return Rect(at.x, at.y, size.width, size.height)


def _top_level(display: Display, root: Any) -> list[Any]:
    """Return the window manager's list, bottom first; without a manager every child of the root."""
    listed = root.get_full_property(display.intern_atom("_NET_CLIENT_LIST_STACKING"), Xatom.WINDOW)
    if listed is not None and len(listed.value):
        return [display.create_resource_object("window", int(window)) for window in listed.value]
    return list(root.query_tree().children)


def window_title(display: Display, window: Any) -> str:
    """Return what a window calls itself, without what cannot be shown. Raises XError."""
    utf8 = window.get_full_property(display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
    raw = utf8.value if utf8 is not None else window.get_wm_name()
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw or "")
    return "".join(char for char in text if char.isprintable())[:_TITLE_MAX]
