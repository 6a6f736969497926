# SPDX-License-Identifier: GPL-3.0-or-later
"""A colleague's change is fetched at once; a burst of changes is fetched together."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from app.entry import sync_worker_live
from app.entry.sync_worker_live import Live, News
from sync import protocol as wire
from sync.transport import LiveChannel
from tests.sync.desk import Client
from tests.sync.test_worker_rounds import _paced

_FIRST_RETRIES_S = 16.0  # of the back-off, after a few failures; the poll comes after 48 s at the earliest


class _Channel:
    """A live channel that says what the test puts in."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[wire.LiveDown] = asyncio.Queue()
        self.answers = False

    async def receive(self) -> wire.LiveDown:
        return await self.said.get()

    async def send(self, message: wire.LiveUp) -> None:
        """Nobody listens, or a server that answers pings."""
        if self.answers:
            self.said.put_nowait(wire.Pong())

    async def close(self) -> None:
        """Nothing is open."""


async def _token() -> str:
    return "token"


async def _heard(channel: _Channel, *bursts: list[dict[str, int]]) -> list[News]:
    """Return the news of each burst of pokes."""
    news: asyncio.Queue[News] = asyncio.Queue()
    live = Live(cast(LiveChannel, channel), _token, news.put_nowait, lambda: None)
    out = []
    for burst in bursts:
        for heads in burst:
            channel.said.put_nowait(wire.Poke(heads=heads))
        out.append(await asyncio.wait_for(news.get(), 30))
    await live.close()
    assert news.empty()
    return out


def test_a_change_is_fetched_without_waiting_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long pulls are kept apart, the first poke after a quiet time is acted on."""
    monkeypatch.setattr(sync_worker_live, "_COALESCE_S", 3600.0)

    async def run() -> list[News]:
        return await _heard(_Channel(), [{"team:a": 7, "ref": 2}])

    assert asyncio.run(run()) == [{"team:a": 7, "ref": 2}]


def test_a_burst_of_changes_is_fetched_together() -> None:
    """Many pokes at once are one pull, with the newest heads of each scope."""

    async def run() -> list[News]:
        return await _heard(
            _Channel(),
            [{"team:a": 7}, {"team:b": 1}, {"team:a": 8}, {"team:a": 6}],
            [{"team:a": n} for n in range(9, 30)],
        )

    assert asyncio.run(run()) == [{"team:a": 8, "team:b": 1}, {"team:a": 29}]


def test_a_live_channel_that_broke_is_opened_again_long_before_the_next_poll(kim: Client) -> None:
    """A server that was killed, a line that came back: colleagues' changes must not wait for a minute after it."""
    kim.sync()
    worker = asyncio.run(_paced(kim, lambda _: None, 8))
    rests = [seconds for seconds in worker.waits if seconds is not None]
    assert rests
    assert max(rests) <= _FIRST_RETRIES_S


async def test_a_live_channel_that_died_in_sleep_is_found_out_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody closes it from the other end; asked after a sleep, silence ends it. One that answers goes on."""
    monkeypatch.setattr(sync_worker_live, "_PROOF_S", 0.05)
    channel, ended = _Channel(), asyncio.Event()
    live = Live(cast(LiveChannel, channel), _token, lambda _: None, ended.set)
    await asyncio.sleep(0)
    channel.answers = True
    await live.prove()
    await asyncio.sleep(0.1)
    assert not live.ended
    channel.answers = False
    await live.prove()
    async with asyncio.timeout(30):
        await ended.wait()
    await live.close()
