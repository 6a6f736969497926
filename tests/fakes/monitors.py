# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitors of a display of one's own, made, moved and taken away as RandR 1.5 does it (`xrandr --setmonitor`)."""

from __future__ import annotations

from Xlib.display import Display
from Xlib.protocol import rq

Box = tuple[int, int, int, int]
_SET_MONITOR = 43


class _SetMonitor(rq.Request):
    """The library's own request cannot be packed."""

    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(_SET_MONITOR),
        rq.RequestLength(),
        rq.Window("window"),
        rq.Card32("name"),
        rq.Bool("primary"),
        rq.Bool("automatic"),
        rq.LengthOf("outputs", 2),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card32("width_mm"),
        rq.Card32("height_mm"),
        rq.List("outputs", rq.Card32Obj),
    )


class Monitors:
    """The display's one screen, cut into monitors by name."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)
        self._root = self._display.screen().root
        self._output = self._root.xrandr_get_screen_resources().outputs[0]
        self._holder = ""  # the first one made takes the only output, and with it the place of the whole screen
        self._names: set[str] = set()

    def put(self, **places: Box) -> None:
        """Make or move monitors, in one go for whoever looks."""
        self._display.grab_server()
        self.unplug(*(self._names & set(places)))
        for name, (x, y, width, height) in places.items():
            self._holder = self._holder or name
            self._names.add(name)
            _SetMonitor(
                display=self._display.display,
                opcode=self._display.display.get_extension_major("RANDR"),
                window=self._root,
                name=self._display.intern_atom(name),
                primary=False,
                automatic=False,
                x=x,
                y=y,
                width=width,
                height=height,
                width_mm=100,
                height_mm=100,
                outputs=[self._output] if name == self._holder else [],
            )
        self._display.ungrab_server()
        self._display.sync()

    def unplug(self, *names: str) -> None:
        """Take monitors away."""
        for name in names:
            self._root.xrandr_delete_monitor(self._display.intern_atom(name))
            self._names.discard(name)
        self._display.sync()

    def close(self) -> None:
        """Let go of the display."""
        self._display.close()
