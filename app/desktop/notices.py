# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices by the desktop itself: freedesktop's Notifications, with buttons. One ticket has one notice at a time."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from app.desktop.bus_wire import BusWire

__all__ = ["DesktopNotices"]

_NAME: Final = "org.freedesktop.Notifications"
_TO: Final = (_NAME, "/org/freedesktop/Notifications", _NAME)
_PROGRAM: Final = "Deskside"
# after these nobody knows whether the notice shows: the desktop has the call, so it is taken as told, not told twice
_UNSURE: Final = frozenset({"no answer", "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout"})


class DesktopNotices(QObject):
    """GUI thread; calls return at once. `acted` gives a key and what was pressed ("open", "assign", "snooze")."""

    acted = Signal(object, str)

    def __init__(
        self, parent: QObject | None = None, wire: BusWire | None = None, entry: str = "org.deskside.agent"
    ) -> None:
        """`entry` is the name of the desktop file whose icon shows."""
        super().__init__(parent)
        self._wire = wire or BusWire(self)
        self._entry = entry
        self._can: frozenset[str] | None = None
        self._numbers: dict[bytes, int] = {}
        self._flies: set[bytes] = set()
        self._next: dict[bytes, Callable[[], object]] = {}
        self._wire.listen(_NAME, _NAME)
        self._wire.heard.connect(self._heard)

    def show(
        self, key: bytes, title: str, body: str, buttons: Sequence[tuple[str, str]], *, replaces: bool,
        done: Callable[[bool], object],
    ) -> None:  # fmt: skip
        """Show a notice, in the place of the key's earlier one if it `replaces`; `done` tells if the desktop has it.

        Texts may come from outside: they are shown as they are. `buttons` are (name, label); the first is also what
        a click on the notice does.
        """
        if self._can is None:

            def again() -> None:
                self.show(key, title, body, buttons, replaces=replaces, done=done)

            self._wire.call(_TO, "GetCapabilities", "", (), lambda error, can: self._learn(error, can, again, done))
            return
        actions: list[str] = []
        if "actions" in self._can:
            for place, (name, label) in enumerate(buttons):
                actions += ["default" if place == 0 else name, label]
        if key in self._flies:  # its number is not known yet
            self._next[key] = lambda: self.show(key, title, body, buttons, replaces=replaces, done=done)
            return
        text = html.escape(body, quote=False) if "body-markup" in self._can else body
        number = self._numbers.get(key, 0) if replaces else 0
        hints = {"desktop-entry": ("s", self._entry), "category": ("s", "im.received"), "urgency": ("y", 1)}
        values = (_PROGRAM, number, self._entry, title, text, actions, hints, -1)

        def answered(error: str, answer: tuple[Any, ...]) -> None:
            self._flies.discard(key)
            if not error and answer and isinstance(answer[0], int):
                self._numbers[key] = answer[0]
            elif error:
                self._can = None  # another daemon may come, which can other things
            done(not error or error in _UNSURE)
            later = self._next.pop(key, None)
            if later is not None:
                later()

        self._flies.add(key)
        self._wire.call(_TO, "Notify", "susssasa{sv}i", values, answered)

    def withdraw(self, key: bytes) -> None:
        """Take the key's notice away; it has been seen."""
        number = self._numbers.pop(key, None)
        if number is not None:
            self._wire.call(_TO, "CloseNotification", "u", (number,), lambda _error, _values: None)

    def close(self) -> None:
        """Hang up. What shows goes on showing. Idempotent."""
        self._wire.close()

    def _learn(
        self, error: str, values: tuple[Any, ...], then: Callable[[], object], done: Callable[[bool], object]
    ) -> None:
        if error:
            done(False)
            return
        self._can = frozenset(str(name) for name in values[0])
        then()

    def _heard(self, name: str, values: tuple[Any, ...]) -> None:
        key = next((k for k, number in self._numbers.items() if values and number == values[0]), None)
        if key is None:
            return
        if name == "ActionInvoked":
            self.acted.emit(key, "open" if values[1] == "default" else str(values[1]))
        elif name == "ActivationToken":  # Wayland: with it the desktop lets the window come to the front
            os.environ["XDG_ACTIVATION_TOKEN"] = str(values[1])
        elif name == "NotificationClosed":
            del self._numbers[key]
