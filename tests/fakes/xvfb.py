# SPDX-License-Identifier: GPL-3.0-or-later
"""A display of one's own: Xvfb on a free number, gone with the block."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator


def available() -> bool:
    """Say whether this machine has Xvfb."""
    return shutil.which("Xvfb") is not None


@contextlib.contextmanager
def own_display(width: int, height: int) -> Iterator[str]:
    """Yield the name of a new display, for instance ":99". Only this process's children may be told of it."""
    read, write = os.pipe()
    size = f"{width}x{height}x24"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp", "-noreset", "-s", "0"]
    server = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
