# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the worker's socket lies: the same for every window of a profile, never too long for a socket. No Qt."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

MAX_SOCKET_BYTES = 107


def socket_path(profile: Path) -> Path:
    """Return the socket of a profile: in its own folder, or in the person's runtime folder when that is too deep."""
    inside = profile.resolve() / "run" / "worker.sock"
    if len(os.fsencode(inside)) <= MAX_SOCKET_BYTES:
        return inside
    name = hashlib.blake2b(os.fsencode(profile.resolve()), digest_size=8).hexdigest()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime else Path(tempfile.gettempdir())
    who = "" if runtime else f"-{os.getuid() if hasattr(os, 'getuid') else 0}"
    return base / f"deskside{who}-{name}" / "worker.sock"
