# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts child processes off the GUI thread, hands each its secret over standard input, and says when it ended. No Qt.

All children are started by one thread that lives as long as the program: on Linux a child that asked to die with its
parent dies when the thread that started it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(parent: int) -> None:
    """For a child's first lines: be killed when the process `parent`, which started us, ends. Linux; else nothing."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we could ask
            os.kill(os.getpid(), signal.SIGKILL)


class Child:
    """A running child process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it now. Idempotent."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def wait(self) -> int:
        """Wait for its end and return the exit code, negative for a signal."""
        return self._process.wait()


class Children:
    """Starts children. `close` waits for nothing: who must end with the program says so to the child itself."""

    def __init__(self) -> None:
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="children")
        self._closed = False

    def start(
        self,
        command: Sequence[str],
        secret: bytes,
        on_started: Callable[[Child], None],
        on_ended: Callable[[int], None],
    ) -> None:
        """Start a child and return at once; `secret` is all that its standard input will ever give.

        The callbacks come on other threads. `on_ended` gets the exit code, or 127 when it could not be started.
        """
        self._starter.submit(self._start, list(command), secret, on_started, on_ended)

    def close(self) -> None:
        """Start no more. Idempotent."""
        self._starter.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _start(
        command: list[str], secret: bytes, on_started: Callable[[Child], None], on_ended: Callable[[int], None]
    ) -> None:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0, close_fds=True
            )
        except OSError:
            on_ended(127)
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(secret)
                process.stdin.close()
        child = Child(process)
        # daemon: a worker that still drains must not keep a closed window's process alive
        threading.Thread(target=lambda: on_ended(child.wait()), name=f"child-{child.pid}", daemon=True).start()
        on_started(child)
