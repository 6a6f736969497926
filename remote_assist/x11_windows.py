# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of an X11 desktop: which there are, where they are, and their own pixels whatever covers them."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import Any, Final

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import composite

from app.domain.capture import CaptureError, Rect, Target, TargetKind

_WINDOW_MIN: Final = 48
_TITLE_MAX: Final = 200
_ALL_PLANES: Final = 0xFFFFFFFF
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
        except (XError, CaptureError):
            continue
        on_screen = rect.x < whole.x + whole.width and rect.y < whole.y + whole.height
        if title and on_screen and rect.width >= _WINDOW_MIN and rect.height >= _WINDOW_MIN:
            found.append(Target(f"window:{window.id}", TargetKind.WINDOW, title, rect))
    return found


def window_place(display: Display, target: Target) -> Rect:
    """Return where the window is now. Raises CaptureError("target_gone" or "target_hidden")."""
    try:
        return _place(_window(display, target), display.screen().root)
    except XError as error:
        raise CaptureError("target_gone") from error


class X11Windows:
    """Windows of one display, for a source that captures them by their id."""

    def __init__(self, display: str) -> None:
        self._display = display

    def targets(self, whole: Rect) -> list[Target]:
        """Return titled windows from top to bottom. Raises CaptureError("no_display")."""
        with connection(self._display) as display:
            return window_targets(display, whole)

    def hold(self, target: Target) -> WindowHold:
        """Have the server keep a copy of a window. Raises CaptureError."""
        return WindowHold(self._display, target)


class WindowHold:
    """A window whose pixels are its own, also where others cover it, until `close`. One thread at a time."""

    def __init__(self, name: str, target: Target) -> None:
        self._target = target
        self._open = contextlib.ExitStack()
        self._display = self._open.enter_context(connection(name))
        try:
            window_place(self._display, target)
            self._display.composite_query_version()
            _window(self._display, target).composite_redirect_window(composite.RedirectAutomatic)
            self._display.sync()
        except (CaptureError, *X_ERRORS, AttributeError) as error:
            self._open.close()
            if isinstance(error, CaptureError):
                raise
            raise CaptureError("capture_failed", "no Composite") from error

    def place(self) -> Rect:
        """Return where the window is now. Raises CaptureError("target_gone" or "target_hidden")."""
        try:
            return window_place(self._display, self._target)
        except X_ERRORS as error:
            raise CaptureError("no_display") from error

    def close(self) -> None:
        """Let the server forget its copy. Idempotent."""
        self._open.close()


class WindowCamera:
    """Takes one window from the server's copy of it, also where other windows cover it. One thread."""

    def __init__(self, display: Display, target: Target) -> None:
        self._window = _window(display, target)
        self._root = display.screen().root
        self._pixmap: Any = None
        self._size = (0, 0)
        try:
            display.composite_query_version()
            self._window.composite_redirect_window(composite.RedirectAutomatic)
            display.sync()
        except X_ERRORS as error:
            raise CaptureError("capture_failed", "no Composite") from error

    def take(self) -> tuple[Rect, bytearray]:
        """Return place and BGRX pixels. Raises CaptureError("target_gone", "target_hidden" or "capture_failed")."""
        try:
            rect = _place(self._window, self._root)
            border = self._window.get_geometry().border_width
            if self._pixmap is None or self._size != (rect.width, rect.height):
                self._name_pixmap(rect)
            image = self._pixmap.get_image(border, border, rect.width, rect.height, X.ZPixmap, _ALL_PLANES)
        except XError as error:
            self._pixmap = None
            raise CaptureError(self._why()) from error
        if len(image.data) != rect.width * rect.height * 4:
            raise CaptureError("capture_failed", f"depth {image.depth}")
        return rect, bytearray(image.data)

    def _name_pixmap(self, rect: Rect) -> None:
        """A resized window has a new copy; the old name keeps the old one."""
        if self._pixmap is not None:
            self._pixmap.free()
        self._pixmap = self._window.composite_name_window_pixmap()
        self._size = (rect.width, rect.height)

    def _why(self) -> str:
        try:
            return "target_hidden" if self._window.get_attributes() else "target_gone"
        except XError:
            return "target_gone"


def _window(display: Display, target: Target) -> Any:
    try:
        return display.create_resource_object("window", int(target.id.removeprefix("window:")))
    except ValueError as error:
        raise CaptureError("target_gone", target.id) from error


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
