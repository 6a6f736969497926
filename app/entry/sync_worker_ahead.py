# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ahead in a first load: while one thread writes rows, another makes the next ones ready. No Qt."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

ROWS_AHEAD = 12_000  # about one transaction; more would only take memory


class _Shelf(Generic[U]):
    """What is ready and not taken, counted in rows."""

    def __init__(self) -> None:
        self._items: deque[tuple[U, int]] = deque()
        self._rows = 0
        self._moved = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    async def put(self, item: U, rows: int) -> None:
        """Add; waits while there is enough."""
        while self._rows >= ROWS_AHEAD:
            await self._wait()
        self._items.append((item, rows))
        self._rows += rows
        self._moved.set()

    def end(self, error: Exception | None) -> None:
        """Nothing follows."""
        self._ended, self._error = True, error
        self._moved.set()

    async def take(self) -> list[U]:
        """Return everything that is ready; empty at the end. Raises what the source raised."""
        while not self._items and not self._ended:
            await self._wait()
        out = [item for item, _ in self._items]
        self._items.clear()
        self._rows = 0
        self._moved.set()
        if not out and self._error is not None:
            raise self._error
        return out

    async def _wait(self) -> None:
        self._moved.clear()
        await self._moved.wait()


async def read_ahead(
    source: AsyncGenerator[T, None], ready: Callable[[T], tuple[U, int]], pool: Executor
) -> AsyncGenerator[list[U], None]:
    """Yield what `source` yields, made ready in `pool`; `ready` returns (item, its rows). Errors come in their turn."""
    shelf: _Shelf[U] = _Shelf()

    async def read() -> None:
        loop = asyncio.get_running_loop()
        try:
            async with aclosing(source):
                async for item in source:
                    await shelf.put(*await loop.run_in_executor(pool, ready, item))
        except Exception as error:  # noqa: BLE001 - carried over to who takes
            shelf.end(error)
        else:
            shelf.end(None)

    reading = asyncio.create_task(read())
    try:
        while items := await shelf.take():
            yield items
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
