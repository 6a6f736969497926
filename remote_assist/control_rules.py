# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an agent's mouse and keyboard may take effect: old pictures, covered places, keys that nobody else presses.

Pure. What only the desktop knows is asked in `input_hands`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from app.domain.control import ALT, CONTROL, MODIFIERS, PRINT_SCREEN, SHIFT, SUPER
from app.domain.marks import UNIT

__all__ = ["OWN_MS", "PICTURE_MS", "Pictures", "forbidden", "of_the_desktop", "to_pixel"]

PICTURE_MS: Final = 2_000  # so long after the picture changed may the agent still act on the one before
OWN_MS: Final = 2_000  # so long the customer's own hands keep the agent's away
_PICTURES_MAX: Final = 256
# Delete, Backspace, End and the pages, on the pad too: log-out, lock, restart, and the customer's own stop key
_CONTROL_ALT: Final = frozenset({0x4C, 0x2A, 0x4D, 0x4B, 0x4E, 0x63, 0x59, 0x61, 0x5B}) | frozenset(range(0x3A, 0x46))
_L, _R, _S, _Q = (0x0F, "l"), (0x15, "r"), (0x16, "s"), (0x14, "q")
_ESCAPE: Final = 0x29
# Tab, Escape, Space, the key above Tab and F1 to F12: with Alt the window manager's on most desktops
_WITH_ALT: Final = frozenset({0x2B, _ESCAPE, 0x2C, 0x35}) | frozenset(range(0x3A, 0x46))
_SHOTS: Final = frozenset(range(0x20, 0x24))  # 3 to 6: pictures of the screen on macOS


def forbidden(code: int, char: str, held: Collection[int]) -> bool:
    """Tell whether this key, with these held, is one that an agent must not press. By place and by what it writes."""
    if code == PRINT_SCREEN:
        return True
    control, alt, shift, super_ = (not group.isdisjoint(held) for group in (CONTROL, ALT, SHIFT, SUPER))

    def key(*names: tuple[int, str]) -> bool:
        return any(code == place or char.lower() == letter for place, letter in names)

    if control and alt and (code in _CONTROL_ALT or key(_L) or (shift and key(_R))):
        return True
    if not super_:
        return False
    return key(_L) or (control and key(_Q)) or (shift and (key(_Q, _S) or code in _SHOTS or char in "3456#$%^"))


def of_the_desktop(code: int, char: str, held: Collection[int]) -> bool:
    """Tell whether this key, with these held, is the desktop's on most systems, so that it is none for a part of it.

    Who waits for a key can be asked only while he does; these are refused in any case. Super alone is one.
    """
    control, alt = (not group.isdisjoint(held) for group in (CONTROL, ALT))
    if code in SUPER or not SUPER.isdisjoint(held):
        return True
    if alt and (code in _WITH_ALT or char == " "):
        return True
    return control and (code == _ESCAPE or (alt and code not in MODIFIERS))


def to_pixel(x: int, y: int, rect: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return the pixel of the desktop for a place in steps of a target that lies there. Never outside the target."""
    left, top, width, height = rect
    return left + min(x * width // UNIT, max(width - 1, 0)), top + min(y * height // UNIT, max(height - 1, 0))


class Pictures:
    """Which pictures left this computer, and since when each is an old one, on this end's own clock."""

    def __init__(self) -> None:
        self._changed: deque[tuple[int, int]] = deque(maxlen=_PICTURES_MAX)
        self._newest = -1

    def left(self, frame_id: int, now_ms: int, *, changed: bool) -> None:
        """A picture is on its way. `changed`: it shows something else than the one before."""
        if frame_id < self._newest:  # another connection numbers its pictures anew
            self._changed.clear()
        self._newest = frame_id
        if changed:
            self._changed.append((frame_id, now_ms))

    def is_fresh(self, frame_id: int, now_ms: int) -> bool:
        """Tell whether what this picture shows was still so less than two seconds ago."""
        if not 0 <= frame_id <= self._newest:
            return False
        later = next((at for number, at in self._changed if number > frame_id), None)
        return later is None or now_ms - later < PICTURE_MS

    def forget(self) -> None:
        """Another target, or a connection that is gone: nothing the agent saw counts any more."""
        self._changed.clear()
        self._newest = -1
