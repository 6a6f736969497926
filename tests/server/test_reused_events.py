# SPDX-License-Identifier: GPL-3.0-or-later
"""A device that uses the event of one deed for another one, which no honest client does, hides and moves nothing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.domain.changes import TicketMove, TicketSet
from app.domain.entities import HISTORY, team_scope
from sync.server.schema import ENTITY_TABLES
from sync.server.verify import verify
from tests.server.world import World

_LINES = ENTITY_TABLES[HISTORY.number]


def lines_of(world: World, ticket: bytes) -> list[Any]:
    """The lines in a ticket's history that tell of edits, in their order."""
    query = sa.select(_LINES).where(_LINES.c.subject == ticket, _LINES.c.kind == "field").order_by(_LINES.c.seq)
    with world.store.read() as cx:
        return list(cx.execute(query).mappings())


def test_an_edit_under_the_event_of_an_earlier_one_leaves_its_own_line(world: World) -> None:
    """On another ticket, and on the same one: nobody can edit unseen."""
    kim = world.agent("kim")
    first, second = kim.ticket(1), kim.ticket(2)
    event = kim.fresh()
    for ticket, priority in ((first, 3), (second, 4), (second, 1)):
        assert kim.do(TicketSet(event, ticket, {"priority": priority})) == ("ok", None)
    assert [len(lines_of(world, ticket)) for ticket in (first, second)] == [1, 2]


def test_a_line_of_another_teams_ticket_stays_there_whatever_event_is_used_again(world: World) -> None:
    """Its author may not see the ticket any more; with the event at hand it must not be fetched back."""
    kim = world.agent("kim")
    moved, own = kim.ticket(1), kim.ticket(2)
    event = kim.fresh()
    kim.do(TicketSet(event, moved, {"priority": 3}))
    kim.do(TicketMove(kim.fresh(), moved, world.team("남부")))
    before = lines_of(world, moved)
    assert kim.do(TicketSet(event, own, {"priority": 4})) == ("ok", None)
    assert lines_of(world, moved) == before
    assert {line["scope_id"] for line in before} == {team_scope(world.team("남부"))}
    with world.store.read() as cx:
        assert verify(cx) == []


def test_a_line_of_its_own_is_left_once_however_often_it_is_sent(world: World) -> None:
    """The deed comes again under another device id, as after a lost registration."""
    kim = world.agent("kim")
    first, second = kim.ticket(1), kim.ticket(2)
    event = kim.fresh()
    kim.do(TicketSet(event, first, {"priority": 3}))
    change = TicketSet(event, second, {"priority": 4})
    kim.do(change)
    assert world.agent("kim").do(change) == ("ok", None)
    assert len(lines_of(world, second)) == 1
