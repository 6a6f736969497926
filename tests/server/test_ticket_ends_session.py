# SPDX-License-Identifier: GPL-3.0-or-later
"""A session lives by its ticket: open, of this customer, in sight of this agent. Else it ends at both ends at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from app.domain import changes as c
from app.domain.links import parse_invite
from sync.protocol import Invite, SessionEnded, SigNack
from sync.server import session_ends
from sync.server.devices import Devices
from sync.server.news import Telling
from sync.server.store import Store
from tests.fakes.wait import wait_until
from tests.server.test_live import live
from tests.server.test_push import world_state
from tests.server.test_revoked_sessions import Shared, both_online, ends, join, refused, share
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import Agent, World

Deed = Callable[[World, Agent, bytes], c.AnyChange]


def solve(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """The agent solves it."""
    return c.TicketSet(agent.fresh(), ticket, {"state": world_state(world, "solved"), "close_reason": "duplicate"})


def close(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """Somebody closes it."""
    return c.TicketSet(agent.fresh(), ticket, {"state": world_state(world, "closed"), "close_reason": "duplicate"})


def merge(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """Somebody merges it into another one."""
    del world
    return c.TicketMerge(agent.fresh(), ticket, agent.ticket(77))


def delete(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """Somebody deletes it."""
    del world
    return c.TicketDelete(agent.fresh(), ticket)


def move(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """It goes to a team that the agent is not in."""
    return c.TicketMove(agent.fresh(), ticket, world.team("남부"))


def give(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """It turns out to be somebody else's."""
    return c.TicketSet(agent.fresh(), ticket, {"customer": world.other_customer})


def block(world: World, agent: Agent, ticket: bytes) -> c.AnyChange:
    """Its customer is blocked."""
    del ticket
    return c.CustomerSet(agent.fresh(), world.customer, {"blocked_reason": "abuse"})


DEEDS: list[tuple[Deed, str]] = [
    (solve, "ticket_closed"), (close, "ticket_closed"), (merge, "ticket_closed"), (delete, "ticket_closed"),
    (move, "ticket_moved"), (give, "requester_changed"), (block, "requester_blocked"),
]  # fmt: skip


def tell(world: World) -> None:
    """The server's look, once a second, at what sockets must hear."""
    world.client.blocking_portal.call(Telling(world.store, world.parts.hub, world.parts.jobs, world.clock).run)


def over(shared: Shared, reason: str) -> set[SessionEnded]:
    """What both are told."""
    return {SessionEnded(session=shared.inviter.sid, reason=reason)}


@pytest.mark.parametrize(("deed", "reason"), DEEDS)
def test_a_session_ends_at_both_ends_when_its_ticket_is_no_longer_one_to_share_for(
    desk: World, deed: Deed, reason: str
) -> None:
    """Whoever did it, from whatever device; the reason is told, and no relay is given any more."""
    shared = share(desk)
    lee = desk.agent("lee")
    with both_online(shared) as (agent, customer):
        assert shared.relay_credentials() == 200
        assert lee.do(deed(desk, lee, shared.ticket))[0] in ("ok", "merged")
        tell(desk)
        assert ends(agent.sync()) == ends(customer.sync()) == over(shared, reason)
        assert shared.relay_credentials() == 404
        desk.clock.forward(31)  # until then the two may still sign the end of their record
        assert refused(customer, shared.inviter.sid) == "not_member"


def test_a_session_ends_when_its_agent_leaves_the_team_of_its_ticket(desk: World) -> None:
    """What an agent may not see in a ticket, the agent does not see of its customer either."""
    shared = share(desk)
    with both_online(shared) as (agent, customer):
        Devices(desk.store, desk.rng).set_team(desk.clock(), "kim", "북부", member=False)
        tell(desk)
        assert ends(agent.sync()) == ends(customer.sync()) == over(shared, "ticket_moved")


@pytest.mark.parametrize("into", ["team", "state", "customer"])
def test_a_session_goes_on_while_its_ticket_stays_one_to_share_for(desk: World, into: str) -> None:
    """Another live state, another team that the agent is in, a customer who was entered twice and is one now."""
    Devices(desk.store, desk.rng).set_team(desk.clock(), "kim", "남부", member=True)
    shared = share(desk)
    kim = shared.kim
    kim.hello()
    changes: dict[str, c.AnyChange] = {
        "team": c.TicketMove(kim.fresh(), shared.ticket, desk.team("남부")),
        "state": c.TicketSet(kim.fresh(), shared.ticket, {"state": world_state(desk, "waiting_internal")}),
        "customer": c.CustomerMerge(kim.fresh(), desk.customer, desk.other_customer),
    }
    with both_online(shared) as (agent, customer):
        assert kim.do(changes[into])[0] == "ok"
        tell(desk)
        assert ends(agent.sync()) == ends(customer.sync()) == set()


def test_a_customer_whose_line_was_away_hears_the_reason_when_it_is_back(desk: World) -> None:
    """The two computers were still connected to each other."""
    shared = share(desk)
    shared.kim.do(solve(desk, shared.kim, shared.ticket))
    back: list[Any] = []
    with live(desk, shared.companion.access, back):
        assert ends(back) == over(shared, "ticket_closed")


def test_an_invitation_nobody_answered_is_void_when_its_ticket_is_solved(desk: World) -> None:
    """It is handed out no more either, by code or by link."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    made = inviter.invite(ticket).json()
    kim.do(solve(desk, kim, ticket))
    assert redeem(desk, {"code": made["code"]}).status_code == 404
    assert redeem(desk, {"iid": parse_invite(made["link"]).iid.hex()}).status_code == 404


def test_an_invitation_nobody_answered_is_void_when_its_customer_is_blocked(desk: World) -> None:
    """No code and no link opens it, it rings on no Companion that comes online, and unblocking brings nothing back."""
    kim = desk.agent()
    inviter, ticket, companion = Inviter(desk, kim), kim.ticket(), desk.companion()
    made = inviter.invite(ticket).json()
    kim.do(block(desk, kim, ticket))
    for reason in ("abuse", None):
        kim.do(c.CustomerSet(kim.fresh(), desk.customer, {"blocked_reason": reason}))
        assert redeem(desk, {"code": made["code"]}).status_code == 404
        assert redeem(desk, {"iid": parse_invite(made["link"]).iid.hex()}).status_code == 404
    told: list[Any] = []
    with live(desk, companion.access, told):
        assert not any(isinstance(message, Invite) for message in told)


def test_a_session_ends_when_its_customer_becomes_one_with_a_blocked_one(desk: World) -> None:
    """No invitation could be made for that one either."""
    shared = share(desk)
    kim = shared.kim
    kim.do(c.CustomerSet(kim.fresh(), desk.other_customer, {"blocked_reason": "abuse"}))
    with both_online(shared) as (agent, customer):
        assert kim.do(c.CustomerMerge(kim.fresh(), desk.customer, desk.other_customer))[0] == "ok"
        tell(desk)
        assert ends(agent.sync()) == ends(customer.sync()) == over(shared, "requester_blocked")


def test_an_edit_of_the_customer_ends_no_session(desk: World) -> None:
    """A name mended while the screen is shown."""
    shared = share(desk)
    with both_online(shared) as (agent, customer):
        kim = shared.kim
        assert kim.do(c.CustomerSet(kim.fresh(), desk.customer, {"name": "한예린 님"}))[0] == "ok"
        tell(desk)
        assert ends(agent.sync()) == ends(customer.sync()) == set()


def test_the_record_of_a_session_that_its_ticket_ended_is_finished_on_the_ticket(desk: World) -> None:
    """Its last entries come after, also to the ticket into which it was merged, and open nothing again."""
    shared = share(desk)
    shared.kim.do(merge(desk, shared.kim, shared.ticket))
    with both_online(shared):
        assert shared.record("end", first=2) == 200
        assert shared.relay_credentials() == 404
    shared.kim.pull()
    assert {row["kind"] for row in shared.kim.copy.of(17)} == {"joined", "consent", "end"}


def test_an_agent_who_ends_and_then_solves_still_signs_the_receipt(desk: World) -> None:
    """The usual order of things: what both have left to say passes for half a minute."""
    shared = share(desk)
    with both_online(shared) as (agent, customer):
        assert shared.record("end", first=2) == 200
        assert shared.kim.do(solve(desk, shared.kim, shared.ticket))[0] == "ok"
        tell(desk)
        customer.sync()
        join(customer, shared.inviter.sid)
        assert not [m for m in customer.sync() if isinstance(m, SigNack)]
        agent.sync()


def test_a_member_cannot_say_in_the_servers_name_why_a_session_ended(desk: World) -> None:
    """Only the server's own reasons end a session at once at the other end."""
    shared = share(desk)
    path = f"/session/v1/{shared.inviter.sid.hex()}/end"
    with both_online(shared) as (_agent, customer):
        answer = desk.client.post(path, json={"reason": "ticket_closed"}, headers=shared.kim.bearer)
        assert answer.status_code == 204
        assert ends(customer.sync()) == over(shared, "stopped")


def test_an_invitation_that_is_being_registered_meanwhile_does_not_outlive_the_solving(
    postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the other's change and is refused; on SQLite only one writes at a time anyway."""
    desk = World(Store.open(postgresql()))
    with desk.client, ThreadPoolExecutor(1) as beside:
        kim, lee = desk.agent(), desk.agent("lee")
        inviter, ticket = Inviter(desk, kim), kim.ticket()
        invited: list[Future[Any]] = []
        follow = session_ends.follow_tickets

        def waits() -> bool:
            with desk.store.read() as cx:
                return bool(cx.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar())

        def in_the_middle(*args: Any) -> None:
            follow(*args)
            invited.append(beside.submit(inviter.invite, ticket))
            wait_until(lambda: invited[0].done() or waits())

        monkeypatch.setattr("sync.server.rows.follow_tickets", in_the_middle)
        assert lee.do(solve(desk, lee, ticket))[0] == "ok"
        assert invited[0].result().status_code == 409
    desk.store.close()


def test_a_withdrawn_certificate_ends_its_sessions_and_the_device_gets_another_one(desk: World) -> None:
    """Both ends are told; the device itself goes on working, and invites again with the next certificate."""
    shared = share(desk)
    devices = Devices(desk.store, desk.rng)
    with both_online(shared) as (agent, customer):
        assert devices.withdraw_certificates(desk.clock(), shared.kim.device.hex()) == 1
        tell(desk)
        assert ends(agent.sync()) == ends(customer.sync()) == {shared.revoked}
        assert refused(customer, shared.inviter.sid) == "not_member"
    serial = json.loads(shared.inviter.certificate.document)["serial"]
    told = desk.client.get("/session/v1/revocations").json()
    assert serial in json.loads(told["document"])["serials"]
    ticket = shared.kim.ticket(9)
    assert shared.inviter.invite(ticket).status_code == 400
    assert Inviter(desk, shared.kim).invite(ticket).status_code == 200
    assert devices.withdraw_certificates(desk.clock(), shared.kim.device.hex()) == 1
    assert devices.withdraw_certificates(desk.clock(), shared.kim.device.hex()) == 0
