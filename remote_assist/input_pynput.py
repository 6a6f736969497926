# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's mouse and keyboard on this computer: pynput moves the mouse, `input_x11` looks around and types.

pynput is imported on first use: without a display the import itself fails. Where the customer's own hands, windows and
keyboard cannot be asked for, which is everywhere but on X11 so far, nothing is injected and the scope is not offered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from app.domain.masking import Box
from remote_assist.input_hands import Backend, NoInput, Spot

__all__ = ["can_inject", "open_input"]


def can_inject(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this is an X11 desktop. On Wayland XTEST reaches only some windows, so it is none."""
    wayland = environ.get("WAYLAND_DISPLAY") or environ.get("XDG_SESSION_TYPE") == "wayland"
    return sys.platform == "linux" and bool(environ.get("DISPLAY")) and not wayland


def open_input() -> Backend:
    """Return the desktop of this process. Raises NoInput."""
    if not can_inject():
        raise NoInput("no X11 desktop")
    return _X11Input()


class _X11Input:
    def __init__(self) -> None:
        # here: not on other systems, and not before there is a display
        from Xlib.display import Display

        from remote_assist import input_x11

        self._guarded = input_x11.guarded
        try:
            from pynput import mouse
        except ImportError as error:
            raise NoInput("pynput") from error
        with self._guarded():
            self._display = Display()
            self._mouse: Any = mouse.Controller()
            self._button: Any = mouse.Button
            self._windows = input_x11.Windows(self._display)
            self._keyboard = input_x11.Keyboard(self._display)
        try:
            self._own: input_x11.OwnEvents | None = input_x11.OwnEvents(None)
        except NoInput:
            self._own = None  # then the place of the mouse alone tells

    def place(self) -> tuple[int, int]:
        with self._guarded():
            return self._windows.place()

    def customer_acted(self) -> bool:
        with self._guarded():
            return self._own is not None and self._own.any()

    def modifiers(self) -> frozenset[int]:
        with self._guarded():
            return self._keyboard.modifiers()

    def at(self, x: int, y: int) -> Spot:
        with self._guarded():
            return self._windows.at(x, y)

    def focus(self) -> Spot:
        with self._guarded():
            return self._windows.focus()

    def tops(self, windows: frozenset[int]) -> frozenset[int]:
        with self._guarded():
            return self._windows.tops(windows)

    def owners(self, windows: frozenset[int]) -> frozenset[int]:
        with self._guarded():
            return self._windows.owners(windows)

    def where(self, target: str) -> Box | None:
        with self._guarded():
            return self._windows.where(target)

    def desktop(self) -> Box:
        with self._guarded():
            return self._windows.desktop()

    def keyboard_taken(self) -> bool:
        with self._guarded():
            return self._windows.keyboard_taken()

    def goes_elsewhere(self, code: int, char: str) -> bool:
        with self._guarded():
            return self._keyboard.goes_elsewhere(code, char)

    def means(self, code: int, char: str) -> frozenset[tuple[int, str]]:
        with self._guarded():
            return self._keyboard.means(code, char)

    def move(self, x: int, y: int) -> None:
        with self._guarded():
            self._mouse.position = (x, y)

    def button(self, button: int, *, down: bool) -> None:
        with self._guarded():
            act = self._mouse.press if down else self._mouse.release
            act(self._button(button))

    def scroll(self, dx: int, dy: int) -> None:
        with self._guarded():
            self._mouse.scroll(dx, dy)

    def key(self, code: int, char: str, *, down: bool) -> bool:
        with self._guarded():
            return self._keyboard.key(code, char, down=down)

    def char(self, char: str, now_ms: int) -> bool | None:
        with self._guarded():
            return self._keyboard.char(char, now_ms)

    def close(self) -> None:
        try:
            with self._guarded():
                self._keyboard.close()
                self._display.close()
        finally:
            self._mouse = None  # it closes its own connection
            if self._own is not None:
                self._own.close()
