# SPDX-License-Identifier: GPL-3.0-or-later
"""One computer of a torture run: a window process, the worker it started, and how both are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

__all__ = ["Computer"]


class Computer:
    """Belongs to the run; only this module sends signals, and only to processes of its own."""

    ACTOR = "tests.sync.torture_actor"

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._url = url
        self._seed = seed
        self._window: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the window; it finds or starts its worker."""
        self._seed += 1000  # what comes after a crash is typed anew
        (self.folder / "status.json").unlink(missing_ok=True)
        log = (self.folder / "window.log").open("ab")
        command = [sys.executable, "-m", self.ACTOR, str(self.folder), self._url, str(self._seed)]
        self._window = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()

    def status(self) -> dict[str, Any]:
        """Return what the window said last; empty if it has not spoken since its start."""
        try:
            told: dict[str, Any] = json.loads((self.folder / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return told

    def words(self) -> str:
        """Return what the window last wrote about its troubles."""
        return (self.folder / "window.log").read_text()[-2000:]

    def kill_worker(self) -> bool:
        """kill -9; False if there is none."""
        worker = self._worker()
        if worker is None:
            return False
        worker.kill()
        return True

    def kill_window(self) -> bool:
        """kill -9; False if it is not at work yet, for then nothing would ever get done."""
        if self._window is None or self.status().get("commits", 0) == 0:
            return False
        os.kill(self._window.pid, signal.SIGKILL)
        self._window.wait()
        self._window = None
        return True

    def revive(self) -> None:
        """Start the window again if it ended by itself."""
        if self._window is None or self._window.poll() is not None:
            self.start()

    def quiet(self) -> None:
        """Let the person rest."""
        (self.folder / "quiet").touch()

    def stop(self) -> None:
        """End window and worker."""
        (self.folder / "stop").touch()
        if self._window is not None:
            try:
                self._window.wait(30)
            except subprocess.TimeoutExpired:
                self._window.kill()
                self._window.wait()
        worker = self._worker()
        if worker is not None:
            worker.kill()

    def _worker(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int((self.folder / "worker.pid").read_text()))
            ours = str(self.folder) in process.cmdline()
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, psutil.Error):
            return None
