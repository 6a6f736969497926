# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a worker without a network waits before it asks again."""

from __future__ import annotations

import asyncio
import random

import pytest

from app.entry import sync_worker_wait
from app.entry.sync_worker_wait import NetworkWatch, Outlook, Surroundings, Tries
from sync.protocol import Hello, Push


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
    async with asyncio.timeout(30):
        outlook = await NetworkWatch().wait_for("desk.example", 443, 1.0, asyncio.Event())
    assert outlook is Outlook.SILENT


async def test_a_pause_before_an_ill_server_ends_when_a_person_acts(answers: list[bool]) -> None:
    answers[0] = True
    wake = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, wake.set)
    async with asyncio.timeout(30):
        assert await NetworkWatch().wait_for("desk.example", 443, 300.0, wake) is Outlook.WOKEN


async def test_a_server_that_comes_back_within_the_first_second_is_asked_soon(
    answers: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_worker_wait, "_LOOK_S", 0.2)
    asyncio.get_running_loop().call_later(0.05, lambda: answers.__setitem__(0, True))
    async with asyncio.timeout(30):
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
    async with asyncio.timeout(30):
        assert await NetworkWatch().wait_for("127.0.0.1", 443, 0.3, asyncio.Event()) is Outlook.BACK


def test_a_portal_that_answers_in_place_of_the_server_is_asked_twice_a_minute() -> None:
    """Who logs in at a hotel's portal is not made to wait for minutes; a refused change is still left in peace."""
    tries = Tries(random.Random(1))
    hello = Hello(device=b"d", epoch=None, schema=1, app="", wall_ms=0, lmid_seen=0, last_mid=0, scopes={})
    for _ in range(20):
        tries.broke(hello)
        wait = tries.stranger_s()
    assert wait <= 30.0
    tries.broke(Push(device=b"d", epoch=b"", muts=[]))
    assert tries.stranger_s() >= 75.0


def test_sleep_and_another_network_are_noticed_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, addresses = [1_000_000, 500], [frozenset({("wlan0", "10.0.0.2")})]
    monkeypatch.setattr(sync_worker_wait, "_interfaces", lambda: addresses[0])
    around = Surroundings(lambda: clocks[0], lambda: clocks[1])
    clocks[:] = [1_002_000, 2_500]
    assert not around.changed()
    clocks[0] += 3_600_000  # the lid was closed for an hour; the steady clock stood still
    assert around.changed()
    assert not around.changed()
    addresses[0] = frozenset({("usb0", "192.168.42.7")})
    assert around.changed()
    assert not around.changed()
