# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server forgets after its time, and that devices notice exactly what they must."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.changes import WHOLE_ROW, TicketDelete, TicketRestore
from app.domain.entities import HISTORY, MESSAGE, NOTE, STATE, TICKET, team_scope
from sync.protocol import Exits
from sync.server.bulk import scope_errors
from sync.server.devices import Devices
from sync.server.retention import Retention
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from tests.server.test_epochs import update
from tests.server.test_exits import agrees, exits_of, move
from tests.server.world import Agent, World

DAY = 86_400


@pytest.fixture
def keeping(world: World) -> Retention:
    """The retention job."""
    return Retention(world.store, world.clock)


def count(world: World, table: sa.Table) -> int:
    """Rows of a table."""
    with world.store.read() as cx:
        return int(cx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def change(world: World, ticket: bytes, **changes: Any) -> None:
    """Put another image of a ticket."""

    def work(cx: sa.Connection) -> None:
        rows = TxRows(cx)
        row = rows.get(TICKET.number, ticket)
        assert row is not None
        deleted = bool(changes.pop("deleted", False))
        rows.stage([replace(row, values={**row.values, **changes}, deleted=deleted, rev=row.rev + 1)])
        rows.flush(world.clock())

    world.store.write(work)


def back(world: World, agent: Agent) -> Agent:
    """The same device after a long time: signed in again."""
    from sync.protocol import CONTENT_TYPE, Login, Tokens, pack, unpack
    from tests.server.world import PASSWORD

    ask = Login(login="kim", password=PASSWORD, device=agent.device)
    answer = world.client.post("/auth/v1/login", content=pack(ask), headers={"content-type": CONTENT_TYPE})
    agent.tokens = unpack(answer.content, Tokens)
    return agent


def test_a_deleted_row_goes_after_thirty_days_and_leaves_an_exit(world: World, keeping: Retention) -> None:
    """Before, it can be restored; after, devices that still hold it are told, and the sums stay right."""
    kim = world.agent()
    ticket = kim.ticket()
    kim.ticket(2)
    kim.pull()
    held = {key for key, row in kim.copy.rows.items() if ticket in (row["id"], row.get("ticket"), row.get("subject"))}
    delete(kim, ticket)
    world.clock.forward(29 * DAY)
    assert keeping.run().purged == 0
    world.clock.forward(2 * DAY)
    done = keeping.run()
    scope = team_scope(world.team("북부"))
    assert (done.purged, set(done.heads)) == (len(held) + 1, {scope})  # and the line that says so
    frames = back(world, kim).pull()
    exits = exits_of(frames)
    assert {(type_, id_) for _, type_, id_, _ in exits} > held
    assert {(scope_, to) for scope_, _, _, to in exits} == {(scope, None)}
    assert agrees(kim, scope, frames)
    with world.store.read() as cx:
        assert scope_errors(cx) == []
    assert keeping.run().purged == 0


def delete(agent: Agent, ticket: bytes) -> None:
    """Delete a ticket with everything that hangs on it."""
    assert agent.do(TicketDelete(agent.fresh(), ticket), {WHOLE_ROW: (1, 0)}) == ("ok", None)


def texts(world: World, ticket: bytes, *, deleted: bool = False) -> int:
    """How many messages and notes a ticket has."""
    found = 0
    for entity in (MESSAGE, NOTE):
        table = ENTITY_TABLES[entity.number]
        with world.store.read() as cx:
            query = sa.select(sa.func.count()).where(table.c.ticket == ticket, table.c.deleted == deleted)
            found += int(cx.execute(query).scalar_one())
    return found


def test_a_ticket_is_purged_whole_or_can_be_restored_whole(world: World, keeping: Retention) -> None:
    """Its messages go with it and never before it: while the ticket can come back, every word of it can."""
    kim = world.agent()
    ticket = kim.ticket()
    kim.do(kim.note(ticket))
    delete(kim, ticket)
    world.clock.forward(20 * DAY)
    back(world, kim)
    change(world, ticket, deleted=True, subject="touched while it was away")  # as a merged customer does
    world.clock.forward(11 * DAY)
    assert keeping.run().purged == 0
    back(world, kim)
    assert kim.do(TicketRestore(kim.fresh(), ticket)) == ("ok", None)
    assert texts(world, ticket) == 2
    delete(kim, ticket)
    world.clock.forward(31 * DAY)
    assert keeping.run().purged >= 5
    assert (texts(world, ticket), texts(world, ticket, deleted=True)) == (0, 0)
    with world.store.read() as cx:
        assert scope_errors(cx) == []


def test_a_restore_that_meets_the_purge_loses_no_word(world: World, keeping: Retention) -> None:
    """Whoever comes first: the ticket is back with all of its texts, or gone with all of them."""
    kim = world.agent()
    ticket = kim.ticket()
    for n in range(3):
        kim.do(kim.note(ticket, f"{n}"))
    delete(kim, ticket)
    world.clock.forward(31 * DAY)
    back(world, kim)
    reached, go = threading.Event(), threading.Event()
    answers = []
    real = TxRows.flush

    def slow(self: TxRows, now: int) -> dict[str, int]:
        """The restore has read what there is, and has not written yet."""
        reached.set()
        assert go.wait(30)
        return real(self, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TxRows, "flush", slow)
        restoring = threading.Thread(target=lambda: answers.append(kim.do(TicketRestore(kim.fresh(), ticket))))
        restoring.start()
        assert reached.wait(30)
        purging = threading.Thread(target=keeping.run)
        purging.start()
        purging.join(0.5)  # it has had its chance at the rows of the ticket, or it waits for the restore
        go.set()
        restoring.join(30)
        purging.join(30)
    assert answers == [("ok", None)]
    assert texts(world, ticket) == 4
    with world.store.read() as cx:
        assert scope_errors(cx) == []


def test_what_was_written_on_a_deleted_ticket_keeps_it(world: World, keeping: Retention) -> None:
    """A line that is not deleted itself is not taken away with the ticket around it."""
    kim = world.agent()
    ticket = kim.ticket()
    delete(kim, ticket)
    message = ENTITY_TABLES[MESSAGE.number]
    update(world, message.update().where(message.c.ticket == ticket).values(deleted=False, deleted_at=None))
    world.clock.forward(31 * DAY)
    assert keeping.run().purged == 0
    assert texts(world, ticket) == 1


def test_exits_are_forgotten_after_half_a_year_and_who_was_away_longer_starts_over(
    world: World, keeping: Retention
) -> None:
    """The floor rises to the last forgotten exit: 410 below it, nothing at or above it."""
    kim = world.agent()
    ticket = kim.ticket()
    kim.pull()
    north = team_scope(world.team("북부"))
    old = dict(kim.copy.cursors)
    move(world, ticket, team_scope(world.team("남부")))
    kim.pull()
    world.clock.forward(179 * DAY)
    assert keeping.run().exits == 0
    world.clock.forward(2 * DAY)
    assert keeping.run().exits > 0
    assert count(world, SYSTEM.scope_exit) == 0
    back(world, kim)
    assert kim.pull_raw(scopes=old).json() == {**kim.pull_raw(scopes=old).json(), "code": "reset", "scope": north}
    assert not any(isinstance(frame, Exits) for frame in kim.pull())


def test_old_closed_tickets_go_to_the_archive_whole(world: World, keeping: Retention) -> None:
    """With messages and history; open ones, fresh ones and those somebody touched stay; only who wants it loads it."""
    kim = world.agent()
    old, touched, opened = kim.ticket(1), kim.ticket(2), kim.ticket(3)
    states = ENTITY_TABLES[STATE.number]
    with world.store.read() as cx:
        closed = bytes(cx.execute(sa.select(states.c.id).where(states.c.category == "closed")).scalar_one())
    change(world, old, state=closed)
    change(world, touched, state=closed)
    kim.pull()
    world.clock.forward(200 * DAY)
    back(world, kim)
    kim.do(kim.note(touched))
    world.clock.forward(170 * DAY)
    north = team_scope(world.team("북부"))
    done = keeping.run()
    assert done.archived == 1
    assert {north, f"{north}:arc"} <= set(done.heads)
    frames = back(world, kim).pull()
    assert {to for _, _, _, to in exits_of(frames)} == {f"{north}:arc"}
    assert agrees(kim, north, frames)
    assert {row["id"] for row in kim.copy.of(TICKET.number)} == {touched, opened}
    told = kim.hello(optional=[f"{north}:arc"])
    assert f"{north}:arc" in {s.id for s in told.scopes}
    frames = kim.pull()
    assert agrees(kim, f"{north}:arc", frames)
    assert kim.row(old)["scope"] == f"{north}:arc"
    for type_ in (MESSAGE.number, HISTORY.number):
        assert any(row["scope"] == f"{north}:arc" for row in kim.copy.of(type_))
    assert keeping.run().archived == 0


def test_results_are_kept_until_the_device_knows_them(world: World, keeping: Retention) -> None:
    """A device that was away for a year still learns what was refused; a known old one is a fork, not a repeat."""
    kim = world.agent()
    kim.ticket()
    first = kim.mutation(kim.note(b"x" * 16))
    kim.push(first)
    kim.hello(lmid_seen=1)
    world.clock.forward(31 * DAY)
    keeping.run()
    assert count(world, SYSTEM.mutation_result) == 1
    back(world, kim)
    assert kim.push(first).results[0].st == "dup"
    kim.hello(lmid_seen=2)
    keeping.run()
    assert count(world, SYSTEM.mutation_result) == 0
    assert kim.push_raw([first]).json()["code"] == "fork"


def test_ended_tokens_go_but_a_lost_device_can_still_be_told(world: World, keeping: Retention) -> None:
    """Refresh tokens end after sixty days; those of a revoked device stay until it wiped itself."""
    kim, lee = world.agent("kim"), world.agent("lee")
    Devices(world.store, world.rng).set_state(world.clock(), kim.device.hex(), "revoked")
    world.clock.forward(61 * DAY)
    keeping.run()
    assert count(world, SYSTEM.refresh) == 1
    from sync.protocol import Refresh

    for agent, status in ((kim, 403), (lee, 401)):
        answer = agent.post("/auth/v1/refresh", Refresh(refresh=agent.tokens.refresh, device=agent.device))
        assert answer.status_code == status


def test_archive_days_zero_archives_nothing(world: World, keeping: Retention) -> None:
    """A team that wants everything at hand."""
    kim = world.agent()
    kim.ticket()
    states, tickets = ENTITY_TABLES[STATE.number], ENTITY_TABLES[TICKET.number]
    with world.store.read() as cx:
        closed = cx.execute(sa.select(states.c.id).where(states.c.category == "closed")).scalar_one()
    update(world, tickets.update().values(state=closed))
    world.store.write(lambda cx: cx.execute(SYSTEM.setting.insert().values(name="archive_days", value="0")))
    world.clock.forward(900 * DAY)
    assert keeping.run().archived == 0
