# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer's clock is set while sync runs: nothing waits for a time that will not come, and times stay true."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator

import pytest

from app.store.pending_file import open_reader
from sync.protocol import Hello, Pull, Push
from tests.sync.desk import KEY, Client
from tests.sync.test_worker_rounds import TOKEN, OddServer, Paced, _Tokens

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


class Computer:
    """A wall clock that somebody sets, and a steady one that nobody can."""

    def __init__(self) -> None:
        self.steady_s, self.wall_s = 1_000.0, 1_790_000_000.0

    def pass_s(self, seconds: float) -> None:
        """Time goes by."""
        self.steady_s += seconds
        self.wall_s += seconds


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    made = Computer()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: int(made.wall_s * 1e9))
        patched.setattr(time, "monotonic", lambda: made.steady_s)
        yield made


def test_a_clock_put_right_from_the_future_does_not_stop_the_polls(kim: Client, computer: Computer) -> None:
    """Ten years ahead, then right again: the worker asks at its usual times, and never plans years ahead."""

    async def play() -> tuple[list[float], list[str]]:
        worker = await _worker(kim)
        asked: list[str] = []
        waits: list[float] = []
        for wall_s in (0, 10 * YEAR_MS / 1000, -10 * YEAR_MS / 1000):
            computer.wall_s += wall_s
            for _ in range(4):
                worker.waits.clear()
                while not worker.waits:
                    await worker._round()
                wait = worker.waits[-1]
                assert wait is not None
                waits.append(wait)
                computer.pass_s(90)
                pulls = worker._engine.core.counters.checkpoints
                worker.waits.clear()
                while not worker.waits:
                    await worker._round()
                asked.append("asked" if worker._engine.core.counters.checkpoints > pulls else "silent")
        return waits, asked

    waits, asked = asyncio.run(play())
    assert asked == ["asked"] * 12
    assert max(waits) <= 90


def test_a_set_clock_is_told_to_the_server_before_the_next_edit_goes_out(kim: Client) -> None:
    """The server corrects times by the difference it measured: after a jump of the clock it measures again."""
    ticket = kim.new_ticket()
    assert kim.sync()
    kim.restart_worker()
    steady, wall = 10_000, kim.desk.clock()
    _settle(kim, steady, wall)
    assert kim.core.next(steady + 1_000, wall + 1_900) is None, "a clock that is put right by a second asks for nothing"
    kim.note(ticket)
    request = kim.core.next(steady + 2_000, wall + 2_000 + HOUR_MS)
    assert isinstance(request, Hello)
    assert request.wall_ms == wall + 2_000 + HOUR_MS
    _settle(kim, steady + 3_000, wall + 3_000 + HOUR_MS)
    assert kim.core.next(steady + 4_000, wall + 4_000 + HOUR_MS) is None, "once is enough"


def test_a_question_about_many_tickets_does_not_hang_on_the_wall_clock(kim: Client) -> None:
    """What was to be asked again in ten minutes is asked again in ten minutes, whatever the clock on the wall says."""
    kim.restart_worker()
    steady, wall = 10_000, kim.desk.clock() + 10 * YEAR_MS
    _settle(kim, steady, wall)
    kim.core.guard = (300, 310)
    kim.core.answer_guard(apply=False)
    assert kim.core.next(steady + 60_000, wall + 60_000) is None
    kim.core.poked()
    assert isinstance(kim.core.next(steady + 700_000, wall + 700_000), Pull)


def _settle(client: Client, steady_ms: int, wall_ms: int) -> None:
    core, desk = client.core, client.desk
    while (request := core.next(steady_ms, wall_ms)) is not None:
        if isinstance(request, Hello):
            core.on_hello(desk.parts.core.hello(desk.clock(), client.grant, request), steady_ms)
            continue
        if isinstance(request, Push):
            core.on_push(desk.parts.core.push(desk.clock(), client.grant, request))
            continue
        assert isinstance(request, Pull)
        for frame in desk.parts.core.pull(desk.clock(), client.grant, request):
            core.on_frame(frame)
        core.on_pull_end(steady_ms)


async def _worker(client: Client) -> Paced:
    worker = Paced(open_reader(client.folder, KEY), lambda: (client.replica, False), TOKEN, lambda _: _Tokens(),
                   random.Random(1))  # fmt: skip
    worker.waits = []
    await worker._open()
    worker._connection.adopt(OddServer(client, lambda _: None))  # type: ignore[arg-type]  # stands in for the transport
    return worker
