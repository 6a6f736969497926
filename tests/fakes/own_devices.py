# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's own mouse and keyboard: events that a display believes to come from a real device, not from XTEST."""

from __future__ import annotations

import struct
from typing import Any, Final

from Xlib.display import Display
from Xlib.ext import xinput
from Xlib.protocol import rq

_MOTION, _KEY_PRESS, _KEY_RELEASE = 5, 1, 2  # of XInput's first version, counted from its first event
_CORE: Final = "Virtual core"


class _Fake(rq.Request):
    """XTestFakeInput in the form for a device, which python-xlib does not know; a motion's values follow."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(2), rq.RequestLength(),
        rq.Card8("kind"), rq.Card8("detail"), rq.Pad(2), rq.Card32("time"), rq.Pad(23), rq.Card8("device"),
        rq.String8("more", pad=False),
    )  # fmt: skip


class OwnDevices:
    """Mouse and keyboard of one display, as Xvfb brings them."""

    def __init__(self, name: str) -> None:
        self._display: Any = Display(name)
        inputs = self._display.query_extension("XInputExtension")
        assert inputs is not None, "this display has no XInput"
        self._first = inputs.first_event
        found = {str(d.name): d.deviceid for d in self._display.xinput_query_device(xinput.AllDevices).devices}
        real = {name: number for name, number in found.items() if _CORE not in name and "XTEST" not in name}
        self._mouse = next(number for name, number in real.items() if "mouse" in name or "pointer" in name)
        self._keyboard = next(number for name, number in real.items() if "keyboard" in name)

    def presses(self, symbol: int) -> None:
        """Press a key of the keyboard and let it go."""
        code = self._display.keysym_to_keycode(symbol)
        for kind in (_KEY_PRESS, _KEY_RELEASE):
            self._send(kind, code, self._keyboard)

    def moves(self, x: int, y: int) -> None:
        """Move the mouse to a place."""
        self._send(_MOTION, 0, self._mouse, (x, y))

    def close(self) -> None:
        """Unplug them."""
        self._display.close()

    def _send(self, kind: int, detail: int, device: int, values: tuple[int, ...] = ()) -> None:
        opcode = self._display.display.get_extension_major("XTEST")
        more = struct.pack("=BBHHBB6i", self._first, device, 0, 0, len(values), 0, *values, *[0] * (6 - len(values)))
        _Fake(
            display=self._display.display, opcode=opcode, kind=self._first + kind, detail=detail, time=0,
            device=device, more=more if values else b"",
        )  # fmt: skip
        self._display.sync()
