# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shared in the benchmark of screen sharing: a display and a window that moves; and how helpers start."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

from tests.fakes.xvfb import own_display


@contextlib.contextmanager
def display() -> Iterator[str]:
    """Yield the display in use, or an own Xvfb of 1920x1080."""
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"]
        return
    with own_display(1920, 1080) as name:
        os.environ["DISPLAY"] = name
        try:
            yield name
        finally:
            del os.environ["DISPLAY"]


@contextlib.contextmanager
def stimulus(kind: str, fps: int, on: str = "") -> Iterator[None]:
    """Show the moving window while the block runs, on the display in use or on another one."""
    command = [*helper("_stimulus"), "--kind", kind, "--fps", str(fps), "--seconds", "600"]
    env = os.environ | {"QT_QPA_PLATFORM": "xcb"} | ({"DISPLAY": on} if on else {})
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        if get(process).strip() != "shown":
            raise RuntimeError("the stimulus did not start")
        yield
    finally:
        process.terminate()
        process.wait()
        pipe(process.stdout).close()


def helper(name: str) -> list[str]:
    """Return how to start a helper; it is no benchmark of its own, so it has no start of its own."""
    return [sys.executable, "-c", f"import sys; from tests.bench.{name} import main; sys.exit(main())"]


def put(process: subprocess.Popen[str], line: str) -> None:
    """Hand a line to a helper."""
    end = pipe(process.stdin)
    end.write(line)
    end.flush()


def get(process: subprocess.Popen[str]) -> str:
    """Return the next line of a helper."""
    return pipe(process.stdout).readline()


def pipe(end: IO[str] | None) -> IO[str]:
    """Return the end of a pipe that is there."""
    if end is None:
        raise RuntimeError("the process was started without pipes")
    return end
