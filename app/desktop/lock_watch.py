# SPDX-License-Identifier: GPL-3.0-or-later
"""Hears that the desktop locked its screen or went to sleep, from whichever of the known desktops runs (D-Bus)."""

from __future__ import annotations

import os
from typing import Any, Final

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection

__all__ = ["LockWatch"]

_DESKTOPS: Final = tuple(f"org.{name}.ScreenSaver" for name in ("freedesktop", "gnome", "cinnamon", "mate", "xfce"))
_CHANGED: Any = SLOT("_changed(bool)")  # the stubs ask for bytes, which the binding refuses


class LockWatch(QObject):
    """`locked` is True when a lock or saver came, False when it went. Where no desktop tells it, nothing comes."""

    locked = Signal(bool)

    def __init__(self, parent: QObject | None = None, bus: QDBusConnection | None = None) -> None:
        super().__init__(parent)
        self._bus = bus

    def start(self) -> bool:
        """Begin to listen; False where there is no session bus."""
        if self._bus is None and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
            return False
        bus = self._bus = self._bus or QDBusConnection.sessionBus()
        # no service is named: a desktop may start, or start anew, after us
        heard = [bus.connect("", "", name, "ActiveChanged", self, _CHANGED) for name in _DESKTOPS]
        return bus.isConnected() and all(heard)

    def stop(self) -> None:
        """Listen no more. Idempotent."""
        bus, self._bus = self._bus, None
        if bus is not None and bus.isConnected():
            for name in _DESKTOPS:
                bus.disconnect("", "", name, "ActiveChanged", self, _CHANGED)

    @Slot(bool)
    def _changed(self, on: bool) -> None:
        self.locked.emit(on)
