# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitors of an X11 desktop, told apart by the server's own names: their order, places and models say nothing.

Two monitors of one model have one title, and a number belongs to another monitor as soon as one is unplugged. What the
customer chose is therefore named by its output ("HDMI-1"), which the server keeps unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from Xlib.display import Display

from app.domain.capture import Rect

__all__ = ["SCREEN", "Screens", "screens"]

SCREEN: Final = "screen:"
_WHOLE: Final = "whole"  # the one screen of a server that knows no monitors


@dataclass(frozen=True, slots=True)
class Screens:
    """What changes with every change of monitors. `places` holds name and place of each, in the server's order."""

    size: tuple[int, int]
    places: tuple[tuple[str, Rect], ...]

    def place(self, name: str) -> Rect | None:
        """Return where the monitor of this name is, or None when it is gone."""
        return next((rect for known, rect in self.places if known == name), None)

    def unsettled(self, before: Screens, name: str) -> bool:
        """Whether windows may have come to this monitor: one is gone or moved, or this one stands elsewhere.

        Another size of its own, or one more monitor, brings it no windows.
        """
        for known, was in before.places:
            now = self.place(known)
            if now is None or (now.x, now.y) != (was.x, was.y) or (known != name and now != was):
                return True
        return False


def screens(display: Display, names: dict[int, str] | None = None) -> Screens:
    """Ask for the monitors as they are now. `names` keeps what was asked before. Raises one of X_ERRORS."""
    root = display.screen().root
    size = root.get_geometry()
    whole = (size.width, size.height)
    if not display.has_extension("RANDR"):
        return Screens(whole, ((_WHOLE, Rect(0, 0, *whole)),))
    names = names if names is not None else {}
    found = [(_name(display, m.name, names), _rect(m)) for m in root.xrandr_get_monitors().monitors]
    return Screens(whole, tuple(found) or ((_WHOLE, Rect(0, 0, *whole)),))


def _name(display: Display, atom: int, names: dict[int, str]) -> str:
    if atom not in names:
        names[atom] = str(display.get_atom_name(atom))
    return names[atom]


def _rect(monitor: Any) -> Rect:
    return Rect(monitor.x, monitor.y, monitor.width_in_pixels, monitor.height_in_pixels)
