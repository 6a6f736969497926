# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the person wants nothing to move, as the system says it: Linux desktops, Windows, macOS.

Qt can tell it itself from 6.12 on (`QAccessibilityHints.motionPreference`); this file goes with the pin.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

from PySide6.QtCore import QObject, QSettings, Signal

from app.desktop.bus_wire import BusWire

__all__ = ["MotionWatch", "of_portal"]

_NAME: Final = "org.freedesktop.portal.Desktop"
_SETTINGS: Final = "org.freedesktop.portal.Settings"
_TO: Final = (_NAME, "/org/freedesktop/portal/desktop", _SETTINGS)
# the newer word of all desktops first; GNOME's own, which others follow, where that is not known
_PLACES: Final = (
    ("org.freedesktop.appearance", "reduced-motion"),
    ("org.gnome.desktop.interface", "enable-animations"),
)
_SPI_GETCLIENTAREAANIMATION: Final = 0x1042


def of_portal(place: tuple[str, str], value: Any) -> bool | None:
    """Read one answer of the portal: whether nothing should move; None when it says nothing about it.

    Values come with their types, `("b", False)`; older portals wrap them twice.
    """
    while isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    if place == _PLACES[0] and isinstance(value, int):
        return value == 1
    if place == _PLACES[1] and isinstance(value, bool):
        return not value
    return None


class MotionWatch(QObject):
    """GUI thread. `changed` comes when the system's wish is known or changes; until then things may move."""

    changed = Signal(bool)

    def __init__(self, parent: QObject | None = None, wire: BusWire | None = None) -> None:
        super().__init__(parent)
        self.reduced = False
        self._said: dict[tuple[str, str], bool] = {}
        self._wire = wire or BusWire(self)
        self._wire.listen(_NAME, _SETTINGS)
        self._wire.heard.connect(self._heard)

    def start(self) -> None:
        """Ask the system; on Linux go on listening."""
        if sys.platform == "win32":
            self._take(_windows())
        elif sys.platform == "darwin":
            self._take(bool(QSettings("apple.com", "universalaccess").value("reduceMotion", 0)))
        else:
            for place in _PLACES:
                self._ask(place)

    def close(self) -> None:
        """Listen no more. Idempotent."""
        self._wire.close()

    def _ask(self, place: tuple[str, str]) -> None:
        def answered(error: str, values: tuple[Any, ...]) -> None:
            if not error and values:
                self._say(place, values[0])

        self._wire.call(_TO, "Read", "ss", place, answered)  # every portal has it; ReadOne came later

    def _heard(self, name: str, values: tuple[Any, ...]) -> None:
        if name == "SettingChanged" and len(values) == 3 and tuple(values[:2]) in _PLACES:
            self._say((values[0], values[1]), values[2])

    def _say(self, place: tuple[str, str], value: Any) -> None:
        said = of_portal(place, value)
        if said is not None:
            self._said[place] = said
            self._take(any(self._said.values()))

    def _take(self, reduced: bool) -> None:
        if reduced != self.reduced:
            self.reduced = reduced
            self.changed.emit(reduced)


def _windows() -> bool:
    on = ctypes.c_int(1)
    user32 = getattr(ctypes, "windll").user32  # noqa: B009 - exists on Windows only, which the type checker knows
    user32.SystemParametersInfoW(_SPI_GETCLIENTAREAANIMATION, 0, ctypes.byref(on), 0)
    return not on.value
