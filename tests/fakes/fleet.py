# SPDX-License-Identifier: GPL-3.0-or-later
"""Several real server processes on one PostgreSQL with NATS between them, behind one proxy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tests.fakes.proxy import Proxy
from tests.fakes.services import Broker, free_port
from tests.fakes.wait import wait_until

__all__ = ["PASSWORD", "Fleet", "Server", "admin"]

PASSWORD = "correct horse"
_CLI = [sys.executable, "-m", "app.entry.cli"]


def admin(data: Path, database: str | None, *arguments: str, text: str = "") -> str:
    """Run an administration command as a program and return what it prints."""
    where = [] if database is None else ["--database", database]
    done = subprocess.run(
        [*_CLI, "admin", "--data", str(data), *where, *arguments],
        input=text.encode(), check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return done.stdout.decode()


class Server:
    """One server process on a port of its own, which it keeps over restarts."""

    def __init__(self, data: Path, database: str | None = None, nats: str | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ready = data / f"ready-{self.port}"
        self._command = [
            *_CLI, "server", "--data", str(data), "--listen", f"127.0.0.1:{self.port}", "--port-file", str(self._ready),
            *([] if database is None else ["--database", database]), *([] if nats is None else ["--nats", nats]),
        ]  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start it."""
        self._ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        if wait:
            self.wait()

    def wait(self, timeout_s: float = 60) -> None:
        """Wait until it answers."""
        process = self.process
        assert process is not None
        wait_until(lambda: self._ready.exists() or process.poll() is not None, timeout_s)
        assert process.poll() is None, f"the server ended with {process.returncode}"

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """End it politely and return its exit code."""
        if self.process is None:
            return 0
        self.process.terminate()
        code = self.process.wait(30)
        self.process = None
        return code


class Fleet:
    """`count` servers, their broker and the proxy in front, with the small sample data."""

    def __init__(self, data: Path, database: str, count: int = 2, *, seed: int = 0, size: str = "small") -> None:
        self.data, self.database = data, database
        admin(data, database, "sample", "--size", size, "--password-stdin", text=PASSWORD + "\n")
        self.broker = Broker()
        self.servers = [Server(data, database, self.broker.url) for _ in range(count)]
        for server in self.servers:
            server.start(wait=False)
        for server in self.servers:
            server.wait()
        self.proxy = Proxy(lambda: [server.port for server in self.servers], seed)

    def close(self) -> None:
        """End everything."""
        self.proxy.stop()
        for server in self.servers:
            server.stop()
        self.broker.stop()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
