# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders in memory for tests: held while their program lives, and taken away after it even if it was killed.

A killed run cannot clean up after itself, and what it leaves in memory is gone only with the machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from pathlib import Path

import psutil

__all__ = ["MEMORY", "own_folder"]

MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own are made in it
_OWNER = "owner"
_held: dict[Path, int] = {}


def own_folder(prefix: str, base: Path | None = None) -> Path:
    """Make a folder that is this process's own, in memory where there is any; first remove what dead ones left."""
    place = base or (MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir()))
    for left in place.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            _remove_if_left(left)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=place))
    held = _hold(making, os.O_CREAT)  # before anybody else who looks for what is left can see it
    folder = making.rename(place / f"{prefix}{making.name.removeprefix('.making-')}")
    _held[folder] = held
    return folder


def _hold(folder: Path, flags: int = 0) -> int:
    """Return a descriptor with the folder's lock. Raises OSError where another holds it or there is none."""
    owner = os.open(folder / _OWNER, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(owner)
        raise
    return owner


def _remove_if_left(folder: Path) -> None:
    """Raises OSError while its program lives, or when it is not one of these folders."""
    owner = _hold(folder)
    try:
        _end_postgres(folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(owner)


def _end_postgres(folder: Path) -> None:
    """A killed test leaves its PostgreSQL running; only one that was started on this very folder is ended."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
        if any(str(folder) in word for word in process.cmdline()):
            process.send_signal(signal.SIGQUIT)
            process.wait(20)
