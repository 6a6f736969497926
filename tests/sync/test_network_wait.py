# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a worker without a network waits before it asks again."""

from __future__ import annotations

import asyncio
import random

import pytest

from app.entry import sync_worker_wait
from app.entry.sync_worker_wait import NetworkWatch, Outlook, Tries


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What every knock at the server says."""
    said = [False]

    async def knock(_host: str, _port: int) -> bool:
        return said[0]

    monkeypatch.setattr(sync_worker_wait, "_knock", knock)
    monkeypatch.setattr(sync_worker_wait, "_interfaces", frozenset)
    monkeypatch.setattr(sync_worker_wait, "_LOOK_S", 0.01)
    monkeypatch.setattr(sync_worker_wait, "_KNOCKS", ((float("inf"), 0.01),))
    return said


async def test_behind_a_proxy_it_asks_again_though_nobody_takes_a_bare_connection(
    answers: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_worker_wait, "_ASK_ANYWAY_S", 0.05, raising=False)
    async with asyncio.timeout(2):
        outlook = await NetworkWatch().wait_for("desk.example", 443, 1.0, asyncio.Event())
    assert outlook is Outlook.SILENT


async def test_a_pause_before_an_ill_server_ends_when_a_person_acts(answers: list[bool]) -> None:
    answers[0] = True
    wake = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, wake.set)
    async with asyncio.timeout(2):
        assert await NetworkWatch().wait_for("desk.example", 443, 300.0, wake) is Outlook.WOKEN


async def test_a_server_that_comes_back_within_the_first_second_is_asked_soon(
    answers: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_worker_wait, "_LOOK_S", 0.2)
    asyncio.get_running_loop().call_later(0.05, lambda: answers.__setitem__(0, True))
    async with asyncio.timeout(2):
        assert await NetworkWatch().wait_for("127.0.0.1", 443, 300.0, asyncio.Event()) is Outlook.BACK


async def test_a_pause_that_a_person_ends_is_not_followed_by_a_longer_one() -> None:
    tries = Tries(random.Random(1))
    for _ in range(20):
        assert tries.failed_s() <= 1.0
        tries.cut_short()


async def test_a_server_that_takes_connections_all_along_is_no_good_news(answers: list[bool]) -> None:
    """It is the server that is ill, not the network: the pauses go on growing, on this computer too."""
    answers[0] = True
    for host in ("desk.example", "127.0.0.1"):
        assert await NetworkWatch().wait_for(host, 443, 0.02, asyncio.Event()) is Outlook.ILL


async def test_a_server_that_takes_connections_again_is_asked_soon(answers: list[bool]) -> None:
    asyncio.get_running_loop().call_later(0.1, lambda: answers.__setitem__(0, True))
    async with asyncio.timeout(2):
        assert await NetworkWatch().wait_for("127.0.0.1", 443, 0.3, asyncio.Event()) is Outlook.BACK
