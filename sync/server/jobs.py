# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads for the database and for password hashing, so that the event loop never waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy, Store

__all__ = ["HASHERS", "Jobs"]

HASHERS = 2
_TOGETHER = 32  # writes in one transaction: the first of them waits for the last
_AWAY = 8  # how many may wait for another machine at once

T = TypeVar("T")

_END = object()


class Jobs:
    """Runs blocking work: writes in one queue (SQLite) or several (PostgreSQL), reads and hashing beside them."""

    def __init__(self, writers: int) -> None:
        self._write = ThreadPoolExecutor(writers, "server-write")
        self._read = ThreadPoolExecutor(6, "server-read")
        self._hash = ThreadPoolExecutor(HASHERS, "server-hash")
        self._slow = ThreadPoolExecutor(1, "server-slow")
        self._away = ThreadPoolExecutor(_AWAY, "server-away")
        self._waiting = 0
        self._small: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._gatherer: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Let running work end and drop what waits."""
        for pool in (self._write, self._read, self._hash, self._slow, self._away):
            pool.shutdown(wait=True, cancel_futures=True)

    async def write(self, work: Callable[[], T]) -> T:
        """Run work that writes."""
        return await asyncio.get_running_loop().run_in_executor(self._write, work)

    async def write_small(self, store: Store, work: Callable[[], T]) -> T:
        """Run work that writes a little, with all others that wait by then: on SQLite they share one commit.

        For work that does nothing but read and write in the store. Raises what the work raises, or DatabaseBusy.
        """
        if not store.is_sqlite:
            return await self.write(work)
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._small.append((work, done))
        if self._gatherer is None:
            self._gatherer = asyncio.create_task(self._write_gathered(store))
        return await done

    async def _write_gathered(self, store: Store) -> None:
        try:
            while self._small:
                taken = [self._small.popleft() for _ in range(min(_TOGETHER, len(self._small)))]
                made = await self._gathered(store, [work for work, _ in taken])
                for (_, done), result in zip(taken, made, strict=True):
                    if done.done():  # whoever asked went away; what was written stays
                        continue
                    if isinstance(result, Exception):
                        done.set_exception(result)
                    else:
                        done.set_result(result)
        finally:
            self._gatherer = None
            for _, done in self._small:  # the server stops
                done.cancel()

    async def _gathered(self, store: Store, works: Sequence[Callable[[], object]]) -> Sequence[object]:
        if len(works) > 1:
            try:
                return await self.write(lambda: store.together(works))
            except DatabaseBusy as error:
                return [error] * len(works)
        try:
            return [await self.write(works[0])]
        except Exception as error:  # noqa: BLE001 - carried over to whoever waits
            return [error]

    async def read(self, work: Callable[[], T]) -> T:
        """Run work that only reads."""
        return await asyncio.get_running_loop().run_in_executor(self._read, work)

    async def hash(self, work: Callable[[], T]) -> T:
        """Run work that is slow on purpose."""
        return await asyncio.get_running_loop().run_in_executor(self._hash, work)

    async def slow(self, work: Callable[[], T]) -> T:
        """Run long work that nobody waits for."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, work)

    async def away(self, work: Callable[[], T]) -> T:
        """Run work that waits for another machine. Raises ProblemError 503 `busy` when too many wait already."""
        if self._waiting >= _AWAY:
            raise ProblemError(503, "busy", retry_s=5)
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._away, work)
        running.add_done_callback(self._back)
        return await asyncio.shield(running)

    def _back(self, running: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not running.cancelled():
            running.exception()  # whoever asked may be gone

    async def stream(self, chunks: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
        """Yield what an iterator in a reader thread makes; its errors are raised here.

        The iterator never waits for the receiver: a slow client must not hold a snapshot open. What it makes is
        bounded by its caller. When the receiver goes away, the iterator is closed at its next chunk.
        """
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[object] = asyncio.Queue()
        gone = False

        def put(item: object) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, item)

        def run() -> None:
            made: Iterator[bytes] | None = None
            try:
                made = chunks()
                for chunk in made:
                    if gone:
                        break
                    put(chunk)
                put(_END)
            except BaseException as error:  # noqa: BLE001 - carried over to the receiver
                put(error)
            finally:
                close = getattr(made, "close", None)
                if close is not None:
                    close()

        task = loop.run_in_executor(self._read, run)
        try:
            while (item := await queue.get()) is not _END:
                if isinstance(item, BaseException):
                    raise item
                assert isinstance(item, bytes)  # noqa: S101 - narrows the type
                yield item
        finally:
            gone = True
            await asyncio.shield(task)
