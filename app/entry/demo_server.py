# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's server: the real one, on loopback, with sample data, one agent with a password, and one enrolment link."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from pathlib import Path

from app.config.paths import child_command
from app.entry.demo_part import PartFailed
from app.services.sample_data import demo_persona

_START_S = 30.0
_NICE = 10


class DemoServer:
    """Fills a fresh data folder and serves it. `start` blocks; `stop` is idempotent.

    `behind`: the windows on this machine come first, as they would if the server were another computer.
    """

    def __init__(self, folder: Path, size: str, behind: bool = True) -> None:
        self.folder = folder
        self._behind = behind
        self._size = size
        self._process: subprocess.Popen[bytes] | None = None
        self.password = secrets.token_urlsafe(12)
        self.url = ""
        self.port = 0
        self.enrolment_link = ""
        self.ticket = ""  # id of the persona's open ticket, hex
        self.customer = ""

    def start(self) -> None:
        """Fill, serve, and make the link. Raises PartFailed."""
        self.folder.mkdir(mode=0o700, parents=True)
        as_of_ms = time.time_ns() // 1_000_000
        words = ("--size", self._size, "--as-of", str(as_of_ms), "--password-stdin")
        self._admin("sample", *words, secret=self.password)
        persona = demo_persona(self._size, as_of_ms=as_of_ms)
        self.ticket, self.customer = persona.ticket.hex(), persona.customer.hex()
        self._serve()
        link = self._admin("enrolment-link", "--customer", self.customer, "--server", self.url)
        self.enrolment_link = link.strip().splitlines()[-1]

    @property
    def database(self) -> Path:
        """The embedded database, for the report's own look at the truth."""
        return self.folder / "server.db"

    def stop(self) -> None:
        """End the server in good order."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def start_again(self) -> None:
        """After `stop`: serve the same data at the same address. Raises PartFailed."""
        self._serve(self.port)

    def _serve(self, port: int = 0) -> None:
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        command = [*child_command("server"), "--data", str(self.folder), "--listen", f"127.0.0.1:{port}"]
        with (self.folder.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen([*command, "--port-file", str(port_file)], stdout=log, stderr=log)
        # a real server is another computer: here it must not take the processor from the windows
        if self._behind:
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
        deadline = time.monotonic() + _START_S
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PartFailed(f"server: did not start, see {self.folder.parent / 'server.log'}")
            time.sleep(0.02)
        self.url = port_file.read_text().strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def _admin(self, *words: str, secret: str = "") -> str:
        command = [*child_command("admin"), "--data", str(self.folder), *words]
        done = subprocess.run(command, input=secret.encode() + b"\n", capture_output=True, check=False)
        if done.returncode != 0:
            raise PartFailed(f"admin {words[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode()
