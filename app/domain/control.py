# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse and keyboard as an agent uses them on a customer's screen, and the physical keys by which both ends name them.

Places are steps of the target at the agent's end (see `app.domain.marks`) and pixels of the desktop where a deed is
carried out. A key is named by its usage on page 7 of the USB tables, which is the same on every system and layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ALT",
    "BUTTONS",
    "CONTROL",
    "MODIFIERS",
    "PRINT_SCREEN",
    "SHIFT",
    "SUPER",
    "TEXT_MAX",
    "TO_EVDEV",
    "Deed",
    "Key",
    "MoveTo",
    "Press",
    "Text",
    "Wheel",
    "from_evdev",
]

BUTTONS: Final = (1, 2, 3, 8, 9)  # left, middle, right, back, forward, as X11 counts them
TEXT_MAX: Final = 64  # characters in one message
CONTROL: Final = frozenset({0xE0, 0xE4})
SHIFT: Final = frozenset({0xE1, 0xE5})
ALT: Final = frozenset({0xE2, 0xE6})
SUPER: Final = frozenset({0xE3, 0xE7})
MODIFIERS: Final = CONTROL | SHIFT | ALT | SUPER
PRINT_SCREEN: Final = 0x46


@dataclass(frozen=True, slots=True)
class MoveTo:
    """The mouse goes there."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Press:
    """A button goes down or up, there."""

    x: int
    y: int
    button: int
    down: bool


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turns by so many notches, there; positive is right and up."""

    x: int
    y: int
    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key goes down or up. `char` is what it stands for on the agent's keyboard, "" for a key that writes nothing."""

    code: int
    char: str
    down: bool


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that no key stands for: what an input method made of several keys."""

    text: str


Deed = MoveTo | Press | Wheel | Key | Text

# fmt: off
_LETTERS: Final = (
    30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44,
)
_MIDDLE: Final = (
    28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53, 58,  # Enter to Caps Lock
    59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88,  # F1 to F12
    99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103,  # Print Screen to Up
    69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86, 127,  # pad, key beside Shift, Menu
)
# fmt: on
TO_EVDEV: Final[Mapping[int, int]] = {
    **{0x04 + n: code for n, code in enumerate(_LETTERS)},
    **{0x1E + n: 2 + n for n in range(10)},
    **{0x28 + n: code for n, code in enumerate(_MIDDLE)},
    **dict(zip((0x87, 0x88, 0x89, 0x8A, 0x8B, 0x90, 0x91), (89, 93, 124, 92, 94, 122, 123), strict=True)),
    **dict(zip(range(0xE0, 0xE8), (29, 42, 56, 125, 97, 54, 100, 126), strict=True)),
}
_FROM_EVDEV: Final[Mapping[int, int]] = {code: usage for usage, code in sorted(TO_EVDEV.items(), reverse=True)}


def from_evdev(code: int) -> int:
    """Return the usage of a key by its number on Linux, 0 for one that neither end names."""
    return _FROM_EVDEV.get(code, 0)
