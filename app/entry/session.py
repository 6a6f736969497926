# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside session`: the session child. Started by the agent client and the companion, never by hand."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import AuthenticationError

from app.domain.capture import CaptureError, FrameSource, TargetKind
from remote_assist.ipc import connect_parent
from remote_assist.shm import FrameWriter

_LOADING_NICE = 15
_GENTLE_S = 1.0
# in steps, so that a busy computer can be noticed between them
_LIBRARIES = ("numpy", "av", "OpenSSL", "aioice", "aiortc", "remote_assist.child", "remote_assist.capture_drawn")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a session child until its parent ends it; return an exit status."""
    parser = argparse.ArgumentParser(prog="deskside session", description=__doc__)
    parser.add_argument("--role", choices=("agent", "customer"), required=True)
    parser.add_argument("--connect", metavar="PATH", required=True)
    parser.add_argument("--frames", metavar="FD", type=int, required=True)
    args = parser.parse_args(argv)
    try:
        link = connect_parent(args.connect)
    except (OSError, EOFError, AuthenticationError):
        return 3
    _load_gently()
    # here: half a second to load, and the parent already waits for the connection
    import asyncio

    from remote_assist.child import run_child

    asyncio.run(run_child(args.role, link, FrameWriter(args.frames), make_source))
    return 0


def _load_gently() -> None:
    """Load the media libraries behind everything else: half a second of computing that would make windows jerk.

    On a computer that is busy anyway that share of the processor may never come: what is not loaded within a second is
    loaded by the caller, at the child's own priority. Linux gives each thread a nice value of its own, so the thread
    that works later is not held back.
    """
    if not sys.platform.startswith("linux"):
        return
    end = time.monotonic() + _GENTLE_S

    def load() -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOADING_NICE)
        with contextlib.suppress(ImportError):  # told where it is imported in earnest
            for library in _LIBRARIES:
                if time.monotonic() >= end:
                    return
                importlib.import_module(library)

    thread = threading.Thread(target=load, name="load")
    thread.start()
    thread.join()


def make_source(kind: TargetKind | None, wait_free: Callable[[float], bool]) -> FrameSource:
    """Return the source for a kind of target, or the one that lists targets. Raises CaptureError."""
    here = bool(os.environ.get("DISPLAY"))
    # without any display no person sits here: the demo and the tests show a drawn picture then
    if kind is TargetKind.DRAWN or (kind is None and not here and not os.environ.get("WAYLAND_DISPLAY")):
        from remote_assist.capture_drawn import DrawnSource  # here: numpy, which loads behind the windows

        return DrawnSource()
    if not here:
        raise CaptureError("no_display")
    if os.environ.get("WAYLAND_DISPLAY") and os.environ.get("XDG_SESSION_TYPE") == "wayland":
        raise CaptureError("capture_failed", "Wayland: the X server shows nothing there")
    from remote_assist.capture_mss import MssSource  # here: needs X libraries, which a machine without display may lack

    return MssSource(wait_free)


if __name__ == "__main__":
    sys.exit(main())
