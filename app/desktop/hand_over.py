# SPDX-License-Identifier: GPL-3.0-or-later
"""A second start hands its link to the window that is open already, and ends. No Qt: it must be quick."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Final

from app.desktop.worker_place import socket_path

__all__ = ["MESSAGE_MAX", "VERSION", "hand_over", "is_open", "window_socket"]

VERSION: Final = 1
MESSAGE_MAX: Final = 4096
_WAIT_S: Final = 2.0


def window_socket(profile: Path) -> Path:
    """Return where the open window of a profile listens."""
    return socket_path(profile, "window.sock")


def hand_over(profile: Path, link: str = "") -> bool:
    """Let the open window of this profile show a link, or itself; False when none is open. Blocks for a moment."""
    if not hasattr(socket, "AF_UNIX"):
        return False  # other systems than Linux and macOS: each start is a program of its own, which finds the lock
    token = os.environ.get("XDG_ACTIVATION_TOKEN", "")
    line = json.dumps({"deskside": VERSION, "show": link, "token": token[:256]}).encode() + b"\n"
    if len(line) > MESSAGE_MAX:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(_WAIT_S)
            wire.connect(str(window_socket(profile)))
            wire.sendall(line)
            return wire.recv(3) == b"ok\n"
    except OSError:
        return False


def is_open(profile: Path) -> bool:
    """Tell whether a window of this profile is open; nothing is shown. False where such a thing cannot be asked."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(_WAIT_S)
            wire.connect(str(window_socket(profile)))
            return True
    except OSError:
        return False
