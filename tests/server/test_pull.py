# SPDX-License-Identifier: GPL-3.0-or-later
"""Hello and pull: one snapshot, everything above the cursors, and sums that prove it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.domain.changes import TicketSet
from app.domain.entities import CUSTOMER, MESSAGE, STATE, TICKET, team_scope
from sync.protocol import FRAME_MAX_BYTES, Begin, Finish, Mark, More, Results, Rows, Sums, add_sum, frame, row_hash
from sync.server import pull as pull_module
from sync.server.bulk import scope_errors
from sync.server.epochs import begin_epoch
from sync.server.schema import SYSTEM
from tests.server.world import Agent, World, row_id


def sums_of(agent: Agent, scope: str) -> tuple[int, int]:
    """Count and sum of a scope as the device computes them from what it holds."""
    n = total = 0
    for (type_, id_), row in agent.copy.rows.items():
        if row["scope"] == scope and not row["deleted"]:
            n, total = n + 1, add_sum(total, row_hash(type_, id_, row["seq"]))
    return n, total


def test_a_first_pull_brings_reference_data_customers_and_tickets(world: World) -> None:
    """Frames come in the order of the protocol, and the device's own sums equal the server's."""
    kim = world.agent()
    kim.ticket(1)
    kim.ticket(2)
    frames = kim.pull()
    assert isinstance(frames[0], Begin)
    assert isinstance(frames[-2], Sums)
    assert isinstance(frames[-1], Finish)
    assert frames[0].lmid == 2
    assert frames[0].snap == frames[-1].snap
    assert len(kim.copy.of(STATE.number)) == 8
    assert len(kim.copy.of(CUSTOMER.number)) == 2
    assert len(kim.copy.of(TICKET.number)) == 2
    for scope, told in frames[-2].scopes.items():
        assert sums_of(kim, scope) == (told.n, told.xsum), scope
    with world.store.read() as cx:
        assert scope_errors(cx) == []


def test_a_later_pull_brings_only_what_changed_and_the_results_that_matter(world: World) -> None:
    """The lost answer of a push cannot hide a rejection: it comes again with the pull that covers it."""
    kim = world.agent()
    ticket = kim.ticket()
    kim.pull()
    kim.do(TicketSet(kim.fresh(), ticket, {"priority": 4}))
    kim.do(TicketSet(kim.fresh(), ticket, {"priority": 99}))
    frames = kim.pull(lmid_seen=1)
    rows = [f for f in frames if isinstance(f, Rows)]
    assert {f.type for f in rows} == {TICKET.number, 4}
    assert [r for f in frames if isinstance(f, Results) for r in [(i.mid, i.st, i.code) for i in f.items]] == [
        (3, "rejected", "bad_value")
    ]
    assert not any(isinstance(f, Rows | Results | Mark) for f in kim.pull(lmid_seen=3))


def test_a_row_changed_twice_is_sent_once_with_its_newest_seq(world: World) -> None:
    """The delta is state-based; the sums follow the row's newest version."""
    kim = world.agent()
    ticket = kim.ticket()
    for priority in (3, 4, 1):
        kim.do(TicketSet(kim.fresh(), ticket, {"priority": priority}))
    frames = kim.pull()
    sent = [row for f in frames if isinstance(f, Rows) and f.type == TICKET.number for row in f.rows]
    assert len(sent) == 1
    assert (kim.row(ticket)["priority"], kim.row(ticket)["rev"]) == (1, 4)
    scope = team_scope(world.team("북부"))
    sums = frames[-2]
    assert isinstance(sums, Sums)
    assert sums_of(kim, scope) == (sums.scopes[scope].n, sums.scopes[scope].xsum)


def test_an_answer_that_is_full_says_where_to_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of several requests add up; a big text travels in a frame that every reader accepts."""
    monkeypatch.setattr(pull_module, "WINDOW", 3)
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    for _ in range(4):
        kim.do(kim.reply(ticket, "가" * 60_000))
    frames = lee.pull(max_bytes=10_000)
    assert sum(isinstance(f, More) for f in frames) >= 4
    assert all(len(frame(f)) <= FRAME_MAX_BYTES for f in frames)
    assert len(lee.copy.of(MESSAGE.number)) == 5
    assert kim.do(kim.reply(ticket, "가" * 300_000)) == ("rejected", "text_too_long")


def test_large_rows_go_in_small_windows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server holds at once goes by weight: long texts come in many windows, and all of them come."""
    monkeypatch.setattr(pull_module, "_WINDOW_BYTES", 200_000)
    monkeypatch.setattr(pull_module, "_STREAMED", 2)
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    for _ in range(9):
        kim.do(kim.reply(ticket, "가" * 25_000))
    held = largest = 0
    frames = lee.pull()
    for message in frames:
        held = 0 if isinstance(message, Mark) else held + len(frame(message))
        largest = max(largest, held)
    assert not any(isinstance(message, More) for message in frames)
    assert 75_000 < largest < 210_000
    assert len(lee.copy.of(MESSAGE.number)) == 10
    scope, sums = team_scope(world.team("북부")), frames[-2]
    assert isinstance(sums, Sums)
    assert sums_of(lee, scope) == (sums.scopes[scope].n, sums.scopes[scope].xsum)


def test_scopes_without_access_are_dropped_and_never_sent(world: World) -> None:
    """A device that asks for another team's scope gets its name back in `drop`, and no row."""
    kim, park = world.agent("kim"), world.agent("park")
    kim.ticket()
    other = team_scope(world.team("북부"))
    assert other not in {s.id for s in park.hello().scopes}
    frames = park.pull(scopes={**park.copy.cursors, other: 0})
    assert isinstance(frames[0], Begin)
    assert frames[0].drop == [other]
    assert park.copy.of(TICKET.number) == []
    assert park.hello(scopes={other: 5}).drop == [other]


def test_a_scope_granted_later_asks_the_device_to_say_hello_again(world: World) -> None:
    """`rehello` until it did."""
    from sync.server.access import grant

    park = world.agent("park")
    world.clock.forward(1)
    scope = team_scope(world.team("북부"))
    world.store.write(lambda cx: grant(cx, park.id, [scope], world.clock()))
    begin = park.pull()[0]
    assert isinstance(begin, Begin)
    assert begin.rehello
    world.clock.forward(1)
    assert scope in {s.id for s in park.hello().scopes}
    begin = park.pull()[0]
    assert isinstance(begin, Begin)
    assert not begin.rehello


@pytest.mark.parametrize("behind_ms", [0, 5_000], ids=["the same instant", "a clock that runs behind"])
def test_a_grant_is_noticed_whatever_the_clocks_of_the_servers_say(world: World, behind_ms: int) -> None:
    """Another process, or the same millisecond: a scope granted after a hello is always news, and is so once."""
    from sync.server.access import grant

    park = world.agent("park")
    park.hello()
    scope = team_scope(world.team("북부"))
    world.store.write(lambda cx: grant(cx, park.id, [scope], world.clock() - behind_ms))
    begin = park.pull()[0]
    assert isinstance(begin, Begin)
    assert begin.rehello
    assert scope in {s.id for s in park.hello().scopes}
    begin = park.pull()[0]
    assert isinstance(begin, Begin)
    assert not begin.rehello


def test_a_cursor_ahead_of_the_server_proves_a_rollback_and_starts_a_new_epoch(world: World) -> None:
    """After a restored backup the devices reload what they had from the lost future, and only that."""
    kim = world.agent()
    kim.ticket()
    kim.pull()
    scope = team_scope(world.team("북부"))
    before = kim.epoch
    assert kim.pull_raw(scopes={scope: 999}).json()["code"] == "epoch"
    told = kim.hello(scopes={**kim.copy.cursors, scope: 999}, sums={scope: (77, 77)})
    assert told.epoch != before
    assert {s.id for s in told.scopes if s.state == "reset"} == {scope}


def test_a_device_of_an_older_epoch_reloads_only_what_passed_the_fork(world: World) -> None:
    """Cursors at or below the head at the start of the new epoch are still true."""
    kim = world.agent()
    kim.ticket()
    kim.pull()
    world.store.write(lambda cx: begin_epoch(cx, b"e" * 16, world.clock(), "restore"))
    assert kim.pull_raw().json()["code"] == "epoch"
    assert {s.state for s in kim.hello().scopes} == {"ok"}
    kim.epoch = b"never heard of.."
    cursors = dict(kim.copy.cursors)
    assert {s.state for s in kim.hello().scopes if cursors[s.id]} == {"reset"}


def test_a_cursor_below_the_floor_is_told_to_start_over(world: World) -> None:
    """410 `reset` with the scope."""
    kim = world.agent()
    kim.ticket()
    kim.pull()
    scope = team_scope(world.team("북부"))
    world.store.write(lambda cx: cx.execute(SYSTEM.scope.update().where(SYSTEM.scope.c.id == scope).values(floor=3)))
    answer = kim.pull_raw(scopes={scope: 1})
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (410, "reset", scope)
    assert kim.pull_raw(scopes={scope: 0}).status_code == 200
    assert {s.id for s in kim.hello(scopes={scope: 1}).scopes if s.state == "reset"} == {scope}


def test_an_old_program_is_asked_to_update(world: World) -> None:
    """426 `schema` with the least version that is served."""
    kim = world.agent()
    from sync.protocol import Hello

    old = Hello(device=kim.device, schema=0, wall_ms=0, lmid_seen=0, last_mid=0)
    answer = kim.post("/sync/v1/hello", old)
    assert (answer.status_code, answer.json()["code"], answer.json()["min"]) == (426, "schema", 1)


def test_deleted_rows_are_left_out_of_a_first_load_and_sent_to_those_who_have_them(world: World) -> None:
    """A soft-deleted row is news for a device that holds it, and nothing for a fresh one."""
    from dataclasses import replace

    from sync.server.rows import TxRows

    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    kim.pull()

    def delete(cx: sa.Connection) -> None:
        rows = TxRows(cx)
        row = rows.get(TICKET.number, ticket)
        assert row is not None
        rows.stage([replace(row, deleted=True, rev=row.rev + 1)])
        rows.flush(world.clock())

    world.store.write(delete)
    frames = kim.pull()
    assert kim.row(ticket)["deleted"]
    lee.pull()
    assert (TICKET.number, ticket) not in lee.copy.rows
    scope = team_scope(world.team("북부"))
    sums = frames[-2]
    assert isinstance(sums, Sums)
    assert sums_of(kim, scope) == sums_of(lee, scope) == (sums.scopes[scope].n, sums.scopes[scope].xsum)


def test_hello_remembers_the_clock_and_the_last_mutation(world: World) -> None:
    """`lmid_hash` lets a device notice that its outbox is not the one the server knows."""
    kim = world.agent()
    mutation = kim.mutation(kim.create_change(row_id(1001)))
    kim.push(mutation)
    told = kim.hello(wall_ms=world.clock() - 5000, lmid_seen=1)
    assert (told.lmid, told.lmid_hash) == (1, mutation.hash)
    with world.store.read() as cx:
        row = cx.execute(sa.select(SYSTEM.device).where(SYSTEM.device.c.id == kim.device)).mappings().one()
    assert (row["offset_ms"], row["lmid_seen"]) == (5000, 1)
