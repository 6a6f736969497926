# SPDX-License-Identifier: GPL-3.0-or-later
"""The live channel: hints after commits, presence of colleagues, and signals between the members of a session only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.domain.entities import TICKET, team_scope
from app.domain.links import parse_invite
from sync.protocol import (
    Auth,
    Bye,
    Invite,
    LiveDown,
    Ping,
    Poke,
    Pong,
    Presence,
    SessionEnded,
    Sig,
    SigNack,
    decode,
    encode,
)
from sync.server.store import DatabaseBusy
from tests.server.live_line import Closed, Socket
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import World


class Line:
    """A live socket of a test."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def send(self, message: Any) -> None:
        """Send a message."""
        self._socket.send_bytes(encode(message))

    def next(self, *, hints: bool = False) -> Any:
        """Wait for the next message; `hints`: also for one that only lets a Companion look."""
        while (message := decode(self._socket.receive_bytes(timeout=30), LiveDown)) == Poke(heads={}) and not hints:
            pass
        return message

    def sync(self, *, hints: bool = False) -> list[Any]:
        """Return everything that came before the answer to a ping."""
        self.send(Ping())
        out = []
        while not isinstance(message := self.next(hints=hints), Pong):
            out.append(message)
        return out


@contextmanager
def live(world: World, token: str, told: list[Any] | None = None) -> Iterator[Line]:
    """Open an authenticated socket; `told` takes what the server says at its start."""
    with Socket(world) as socket:
        line = Line(socket)
        line.send(Auth(token=token))
        first = line.sync()
        if told is not None:
            told += first
        yield line


def test_colleagues_are_poked_after_a_commit_and_strangers_are_not(desk: World) -> None:
    """The poke names the scope and its new head, and carries no data."""
    kim, lee, park = (desk.agent(login) for login in ("kim", "lee", "park"))
    with live(desk, lee.tokens.access) as colleague, live(desk, park.tokens.access) as stranger:
        kim.ticket()
        assert colleague.next() == Poke(heads={team_scope(desk.team("북부")): 3})
        assert stranger.sync() == []


def test_a_companions_request_pokes_the_team(desk: World) -> None:
    """Agents hear at once of what a customer wrote."""
    from tests.server.test_customers import request

    kim, companion = desk.agent(), desk.companion()
    with live(desk, kim.tokens.access) as line:
        companion.post("/customer/v1/request", request(1))
        assert isinstance(line.next(), Poke)


def test_a_customers_home_tells_whether_somebody_is_there(desk: World) -> None:
    """An agent of the team that takes requests, at the desk; another team's does not count."""
    companion = desk.companion()
    kim, park = desk.agent("kim"), desk.agent("park")

    def somebody() -> bool | None:
        told: bool | None = companion.get("/customer/v1/home").json()["contact"]["somebody"]
        return told

    with live(desk, park.tokens.access):
        assert somebody() is False
        with live(desk, kim.tokens.access):
            assert somebody() is True


def test_presence_reaches_those_who_see_the_ticket(desk: World) -> None:
    """Who reads or writes, by account; never stored."""
    kim, lee, park = (desk.agent(login) for login in ("kim", "lee", "park"))
    ticket = kim.ticket()
    with (
        live(desk, kim.tokens.access) as mine,
        live(desk, lee.tokens.access) as theirs,
        live(desk, park.tokens.access) as stranger,
    ):
        mine.send(Presence(type=TICKET.number, id=ticket, state="writing"))
        assert theirs.next() == Presence(type=TICKET.number, id=ticket, state="writing", who=kim.id)
        stranger.send(Presence(type=TICKET.number, id=ticket, state="writing"))
        assert stranger.sync() == []


def test_an_invitation_reaches_the_customers_companion_and_signals_pass_between_the_two(desk: World) -> None:
    """From the ticket to the companion and back; a second device of the customer hears nothing afterwards."""
    kim, companion, second = desk.agent(), desk.companion(), desk.companion()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    with (
        live(desk, kim.tokens.access) as agent,
        live(desk, companion.access) as customer,
        live(desk, second.access) as other,
    ):
        assert inviter.invite(ticket).json()["pushed"]
        invite = customer.next()
        assert isinstance(invite, Invite)
        assert isinstance(other.next(), Invite)
        assert invite.join_secret == inviter.secret
        customer.send(Sig(session=inviter.sid, to="agent", n=0, data=b"join"))
        assert agent.next() == Sig(session=inviter.sid, to="agent", n=0, data=b"join")
        agent.send(Sig(session=inviter.sid, to="customer", n=0, data=b"hello"))
        assert customer.next() == Sig(session=inviter.sid, to="customer", n=0, data=b"hello")
        assert other.sync() == []
        other.send(Sig(session=inviter.sid, to="agent", n=0, data=b"me too"))
        assert other.next() == SigNack(session=inviter.sid, code="not_member", n=0)


def test_an_invitation_waits_for_a_companion_that_is_away(desk: World) -> None:
    """A line that breaks in the wrong moment costs no invitation; one taken back is not handed out."""
    kim, companion = desk.agent(), desk.companion()
    inviter = Inviter(desk, kim)
    made = inviter.invite(kim.ticket())
    assert made.json()["pushed"] is False
    with Socket(desk) as socket:
        line = Line(socket)
        line.send(Auth(token=companion.access))
        arrived = [message for message in line.sync() if isinstance(message, Invite)]
    link = parse_invite(made.json()["link"])
    assert [(invite.iid, invite.join_secret) for invite in arrived] == [(link.iid, link.join_secret)]
    inviter.end()
    with Socket(desk) as socket:
        line = Line(socket)
        line.send(Auth(token=companion.access))
        assert line.sync() == []


def test_a_socket_that_ends_while_its_invitations_are_read_takes_none(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was busy: what nobody holds any more must not count as a companion that is online."""
    kim, companion = desk.agent(), desk.companion()

    def busy(_grant: Any) -> list[Invite]:
        raise DatabaseBusy("test")

    monkeypatch.setattr(desk.parts.hub, "_waiting", busy)
    with pytest.raises(Closed), live(desk, companion.access):
        pass
    assert Inviter(desk, kim).invite(kim.ticket()).json()["pushed"] is False


def test_a_guest_with_a_link_signals_through_the_sessions_own_token(desk: World) -> None:
    """No companion enrolled: the token of `redeem` admits to this session alone."""
    kim = desk.agent()
    inviter = Inviter(desk, kim)
    made = inviter.invite(kim.ticket()).json()
    token = redeem(desk, {"iid": parse_invite(made["link"]).iid.hex()}).json()["token"]
    with live(desk, kim.tokens.access) as agent, live(desk, token) as guest:
        guest.send(Sig(session=inviter.sid, to="agent", n=0, data=b"join"))
        assert isinstance(agent.next(), Sig)
        agent.send(Sig(session=inviter.sid, to="customer", n=0, data=b"hi"))
        assert isinstance(guest.next(), Sig)
        guest.send(Sig(session=b"x" * 16, to="agent", n=1, data=b""))
        assert guest.next() == SigNack(session=b"x" * 16, code="not_member", n=1)
    assert desk.client.get("/customer/v1/home", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_signals_of_strangers_to_nobody_and_too_many_are_refused(desk: World) -> None:
    """not_member, absent, too_large and rate, each with the number of the refused one."""
    kim, lee, companion = desk.agent("kim"), desk.agent("lee"), desk.companion()
    inviter = Inviter(desk, kim)
    inviter.invite(kim.ticket())
    with live(desk, kim.tokens.access) as agent, live(desk, lee.tokens.access) as stranger:
        stranger.send(Sig(session=inviter.sid, to="customer", n=7, data=b""))
        assert stranger.next() == SigNack(session=inviter.sid, code="not_member", n=7)
        agent.send(Sig(session=inviter.sid, to="customer", n=0, data=b""))
        assert agent.next() == SigNack(session=inviter.sid, code="absent", n=0)
        agent.send(Sig(session=inviter.sid, to="customer", n=1, data=b"x" * 70_000))
        assert agent.next() == SigNack(session=inviter.sid, code="too_large", n=1)
        with live(desk, companion.access) as customer:
            for n in range(60):
                customer.send(Sig(session=inviter.sid, to="agent", n=n, data=b""))
            nacks = [m for m in customer.sync() if isinstance(m, SigNack)]
            assert {m.code for m in nacks} == {"rate"}
            assert len(nacks) == 10


@pytest.mark.ux("UX-50")
def test_a_second_viewer_finds_no_place_in_a_session(desk: World) -> None:
    """A colleague, the agent's other computer and another one of the customer's are refused; the two hear nothing."""
    kim, again, lee = desk.agent("kim"), desk.agent("kim"), desk.agent("lee")
    companion, second = desk.companion(), desk.companion()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    with live(desk, kim.tokens.access) as agent, live(desk, companion.access) as customer:
        inviter.invite(ticket)
        assert isinstance(customer.next(), Invite)
        customer.send(Sig(session=inviter.sid, to="agent", n=0, data=b"join"))
        assert agent.next() == Sig(session=inviter.sid, to="agent", n=0, data=b"join")
        for token in (again.tokens.access, lee.tokens.access, second.access):
            with live(desk, token) as viewer:
                for to in ("customer", "agent"):
                    viewer.send(Sig(session=inviter.sid, to=to, n=0, data=b"show me"))
                refused = [message for message in viewer.sync() if isinstance(message, SigNack)]
                assert refused == [SigNack(session=inviter.sid, code="not_member", n=0)] * 2
        for side in (agent, customer):
            assert not [message for message in side.sync() if isinstance(message, Sig)]


def test_when_the_agent_takes_it_back_the_companion_hears_of_it(desk: World) -> None:
    """The invitation is void and no signal passes any more."""
    kim, companion = desk.agent(), desk.companion()
    inviter = Inviter(desk, kim)
    with live(desk, companion.access) as customer:
        inviter.invite(kim.ticket())
        customer.next()
        assert inviter.end() == 204
        assert customer.next() == SessionEnded(session=inviter.sid, reason="stopped")
        customer.send(Sig(session=inviter.sid, to="agent", n=0, data=b""))
        assert customer.next() == SigNack(session=inviter.sid, code="not_member", n=0)


def test_a_second_socket_of_a_device_takes_the_place_of_the_first(desk: World) -> None:
    """The first is told why."""
    kim = desk.agent()
    with live(desk, kim.tokens.access) as first, live(desk, kim.tokens.access) as second:
        assert first.next() == Bye(code="replaced")
        assert second.sync() == []


@pytest.mark.parametrize("first", [b"", b"\xc1", encode(Ping()), encode(Auth(token="no"))])
def test_a_socket_without_a_good_token_is_closed(desk: World, first: bytes) -> None:
    """4401, whatever came first."""
    with Socket(desk) as socket:
        socket.send_bytes(first)
        with pytest.raises(Closed) as closed:
            socket.receive_bytes(timeout=30)
    assert closed.value.code == 4401


def test_garbage_on_an_open_socket_ends_it_politely(desk: World) -> None:
    """`bye` and a close code; the server goes on."""
    kim = desk.agent()
    with Socket(desk) as socket:
        line = Line(socket)
        line.send(Auth(token=kim.tokens.access))
        line.sync()
        socket.send_bytes(b"\xc1garbage")
        assert line.next() == Bye(code="malformed")
    assert desk.client.get("/health").status_code == 200
