# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who guesses codes: few tries, and nothing to learn from the answers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Request

from sync.server.limits import CodeLimits
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.store import Store, sqlite_url
from sync.server.web import customer_routes
from tests.server.world import Clock, World

WINDOW_S = 600
SENDER_TRIES, ALL_TRIES, NEAR_TRIES = 5, 60, 10


class Guesser:
    """The server's own rules, asked without a socket; an attempt that is let in is noted with its time."""

    def __init__(self, parts: Parts, wrong_code_s: float = 0.0) -> None:
        self.clock = Clock()
        self.tried: list[tuple[int, str]] = []

        async def write(attempt: Any) -> None:
            await asyncio.sleep(0)  # a moment in which others could come
            attempt()

        self.parts = replace(
            parts, clock=self.clock, codes=CodeLimits(), wrong_code_s=wrong_code_s, guesses=asyncio.Lock(),
            jobs=cast("Any", SimpleNamespace(write=write)),
        )  # fmt: skip

    async def guess(self, sender: str) -> None:
        """One wrong code from this address."""
        request = cast("Request[Any, Any, Any]", SimpleNamespace(client=SimpleNamespace(host=sender), headers={}))
        with pytest.raises(ProblemError) as refused:
            await customer_routes.guess(self.parts, request, "join", lambda: self.tried.append((self.clock.ms, sender)))
        assert (refused.value.status, refused.value.problem.code) == (404, "code"), "every refusal is the same"

    def most(self, sender: str | None = None) -> int:
        """The most tries in any ten minutes."""
        times = [at for at, who in self.tried if sender in (None, who)]
        return max((sum(at <= other < at + WINDOW_S * 1000 for other in times) for at in times), default=0)


@pytest.fixture
def parts(tmp_path: Path, blank: Path) -> Iterator[Parts]:
    """A server's parts, with the limits that it runs with; the database is not asked."""
    shutil.copy(blank, tmp_path)
    store = Store.open(sqlite_url(tmp_path))
    yield World(store).parts
    store.close()


SENDERS = [f"198.51.100.{n}" for n in range(40)]


def test_whoever_guesses_however_has_few_tries_and_learns_nothing(parts: Parts) -> None:
    """Any senders at any times: five tries in ten minutes from one place, sixty from everywhere and then ten from one
    neighbourhood.
    """

    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 40), st.integers(1, 12)), min_size=20, max_size=60))
    def tell(story: list[tuple[int, int, int]]) -> None:
        guesser = Guesser(parts)

        async def play() -> None:
            for who, pause_s, count in story:
                guesser.clock.forward(pause_s)
                for _ in range(count):
                    await guesser.guess(SENDERS[who])

        asyncio.run(play())
        assert guesser.most() <= ALL_TRIES + NEAR_TRIES, "tries of everybody"
        for sender in SENDERS:
            assert guesser.most(sender) <= SENDER_TRIES, "tries of one sender"

    tell()


def test_a_flood_of_wrong_codes_from_everywhere_keeps_nobody_with_a_right_one_out(parts: Parts) -> None:
    """Two hundred networks guess; each is heard twice then, and a customer's own code opens at the first try."""
    guesser = Guesser(parts)
    crowd = [f"10.{n}.0.1" for n in range(200)]

    async def flood() -> None:
        for _ in range(4):
            for sender in crowd:
                await guesser.guess(sender)

    asyncio.run(flood())
    assert max(guesser.most(sender) for sender in crowd) == 2, "tries of one sender in a flood"
    request = cast("Request[Any, Any, Any]", SimpleNamespace(client=SimpleNamespace(host="203.0.113.7"), headers={}))

    async def customer() -> str:
        async def write(attempt: Any) -> Any:
            return attempt()

        open_ = replace(guesser.parts, jobs=cast("Any", SimpleNamespace(write=write)))
        return await customer_routes.guess(open_, request, "join", lambda: "the invitation")

    assert asyncio.run(customer()) == "the invitation"


def test_a_neighbourhood_of_many_addresses_is_one_guesser_in_a_flood(parts: Parts) -> None:
    """A whole /24 or /48 has ten tries then, not two for each of its addresses."""
    guesser = Guesser(parts)

    async def flood(senders: list[str]) -> None:
        for sender in senders:
            await guesser.guess(sender)

    asyncio.run(flood([f"10.{n}.0.1" for n in range(60)]))
    before = len(guesser.tried)
    asyncio.run(flood([f"198.51.100.{n}" for n in range(40)]))
    assert len(guesser.tried) - before == NEAR_TRIES, "tries of a neighbourhood"
    asyncio.run(flood([f"2001:db8:7:{n:x}::1" for n in range(40)]))
    assert len(guesser.tried) - before == 2 * NEAR_TRIES, "tries of a neighbourhood"


def test_many_guesses_at_once_are_no_more_tries(parts: Parts) -> None:
    """Two hundred requests in the same moment are five tries."""
    guesser = Guesser(parts)

    async def rush() -> None:
        await asyncio.gather(*(guesser.guess(SENDERS[0]) for _ in range(200)))

    asyncio.run(rush())
    assert guesser.most() == SENDER_TRIES, "tries"


def test_every_refusal_takes_the_same_time(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong, and blocked without a look: both wait until the same moment after they came."""
    guesser = Guesser(parts, 1000.0)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def play() -> None:
        for _ in range(8):
            await guesser.guess(SENDERS[0])

    fake = SimpleNamespace(sleep=sleep, get_running_loop=asyncio.get_running_loop)
    monkeypatch.setattr(customer_routes, "asyncio", fake)
    asyncio.run(play())
    assert guesser.most() == SENDER_TRIES
    assert len(waited) == 8, "each was waited for"
    assert min(waited) > 500
