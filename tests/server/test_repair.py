# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums that do not fit the rows are put right by an administrator, and devices agree with the server again."""

from __future__ import annotations

from app.domain.entities import NOTE, TICKET, team_scope
from sync.server.bulk import scope_errors
from sync.server.repair import repair_sums
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.verify import verify
from tests.server.test_exits import agrees
from tests.server.world import Agent, World


def fresh(agent: Agent, scope: str) -> bool:
    """Load a scope from the beginning, as a device does whose sum differs, and compare."""
    agent.copy.cursors[scope] = 0
    agent.copy.rows = {key: row for key, row in agent.copy.rows.items() if row["scope"] != scope}
    return agrees(agent, scope, agent.pull())


def test_wrong_sums_are_put_right_from_the_rows_and_devices_that_differ_load_again(world: World) -> None:
    """Somebody deleted a row and changed a sum by hand: until then every device loads that scope for ever."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    kim.do(kim.note(ticket, "은 지워집니다"))
    kim.do(kim.note(ticket, "은 남습니다"))
    lee.pull()
    scope, scopes = team_scope(world.team("북부")), SYSTEM.scope
    note = ENTITY_TABLES[NOTE.number]
    world.store.write(lambda cx: cx.execute(note.delete().where(note.c.body == "은 지워집니다")))
    world.store.write(lambda cx: cx.execute(scopes.update().where(scopes.c.id == "ref").values(xsum=5)))
    assert not fresh(kim, scope)
    repaired = repair_sums(world.store)
    assert [scope for scope, _, _ in repaired] == ["ref", scope]
    (before, after) = next((before, after) for id_, before, after in repaired if id_ == scope)
    assert after[0] == before[0] - 1
    with world.store.read() as cx:
        assert scope_errors(cx) == []
        assert verify(cx) == []
    assert fresh(kim, scope)
    assert fresh(kim, "ref")
    assert not agrees(lee, scope, lee.pull())  # it holds a row that is gone: its sum says so, and it loads again
    assert fresh(lee, scope)
    assert kim.do(kim.note(ticket)) == ("ok", None)
    assert repair_sums(world.store) == []


def test_a_head_below_its_rows_is_raised(world: World) -> None:
    """Else the next change would take a seq that a row has already."""
    kim = world.agent("kim")
    ticket = kim.ticket()
    scope, scopes = team_scope(world.team("북부")), SYSTEM.scope
    change = scopes.update().where(scopes.c.id == scope).values(head=1, n=99)
    world.store.write(lambda cx: cx.execute(change))
    assert len(repair_sums(world.store)) == 1
    assert kim.do(kim.note(ticket)) == ("ok", None)
    with world.store.read() as cx:
        assert verify(cx) == []
    assert fresh(kim, scope)


def test_a_customer_or_owner_that_is_not_here_is_no_damage(world: World) -> None:
    """References across scopes may dangle: the window shows that they are not available."""
    from app.domain.changes import TicketSet

    kim = world.agent("kim")
    ticket = kim.ticket()
    assert kim.do(TicketSet(kim.fresh(), ticket, {"owner": kim.fresh(), "customer": kim.fresh()})) == ("ok", None)
    with world.store.read() as cx:
        assert verify(cx) == []
    kim.pull()
    assert kim.copy.of(TICKET.number)
