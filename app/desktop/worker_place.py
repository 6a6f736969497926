# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sockets of a profile lie: the same for every start, never too long for a socket. No Qt."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

MAX_SOCKET_BYTES = 107


def socket_path(profile: Path, file: str = "worker.sock") -> Path:
    """Return a socket of a profile: in its own folder, or in the person's runtime folder when that is too deep."""
    inside = profile.resolve() / "run" / file
    if len(os.fsencode(inside)) <= MAX_SOCKET_BYTES:
        return inside
    name = hashlib.blake2b(os.fsencode(profile.resolve()), digest_size=8).hexdigest()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime else Path(tempfile.gettempdir())
    who = "" if runtime else f"-{os.getuid() if hasattr(os, 'getuid') else 0}"
    return base / f"deskside{who}-{name}" / file
