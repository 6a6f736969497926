# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's line: what goes in comes out, and a cut line is really cut."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from app.entry.demo_relay import Relay


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(4096):
                self.request.sendall(data)


@pytest.fixture
def relay() -> Iterator[Relay]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        line = Relay("127.0.0.1", server.server_address[1])
        line.start()
        yield line
        line.stop()
        server.shutdown()
        thread.join()


def echo(sock: socket.socket, text: bytes) -> bytes:
    sock.sendall(text)
    return sock.recv(100)


def test_bytes_pass_both_ways(relay: Relay) -> None:
    """An open line carries what is sent."""
    with socket.create_connection(("127.0.0.1", relay.port), 5) as sock:
        assert echo(sock, b"hello") == b"hello"


def test_a_cut_breaks_open_connections_and_refuses_new_ones_until_mended(relay: Relay) -> None:
    """After cut() nothing passes; after restore() the same port works."""
    with socket.create_connection(("127.0.0.1", relay.port), 5) as sock:
        assert echo(sock, b"a") == b"a"
        relay.cut()
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"b")
            assert sock.recv(100) == b""
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", relay.port), 5)
    relay.restore()
    with socket.create_connection(("127.0.0.1", relay.port), 5) as sock:
        assert echo(sock, b"c") == b"c"
