# SPDX-License-Identifier: GPL-3.0-or-later
"""The line of one computer, which can fall silent in one direction or in both, as behind a rule that drops packets.

Nobody is told: connections stay open. What was sent into the silence arrives when the line is mended, as TCP does by
sending it again, even when the sender has long given up and closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from enum import Enum

__all__ = ["Line", "Silence"]

_CHUNK = 64 << 10


class Silence(Enum):
    """Which packets are dropped, as the computer sees it."""

    NONE = (False, False)
    INBOUND = (True, False)
    OUTBOUND = (False, True)
    BOTH = (True, True)


class Line:
    """Forwards a free loopback port to another one, byte for byte. Runs in a thread of its own.

    A connection breaks once `most_up` bytes went up on it, if that is set.
    """

    def __init__(self, port: int) -> None:
        self._far = port
        self.most_up: int | None = None
        self._loop = asyncio.new_event_loop()
        self._inbound, self._outbound = asyncio.Event(), asyncio.Event()
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self) -> str:
        """Where the computer finds its server."""
        return f"http://127.0.0.1:{self._port}"

    def silence(self, kind: Silence) -> None:
        """Drop packets from now on; NONE mends the line."""
        for event, dropped in zip((self._inbound, self._outbound), kind.value, strict=True):
            self._loop.call_soon_threadsafe(event.clear if dropped else event.set)

    def cut(self) -> None:
        """Break every connection that is open now."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in list(self._tasks)])

    def stop(self) -> None:
        """End it."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._port: int = self._server.sockets[0].getsockname()[1]
        self._inbound.set()
        self._outbound.set()
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        ends = [writer]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._outbound.wait()  # the first packet of a connection is dropped as well
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
            ends.append(far_writer)
            await asyncio.gather(
                _pump(reader, far_writer, self._outbound, self.most_up), _pump(far_reader, writer, self._inbound)
            )  # fmt: skip
        for end in ends:
            end.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, open_: asyncio.Event, most: int | None = None
) -> None:
    passed = 0
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            await open_.wait()
            passed += len(data)
            if most is not None and passed > most:
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
    await open_.wait()  # the end of a connection is a packet too
    with contextlib.suppress(OSError):
        writer.close()
