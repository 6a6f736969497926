# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another program on this X11 desktop waits for a key, so that pressing it would reach that program.

Window managers, launchers and input methods ask the server for a combination ("passive grab"); whichever window has
the keyboard, the key goes to them. Nothing lists these grabs. Asking for the same one tells: it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from Xlib import X
from Xlib.display import Display
from Xlib.error import CatchError
from Xlib.ext import xinput

__all__ = ["Grabs", "lock_states"]

_MODIFIERS: Final = 0xFF
_LOCKS: Final = X.LockMask | X.Mod2Mask  # Caps Lock and Num Lock


class Grabs:
    """What other clients of this display's server wait for on the root window, where shortcuts of the desktop live."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._root: Any = display.screen().root
        self._second = bool(display.has_extension("XInputExtension"))

    def others(self, number: int, state: int) -> bool:
        """Tell whether another client would get this key, pressed while this state of modifiers holds.

        The server keeps the grabs of the core protocol and of XInput 2 apart: each is refused for its own kind only.
        Each try is given back in the same breath; what another client has stays untouched.
        """
        states = lock_states(state)
        return self._core(number, states) or (self._second and self._xinput(number, states))

    def _core(self, number: int, states: Iterable[int]) -> bool:
        refused = CatchError()
        for state in states:
            self._root.grab_key(number, state, True, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
            self._root.ungrab_key(number, state, onerror=CatchError())
        self._display.sync()
        return refused.get_error() is not None

    def _xinput(self, number: int, states: tuple[int, ...]) -> bool:
        device = xinput.AllMasterDevices  # meets a grab of any keyboard
        tried = self._root.xinput_grab_keycode(
            device, X.CurrentTime, number, X.GrabModeAsync, X.GrabModeAsync, True, xinput.KeyPressMask, states
        )
        self._root.xinput_ungrab_keycode(device, number, states)
        self._display.sync()
        return bool(tried.modifiers)


def lock_states(state: int) -> tuple[int, ...]:
    """Return the state without buttons and groups, with each setting of the locks: some grabs name not all of them."""
    bare = state & _MODIFIERS & ~_LOCKS
    return tuple(bare | lock for lock in (0, X.LockMask, X.Mod2Mask, _LOCKS))
