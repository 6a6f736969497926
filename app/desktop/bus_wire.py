# SPDX-License-Identifier: GPL-3.0-or-later
"""A session-bus connection for calls with unsigned numbers, which QtDBus cannot send from Python: it makes them signed.

jeepney makes and reads the messages, Qt's socket carries them, so that no thread and no wait is needed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalSocket

from app.config.logs import get_logger

if sys.platform == "linux":
    import jeepney  # type: ignore[import-untyped]  # it ships no types
    import jeepney.auth  # type: ignore[import-untyped]  # same

__all__ = ["BusWire", "Reply"]

_log = get_logger("desktop.bus")
_ANSWER_WITHIN_S: Final = 10.0
_LOOK_EVERY_MS: Final = 1_000
Reply = Callable[[str, tuple[Any, ...]], object]  # error name or "", what came


class BusWire(QObject):
    """GUI thread. Opens at the first call. After the bus went away, the next call tries anew."""

    heard = Signal(str, object)  # name of a signal that was listened for, its values

    def __init__(self, parent: QObject | None = None, address: str | None = None) -> None:
        """`address` is that of the session's bus unless given."""
        super().__init__(parent)
        self._address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "") if address is None else address
        self._is_open = False
        self._auth: Any = None
        self._parser: Any = None
        self._serial = 0
        self._waits: dict[int, tuple[Reply, float]] = {}  # what to call, and until when it is waited for
        self._refused: list[Reply] = []
        self._early: list[bytes] = []
        self._rules: list[str] = []
        self._socket = QLocalSocket(self)
        self._socket.connected.connect(self._greet)
        self._socket.readyRead.connect(self._read)
        self._socket.disconnected.connect(self._soon_close)
        self._socket.errorOccurred.connect(self._soon_close)
        self._watch = QTimer(self, interval=_LOOK_EVERY_MS)
        self._watch.timeout.connect(self._look)
        self._closing = QTimer(self, interval=0, singleShot=True)  # a socket is not closed from its own signals
        self._closing.timeout.connect(self.close)
        self._refusing = QTimer(self, interval=0, singleShot=True)
        self._refusing.timeout.connect(self._refuse)

    def listen(self, sender: str, interface: str) -> None:
        """Hear the signals of an interface from whoever owns a name; call it before the first call."""
        self._rules.append(f"type='signal',sender='{sender}',interface='{interface}'")

    def call(self, to: tuple[str, str, str], member: str, signature: str, body: tuple[Any, ...], then: Reply) -> None:
        """Call a method; `to` is name, path, interface. `then` is called exactly once, later."""
        if not self._open():
            self._refused.append(then)
            self._refusing.start()
            return
        name, path, interface = to
        address = jeepney.DBusAddress(path, bus_name=name, interface=interface)
        self._send(jeepney.new_method_call(address, member, signature or None, body), then)

    def close(self) -> None:
        """Hang up; calls that wait are answered as lost. Idempotent."""
        self._closing.stop()
        self._is_open = False
        self._socket.abort()
        self._early.clear()
        waits, self._waits = self._waits, {}
        self._watch.stop()
        for then, _until in waits.values():
            then("lost", ())

    def _soon_close(self) -> None:
        self._closing.start()

    def _refuse(self) -> None:
        refused, self._refused = self._refused, []
        for then in refused:
            then("no bus", ())

    def _look(self) -> None:
        now = time.monotonic()
        for serial in [serial for serial, (_then, until) in self._waits.items() if until <= now]:
            self._answer(serial, "no answer", ())

    # --- the wire ---------------------------------------------------------------------------------------------------

    def _open(self) -> bool:
        if self._is_open and not self._closing.isActive():
            return True
        self.close()
        place = _unix_place(self._address) if sys.platform == "linux" else None
        if place is None:
            return False
        path, abstract = place
        option = QLocalSocket.SocketOption
        self._socket.setSocketOptions(option.AbstractNamespaceOption if abstract else option.NoOptions)
        self._auth, self._parser = jeepney.auth.Authenticator(), jeepney.Parser()
        self._is_open = True
        bus = jeepney.message_bus
        self._send(bus.Hello(), lambda _error, _values: None)
        address = jeepney.DBusAddress(bus.object_path, bus_name=bus.bus_name, interface=bus.interface)
        for rule in self._rules:
            self._send(jeepney.new_method_call(address, "AddMatch", "s", (rule,)), lambda _error, _values: None)
        self._socket.connectToServer(path)
        return True

    def _send(self, message: Any, then: Reply) -> None:
        self._serial += 1
        serial = self._serial
        self._waits[serial] = (then, time.monotonic() + _ANSWER_WITHIN_S)
        self._watch.start()
        data = bytes(message.serialise(serial=serial))
        if self._auth.authenticated:
            self._socket.write(data)
        else:
            self._early.append(data)

    def _greet(self) -> None:
        for data in self._auth:
            if not data:
                return
            self._socket.write(data)

    def _read(self) -> None:
        data = bytes(self._socket.readAll().data())
        try:
            if not self._auth.authenticated:
                self._auth.feed(data)
                if self._auth.authenticated:
                    early, self._early = self._early, []
                    self._socket.write(jeepney.auth.BEGIN + b"".join(early))
                return
            self._parser.add_data(data)
            while self._is_open and (message := self._parser.get_next_message()) is not None:
                self._take(message)
        except Exception as error:  # noqa: BLE001 - whatever the reader trips over, the bus is of no use any more
            _log.warning("session bus", error=type(error).__name__)
            self._soon_close()

    def _take(self, message: Any) -> None:
        kind, fields = message.header.message_type, message.header.fields
        if kind is jeepney.MessageType.signal:
            self.heard.emit(str(fields.get(jeepney.HeaderFields.member, "")), tuple(message.body))
            return
        serial = int(fields.get(jeepney.HeaderFields.reply_serial, 0))
        if kind is jeepney.MessageType.method_return:
            self._answer(serial, "", tuple(message.body))
        elif kind is jeepney.MessageType.error:
            self._answer(serial, str(fields.get(jeepney.HeaderFields.error_name, "error")), tuple(message.body))

    def _answer(self, serial: int, error: str, values: tuple[Any, ...]) -> None:
        waits = self._waits.pop(serial, None)
        if not self._waits:
            self._watch.stop()
        if waits is not None:
            waits[0](error, values)


def _unix_place(addresses: str) -> tuple[str, bool] | None:
    """Return path and whether it is abstract, of the first address that is a local socket."""
    for address in addresses.split(";"):
        kind, _colon, rest = address.partition(":")
        values = dict(part.partition("=")[::2] for part in rest.split(","))
        if kind == "unix" and "path" in values:
            return values["path"], False
        if kind == "unix" and "abstract" in values:
            return values["abstract"], True
    return None
