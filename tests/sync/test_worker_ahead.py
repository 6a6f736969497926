# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading ahead in a first load: nothing is lost, doubled or out of turn, and memory stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from app.domain.entities import TICKET
from app.domain.errors import ServerUnreachable
from app.domain.replica import Applied, ReplicaPort, RowPage, SnapshotPart
from app.entry.sync_worker_ahead import ROWS_AHEAD, read_ahead
from sync.fetch import Fetching
from sync.protocol import SnapshotRef


class _Source:
    """Yields numbers, then ends or breaks; remembers how far it was asked and whether it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self._count = count
        self._error = error
        self.asked = 0
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._count):
                self.asked = number
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


async def _take(out: list[int], source: _Source, ready: Callable[[int], tuple[int, int]]) -> None:
    with ThreadPoolExecutor(1) as pool:
        async for several in read_ahead(source.items(), ready, pool):
            out += several


@pytest.mark.parametrize("rows", [0, 1, 5_000, ROWS_AHEAD * 2])
def test_everything_comes_in_its_order(rows: int) -> None:
    """Large pieces and small ones, once each."""
    source, out = _Source(50), list[int]()
    asyncio.run(_take(out, source, lambda n: (n, rows)))
    assert out == list(range(50))
    assert source.closed


def test_what_came_before_a_broken_line_is_kept() -> None:
    """The error comes after the last piece, not instead of some."""

    source, out = _Source(30, ServerUnreachable(detail="cut")), list[int]()
    with pytest.raises(ServerUnreachable):
        asyncio.run(_take(out, source, lambda n: (n, 1)))
    assert out == list(range(30))
    assert source.closed


def test_a_piece_that_cannot_be_read_ends_the_line_in_its_turn() -> None:
    """Pieces before a malformed one arrive."""

    def ready(number: int) -> tuple[int, int]:
        if number == 7:
            raise ValueError("malformed")
        return number, 1

    out = list[int]()
    with pytest.raises(ValueError, match="malformed"):
        asyncio.run(_take(out, _Source(30), ready))
    assert out == list(range(7))


def test_a_slow_disk_stops_the_reading() -> None:
    """While nobody takes, no more than about one transaction is held; when the taker leaves, the source is closed."""

    async def run() -> _Source:
        source = _Source(10_000)
        with ThreadPoolExecutor(1) as pool:
            ahead = read_ahead(source.items(), lambda n: (n, ROWS_AHEAD // 4), pool)
            await anext(ahead)
            for _ in range(100):  # each round lets the reader go one piece further, if it may
                await asyncio.get_running_loop().run_in_executor(pool, int)
            await ahead.aclose()
        return source

    source = asyncio.run(run())
    assert source.asked < 20
    assert source.closed


class _Shelves:
    """A store that notes how many rows it got at a time, and from which byte on."""

    def __init__(self) -> None:
        self.got: list[tuple[int, int]] = []

    def keep_snapshot(self, part: SnapshotPart) -> Applied:
        """Note a part."""
        self.got.append((part.start, sum(len(page.rows) for page in part.pages)))
        return Applied()


def test_the_first_rows_of_a_snapshot_are_stored_as_they_come_and_later_ones_in_large_lots() -> None:
    """The writer has something to do from the first piece on; pages of the indexes are written seldom all the same."""
    store = _Shelves()
    fetching = Fetching("team:1", SnapshotRef(id=b"s" * 16, at_seq=9, size=30, sha256=b""), 0)
    for _ in range(30):
        fetching.take(b"x", [RowPage("team:1", TICKET.number, (), [[b"i" * 16, 1, False, 1, {}]] * 100)])
        fetching.store_chunk(cast(ReplicaPort, store), 1_000)
    fetching.store(cast(ReplicaPort, store))
    assert store.got == [(0, 100), (1, 300), (4, 1_000), (14, 1_000), (24, 600)]
