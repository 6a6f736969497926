# SPDX-License-Identifier: GPL-3.0-or-later
"""Says to the system that a file came from elsewhere, as browsers do, so that it warns before running it."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["mark_downloaded", "quarantine_value"]

_ZONE: Final = b"[ZoneTransfer]\r\nZoneId=3\r\n"  # 3: the internet
_ORIGIN_MAX: Final = 1024


def mark_downloaded(fd: int, path: Path, origin: str, now_s: int, system: str = sys.platform) -> bool:
    """Mark the open file at `path`; `origin` is the address of the server, or "". Returns whether the mark was taken.

    Linux has no mark that stops anything; there the address is noted where file managers look for it.
    """
    try:
        return _marker(system)(fd, path, origin, now_s)
    except (OSError, ValueError):  # a file system without such notes, an address with characters that none may have
        return False


def quarantine_value(now_s: int) -> bytes:
    """Return what macOS notes of a download: flags, time and the program that saved it."""
    return f"0081;{now_s:08x};Deskside;".encode()


def _marker(system: str) -> Callable[[int, Path, str, int], bool]:
    return {"win32": _windows, "darwin": _macos, "linux": _linux}.get(system, _unmarked)


def _unmarked(_fd: int, _path: Path, _origin: str, _now_s: int) -> bool:
    return False


def _linux(fd: int, _path: Path, origin: str, _now_s: int) -> bool:
    if not origin.startswith(("https://", "http://")) or len(origin) > _ORIGIN_MAX or not origin.isprintable():
        return False
    os.setxattr(fd, "user.xdg.origin.url", origin.encode())
    return True


def _windows(_fd: int, path: Path, _origin: str, _now_s: int) -> bool:
    with Path(f"{path}:Zone.Identifier").open("wb") as stream:
        stream.write(_ZONE)
    return True


def _macos(fd: int, _path: Path, _origin: str, now_s: int) -> bool:
    """`fsetxattr` takes a position beside the options here, and Python offers it on Linux only."""
    library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    value = quarantine_value(now_s)
    set_ = library.fsetxattr
    set_.argtypes = [
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_uint32,
        ctypes.c_int,
    ]
    set_.restype = ctypes.c_int
    return bool(set_(fd, b"com.apple.quarantine", value, len(value), 0, 0) == 0)
