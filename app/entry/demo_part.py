# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the demo that runs as a child process and takes orders as JSON lines on its standard input.

The demo's own process conducts; the clients carry out one order after the other and answer on standard output. What a
client says besides answers (warnings of libraries) goes to the demo's log file.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any

WHERE = "where"
"""The order to give up the order that runs and to say where it waits."""
_WHERE_S = 5.0


class PartFailed(Exception):
    """A program of the demo ended, answered with an error, or did not answer in time."""


class Part:
    """One child process. `order` may be called from one thread only."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], patience_s: float = 30.0
    ) -> None:
        self.name = name
        self._patience_s = patience_s
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=dict(environment)
        )
        self._answers: Queue[dict[str, Any] | None] = Queue()
        self._reader = threading.Thread(target=self._read, name=f"{name}-answers", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def order(self, what: str, timeout_s: float = 0.0, **details: object) -> dict[str, Any]:
        """Give an order and return its answer, waited for as long as the part's patience lasts. Raises PartFailed."""
        self.send({"do": what, **details})
        return self.answer(what, timeout_s or self._patience_s)

    def send(self, message: Mapping[str, object]) -> None:
        """Write one line. Raises PartFailed when the process is gone."""
        assert self._process.stdin is not None  # noqa: S101  # it was opened as a pipe
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise PartFailed(f"{self.name}: {error}") from error

    def answer(self, what: str, timeout_s: float) -> dict[str, Any]:
        """Wait for the next answer. Raises PartFailed."""
        try:
            found = self._answers.get(timeout=timeout_s)
        except Empty:
            raise PartFailed(f"{self.name}: no answer to '{what}' within {timeout_s:.0f} s; {self._where()}") from None
        if found is None:
            raise PartFailed(f"{self.name}: ended with code {self._process.wait()} during '{what}'")
        if "error" in found:
            raise PartFailed(f"{self.name}: {what}: {found['error']}")
        return found

    def _where(self) -> str:
        """What an order that was not answered in time waits for, as the part itself says."""
        with contextlib.suppress(PartFailed, Empty):
            self.send({"do": WHERE})
            late = self._answers.get(timeout=_WHERE_S)
            return "it ended" if late is None else str(late.get("error", "the answer came just after"))
        return "it does not say where it waits"

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the process to end by itself; None when it did not within the time."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace_s: float = 5.0) -> None:
        """End the process: ask, then kill. Idempotent."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self.wait(grace_s) is None:
            self._process.terminate()
            if self.wait(2.0) is None:
                self._process.kill()
                self._process.wait()
        self._reader.join(2.0)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101  # it was opened as a pipe
        for line in stream:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if isinstance(message, dict) and ("done" in message or "error" in message):
                self._answers.put(message)
            else:
                with contextlib.suppress(OSError, ValueError):
                    os.write(self._log.fileno(), line)
        self._answers.put(None)
