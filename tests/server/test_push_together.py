# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes of several devices in one transaction: each is answered as if it had come alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.domain.changes import Noop, TicketSet
from app.domain.entities import MESSAGE, user_scope
from sync.protocol import Mutation, Push, PushAnswer
from sync.server.bulk import scope_errors
from sync.server.core import ServerCore
from sync.server.problems import ProblemError
from sync.server.push_queue import Answer, PushQueue
from sync.server.schema import SYSTEM
from sync.server.store import DatabaseBusy, Store
from sync.server.tokens import AGENT, Grant
from tests.server.world import Agent, CountingRandom, World, row_id


def asked(agent: Agent, *muts: Mutation) -> tuple[Grant, Push]:
    """Return a push as the core is given it."""
    return Grant(AGENT, agent.id, agent.device, 0), Push(device=agent.device, epoch=agent.epoch, muts=list(muts))


def together(world: World, *pushes: tuple[Grant, Push]) -> list[PushAnswer]:
    """Push all at once; nobody is turned away."""
    told = ServerCore(world.store, CountingRandom()).push_together(world.clock(), pushes)
    answers = [answer for answer in told if isinstance(answer, PushAnswer)]
    assert len(answers) == len(pushes)
    return answers


def bodies(agent: Agent) -> list[str]:
    """Return the messages that an agent pulled, in their order."""
    return [m["body"] for m in sorted(agent.copy.of(MESSAGE.number), key=lambda m: int(m["msg_no"]))]


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry a write transaction."""
    out: list[int] = []
    real = Store.write

    def write(self: Store, work: Callable[[Any], Any]) -> Any:
        out.append(1)
        return real(self, work)

    monkeypatch.setattr(Store, "write", write)
    return out


def test_devices_that_push_at_once_share_a_transaction_and_see_each_others_work(
    world: World, commits: list[int]
) -> None:
    """Two replies to one ticket get numbers one after the other; each author is told of the own ones only."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    commits.clear()
    first, second = together(
        world,
        asked(kim, kim.mutation(kim.heard(ticket, "하나"))),
        asked(lee, lee.mutation(lee.heard(ticket, "둘"))),
    )
    assert len(commits) == 1
    assert (first.lmid, [r.st for r in first.results]) == (2, ["ok"])
    assert (second.lmid, [r.st for r in second.results]) == (1, ["ok"])
    kim.pull()
    assert [(m["msg_no"], m["body"]) for m in kim.copy.of(MESSAGE.number)] == [
        (1, "도와주세요"),
        (2, "하나"),
        (3, "둘"),
    ]
    with world.store.read() as cx:
        assert scope_errors(cx) == []


def test_a_reply_that_did_not_see_the_one_beside_it_is_held(world: World) -> None:
    """The rule about stale replies holds inside a transaction too; the scope of the one is not told to the other."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    first, second = together(
        world,
        asked(kim, kim.mutation(kim.reply(ticket, seen_seq=1))),
        asked(lee, lee.mutation(lee.reply(ticket, seen_seq=1))),
    )
    assert [r.st for r in first.results] == ["ok"]
    assert [(r.st, r.code) for r in second.results] == [("conflict", "stale_reply")]
    assert user_scope(lee.id) not in first.heads
    assert user_scope(lee.id) in second.heads


def test_a_device_that_may_not_push_spoils_nobody_elses_work(world: World) -> None:
    """A gap, another epoch, a suspended device and one of another account: each is told, the rest is applied."""
    kim, lee, park, gone = (world.agent(login) for login in ("kim", "lee", "park", "kim"))
    ticket = kim.ticket()
    lee.mid, park.epoch = 7, b"another epoch..."
    table = SYSTEM.device
    stopped = table.update().where(table.c.id == gone.device).values(state="suspended")
    world.store.write(lambda cx: cx.execute(stopped))
    strange, _ = asked(park)
    told = ServerCore(world.store, CountingRandom()).push_together(
        world.clock(),
        [
            asked(lee, lee.mutation(lee.heard(ticket))),
            asked(park, park.mutation(Noop(park.fresh()))),
            asked(gone, gone.mutation(Noop(gone.fresh()))),
            (strange, Push(device=kim.device, epoch=kim.epoch, muts=[])),
            asked(kim, kim.mutation(kim.heard(ticket))),
        ],
    )
    problems = [answer.problem.code for answer in told if isinstance(answer, ProblemError)]
    assert problems == ["gap", "epoch", "suspended", "device"]
    assert isinstance(told[-1], PushAnswer)
    assert [r.st for r in told[-1].results] == ["ok"]


def test_what_fails_together_is_done_again_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a value slips through our own checks, its author's mutation alone is rejected; others notice nothing."""
    from sync.server import rows as rows_module

    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    real_record = rows_module._record

    def record(row: Any, seq: int, now: int) -> dict[str, Any]:
        made = real_record(row, seq, now)
        return made | {"rev": None} if row.values.get("body") == "bad" else made

    monkeypatch.setattr(rows_module, "_record", record)
    first, second = together(
        world,
        asked(kim, *[kim.mutation(kim.heard(ticket, body)) for body in ("a", "bad", "b")]),
        asked(lee, lee.mutation(lee.heard(ticket, "c"))),
    )
    assert [(r.st, r.code) for r in first.results] == [("ok", None), ("rejected", "error"), ("ok", None)]
    assert [(r.st, r.code) for r in second.results] == [("ok", None)]
    kim.pull()
    assert bodies(kim)[1:] == ["a", "b", "c"]


def test_the_same_push_twice_at_once_is_applied_once(world: World) -> None:
    """A request that a proxy sent twice: the second gets `dup`."""
    kim = world.agent()
    ticket = kim.ticket()
    push = asked(kim, kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 4})))
    first, second = together(world, push, push)
    assert ([r.st for r in first.results], [r.st for r in second.results]) == (["ok"], ["dup"])
    assert first.lmid == second.lmid == 2


def test_when_the_database_cannot_everybody_is_told_to_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 for all, `rejected` for none."""
    kim, lee = world.agent("kim"), world.agent("lee")
    pushes = [asked(agent, agent.mutation(agent.create_change(row_id(1001 + n)))) for n, agent in enumerate((kim, lee))]

    def broken(_self: Store, _work: object) -> None:
        raise DatabaseBusy("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", broken)
        told = ServerCore(world.store, CountingRandom()).push_together(world.clock(), pushes)
    assert all(isinstance(answer, DatabaseBusy) for answer in told)
    assert all(answer.results[0].st == "ok" for answer in together(world, *pushes))


async def test_pushes_gather_while_a_transaction_runs() -> None:
    """The first goes at once; those that come meanwhile go together, a large one alone; one that left is no harm."""
    gate, begun, groups = asyncio.Event(), asyncio.Event(), list[list[bytes]]()

    async def run(pushes: Sequence[tuple[Grant, bytes]]) -> list[Answer | Exception]:
        groups.append([body[:1] for _, body in pushes])
        begun.set()
        await gate.wait()
        return [DatabaseBusy("b") if body == b"b" else Answer(body, {}) for _, body in pushes]

    queue, who = PushQueue(run, 1), Grant(AGENT, b"a" * 16, b"d" * 16, 0)
    bodies = [b"a", b"b", b"c", b"l" * 300_000, b"d"]
    tasks = [asyncio.ensure_future(queue.push(who, body)) for body in bodies]
    await begun.wait()
    tasks[2].cancel()
    gate.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert groups == [[b"a"], [b"b", b"c"], [b"l"], [b"d"]]
    assert [type(answer) for answer in told] == [Answer, DatabaseBusy, asyncio.CancelledError, Answer, Answer]


async def test_a_bug_in_the_writer_is_told_to_those_who_wait() -> None:
    """Nobody waits for ever; the next push is tried."""

    async def run(pushes: Sequence[tuple[Grant, bytes]]) -> list[Answer | Exception]:
        if pushes[0][1] == b"bad":
            raise ZeroDivisionError
        return [Answer(body, {}) for _, body in pushes]

    queue, who = PushQueue(run, 1), Grant(AGENT, b"a" * 16, b"d" * 16, 0)
    with pytest.raises(ZeroDivisionError):
        await queue.push(who, b"bad")
    assert (await queue.push(who, b"good")).body == b"good"
