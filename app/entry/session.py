# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside session`: the session child. Started by the agent client and the companion, never by hand."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import AuthenticationError
from typing import NoReturn

from app.domain.capture import CaptureError
from app.entry.session_sources import Lend, Sources
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

    def session(lend: Lend) -> None:
        asyncio.run(run_child(args.role, link, FrameWriter(args.frames), Sources(lend)))

    if args.role == "customer" and sys.platform.startswith("linux"):
        _beside_main_thread(session)
    session(_nobody_lends)
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


def _nobody_lends(_work: Callable[[], None]) -> None:
    raise CaptureError("capture_failed", "no source of Qt in this process")


def _beside_main_thread(body: Callable[[Lend], None]) -> NoReturn:
    """Run `body` in a second thread; the main thread waits for work that only it can do, which is Qt. No way back."""
    lent: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            body(lent.put)
        except BaseException:  # noqa: BLE001 - nobody is above it; the process ends with the words
            traceback.print_exc()
        finally:
            os._exit(1)  # a session ends its process itself

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl+C in the terminal is the parent's to answer
    threading.Thread(target=run, name="session").start()
    while True:
        lent.get()()


if __name__ == "__main__":
    sys.exit(main())
