# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server and the real worker as processes, driven over the real local socket."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from app.desktop.worker_link import WorkerOrders
from app.desktop.worker_place import socket_path
from app.domain import link
from app.domain.changes import AnyChange
from app.domain.ids import UserId
from app.domain.ports import Identity
from app.entry.sync_codec import open_profile
from tests.fakes.wait import wait_until

KEY = bytes(range(32))
PASSWORD = "correct horse"
CLI = [sys.executable, "-m", "app.entry.cli"]


class ServerProcess:
    """A server with the small sample data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(
            [*CLI, "admin", "--data", str(folder), "sample", "--size", "small", "--password-stdin"],
            input=PASSWORD.encode() + b"\n", check=True, capture_output=True,
        )  # fmt: skip
        port_file = folder / "port"
        self._process = subprocess.Popen(
            [*CLI, "server", "--data", str(folder), "--port-file", str(port_file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: port_file.exists() and port_file.read_text().strip(), 30)
        self.url = port_file.read_text().strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


class Window:
    """Plays the window without Qt: a profile, a worker process, the socket between."""

    def __init__(self, folder: Path) -> None:
        self.profile = open_profile(folder, KEY)
        self.folder = folder
        self.path = socket_path(folder)
        self.status: link.Status | None = None
        self.messages: list[link.WorkerToUi] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start_worker(self) -> int:
        """Start a worker and return its process id."""
        orders = WorkerOrders(self.folder, KEY, self.profile.socket_token())
        command = [*CLI, "sync-worker", "--profile", str(self.folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert self.process.stdin is not None
        self.process.stdin.write(orders.line(self.path))
        self.process.stdin.close()
        return self.process.pid

    def connect(self) -> None:
        """Connect and greet."""
        wait_until(self._try_connect, 20)
        assert self._socket is not None
        self.send(link.Hi(socket_token=self.profile.socket_token(), role="ui"))
        self._thread = threading.Thread(target=self._read, args=(self._socket,))
        self._thread.start()

    def _try_connect(self) -> bool:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(self.path))
        except OSError:
            sock.close()
            return False
        self._socket = sock
        return True

    def _read(self, sock: socket.socket) -> None:
        reader: link.LinkReader = link.LinkReader(link.WorkerToUi)
        with contextlib.suppress(OSError):
            while data := sock.recv(65536):
                for message in reader.feed(data):
                    self._take(message)

    def _take(self, message: link.WorkerToUi) -> None:
        if isinstance(message, link.Status):
            self.status = message
        if isinstance(message, link.SignedIn):
            self.profile.commits.save_identity(
                Identity(UserId(message.account), message.login, message.name, frozenset(message.roles),
                         message.device, message.device_code, message.server)
            )  # fmt: skip
        if isinstance(message, link.Renumber):
            self.profile.renumber(message.device, message.device_code, message.keep_above)
        if isinstance(message, link.Locked) and message.why == "revoked":
            self.profile.close()  # the files are let go of
        self.messages.append(message)

    def send(self, message: link.UiToWorker) -> None:
        """Send a message."""
        assert self._socket is not None
        self._socket.sendall(link.encode_frame(message))

    def sign_in(self, url: str, login: str = "agent1", password: str = PASSWORD) -> None:
        """Sign in and wait until everything is here."""
        self.send(link.SignIn(server=url, login=login, password=password, device_name="test"))
        try:
            wait_until(lambda: self.profile.identity is not None, 20)
        except AssertionError as error:
            raise AssertionError(f"not signed in: {self.status} {self.messages[-3:]}") from error
        self.wait_phase("live", 40)

    def wait_phase(self, phase: str, timeout_s: float = 15.0) -> None:
        """Wait for a status."""
        wait_until(lambda: self.status is not None and self.status.phase == phase, timeout_s)

    def do(self, change: AnyChange, *, tell: bool = True) -> None:
        """Save a change."""
        mid = self.profile.commits.commit(change).mid
        if tell:
            self.send(link.Committed(mid=mid))

    def wait_sent(self, timeout_s: float = 20.0) -> None:
        """Wait until nothing waits. Raises AssertionError that says how things stand."""
        try:
            wait_until(lambda: self.profile.numbers().waiting == 0, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{self.profile.numbers()} {self.status} {self.messages[-3:]}") from error

    def kill_worker(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.leave()

    def leave(self) -> None:
        """Close the socket, as a dying window does."""
        sock, self._socket = self._socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def close(self) -> None:
        """End everything this window started."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self.send(link.Quit())
        self.leave()
        if self.process is not None:
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.kill(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.profile.close()
