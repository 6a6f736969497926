# SPDX-License-Identifier: GPL-3.0-or-later
"""A session whose agent's device or account is let in no more ends at both ends at once, whatever that agent does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from app.domain.links import parse_invite
from sync.protocol import Bye, Invite, SessionEnded, Sig, SigNack
from sync.server.devices import Devices
from sync.server.news import Telling
from sync.server.notices import notify
from sync.server.people import People
from sync.server.store import Store
from tests.fakes.wait import wait_until
from tests.server.test_live import Line, live
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import Agent, Companion, World

HOWS = ["device suspended", "device revoked", "account suspended"]


def withdraw(world: World, agent: Agent, how: str) -> None:
    """What `deskside admin` does in a process of its own, and the server's look, once a second, at what came of it."""
    what, state = how.split()
    if what == "device":
        Devices(world.store, world.rng).set_state(world.clock(), agent.device.hex(), state)
    else:
        assert agent.tokens.account is not None
        People(world.store, world.rng, str).set_state(world.clock(), agent.tokens.account.login, state)
    telling = Telling(world.store, world.parts.hub, world.parts.jobs, world.clock)
    world.client.blocking_portal.call(telling.run)


@dataclass
class Shared:
    """A session that runs between an agent and a companion."""

    world: World
    kim: Agent
    companion: Companion
    inviter: Inviter
    ticket: bytes

    @property
    def revoked(self) -> SessionEnded:
        """What both are told."""
        return SessionEnded(session=self.inviter.sid, reason="revoked")

    def record(self, *kinds: str, first: int = 0) -> int:
        """Hand in entries of the customer's record."""
        ask = self.inviter.entries(self.ticket, *kinds, first=first)
        return int(self.companion.post("/customer/v1/entries", ask).status_code)

    def relay_credentials(self) -> int:
        """Ask for a relay as the customer's end."""
        path = f"/session/v1/{self.inviter.sid.hex()}/turn"
        return int(self.world.client.post(path, headers=self.companion.bearer).status_code)


def share(world: World, login: str = "kim", team: str = "북부") -> Shared:
    """Invite, join and consent."""
    kim, companion = world.agent(login), world.companion()
    shared = Shared(world, kim, companion, Inviter(world, kim), kim.ticket(len(login), team))
    assert shared.inviter.invite(shared.ticket).status_code == 200
    with live(world, companion.access) as customer:
        join(customer, shared.inviter.sid)
        customer.sync()
    assert shared.record("joined", "consent") == 200
    return shared


def join(customer: Line, sid: bytes) -> None:
    """Answer an invitation: from now on the session is with this end."""
    customer.send(Sig(session=sid, to="agent", n=0, data=b"join"))


def ends(told: list[Any]) -> set[SessionEnded]:
    """Which sessions are over, of what was told; saying it twice is no harm."""
    return {message for message in told if isinstance(message, SessionEnded)}


def until_cut(agent: Line) -> list[Any]:
    """Return what an agent's end is told until its line is cut."""
    out = []
    while (message := agent.next()) != Bye(code="token"):
        out.append(message)
    return out


def refused(customer: Line, sid: bytes) -> str:
    """Return how the relay refuses a signal."""
    customer.send(Sig(session=sid, to="agent", n=1, data=b"still there?"))
    return next(message.code for message in customer.sync() if isinstance(message, SigNack))


@contextmanager
def both_online(shared: Shared) -> Iterator[tuple[Line, Line]]:
    """The two live sockets of a session."""
    with live(shared.world, shared.kim.tokens.access) as agent, live(shared.world, shared.companion.access) as customer:
        yield agent, customer


@pytest.mark.parametrize("how", HOWS)
def test_a_session_ends_at_both_ends_when_its_agent_is_let_in_no_more(desk: World, how: str) -> None:
    """The agent's end is told before its line is cut; then the server does nothing for the session any more."""
    shared = share(desk)
    with both_online(shared) as (agent, customer):
        assert shared.relay_credentials() == 200
        withdraw(desk, shared.kim, how)
        assert ends(until_cut(agent)) == ends(customer.sync()) == {shared.revoked}
        assert refused(customer, shared.inviter.sid) == "not_member"
        assert shared.relay_credentials() == 404


def test_a_browser_hears_that_the_session_ended(desk: World) -> None:
    """It has no companion, only the token of this session."""
    kim = desk.agent()
    inviter = Inviter(desk, kim)
    made = inviter.invite(kim.ticket()).json()
    token = redeem(desk, {"iid": parse_invite(made["link"]).iid.hex()}).json()["token"]
    ended = SessionEnded(session=inviter.sid, reason="revoked")
    with live(desk, token) as guest:
        join(guest, inviter.sid)
        withdraw(desk, kim, "device suspended")
        assert ends(guest.sync()) == {ended}
    told: list[Any] = []
    with live(desk, token, told):
        assert told == [ended]


def test_a_customer_whose_line_was_away_hears_it_when_it_is_back(desk: World) -> None:
    """The two computers were still connected to each other; a second computer of the customer hears nothing."""
    shared, second = share(desk), desk.companion()
    withdraw(desk, shared.kim, "device suspended")
    back: list[Any] = []
    with live(desk, shared.companion.access, back):
        assert back == [shared.revoked]
    other: list[Any] = []
    with live(desk, second.access, other):
        assert other == []


def test_an_agent_who_said_before_that_it_was_over_keeps_nothing_by_it(desk: World) -> None:
    """A changed program may tell the server of an end, or hand in an entry of one, and go on with the customer."""
    shared = share(desk)
    assert shared.inviter.end() == 204
    with live(desk, shared.companion.access) as customer:
        withdraw(desk, shared.kim, "device revoked")
        assert ends(customer.sync()) == {shared.revoked}


def test_an_invitation_nobody_answered_is_void_and_the_companions_hear_of_it(desk: World) -> None:
    """It is handed out no more either."""
    kim, companion = desk.agent(), desk.companion()
    inviter = Inviter(desk, kim)
    with live(desk, companion.access) as customer:
        made = inviter.invite(kim.ticket()).json()
        assert isinstance(customer.next(), Invite)
        withdraw(desk, kim, "account suspended")
        assert ends(customer.sync()) == {SessionEnded(session=inviter.sid, reason="revoked")}
    assert redeem(desk, {"code": made["code"]}).status_code == 404
    assert redeem(desk, {"iid": parse_invite(made["link"]).iid.hex()}).status_code == 404


def test_sessions_of_colleagues_go_on_and_so_do_all_when_a_device_becomes_active(desk: World) -> None:
    """Only those of the device, or of the person with all devices, end."""
    shared, colleague = share(desk), share(desk, "park", "남부")
    with live(desk, colleague.companion.access) as theirs, live(desk, shared.companion.access) as customer:
        withdraw(desk, shared.kim, "device active")
        withdraw(desk, shared.kim, "account active")
        withdraw(desk, desk.agent("kim"), "device suspended")  # another device of the same person
        assert (shared.relay_credentials(), colleague.relay_credentials()) == (200, 200)
        withdraw(desk, shared.kim, "account suspended")
        assert ends(customer.sync()) == {shared.revoked}
        assert ends(theirs.sync()) == set()
        assert colleague.relay_credentials() == 200


def test_what_the_customer_still_hands_in_stays_on_the_ticket_and_opens_nothing_again(desk: World) -> None:
    """Last entries of the record; no grace for signals and relays comes with them."""
    shared = share(desk)
    with live(desk, shared.companion.access) as customer:
        withdraw(desk, shared.kim, "device revoked")
        assert shared.record("end", first=2) == 200
        assert refused(customer, shared.inviter.sid) == "not_member"
    assert shared.relay_credentials() == 404
    path = f"/session/v1/{shared.inviter.sid.hex()}/end"
    body = msgspec.json.encode({"reason": "revoked"})
    assert desk.client.post(path, content=body, headers=shared.companion.bearer).status_code == 204


@pytest.mark.parametrize("how", HOWS)
def test_an_invitation_that_is_being_registered_meanwhile_does_not_outlive_the_suspension(
    postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It waits for the suspension and is refused; on SQLite only one writes at a time anyway."""
    desk = World(Store.open(postgresql()))
    with desk.client, ThreadPoolExecutor(1) as beside:
        kim = desk.agent()
        inviter, ticket = Inviter(desk, kim), kim.ticket()
        invited: list[Future[Any]] = []

        def waits() -> bool:
            with desk.store.read() as cx:
                return bool(cx.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar())

        def in_the_middle(*args: Any) -> None:
            invited.append(beside.submit(inviter.invite, ticket))
            wait_until(lambda: invited[0].done() or waits())
            notify(*args)

        for module in ("devices", "people"):
            monkeypatch.setattr(f"sync.server.{module}.notify", in_the_middle)
        withdraw(desk, kim, how)
        assert invited[0].result().status_code == 403
    desk.store.close()
