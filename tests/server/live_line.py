# SPDX-License-Identifier: GPL-3.0-or-later
"""A live socket of a test: the server's own protocol on a transport in memory, a websocket client at its other end."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Callable
from typing import Any, TypeVar

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from sync.server.web.live_protocol import LiveSockets
from tests.server.world import World

__all__ = ["Closed", "MemoryTransport", "Socket"]

T = TypeVar("T")


class Closed(Exception):
    """The server ended the socket with this code; 1006 without a word."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class MemoryTransport(asyncio.Transport):
    """Hands what the server writes to a function, at once."""

    def __init__(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        super().__init__()
        self._receive = receive
        self._closed = closed
        self._closing = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        if not self._closing:
            self._receive(bytes(data))

    def close(self) -> None:
        """End the connection."""
        if not self._closing:
            self._closing = True
            self._closed()

    abort = close

    def is_closing(self) -> bool:
        """Tell whether it ended."""
        return self._closing

    def pause_reading(self) -> None:
        """Nothing is read on its own here."""
        self.reading = False

    def resume_reading(self) -> None:
        """Nothing is read on its own here."""
        self.reading = True


class Socket:
    """Opened on the event loop of the application under test."""

    def __init__(self, world: World, path: str = "/live") -> None:
        self._portal = world.client.blocking_portal
        self._got: queue.Queue[bytes | Closed] = queue.Queue()
        self._client = ClientProtocol(parse_uri(f"ws://testserver{path}"))
        self.sockets = LiveSockets(world.parts)
        self.status = 0
        self.call(self._open)

    def call(self, work: Callable[..., T], *args: Any) -> T:
        """Run something on the event loop."""
        return self._portal.call(work, *args)

    def _open(self) -> None:
        self.server = self.sockets.make()
        self.transport = MemoryTransport(self._receive, self._ended)
        self.server.connection_made(self.transport)
        self._client.send_request(self._client.connect())
        self._flush()

    def _flush(self) -> None:
        for data in self._client.data_to_send():
            if data and not self.transport.is_closing():
                self.server.data_received(data)

    def _receive(self, data: bytes) -> None:
        self._client.receive_data(data)
        for event in self._client.events_received():
            if isinstance(event, Response):
                self.status = event.status_code
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                self._got.put(bytes(event.data))
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self._got.put(Closed(int.from_bytes(event.data[:2], "big")))
        asyncio.get_running_loop().call_soon(self._flush)  # pongs and the answer to a close

    def _ended(self) -> None:
        asyncio.get_running_loop().call_soon(self.server.connection_lost, None)
        self._got.put(Closed(1006))

    def send_bytes(self, payload: bytes) -> None:
        """Send a message; to a socket that is closing it goes nowhere, and the next read says so."""
        self.call(self._send, self._client.send_binary, payload)

    def send_text(self, text: str) -> None:
        """Send a message of the kind that nobody here speaks."""
        self.call(self._send, self._client.send_text, text.encode())

    def _send(self, put: Callable[[bytes], None], payload: bytes) -> None:
        # On the event loop alone: put from another thread, a frame falls into the list that a flush has just emptied.
        with contextlib.suppress(InvalidState):
            put(payload)
        self._flush()

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.call(self.server.data_received, data)

    def receive_bytes(self, timeout: float = 30) -> bytes:
        """Wait for the next message. Raises Closed, or queue.Empty."""
        got = self._got.get(timeout=timeout)
        if isinstance(got, Closed):
            raise got
        return got

    def close(self) -> None:
        """The line breaks."""
        self.call(self.transport.close)

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
