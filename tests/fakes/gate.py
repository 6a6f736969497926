# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire to a server on this machine that counts what goes up and stops when it is told to: no timing, no luck."""

from __future__ import annotations

import contextlib
import socket
import threading

__all__ = ["Gate"]

_STEP = 64 << 10


class Gate:
    """Forwards a free port. Once `limit` bytes went up, nothing more does until `open`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.up = 0
        self.limit: int | None = None
        self._age = 0
        self._moved = threading.Condition()
        self._closed = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop_after(self, more: int) -> None:
        """Let so many more bytes go up."""
        with self._moved:
            self.limit = self.up + more

    def open(self) -> None:
        """Let everything through again but what stood before the gate: its sender is gone."""
        with self._moved:
            self.limit = None
            self._age += 1
            self._moved.notify_all()

    def is_full(self) -> bool:
        """Whether the limit is reached: somebody stands before the gate."""
        with self._moved:
            return self.limit is not None and self.up >= self.limit

    def close(self) -> None:
        """End it."""
        self._closed = True
        self.open()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closed:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                thread = threading.Thread(target=self._both, args=(near, far), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _both(self, near: socket.socket, far: socket.socket) -> None:
        back = threading.Thread(target=self._pump, args=(far, near, False), daemon=True)
        back.start()
        with near, far:
            self._pump(near, far, True)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:
        with contextlib.suppress(OSError):
            age = self._age
            while data := source.recv(_STEP):
                if upward and not self._pass(len(data), age):
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # the other direction ends, too

    def _pass(self, size: int, age: int) -> bool:
        with self._moved:
            self._moved.wait_for(lambda: self._closed or self.limit is None or self.up < self.limit)
            if age != self._age:
                return False
            self.up += size
            return True
