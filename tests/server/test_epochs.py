# SPDX-License-Identifier: GPL-3.0-or-later
"""Epochs: restores and fail-overs are noticed, and devices reload what is no longer true, and only that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from app.domain.entities import TICKET, team_scope
from sync.server.access import grant
from sync.server.bootstrap import prepare
from sync.server.epochs import begin_epoch, cluster_of, current_epoch, follow_cluster
from sync.server.schema import SYSTEM
from tests.server.world import Agent, World, row_id


def resets(agent: Agent, **changes: Any) -> set[str]:
    """Scopes that hello tells to load again."""
    return {s.id for s in agent.hello(**changes).scopes if s.state == "reset"}


def update(world: World, statement: sa.Update) -> None:
    """Change the database behind the server's back."""
    world.store.write(lambda cx: cx.execute(statement))


def restored(world: World, id_: bytes) -> None:
    """Begin an epoch as a restore does."""
    world.store.write(lambda cx: begin_epoch(cx, id_, world.clock(), "restore"))


def epochs(world: World) -> int:
    """How many epochs there were."""
    with world.store.read() as cx:
        return current_epoch(cx).no


def test_another_cluster_or_timeline_begins_an_epoch_at_start_and_the_same_one_does_not(world: World) -> None:
    """A promoted standby has another timeline; SQLite has neither."""
    with world.store.read() as cx:
        cluster = cluster_of(cx)
    prepare(world.store, world.keys, world.clock(), world.rng)
    assert epochs(world) == 1
    assert (cluster is None) == world.store.is_sqlite
    table = SYSTEM.epoch
    if world.store.is_sqlite:
        return
    for changed in ({"timeline": 99}, {"system_id": "another"}):
        before = epochs(world)
        update(world, table.update().values(**changed))
        prepare(world.store, world.keys, world.clock(), world.rng)
        assert epochs(world) == before + 1
        world.store.write(lambda cx: follow_cluster(cx, b"x" * 16, world.clock()))
        assert epochs(world) == before + 1
    world.store.write(lambda cx: cx.execute(table.update().values(system_id=None)))
    prepare(world.store, world.keys, world.clock(), world.rng)
    assert epochs(world) == 3


def test_nothing_is_answered_by_another_timeline_before_its_epoch_began(world: World) -> None:
    """A standby takes over between two requests: the next one of whatever kind meets the new epoch already."""
    if world.store.is_sqlite:
        return
    kim = world.agent()
    kim.ticket()
    table = SYSTEM.epoch
    asks: list[Callable[[], Any]] = [
        lambda: kim.pull_raw(),
        lambda: kim.push_raw([kim.mutation(kim.create_change(b"x" * 16))]),
    ]
    for number, ask in enumerate(asks):
        before = epochs(world)
        update(world, table.update().values(timeline=99 + number))
        watch = world.store._timelines
        assert watch is not None
        watch._known = ("as it was", 99 + number)
        world.store._engine.dispose()
        told = ask()
        assert (told.status_code, told.json()["code"]) == (409, "epoch")
        assert epochs(world) == before + 1
        kim.hello()
        assert kim.pull_raw().status_code == 200


def test_a_device_that_missed_several_epochs_goes_by_the_lowest_head_of_them(world: World) -> None:
    """Two restores in a row: what was true before the first need not be true after the second."""
    kim = world.agent()
    kim.ticket()
    kim.pull()
    scope = team_scope(world.team("북부"))
    head = kim.copy.cursors[scope]
    for n, at in enumerate((head, head - 1, head + 5)):
        update(world, SYSTEM.scope.update().where(SYSTEM.scope.c.id == scope).values(head=at))
        restored(world, bytes([n]) * 16)
    assert resets(kim, scopes={scope: head}) == {scope}
    kim.epoch = b"\x01" * 16
    assert resets(kim, scopes={scope: head}) == set()
    kim.epoch = b""
    assert resets(kim, scopes={scope: head}) == {scope}


def test_a_scope_that_did_not_exist_when_an_epoch_began_is_loaded_again(world: World) -> None:
    """The archive of a team has the same name after a restore, but not the same rows."""
    kim = world.agent()
    scope = f"{team_scope(world.team('북부'))}:arc"
    before = kim.epoch
    restored(world, b"r" * 16)
    world.store.write(lambda cx: grant(cx, kim.id, [scope], world.clock()))
    world.store.write(lambda cx: cx.execute(SYSTEM.scope.update().where(SYSTEM.scope.c.id == scope).values(head=9)))
    kim.epoch = before
    assert resets(kim, scopes={scope: 7}, optional=[scope]) == {scope}


def test_numbers_of_the_lost_future_are_not_given_again(world: World) -> None:
    """Customers have them in their mail."""
    kim = world.agent()
    first = kim.push(kim.mutation(kim.create_change(row_id(1001)))).results[0].data or {}
    restored(world, b"r" * 16)
    kim.hello()
    second = kim.push(kim.mutation(kim.create_change(row_id(1002)))).results[0].data or {}
    assert second["number"] > first["number"] + 100
    kim.pull()
    assert len(kim.copy.of(TICKET.number)) == 2


def test_only_scopes_of_ones_own_prove_a_rollback(world: World) -> None:
    """A made-up cursor of a scope without access moves nothing; a confirmed mutation that is gone does."""
    kim = world.agent("kim")
    kim.ticket()
    foreign = team_scope(world.team("남부"))
    kim.hello(scopes={foreign: 10**9}, sums={foreign: (7, 7)})
    assert epochs(world) == 1
    kim.hello(lmid_seen=2, last_mid=2, seen_hash=b"12345678")
    assert epochs(world) == 2
    with world.store.read() as cx:
        reasons = cx.execute(sa.select(SYSTEM.epoch.c.reason).order_by(SYSTEM.epoch.c.no)).scalars().all()
    assert reasons[1] == "rollback proved by a client"


def test_without_proof_no_epoch_begins(world: World) -> None:
    """What a device says of mutations it never made, or of a cursor alone, moves nobody else's data or numbers."""
    kim = world.agent("kim")
    ticket = kim.ticket()
    kim.pull()
    scope = team_scope(world.team("북부"))
    with world.store.read() as cx:
        table = SYSTEM.scope
        now = cx.execute(sa.select(table.c.n, table.c.xsum).where(table.c.id == scope)).one()
    for claim in (
        {"lmid_seen": 10**6}, {"lmid_seen": 10**6, "seen_hash": b"12345678"}, {"lmid_seen": 2, "last_mid": 2},
        {"lmid_seen": 2, "last_mid": 2, "seen_hash": b"short"}, {"scopes": {scope: 10**9}},
        {"scopes": {scope: 10**9}, "sums": {scope: (now.n, now.xsum)}},
    ):  # fmt: skip
        kim.hello(**claim)
        assert epochs(world) == 1, claim
    assert resets(kim, scopes={scope: 10**9}) == {scope}  # it loads again what cannot be, all the same
    assert kim.do(kim.note(ticket)) == ("ok", None)


def test_an_account_is_believed_once_a_day(world: World) -> None:
    """With all its devices; the others' word counts meanwhile, and its own again tomorrow."""
    claim: dict[str, Any] = {"lmid_seen": 2, "last_mid": 2, "seen_hash": b"12345678"}
    kim, lee = world.agent("kim"), world.agent("lee")
    for n in range(3):
        kim.hello(**claim)
        world.agent("kim").hello(**claim)
        assert epochs(world) == 2, n
    lee.hello()
    lee.hello(**claim)
    assert epochs(world) == 3
    world.clock.forward(25 * 3600)
    kim = world.agent("kim")
    kim.hello(**claim)
    assert epochs(world) == 4


def test_a_device_that_holds_more_than_the_server_has_proves_a_restore(world: World) -> None:
    """An administrator put an old database file in place by hand: the first device that comes tells."""
    kim = world.agent("kim")
    kim.ticket()
    kim.pull()
    scope = team_scope(world.team("북부"))
    head = kim.copy.cursors[scope]
    update(world, SYSTEM.scope.update().where(SYSTEM.scope.c.id == scope).values(head=head - 1, n=0, xsum=0))
    kim.hello(sums={scope: (4, 77)})
    assert epochs(world) == 2


def test_a_hello_that_names_very_many_scopes_is_answered(world: World) -> None:
    """Those that the device may not see are dropped; the database is not asked for each."""
    kim = world.agent("kim")
    kim.hello()
    told = kim.hello(scopes={f"team:{n:032x}": 1 for n in range(66_000)})
    assert len(told.drop) == 66_000
