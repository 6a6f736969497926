# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes' buses over a real NATS server: what one says the other hears, and a lost broker only delays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from app.domain.errors import WorldError
from sync.server.nats_bus import NatsBus, check_url
from tests.fakes.services import Broker


async def until(cond: Callable[[], object], timeout_s: float = 30.0) -> None:
    """Wait on the event loop until something is true."""
    async with asyncio.timeout(timeout_s):
        while not cond():
            await asyncio.sleep(0.01)


class Two:
    """Two buses and how often each was told that the broker is back."""

    def __init__(self, url: str) -> None:
        self.here, self.there = NatsBus(url, "org"), NatsBus(url, "org")
        self.returned = 0
        for bus in (self.here, self.there):
            bus.start(self._count)

    def _count(self) -> None:
        self.returned += 1

    async def ready(self) -> None:
        await until(lambda: self.here.state == self.there.state == "ok")


@pytest_asyncio.fixture
async def two(broker: Broker) -> AsyncIterator[Two]:
    made = Two(broker.url)
    await made.ready()
    yield made
    for bus in (made.here, made.there):
        await bus.stop()


async def _heard(bus: NatsBus, subject: str) -> list[bytes]:
    """Subscribe and wait until the other process can reach it."""
    got: list[bytes] = []
    bus.subscribe(subject, got.append)
    await bus.settled()
    return got


async def test_what_one_process_says_the_other_hears_once(two: Two) -> None:
    """Pokes and presence go to both; the sender's own listeners hear them once, not again as an echo."""
    far = await _heard(two.there, "poke.team:1")
    near: list[bytes] = []
    two.here.subscribe("poke.team:1", near.append)
    for n in range(50):
        two.here.publish("poke.team:1", b"%d" % n)
    await until(lambda: len(far) == 50)
    assert near == far == [b"%d" % n for n in range(50)]


async def test_a_signal_to_an_end_at_another_process_is_acknowledged_and_to_nobody_is_not(two: Two) -> None:
    """Absent ends are known at once, present ones wherever they are."""
    far = await _heard(two.there, "dev.aa")
    assert await two.here.deliver(["dev.aa", "ses.x.y"], b"hello")
    assert far == [b"hello"]
    assert not await two.here.deliver(["dev.bb"], b"hello")
    two.there.unsubscribe("dev.aa", far.append)
    await two.there.settled()
    assert not await two.here.deliver(["dev.aa"], b"gone")
    assert far == [b"hello"]


async def test_one_process_goes_on_without_the_broker_and_both_find_together_when_it_is_back(
    two: Two, broker: Broker
) -> None:
    """Local listeners are served meanwhile, an end elsewhere counts as absent, and both are told of the return."""
    far = await _heard(two.there, "dev.aa")
    near: list[bytes] = []
    two.here.subscribe("dev.bb", near.append)
    before = two.returned
    broker.kill()
    await until(lambda: two.here.state == two.there.state == "away")
    assert await two.here.deliver(["dev.bb"], b"near")
    assert near == [b"near"]
    assert not await two.here.deliver(["dev.aa"], b"lost")
    two.here.publish("dev.aa", b"lost")
    later: list[bytes] = []
    two.there.subscribe("dev.cc", later.append)
    broker.start()
    await two.ready()
    await until(lambda: two.returned == before + 2)
    assert await two.here.deliver(["dev.aa"], b"again")
    while not later:
        await two.here.deliver(["dev.cc"], b"new")
    assert far == [b"again"]


async def test_a_server_starts_while_the_broker_is_away(broker: Broker) -> None:
    """It says so, and joins when it comes."""
    broker.kill()
    two = Two(broker.url)
    two.there.subscribe("dev.aa", lambda _: None)
    assert two.here.state == "away"
    two.here.publish("dev.aa", b"x")
    broker.start()
    await two.ready()
    while not await two.here.deliver(["dev.aa"], b"y"):
        await asyncio.sleep(0)
    for bus in (two.here, two.there):
        await bus.stop()
        await bus.stop()


@pytest.mark.parametrize("url", ["", "http://x", "nats://", "nats://x:0", "nats://x:port", "tls:", "nats://a, ftp://b"])
def test_an_address_that_is_none_is_refused_before_anything_starts(url: str) -> None:
    """One sentence instead of a server that looks for a broker for ever."""
    with pytest.raises(WorldError, match="bad_nats_url"):
        check_url(url)
    assert check_url("nats://a:4222,tls://u:p@b") == "nats://a:4222,tls://u:p@b"
