# SPDX-License-Identifier: GPL-3.0-or-later
"""A small notification daemon, a process of its own on a real session bus: prints each call, obeys lines of its input.

`press N ACTION`, `close N`, `quit`. Strict as GNOME's: a call with another signature than the standard's is refused.
"""

from __future__ import annotations

import json
import sys

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"


class Daemon(QObject):
    """Exports the methods; the types of the slots make the signatures."""

    def __init__(self, bus: QDBusConnection) -> None:
        super().__init__()
        self._bus = bus
        self._count = 0

    @Slot(result="QStringList")
    def GetCapabilities(self) -> list[str]:
        """What this desktop can."""
        return ["actions", "body", "body-markup"]

    @Slot(str, "uint", str, str, str, "QStringList", "QVariantMap", int, result="uint")
    def Notify(
        self, program: str, replaces: int, icon: str, title: str, body: str, actions: list[str],
        hints: dict[str, object], timeout: int,
    ) -> int:  # fmt: skip
        """Show."""
        if not replaces:
            self._count += 1
        number = replaces or self._count
        say({"show": number, "replaces": replaces, "title": title, "body": body, "actions": actions,
             "hints": sorted(hints)})  # fmt: skip
        return number

    @Slot("uint")
    def CloseNotification(self, number: int) -> None:
        """Take away."""
        say({"close": number})

    def obey(self, line: str) -> None:
        """A person's hand."""
        words = line.split()
        if not words or words[0] == "quit":
            QCoreApplication.quit()
        elif words[0] == "press":
            self._emit("ActivationToken", int(words[1]), "token-7")
            self._emit("ActionInvoked", int(words[1]), words[2])
        else:
            self._emit("NotificationClosed", int(words[1]), 2)

    def _emit(self, name: str, number: int, what: object) -> None:
        # QtDBus makes the number signed; who listens is to take it all the same
        signal = QDBusMessage.createSignal(PATH, NAME, name)
        signal.setArguments([number, what])
        self._bus.send(signal)


def say(what: dict[str, object]) -> None:
    """One line."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Own the name until told to go."""
    app = QCoreApplication(sys.argv)
    bus = QDBusConnection.sessionBus()
    daemon = Daemon(bus)
    bus.registerObject(PATH, NAME, daemon, QDBusConnection.RegisterOption.ExportAllSlots)
    say({"ready": bus.registerService(NAME)})
    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: daemon.obey(sys.stdin.readline()))
    app.exec()


if __name__ == "__main__":
    main()
