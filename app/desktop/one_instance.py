# SPDX-License-Identifier: GPL-3.0-or-later
"""The open window listens for second starts of its own person: each says which link to show, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.desktop.hand_over import MESSAGE_MAX, VERSION, window_socket

__all__ = ["OneInstance"]

_PATIENCE_MS: Final = 2_000
_AT_ONCE: Final = 8


class OneInstance(QObject):
    """GUI thread. `shown` carries a link, or "" to come to the front. Whoever listens may show only (UX-72)."""

    shown = Signal(str)

    def __init__(self, profile: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = window_socket(profile)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.setMaxPendingConnections(_AT_ONCE)
        self._server.newConnection.connect(self._take)

    def listen(self) -> bool:
        """Begin; False when it cannot be, or another window of this profile listens already."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = self._path.parent.stat()
        except OSError:
            return False
        if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & 0o077):
            return False  # somebody else could listen in our place
        if self._path.exists() and _answers(self._path):
            return False  # asked first: Qt would put our socket in the place of the other's
        QLocalServer.removeServer(str(self._path))  # what a killed program left
        return self._server.listen(str(self._path))

    def stop(self) -> None:
        """Listen no more. Idempotent."""
        self._server.close()

    def _take(self) -> None:
        while (wire := self._server.nextPendingConnection()) is not None:
            if not _is_ours(wire):
                wire.abort()
                wire.deleteLater()
                continue
            wire.disconnected.connect(wire.deleteLater)
            wire.readyRead.connect(lambda wire=wire: self._read(wire))
            QTimer.singleShot(_PATIENCE_MS, wire, wire.abort)
            if wire.bytesAvailable():
                self._read(wire)

    def _read(self, wire: QLocalSocket) -> None:
        if wire.bytesAvailable() > MESSAGE_MAX:
            wire.abort()
            return
        if not wire.canReadLine():
            return
        found = _parse(bytes(wire.readLine().data()))
        if found is None:
            wire.abort()
            return
        link, token = found
        if token:  # Wayland: with it the desktop lets the window come to the front
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        wire.write(b"ok\n")
        wire.flush()
        wire.disconnectFromServer()
        self.shown.emit(link)


def _parse(line: bytes) -> tuple[str, str] | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("deskside") != VERSION:
        return None
    link, token = message.get("show"), message.get("token", "")
    if not isinstance(link, str) or not isinstance(token, str) or not token.isprintable():
        return None
    return link, token


def _answers(path: Path) -> bool:
    probe = QLocalSocket()
    probe.connectToServer(str(path))
    return probe.waitForConnected(_PATIENCE_MS)


def _is_ours(wire: QLocalSocket) -> bool:
    """Whether the same person is at the other end; the folder's rights say so already, the kernel says it again."""
    if sys.platform != "linux":
        return True
    with socket.socket(fileno=os.dup(int(wire.socketDescriptor()))) as peer:
        raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", raw)[1] == os.getuid())
