# SPDX-License-Identifier: GPL-3.0-or-later
"""An X11 desktop for injected input: which window is where, who else uses the mouse, and keys on any keyboard layout.

Keys go through XTEST, so that programs cannot tell them from real ones. A character that the customer's layout has is
typed with the key that writes it there; any other one is lent a key without a meaning for a moment.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import xinput, xtest

from app.domain.capture import CaptureError, Rect, Target, TargetKind
from app.domain.control import TO_EVDEV
from app.domain.masking import Box
from remote_assist.input_grabs import Grabs
from remote_assist.input_hands import NoInput, Spot
from remote_assist.key_symbols import PLACES, SYMBOLS, symbol_of
from remote_assist.x11_screens import Screens, screens
from remote_assist.x11_windows import window_place

__all__ = ["Keyboard", "OwnEvents", "Windows", "guarded"]

_X_ERRORS: Final = (XError, DisplayError, ConnectionClosedError, OSError, struct.error)
_LENT_MS: Final = 200  # a program asks for the layout when it reads the key: until then it must not change again
_DEEP: Final = 8
_TOPS_S: Final = 0.25
_SHIFT_L, _LEVEL3, _ALPHABETIC_LOCK = 0xFFE1, 0xFE03, X.LockMask
_LEVEL3_MASK: Final = X.Mod5Mask
_STRAY: Final = X.ControlMask | X.Mod1Mask | X.Mod4Mask
_MASKS: Final = ((X.ControlMask, 0xE0), (X.ShiftMask, 0xE1), (X.Mod1Mask, 0xE2), (X.Mod4Mask, 0xE3))


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Raise NoInput for whatever python-xlib raises when the display is gone."""
    try:
        yield
    except _X_ERRORS as error:
        raise NoInput(type(error).__name__) from error


class Windows:
    """Which window is at a place or has the keyboard, as the server knows it now."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._root = display.screen().root
        self._tops: dict[frozenset[int], tuple[float, frozenset[int]]] = {}
        self._known: tuple[float, Screens] | None = None
        self._names: dict[int, str] = {}

    def place(self) -> tuple[int, int]:
        """Return where the mouse is."""
        found = self._root.query_pointer()
        return found.root_x, found.root_y

    def at(self, x: int, y: int) -> Spot:
        """Return the windows there, one in another. What lets clicks through is not there for the server either."""
        ids: list[int] = []
        window: Any = self._root
        with contextlib.suppress(XError):  # it closed meanwhile
            for _ in range(_DEEP):
                window = window.translate_coords(self._root, x, y).child
                if not window:
                    break
                ids.append(window.id)
        return Spot(frozenset(ids))

    def focus(self) -> Spot:
        """Return the window with the keyboard and those around it; without one, that under the mouse has it."""
        window = self._display.get_input_focus().focus
        if isinstance(window, int) or window.id == self._root.id:
            spot = self.at(*self.place()) if window != X.NONE else Spot()
            window = self._display.create_resource_object("window", max(self.tops(spot.windows), default=0))
            return Spot(spot.windows, self._rect(window)) if spot.windows else spot
        ids = self._up(window)
        top = self._display.create_resource_object("window", ids[-1])
        return Spot(frozenset(ids), self._rect(top))

    def where(self, target: str) -> Box | None:
        """Return where a target is, as the server says; None when it is gone, another's by now, or not shown."""
        kind, _, name = target.partition(":")
        if kind == TargetKind.SCREEN:
            rect = self._screens().place(name)
        else:
            try:
                rect = window_place(self._display, Target(target, TargetKind.WINDOW, "", Rect(0, 0, 0, 0)))
            except (CaptureError, ValueError):
                return None
        return (rect.x, rect.y, rect.width, rect.height) if rect is not None else None

    def desktop(self) -> Box:
        """Return the whole of it."""
        return 0, 0, *self._screens().size

    def keyboard_taken(self) -> bool:
        """Try to take all keys for a moment: refused while another program has them."""
        status = self._root.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        if status == X.GrabSuccess:
            self._display.ungrab_keyboard(X.CurrentTime)
            self._display.sync()
        return bool(status != X.GrabSuccess)

    def _screens(self) -> Screens:
        now = time.monotonic()
        if self._known is None or now - self._known[0] >= _TOPS_S:
            self._known = now, screens(self._display, self._names)
        return self._known[1]

    def tops(self, windows: frozenset[int]) -> frozenset[int]:
        """Return the top windows in which these are: the frames that a window manager puts round them."""
        now = time.monotonic()
        at, found = self._tops.get(windows, (0.0, frozenset()))
        if now - at >= _TOPS_S:
            found = frozenset(self._up(self._display.create_resource_object("window", id_))[-1] for id_ in windows)
            if len(self._tops) > 8:
                self._tops.clear()
            self._tops[windows] = now, found
        return found

    def owners(self, windows: frozenset[int]) -> frozenset[int]:
        """Return the windows whose dialogs or menus these are."""
        owners = set()
        for id_ in windows:
            with contextlib.suppress(XError):
                owner = self._display.create_resource_object("window", id_).get_wm_transient_for()
                if owner is not None:
                    owners.add(owner.id)
        return frozenset(owners)

    def _up(self, window: Any) -> list[int]:
        """Return the window and all around it, the outermost last."""
        ids = [window.id]
        with contextlib.suppress(XError):
            for _ in range(_DEEP):
                window = window.query_tree().parent
                if not window or window.id == self._root.id:
                    break
                ids.append(window.id)
        return ids

    @staticmethod
    def _rect(window: Any) -> tuple[int, int, int, int]:
        with contextlib.suppress(XError):
            shape = window.get_geometry()
            return shape.x, shape.y, shape.width, shape.height
        return 0, 0, 0, 0


class OwnEvents:
    """Tells that a device of the customer did something; what it was is not even read."""

    def __init__(self, name: str | None) -> None:
        """Raises NoInput where the server does not tell devices apart."""
        with guarded():
            self._display = Display(name)
            if not self._display.has_extension("XInputExtension"):
                self.close()
                raise NoInput("XInput")
            self._injected = self._ask()

    def _ask(self) -> frozenset[int]:
        display: Any = self._display
        opcode = display.display.get_extension_major(xinput.extname)
        # 2.2: a raw event names its device, also while another program holds the mouse
        xinput.XIQueryVersion(display=display.display, opcode=opcode, major_version=2, minor_version=2)
        injected = set()
        for number in range(2, 8):
            with contextlib.suppress(XError):
                for device in display.xinput_query_device(number).devices:
                    if "XTEST" in str(device.name):
                        injected.add(device.deviceid)
        wanted = xinput.RawMotionMask | xinput.RawButtonPressMask | xinput.RawKeyPressMask
        display.screen().root.xinput_select_events([(xinput.AllMasterDevices, wanted)])
        display.sync()
        return frozenset(injected)

    def any(self) -> bool:
        """Tell whether there was any since the last call."""
        acted = False
        while self._display.pending_events():
            event: Any = self._display.next_event()
            data = getattr(event, "data", None)
            if isinstance(data, bytes) and len(data) >= 12:
                source = struct.unpack_from("=HIIH", data)[3]
                acted |= source not in self._injected
        return acted

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(*_X_ERRORS):
            self._display.close()


class Keyboard:
    """Types on the customer's layout as it is at each key."""

    def __init__(self, display: Display) -> None:
        """Raises NoInput without XTEST."""
        if not display.has_extension("XTEST"):
            raise NoInput("XTEST")
        self._display = display
        self._grabs = Grabs(display)
        self._first = display.display.info.min_keycode
        self._count = display.display.info.max_keycode - self._first + 1
        self._map: list[Sequence[int]] | None = None
        self._down: dict[int, int] = {}
        self._lent: dict[int, tuple[int, int]] = {}  # symbol: key, when it was last used

    def modifiers(self) -> frozenset[int]:
        """Return what is down, whoever holds it."""
        mask = self._mask()
        return frozenset(code for bit, code in _MASKS if mask & bit)

    def key(self, code: int, char: str, *, down: bool) -> bool:
        """Press a key or let it go. A character is looked for first, then the symbol, then the place."""
        if not down:
            number = self._down.pop(code, 0)
            self._fake(number, down=False)
            return bool(number)
        number = self._number(code, char)
        if not self._first <= number < self._first + self._count:
            return False
        self._down[code] = number
        self._fake(number, down=True)
        return True

    def means(self, code: int, char: str) -> frozenset[tuple[int, str]]:
        """Return what the key of `key` is on this layout, in all groups and levels."""
        number = self._number(code, char) - self._first
        symbols = self._symbols()[number] if 0 <= number < self._count else ()
        plain = {(0, chr(symbol).lower()) for symbol in symbols if 0x20 < symbol <= 0x7E}
        return frozenset(plain | {(place, "") for symbol in symbols for place in PLACES.get(symbol, ())})

    def goes_elsewhere(self, code: int, char: str) -> bool:
        """Tell whether another program waits for this key as it would be pressed now; without `code`: written."""
        mask = self._mask()
        if code:
            number = self._number(code, char)
            return bool(number) and self._grabs.others(number, mask)
        symbol = symbol_of(char)
        found = self._find(symbol, mask >> 13 & 3)
        if found is not None:
            shift = self._shifts(found[1], char, mask)
            mask = mask & ~X.ShiftMask | (X.ShiftMask if shift else 0) | (_LEVEL3_MASK if found[1] >= 2 else 0)
            return self._grabs.others(found[0], mask)
        lent = self._lent.get(symbol, (0, 0))[0]
        empty = (number for number, symbols in enumerate(self._symbols(), self._first) if not any(symbols))
        return self._grabs.others(lent or next(empty, self._first), mask)

    def char(self, char: str, now_ms: int) -> bool | None:
        """Write one character, with the key that has it on this layout, else with one that is lent to it."""
        mask, symbol = self._mask(), symbol_of(char)
        if mask & _STRAY:
            return False  # the customer holds a key that would make a shortcut of it
        found = self._find(symbol, mask >> 13 & 3)
        if found is not None and self._typed(found, char, mask):
            return True
        return self._borrow(symbol, now_ms)

    def close(self) -> None:
        """Let go of everything and take back what was lent."""
        for number in self._down.values():
            self._fake(number, down=False)
        self._down.clear()
        self._symbols()
        for number, _at in self._lent.values():
            self._display.change_keyboard_mapping(number, [(0, 0)])
        self._lent.clear()
        self._display.sync()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _number(self, code: int, char: str) -> int:
        symbol = symbol_of(char.lower()) if char else SYMBOLS.get(code, 0)
        return self._plain(symbol) or (TO_EVDEV[code] + 8 if code in TO_EVDEV else 0)

    def _typed(self, found: tuple[int, int], char: str, mask: int) -> bool:
        number, level = found
        shift = self._shifts(level, char, mask)
        ours = [n for code, n in self._down.items() if code in (0xE1, 0xE5)] if mask & X.ShiftMask else []
        if mask & X.ShiftMask and not shift and not ours:
            return False  # the customer's own Shift cannot be let go for them
        more = [] if bool(mask & X.ShiftMask) == shift or not shift else [self._plain(_SHIFT_L)]
        if level >= 2:
            more.append(self._plain(_LEVEL3))
        if 0 in more:
            return False
        lifted = ours if not shift else []
        for other in lifted:
            self._fake(other, down=False)
        self._tap(number, more)
        for other in lifted:
            self._fake(other, down=True)
        return True

    @staticmethod
    def _shifts(level: int, char: str, mask: int) -> bool:
        """Tell whether Shift is down for a character of this level; Caps Lock turns that round for letters."""
        return bool(level & 1) != bool(mask & X.LockMask and char.lower() != char.upper())

    def _tap(self, number: int, more: Sequence[int] = ()) -> None:
        for other in more:
            self._fake(other, down=True)
        self._fake(number, down=True)
        self._fake(number, down=False)
        for other in reversed(more):
            self._fake(other, down=False)

    def _borrow(self, symbol: int, now_ms: int) -> bool | None:
        self._symbols()
        if symbol in self._lent:
            number = self._lent[symbol][0]
        else:
            free = self._free(now_ms)
            if free is None:
                return None if self._lent else False
            number = free
            self._display.change_keyboard_mapping(number, [(symbol,) * 4])
            self._display.sync()
            self._map = None
        self._lent[symbol] = number, now_ms
        self._tap(number)
        return True

    def _free(self, now_ms: int) -> int | None:
        """Return a key without a meaning, or take the one back that was lent longest ago."""
        lent = {number for number, _at in self._lent.values()}
        for number, symbols in enumerate(self._symbols(), self._first):
            if not any(symbols) and number not in lent:
                return number
        symbol, (number, at) = min(self._lent.items(), key=lambda item: item[1][1], default=(0, (0, now_ms)))
        if now_ms - at < _LENT_MS:
            return None
        del self._lent[symbol]
        return number

    def _find(self, symbol: int, group: int) -> tuple[int, int] | None:
        """Return key and level that write it in this group; the simplest one."""
        lent = {number for number, _at in self._lent.values()}
        best: tuple[int, int] | None = None
        for number, symbols in enumerate(self._symbols(), self._first):
            if number in lent:
                continue
            for level, index in enumerate(_indexes(group)):
                if index < len(symbols) and symbols[index] == symbol and (best is None or level < best[1]):
                    best = number, level
        return best

    def _plain(self, symbol: int) -> int:
        """Return the key that is this symbol without any other key, in any group; 0: none."""
        if not symbol:
            return 0
        group = self._mask() >> 13 & 3
        indexes = (_indexes(group)[0], 0, 2)
        for index in indexes:
            for number, symbols in enumerate(self._symbols(), self._first):
                if index < len(symbols) and symbols[index] == symbol:
                    return number
        return 0

    def _symbols(self) -> list[Sequence[int]]:
        while self._display.pending_events():
            if self._display.next_event().type == X.MappingNotify:
                self._map = None
        if self._map is None:
            self._map = list(self._display.get_keyboard_mapping(self._first, self._count))
            for symbol, (number, _at) in list(self._lent.items()):
                if self._map[number - self._first][0] != symbol:
                    del self._lent[symbol]  # a new layout took it back, and may have given the key a meaning
        return self._map

    def _mask(self) -> int:
        mask: int = self._display.screen().root.query_pointer().mask
        return mask

    def _fake(self, number: int, *, down: bool) -> None:
        if number:
            xtest.fake_input(self._display, X.KeyPress if down else X.KeyRelease, number)
            self._display.sync()


def _indexes(group: int) -> tuple[int, int, int, int]:
    """Return where the core layout keeps the four levels of a group: the plain two of both groups come first."""
    return (2, 3, 6, 7) if group == 1 else (0, 1, 4, 5)
