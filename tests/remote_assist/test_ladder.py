# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials, the ladder and relay-only sessions, under a clock that is moved by hand."""

from __future__ import annotations

import json

import msgspec
import pytest

from app.domain.assist import EndReason, Notice, Phase
from app.domain.documents import SignedDocument
from app.domain.invitation import InvitationPolicy
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import CallServer, ChainEntry, Notify, PhaseChanged, SasQuestion
from remote_assist.ladder import DIRECT, TLS, Relay, next_rung, read_relay
from tests.remote_assist.world import FakeChild, Side, World

URLS = [
    "stun:turn.example.com:3478", "turn:turn.example.com:3478?transport=udp",
    "turn:turn.example.com:3478?transport=tcp", "turns:turn.example.com:443?transport=tcp",
]  # fmt: skip
TURN: dict[str, object] = {"urls": URLS, "username": "1790:00:agent", "credential": "c2VjcmV0", "lives_s": 600}


def with_relay(*, relay_only: bool = False) -> World:
    """Two ends before the consent, and a server that has a relay."""
    world = World()
    world.turn_body = dict(TURN)
    world.invite(policy=InvitationPolicy(relay_only=relay_only))
    world.open()
    world.choose()
    return world


def child_of(side: Side) -> FakeChild:
    assert side.child is not None
    return side.child


def opens(side: Side) -> list[child.Open]:
    return [message for fake in side.children for message in fake.got if isinstance(message, child.Open)]


def asked(side: Side) -> list[CallServer]:
    return [call for call in side.of(CallServer) if call.path.endswith("/turn")]


def ended(world: World) -> tuple[EndReason | None, EndReason | None]:
    return world.agent.end.view.reason, world.customer.end.view.reason


# --- the server's answer -----------------------------------------------------------------------------------------


def test_an_answer_becomes_a_rung_for_each_way_to_the_relay() -> None:
    """Rung 0 also asks for the own address, the relayed ones ask nobody for anything."""
    relay = read_relay(json.dumps(TURN).encode())
    assert relay is not None
    assert relay.rungs(relay_only=False) == relay.rungs(relay_only=True) == (0, 1, 2)
    assert [server["urls"] for server in relay.ice(DIRECT, relay_only=False)] == URLS[:2]
    assert [server["urls"] for server in relay.ice(DIRECT, relay_only=True)] == [URLS[1]]
    assert relay.ice(TLS, relay_only=False) == [
        {"urls": URLS[3], "username": "1790:00:agent", "credential": "c2VjcmV0"}
    ]
    assert "c2VjcmV0" not in repr(relay)


@pytest.mark.parametrize("relay_only", [False, True])
def test_without_a_relay_there_is_one_rung_or_none(relay_only: bool) -> None:
    """A direct one."""
    relay = read_relay(b'{"urls": []}')
    assert relay == Relay()
    assert relay.rungs(relay_only=relay_only) == (() if relay_only else (0,))
    assert relay.ice(DIRECT, relay_only=relay_only) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"urls": "turn:a:1"}', b'{"urls": [1]}', b"\xff", b"[" * 5000, b'{"urls": []}' + b" " * 9000],
)
def test_what_is_no_answer_offers_nothing(body: bytes) -> None:
    """A proxy's page, an attack: it counts as no answer."""
    assert read_relay(body) is None


@pytest.mark.parametrize(
    "url",
    ["turn:a b:1?transport=udp", "turn:host:0?transport=udp", "turn:host:3478", "turns:host:443?transport=udp",
     "stuns:host:1", "turn:host:3478?transport=sctp", "http://host:1/", "turn:u@host:1?transport=udp",
     "turn:host:3478?transport=udp\n", "turn:[::1]:3478?transport=udp", "stun:host:1?transport=udp"],
)  # fmt: skip
def test_an_address_of_another_form_is_passed_over(url: str) -> None:
    """Nothing but host, port and a known way ever reaches the child."""
    relay = read_relay(json.dumps(TURN | {"urls": [url]}).encode())
    assert relay is not None
    assert (relay.turn, relay.stun) == ({}, "")


def test_a_relay_without_credentials_is_none() -> None:
    """It would refuse anyway."""
    relay = read_relay(json.dumps(TURN | {"credential": ""}).encode())
    assert relay is not None
    assert (relay.turn, relay.stun) == ({}, URLS[0])


def test_the_ladder_begins_again_at_its_end() -> None:
    """And passes over what is not offered."""
    assert [next_rung((0, 1, 2), last) for last in (None, 0, 1, 2)] == [0, 1, 2, 0]
    assert [next_rung((0, 2), last) for last in (0, 2)] == [2, 0]
    assert [next_rung((0,), last) for last in (None, 0)] == [0, 0]
    assert next_rung((), None) == 0


# --- credentials -------------------------------------------------------------------------------------------------


def test_both_ends_ask_after_the_consent_and_anew_for_every_connection() -> None:
    """Not before: the relay is no business of somebody who has not agreed."""
    world = with_relay()
    assert not asked(world.agent) + asked(world.customer)
    world.allow()
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    path = f"/session/v1/{world.customer.end.sid.hex()}/turn"
    assert [call.path for call in asked(world.agent) + asked(world.customer)] == [path, path]
    for side in (world.agent, world.customer):
        (opened,) = opens(side)
        assert (opened.rung, opened.relay_only) == (0, False)
        assert [server["urls"] for server in opened.ice] == URLS[:2]
    world.network_up = False
    world.pass_time(4_000)
    world.network_up = True
    world.pass_time(2_000)
    assert len(asked(world.agent)) == len(opens(world.agent)) >= 2
    assert len(asked(world.customer)) == len(opens(world.customer)) >= 2


def test_servers_are_always_given_even_when_there_are_none() -> None:
    """The library's default is somebody else's."""
    world = World()
    world.to_live()
    assert [opened.ice for opened in opens(world.agent) + opens(world.customer)] == [[], []]


@pytest.mark.parametrize("status", [409, 429, 503, 0])
def test_an_end_asks_again_until_the_consent_is_known_and_then_connects(status: int) -> None:
    """The record may reach the server a moment after the question."""
    world = with_relay()
    world.turn_status = status
    world.allow()
    assert not opens(world.agent) + opens(world.customer)
    if status == 0:  # the hosts say that the server was not reached
        for side in (world.agent, world.customer):
            world.do(side, side.link.on_server_result(asked(side)[-1].call_id, 0))
    world.turn_status = 200
    world.pass_time(250)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert [len(asked(side)) for side in (world.agent, world.customer)] == [2, 2]
    assert opens(world.customer)[0].ice


@pytest.mark.parametrize("status", [409, 0])
def test_credentials_that_do_not_come_hold_a_direct_connection_up_for_three_seconds_at_most(status: int) -> None:
    """A slow server costs seconds, not the session; questions stay few."""
    world = with_relay()
    world.turn_status = status
    world.allow()
    world.pass_time(2_750)
    assert not opens(world.customer)
    assert len(asked(world.customer)) <= 10
    world.pass_time(500)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert opens(world.customer)[0].ice == []


def test_a_server_that_knows_no_relays_is_no_reason_to_wait() -> None:
    """404: an older server."""
    world = with_relay()
    world.turn_status = 404
    world.allow()
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)


def test_an_answer_that_comes_too_late_opens_nothing() -> None:
    """After the end, and after it was gone on without."""
    world = with_relay()
    world.turn_status = 0
    world.allow()
    call = asked(world.customer)[0].call_id
    world.do(world.customer, world.customer_end.stop())
    late = world.customer_end.on_server_result(call, 200, json.dumps(TURN).encode())
    assert not late
    assert not opens(world.customer)


# --- the ladder --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rung", "after_ms"), [(1, 4_000), (2, 8_000)])
def test_the_next_rung_is_tried_four_seconds_later(rung: int, after_ms: int) -> None:
    """Beside the last one; the first that speaks is kept, at both ends, and the others are closed."""
    world = with_relay()
    world.rungs_up = {rung}
    world.allow()
    world.pass_time(after_ms - 250)
    assert world.phases() == (Phase.CONNECTING, Phase.CONNECTING)
    assert len(child_of(world.customer).epochs) <= 2
    world.pass_time(500)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert [opened.rung for opened in opens(world.customer)] == list(range(rung + 1))
    assert [opened.rung for opened in opens(world.agent)] == list(range(rung + 1))
    assert [opened.relay_only for opened in opens(world.customer)] == [False, True, True][: rung + 1]
    assert [server["urls"] for server in opens(world.customer)[-1].ice] == [URLS[rung + 1]]
    assert set(child_of(world.customer).epochs) == set(child_of(world.agent).epochs) == {rung}
    assert child_of(world.customer).sending
    world.pass_time(10_000)
    assert len(opens(world.customer)) == rung + 1


def test_both_ends_say_by_which_way_they_are_connected() -> None:
    """Direct, then after a loss by the relay; nothing before there is a connection."""
    world = with_relay()
    views = (world.agent.end, world.customer.end)
    assert [end.view.path for end in views] == ["", ""]
    world.allow()
    world.pass_time(1_000)
    assert [end.view.path for end in views] == ["direct", "direct"]
    assert [side.last(PhaseChanged).view.path for side in (world.agent, world.customer)] == ["direct", "direct"]
    world.rungs_up = {1}
    world.kill_child(world.agent)
    world.pass_time(9_000)
    assert [end.view.path for end in views] == ["relay", "relay"]
    world.do(world.customer, world.customer_end.stop())
    last = SignedDocument.from_text(world.customer.last(ChainEntry).text)
    assert json.loads(last.document)["data"]["path"] == "relay"


def test_nothing_that_answers_ends_after_thirty_seconds_with_two_attempts_at_most() -> None:
    """All rungs are tried, then the first again."""
    world = with_relay()
    world.rungs_up = set()
    world.allow()
    for _ in range(116):
        world.pass_time(250)
        assert len(child_of(world.customer).epochs) <= 2
        assert len(child_of(world.agent).epochs) <= 2
    assert [opened.rung for opened in opens(world.customer)] == [0, 1, 2, 0, 1, 2, 0, 1]
    world.pass_time(2_000)
    assert ended(world) == (EndReason.UNREACHABLE, EndReason.UNREACHABLE)


def test_when_two_come_up_at_once_both_ends_use_the_one_the_customer_kept() -> None:
    """The agent's end may have greeted on both; it follows the customer's next word."""
    world = with_relay()
    world.rungs_up = set()
    world.allow()
    world.pass_time(4_250)
    assert set(child_of(world.agent).epochs) == {0, 1}
    world.rungs_up = None
    fake = child_of(world.agent)
    for epoch in (0, 1):  # the agent hears of both, first of the one that the customer will not keep
        for one in (fake, child_of(world.customer)):
            one.epochs[epoch].add("open")
    hello = {epoch: msgspec.json.decode(wire.encode(wire.Hello(1, epoch, []))) for epoch in (0, 1)}
    for epoch in (0, 1):
        world.perform(world.agent, world.agent_end.on_child(child.Recv("ctl", hello[epoch], epoch)))
        world.perform(world.agent, world.agent_end.on_child(world.state(world.agent, epoch)))
    assert set(fake.epochs) == {0, 1}, "the agent's end closes nothing by itself"
    child_of(world.customer).out = [
        child.PeerState(1, "completed", "connected", "relay", 0, True),
        child.Recv("ctl", hello[1], 1),
    ]
    world.settle()
    assert set(child_of(world.customer).epochs) == set(fake.epochs) == {1}
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    world.pass_time(5_000)
    assert world.customer.end.view.flowing
    assert world.agent.end.view.flowing


def test_a_greeting_for_another_connection_than_it_came_by_is_malformed() -> None:
    """Else the wrong connection would be kept."""
    world = with_relay()
    world.rungs_up = set()
    world.allow()
    hello = {"t": "hello", "proto": 1, "epoch": 0, "caps": []}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", hello, 1)))
    assert world.customer.end.view.reason is EndReason.PROTOCOL


def test_a_lost_connection_is_tried_first_on_the_rung_that_worked() -> None:
    """Then along the ladder from there."""
    world = with_relay()
    world.rungs_up = {1}
    world.allow()
    world.pass_time(4_500)
    before = len(opens(world.customer))
    world.network_up = False
    world.pass_time(18_000)
    assert [opened.rung for opened in opens(world.customer)][before : before + 4] == [1, 2, 0, 1]
    world.network_up = True
    world.rungs_up = {2}
    world.pass_time(9_000)
    assert world.customer.end.view.flowing
    assert world.agent.end.view.flowing
    assert len(world.customer.of(SasQuestion)) == 1
    assert set(child_of(world.customer).epochs) == set(child_of(world.agent).epochs)


def test_a_later_offer_that_was_ready_sooner_overtakes_the_slow_one() -> None:
    """Offers leave in order, or the agent would take the late one for a replay."""
    world = with_relay()
    world.rungs_up = {2}
    world.allow()
    customer = child_of(world.customer)
    world.pass_time(3_750)
    slow: list[child.FromChild] = []

    def hold_back() -> None:
        for message in list(customer.out):
            if isinstance(message, child.LocalSdp) and message.epoch == 1:
                customer.out.remove(message)
                slow.append(message)

    world.hold = hold_back
    world.pass_time(4_000)
    world.hold = lambda: None
    world.pass_time(500)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert len(slow) == 1
    world.do(world.customer, world.customer_end.on_child(slow[0]))
    world.pass_time(1_000)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)


# --- relay only --------------------------------------------------------------------------------------------------


def test_relay_only_sends_nothing_but_relayed_addresses() -> None:
    """On every rung, at both ends, whatever the child gathered; and takes nothing else from the peer."""
    world = with_relay(relay_only=True)
    for side in (world.agent, world.customer):
        side.leaks = True  # a child that gathers what it was told not to
    world.allow()
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    for side in (world.agent, world.customer):
        assert [(opened.rung, opened.relay_only) for opened in opens(side)] == [(0, True)]
        assert [server["urls"] for opened in opens(side) for server in opened.ice] == [URLS[1]]
        (told,) = [m for m in child_of(side).got if isinstance(m, child.RemoteSdp)]
        assert " typ relay" in told.sdp
        assert "127.0.0.1" not in told.sdp
        assert "192.168.7.7" not in told.sdp


def test_what_the_server_wants_stands_in_the_invitation() -> None:
    """An organisation that wants the relay alone gets it whatever the agent asks for, at both ends."""
    world = World(relay_only=True)
    world.turn_body = dict(TURN)
    world.to_live()
    assert [opened.relay_only for opened in opens(world.agent) + opens(world.customer)] == [True, True]


@pytest.mark.parametrize("status", [200, 404])
def test_relay_only_without_a_relay_ends_at_once_and_says_why(status: int) -> None:
    """Nothing is tried that the organisation does not want."""
    world = with_relay(relay_only=True)
    world.turn_status, world.turn_body = status, {"urls": []}
    world.allow()
    assert ended(world) == (EndReason.NO_RELAY, EndReason.NO_RELAY)
    assert not opens(world.agent) + opens(world.customer)


def test_relay_only_never_goes_on_without_credentials() -> None:
    """The server refuses or is away: no connection is made, and after 30 seconds the session ends."""
    world = with_relay(relay_only=True)
    world.turn_status = 503
    world.allow()
    world.pass_time(29_500)
    assert not opens(world.agent) + opens(world.customer)
    assert len(asked(world.customer)) <= 40
    world.pass_time(1_000)
    assert ended(world) == (EndReason.UNREACHABLE, EndReason.UNREACHABLE)


def test_relay_only_with_a_relay_that_is_down_ends_when_every_rung_was_tried() -> None:
    """Own descriptions without any address are not sent."""
    world = with_relay(relay_only=True)
    for side in (world.agent, world.customer):
        side.relay_works = False
    world.allow()
    world.pass_time(9_000)
    assert ended(world) == (EndReason.NO_RELAY, EndReason.NO_RELAY)
    assert sorted({opened.rung for opened in opens(world.customer)}) == [0, 1, 2]
    assert all(opened.relay_only for opened in opens(world.agent) + opens(world.customer))
    assert not [m for m in child_of(world.agent).got if isinstance(m, child.RemoteSdp)]


def test_a_relay_that_dies_in_mid_session_is_a_lost_connection_and_never_widens_it() -> None:
    """Relay only: 30 seconds of tries through the relay, then the end."""
    world = with_relay(relay_only=True)
    world.allow()
    world.network_up = False
    for side in (world.agent, world.customer):
        side.relay_works = False
    world.pass_time(34_000)
    assert ended(world) == (EndReason.LOST, EndReason.LOST)
    assert all(opened.relay_only for opened in opens(world.agent) + opens(world.customer))


# --- a connection that fails -------------------------------------------------------------------------------------


def connecting(world: World) -> None:
    """Consented, both descriptions exchanged, and nothing comes up."""
    world.new_connections = False
    world.invite()
    world.open()
    world.choose()
    world.allow()


def fails(world: World, side: Side, epoch: int) -> None:
    """What a child says of a handshake of DTLS that went wrong."""
    world.do(side, side.end.on_child(child.PeerState(epoch, "completed", "failed", "", 0, False)))


@pytest.mark.parametrize("name", ["customer", "agent"])
def test_a_first_connection_that_fails_is_tried_again_at_once_and_both_may_know(name: str) -> None:
    """Whichever end notices; nobody waits for the thirty seconds of connecting."""
    world = World()
    connecting(world)
    side = world.customer if name == "customer" else world.agent
    fails(world, side, 0)
    assert Notify(Notice.RETRYING) in side.of(Notify)
    world.new_connections = True
    world.pass_time(250)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert [message.epoch for message in opens(world.customer)] == [0, 1]


def test_connections_that_fail_on_and_on_are_spaced_out_and_end_with_the_time_for_connecting() -> None:
    """No end floods the other, or the relay, with attempts."""
    world = World()
    connecting(world)
    for _ in range(140):
        for epoch in list(world.customer_end._attempts):
            fails(world, world.customer, epoch)
        world.pass_time(250)
    assert ended(world) == (EndReason.UNREACHABLE, EndReason.UNREACHABLE)
    assert len(opens(world.customer)) <= 16
