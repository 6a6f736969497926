# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiving end looks after its connection often while packets come, and is left alone by a still screen."""

from __future__ import annotations

import asyncio

import pytest

from remote_assist import ticks
from remote_assist.ticks import Ticks

NEVER_S = 3600.0


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tick comes by itself in silence."""
    monkeypatch.setattr(ticks, "_SELDOM_S", NEVER_S)


async def waits(tick: asyncio.Task[None]) -> None:
    """Let everything run that is ready."""
    for _ in range(10):
        await asyncio.sleep(0)
    assert not tick.done()


@pytest.mark.usefixtures("seldom")
async def test_a_packet_ends_the_silence() -> None:
    found = Ticks(lambda: False)
    tick = asyncio.create_task(found.next())
    await waits(tick)
    found.heard()
    await asyncio.wait_for(tick, 30)


@pytest.mark.usefixtures("seldom")
async def test_what_another_thread_wants_asked_for_ends_the_silence() -> None:
    """A recording that begins wants a whole picture now."""
    found = Ticks(lambda: False)
    tick = asyncio.create_task(found.next())
    await waits(tick)
    await asyncio.to_thread(found.wake)
    await asyncio.wait_for(tick, 30)


@pytest.mark.usefixtures("seldom")
async def test_while_something_is_missing_ticks_come_whether_or_not_packets_do() -> None:
    found = Ticks(lambda: True)
    await asyncio.wait_for(found.next(), 30)


async def test_in_silence_ticks_still_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "_SELDOM_S", 0.001)
    found = Ticks(lambda: False)
    await asyncio.wait_for(found.next(), 30)


async def test_just_after_a_packet_the_next_tick_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "_SELDOM_S", NEVER_S)
    monkeypatch.setattr(ticks, "_QUIET_S", NEVER_S)
    found = Ticks(lambda: False)
    found.heard()
    await asyncio.wait_for(found.next(), 30)
    await asyncio.wait_for(found.next(), 30)
