# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad invitation that a customer's Companion tells of: on the ticket once an hour, and the same to every sender."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.entities import HISTORY
from app.domain.invitation import BAD_INVITATION_LINE
from sync.server.alarms import QUIET_MS, WHYS
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.web import session_routes
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import World


def report(world: World, bearer: dict[str, str], **said: Any) -> Any:
    """What a Companion hands in."""
    body = {"id": world.rng(16).hex(), "at": world.clock(), "why": "used"} | said
    return world.client.post("/customer/v1/alarm", json=body, headers=bearer)


def lines(world: World, ticket: bytes) -> list[Any]:
    """The history lines of bad invitations on a ticket."""
    table = ENTITY_TABLES[HISTORY.number]
    query = sa.select(table).where(table.c.subject == ticket, table.c.kind == BAD_INVITATION_LINE)
    with world.store.read() as cx:
        return list(cx.execute(query).mappings())


def iid_of(inviter: Inviter) -> str:
    """The id of the inviter's newest invitation."""
    with inviter.world.store.read() as cx:
        found = cx.execute(sa.select(SYSTEM.session.c.iid).where(SYSTEM.session.c.sid == inviter.sid)).scalar_one()
    return bytes(found).hex()


def state_of(inviter: Inviter) -> str:
    """How the server's own row stands."""
    with inviter.world.store.read() as cx:
        query = sa.select(SYSTEM.session.c.state).where(SYSTEM.session.c.sid == inviter.sid)
        return str(cx.execute(query).scalar_one())


def test_a_bad_invitation_stands_on_the_customers_own_ticket_without_its_reason(world: World) -> None:
    """Agents of the ticket read that one came, by whose computer; what was wrong with it is not said there."""
    kim, companion = world.agent(), world.companion()
    ticket = kim.ticket()
    answer = report(world, companion.bearer, ticket=ticket.hex(), why="organisation")
    assert answer.status_code == 200, answer.text
    (line,) = lines(world, ticket)
    assert (line["actor_kind"], bytes(line["actor"])) == ("customer", world.customer)
    assert json.loads(line["data"]) == {}
    assert line["seq"] > 0  # agents' programs load it like any other line


def test_a_flood_gives_one_line_an_hour(world: World) -> None:
    """However many bad invitations come, the ticket stays readable; an hour later the next one is told."""
    kim, companion = world.agent(), world.companion()
    ticket = kim.ticket()
    for _ in range(30):
        assert report(world, companion.bearer, ticket=ticket.hex()).status_code == 200
    assert len(lines(world, ticket)) == 1
    world.clock.forward(QUIET_MS / 1000 + 1)
    assert report(world, world.companion().bearer, ticket=ticket.hex()).status_code == 200
    assert len(lines(world, ticket)) == 2


def test_a_report_that_is_sent_again_counts_once(world: World) -> None:
    """Its first answer was lost; much later it is no second alarm."""
    kim, companion = world.agent(), world.companion()
    ticket, id_ = kim.ticket(), world.rng(16).hex()
    first = report(world, companion.bearer, ticket=ticket.hex(), id=id_)
    world.clock.forward(QUIET_MS / 1000 + 1)
    companion.access = companion.sign_in()
    again = report(world, companion.bearer, ticket=ticket.hex(), id=id_)
    assert first.json() == again.json()
    assert len(lines(world, ticket)) == 1


@pytest.mark.parametrize("named", ["", "zz", "0190" + "99" * 14, "foreign"])
def test_what_names_no_ticket_of_the_customers_stands_on_the_customers_newest(
    world: World, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leads see it there, administrators its reason in the log; the answer is like that of any ticket."""
    kim, companion = world.agent(), world.companion()
    older = kim.ticket(3)
    world.clock.forward(60)
    own, foreign = kim.ticket(1), kim.ticket(2, customer=world.other_customer)
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(session_routes, "_log", SimpleNamespace(warning=lambda _text, **what: logged.append(what)))
    id_ = world.rng(16).hex()
    answer = report(world, companion.bearer, ticket=foreign.hex() if named == "foreign" else named, why="time", id=id_)
    assert (answer.status_code, answer.json()) == (200, {"id": id_, "number": None})
    assert not lines(world, foreign)
    assert not lines(world, older)
    assert len(lines(world, own)) == 1
    assert [(each["why"], each["on_ticket"], each["named"]) for each in logged] == [("time", True, False)]
    assert report(world, companion.bearer, ticket=own.hex()).json()["number"] is None


def test_of_a_customer_without_a_ticket_the_log_tells_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no ticket to stand on; administrators find it there with the customer."""
    companion = world.companion()
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(session_routes, "_log", SimpleNamespace(warning=lambda _text, **what: logged.append(what)))
    assert report(world, companion.bearer, why="time").status_code == 200
    assert [(each["on_ticket"], each["customer"]) for each in logged] == [(False, world.customer.hex())]


def test_a_flood_does_not_fill_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one customer's bad invitations a few an hour are told one by one, with words of ours only."""
    companion = world.companion()
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(session_routes, "_log", SimpleNamespace(warning=lambda _text, **what: logged.append(what)))
    for _ in range(30):
        assert report(world, companion.bearer, why="x" * 300).status_code == 200
    assert len(logged) == 20
    assert {each["why"] for each in logged} == {"other"}


def test_agents_and_strangers_report_nothing(world: World) -> None:
    """The Companion's word counts, signed in as that customer's; nobody else's does."""
    kim = world.agent()
    ticket = kim.ticket()
    assert report(world, {}, ticket=ticket.hex()).status_code == 401
    assert report(world, kim.bearer, ticket=ticket.hex()).status_code in (401, 403)
    assert not lines(world, ticket)


@pytest.mark.parametrize("why", sorted(WHYS))
def test_the_inviting_agent_hears_the_same_whatever_was_wrong(world: World, why: str) -> None:
    """The invitation ends as one that could not be used, in one form for every cause."""
    kim, companion = world.agent(), world.companion()
    inviter = Inviter(world, kim)
    ticket = kim.ticket()
    assert inviter.invite(ticket).status_code < 300
    assert report(world, companion.bearer, ticket=ticket.hex(), iid=iid_of(inviter), why=why).status_code == 200
    assert state_of(inviter) == "bad_invitation"
    with world.store.read() as cx:
        told = cx.execute(sa.select(SYSTEM.notice.c.kind).where(SYSTEM.notice.c.device_id == kim.device)).scalars()
        assert list(told) == ["sessions"]


def test_an_invitation_that_another_computer_of_the_customers_has_taken_goes_on(world: World) -> None:
    """Somebody with an old computer cannot end what is being used at the other one, nor one of another customer."""
    kim, companion, old = world.agent(), world.companion(), world.companion()
    inviter = Inviter(world, kim)
    inviter.invite(kim.ticket())
    assert redeem(world, {"iid": iid_of(inviter)}, companion.bearer).status_code == 200
    report(world, old.bearer, iid=iid_of(inviter))
    assert state_of(inviter) == "invited"
    report(world, companion.bearer, iid=iid_of(inviter))
    assert state_of(inviter) == "bad_invitation"
