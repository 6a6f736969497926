# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with a pattern that must never be seen, moved about on a real X server."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

import numpy as np
from Xlib.display import Display

Pixels = np.ndarray[tuple[int, int], np.dtype[np.uint32]]
SECRET = 0xFF00FF
GROUND = 0x205020
WIDE, HIGH = 800, 600


class SecretWindow:
    """Full of a colour that nothing else has."""

    def __init__(self, display: str, title: str = "Hanbit Bank: accounts", size: tuple[int, int] = (160, 100)) -> None:
        self.display = Display(display)
        self.root = self.display.screen().root
        self.size = size
        self.window = self.root.create_window(100, 60, *size, 0, 24, background_pixel=SECRET, override_redirect=True)
        self.rename(title)

    def rename(self, title: str) -> None:
        self.window.set_wm_name(title)
        self.display.sync()

    def show(self) -> None:
        self.window.map()
        self.display.sync()

    def hide(self) -> None:
        self.window.unmap()
        self.display.sync()

    def place(self, x: int, y: int) -> None:
        self.window.configure(x=x, y=y)
        self.display.sync()

    def redraw(self) -> None:
        """Have something to look at anew."""
        self.window.clear_area()
        self.display.sync()

    def close(self) -> None:
        self.display.close()


@contextlib.contextmanager
def jumping(window: SecretWindow) -> Iterator[None]:
    """Move it about as fast as the server takes it, by small steps and by leaps, until the block ends."""
    stop, dice = threading.Event(), random.Random(7)
    display = Display(window.display.get_display_name())  # of its own: a connection is for one thread
    moved = display.create_resource_object("window", window.window.id)

    def move() -> None:
        x, y = 100, 60
        while not stop.is_set():
            if dice.random() < 0.2:
                x, y = dice.randrange(-80, WIDE - 60), dice.randrange(-50, HIGH - 40)
            else:
                x, y = x + dice.randrange(-40, 41), y + dice.randrange(-40, 41)
            x, y = min(max(x, -80), WIDE - 60), min(max(y, -50), HIGH - 40)
            moved.configure(x=x, y=y)
            display.sync()
            stop.wait(dice.random() * 0.004)

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        display.close()


def secret_pixels(rows: Pixels) -> int:
    """Count pixels that can only be the secret, also after an encoder has blurred them."""
    red, green, blue = rows >> 16 & 0xFF, rows >> 8 & 0xFF, rows & 0xFF
    return int(((red > 130) & (blue > 130) & (green < 110)).sum())
