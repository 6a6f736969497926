# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves a scope: exits with a seq of the scope that was left, and sums of both that stay right."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from app.domain.entities import HISTORY, MESSAGE, TICKET, team_scope
from sync.protocol import Exits, PullFrame, Sums
from sync.server.access import grant
from sync.server.bulk import scope_errors
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM
from tests.server.test_pull import sums_of
from tests.server.world import Agent, World


def move(world: World, ticket: bytes, to: str) -> dict[str, int]:
    """Put a ticket with all its children into another scope, as a move or the archive does."""

    def work(cx: sa.Connection) -> dict[str, int]:
        rows = TxRows(cx)
        rows.lock([(TICKET.number, ticket)])
        group = [rows.get(TICKET.number, ticket), *rows.find(MESSAGE.number, "ticket", ticket)]
        group += rows.find(HISTORY.number, "subject", ticket)
        rows.stage([replace(row, scope=to, rev=row.rev + 1) for row in group if row is not None])
        return rows.flush(world.clock())

    return world.store.write(work)


def exits_of(frames: list[PullFrame]) -> list[tuple[str, int, bytes, str | None]]:
    """Exits as (scope, type, id, to)."""
    return [(f.scope, type_, id_, to) for f in frames if isinstance(f, Exits) for _, type_, id_, to in f.items]


def agrees(agent: Agent, scope: str, frames: list[PullFrame]) -> bool:
    """Whether what the device holds of a scope equals the server's sums."""
    told = next(f for f in frames if isinstance(f, Sums)).scopes[scope]
    return sums_of(agent, scope) == (told.n, told.xsum)


def test_a_moved_ticket_leaves_the_old_team_and_arrives_at_the_new_one_whole(world: World) -> None:
    """Those of the old team lose it with all its children, those of the new team get it; all sums agree."""
    kim, park = world.agent("kim"), world.agent("park")
    north, south = team_scope(world.team("북부")), team_scope(world.team("남부"))
    ticket, kept = kim.ticket(1), kim.ticket(2)
    kim.do(kim.reply(ticket))
    kim.pull()
    park.pull()
    heads = move(world, ticket, south)
    assert set(heads) == {north, south}
    frames = kim.pull()
    assert {(scope, to) for scope, _, _, to in exits_of(frames)} == {(north, None)}
    assert {id_ for _, type_, id_, _ in exits_of(frames) if type_ == TICKET.number} == {ticket}
    assert [row["id"] for row in kim.copy.of(TICKET.number)] == [kept]
    assert agrees(kim, north, frames)
    frames = park.pull()
    assert len(park.copy.of(MESSAGE.number)) == 2
    assert agrees(park, south, frames)
    with world.store.read() as cx:
        assert scope_errors(cx) == []


def test_a_ticket_that_comes_back_is_there_again(world: World) -> None:
    """The put of the return has a higher seq than the exit of the leave, in one pull or in two."""
    kim, lee = world.agent("kim"), world.agent("lee")
    north, south = team_scope(world.team("북부")), team_scope(world.team("남부"))
    ticket = kim.ticket()
    kim.pull()
    lee.pull()
    move(world, ticket, south)
    kim.pull()
    assert kim.copy.of(TICKET.number) == []
    move(world, ticket, north)
    for agent in (kim, lee):
        frames = agent.pull()
        assert agent.row(ticket)["scope"] == north
        assert agrees(agent, north, frames)


def test_where_a_row_went_is_told_only_to_those_who_may_see_it_and_for_the_archive(world: World) -> None:
    """A move to a team of one's own names it; the archive of the own team is named too; another team is not."""
    kim = world.agent("kim")
    north, south = team_scope(world.team("북부")), team_scope(world.team("남부"))
    for n, to in enumerate((south, f"{north}:arc"), 1):
        ticket = kim.ticket(n)
        kim.pull()
        move(world, ticket, to)
        told = {to for _, _, _, to in exits_of(kim.pull())}
        assert told == ({None} if to == south else {to})
    world.store.write(lambda cx: grant(cx, kim.id, [south], world.clock()))
    ticket = kim.ticket(3)
    kim.pull()
    move(world, ticket, south)
    assert {to for _, _, _, to in exits_of(kim.pull())} == {south}
    with world.store.read() as cx:
        assert cx.execute(sa.select(SYSTEM.scope.c.n).where(SYSTEM.scope.c.id == f"{north}:arc")).scalar_one() > 0
        assert scope_errors(cx) == []


def test_the_same_line_handed_in_twice_is_no_move(world: World) -> None:
    """Append-only rows change only when their version rises; a repeat of an old one changes nothing."""
    kim = world.agent("kim")
    kim.ticket()
    kim.pull()
    head = dict(kim.copy.cursors)

    def again(cx: sa.Connection) -> dict[str, int]:
        rows = TxRows(cx)
        row = rows.get(MESSAGE.number, kim.copy.of(MESSAGE.number)[0]["id"])
        assert row is not None
        rows.stage([replace(row, scope=team_scope(world.team("남부")))])
        return rows.flush(world.clock())

    assert world.store.write(again) == {}
    kim.pull()
    assert kim.copy.cursors == head
