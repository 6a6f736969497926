# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer of a few lines in front of several servers: round robin, and a line as bad as a test wants it.

It reads HTTP/1.1 just enough to hand each request to the next server. A websocket stays where it began.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence

__all__ = ["Proxy"]

_CHUNK = 64 << 10
_FAULTS = ("drop_request", "drop_response", "double", "cut")
_Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Forwards a free loopback port to whichever servers answer. Runs in a thread of its own.

    `faults` is the share of requests that go wrong: never sent, answered to nobody, sent twice (to two servers), or
    answered by half. What happened is counted in `seen`.
    """

    def __init__(self, ports: Callable[[], Sequence[int]], seed: int = 0) -> None:
        self._ports = ports
        self._rng = random.Random(seed)
        self._turn = 0
        self.faults = 0.0
        self.seen: Counter[str] = Counter()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._sockets: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self) -> str:
        """Address of the whole deployment."""
        return f"http://127.0.0.1:{self.port}"

    def cut_sockets(self) -> None:
        """Break every connection that is open now, websockets too."""
        self._loop.call_soon_threadsafe(self._abort)

    def stop(self) -> None:
        """End it."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    def _abort(self) -> None:
        for writer in list(self._sockets):
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        self._abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._sockets.add(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.transport.abort()
        self._sockets.discard(writer)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Pass one request and its answer on; False when the connection is over."""
        head = await reader.readuntil(b"\r\n\r\n")
        if b"upgrade: websocket" in head.lower():
            await self._websocket(head, reader, writer)
            return False
        request = head + await reader.readexactly(_length(head))
        fault = self._rng.choice(_FAULTS) if self._rng.random() < self.faults else "passed"
        self.seen[fault] += 1
        if fault == "drop_request":
            return False
        answer = await self._ask(request)
        if fault == "double":
            answer = await self._ask(request)
        if answer is None or fault == "drop_response":
            return False
        if fault == "cut":
            writer.write(answer[: self._rng.randrange(len(answer))])
            await writer.drain()
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def _connect(self) -> _Pair | None:
        ports = self._ports()
        self._turn += 1
        for n in range(len(ports)):
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", ports[(self._turn + n) % len(ports)])
                self._sockets.add(writer)
                return reader, writer
        return None

    async def _ask(self, request: bytes) -> bytes | None:
        """Return a server's whole answer; None if it went away or there is none."""
        pair = await self._connect()
        if pair is None:
            return b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
        reader, writer = pair
        try:
            writer.write(request)
            await writer.drain()
            return await _whole_answer(reader)
        except (OSError, EOFError):
            return None
        finally:
            writer.transport.abort()
            self._sockets.discard(writer)

    async def _websocket(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = await self._connect()
        if pair is None:
            return
        far_reader, far_writer = pair
        far_writer.write(head)
        pumps = [asyncio.ensure_future(_pump(*ends)) for ends in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            far_writer.transport.abort()
            self._sockets.discard(far_writer)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _whole_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        bodyless = head[9:12] in (b"204", b"304")
        return head if bodyless else head + await reader.readexactly(_length(head))
    out = bytearray(head)
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size, 16) + 2)
        out += size + chunk
        if int(size, 16) == 0:
            return bytes(out)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
