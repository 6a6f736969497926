# SPDX-License-Identifier: GPL-3.0-or-later
"""A computer changes its network in mid-session: a new connection begins at once, and nobody is asked again."""

from __future__ import annotations

import pytest

from app.domain.assist import EndReason, Scope
from remote_assist import child_protocol as child
from remote_assist.actions import AskQuestion, SasQuestion
from remote_assist.agent_end import AgentEnd
from remote_assist.customer_end import CustomerEnd
from tests.remote_assist.world import Side, World


def opened(side: Side) -> int:
    return sum(isinstance(message, child.Open) for fake in side.children for message in fake.got)


def change_network(world: World, side: Side) -> None:
    assert isinstance(side.end, CustomerEnd | AgentEnd)
    world.do(side, side.end.network_changed())


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_the_session_goes_on_over_the_new_network_without_waiting_for_silence(who: str) -> None:
    """Grants and check number stay; the old connection's last words, still on their way, do not count."""
    world = World()
    world.to_verified()
    side: Side = getattr(world, who)
    before, asked = opened(world.customer), len(world.customer.of(AskQuestion))
    old = world.customer_end.view
    world.new_connections = False
    change_network(world, side)
    assert opened(world.customer) == before + 1
    for end in (world.agent, world.customer):
        world.do(end, end.end.on_child(child.PeerState(0, "completed", "connected", "direct", 150, True)))
    assert not side.link.view.flowing
    world.new_connections = True
    world.settle()
    assert world.agent.link.view.flowing
    assert world.customer_end.view.flowing
    assert world.customer_end.view.grants == old.grants
    assert len(world.customer.of(SasQuestion)) == 1
    assert len(world.customer.of(AskQuestion)) == asked
    assert "reconnect" in world.customer.entries()


def test_a_change_that_left_the_connection_alone_costs_a_moment() -> None:
    """A network that has nothing to do with the session came or went: the old connection proves itself."""
    world = World()
    world.to_verified()
    world.new_connections = False
    change_network(world, world.customer)
    world.pass_time(2_000)
    assert world.customer_end.view.flowing
    assert world.agent.link.view.flowing
    assert set(world.customer.end.view.grants) == {Scope.VIEW}
    assert world.customer.children[-1].epochs.keys() == {0}


def test_a_network_that_comes_back_is_tried_at_once() -> None:
    """Not only at the next turn of the four seconds."""
    world = World()
    world.to_verified()
    world.network_up = False
    world.pass_time(5_000)
    before = opened(world.customer)
    world.network_up = True
    change_network(world, world.customer)
    assert opened(world.customer) == before + 1
    assert world.customer_end.view.flowing
    assert world.agent.link.view.flowing


def test_before_and_after_a_session_a_change_does_nothing() -> None:
    """No connection is opened that nobody consented to, and none after the end."""
    world = World()
    world.to_prompt()
    change_network(world, world.customer)
    change_network(world, world.agent)
    assert opened(world.customer) == 0
    world.choose()
    world.allow()
    world.do(world.customer, world.customer_end.stop())
    before = opened(world.customer)
    change_network(world, world.customer)
    assert opened(world.customer) == before
    assert world.customer_end.view.reason is EndReason.STOPPED


def heard_again(world: World, *, answered_ms: int) -> None:
    """Both children hear the other one over the old connection."""
    for side in (world.customer, world.agent):
        state = child.PeerState(0, "completed", "connected", "direct", 0, True, answered_ms)
        world.do(side, side.end.on_child(state))


def lost_by_the_agent(world: World) -> None:
    """The agent misses the customer first and asks for a new connection; none can be made."""
    world.to_verified()
    world.new_connections = False
    world.network_up = False
    world.do(world.agent, world.agent.end.on_child(child.PeerState(0, "completed", "connected", "direct", 9_000, True)))
    world.settle()
    assert world.customer_end.view.lost


def test_a_cut_that_ends_goes_on_over_the_old_connection_whoever_missed_it_first() -> None:
    """Once the agent has answered on it again: that takes a moment, the next attempt up to four seconds."""
    world = World()
    lost_by_the_agent(world)
    world.fake_clock.ms += 2_000
    heard_again(world, answered_ms=500)
    assert world.agent.link.view.flowing
    assert world.customer_end.view.flowing
    assert world.customer.children[-1].epochs.keys() == {0}


@pytest.mark.parametrize("answered_ms", [-1, 2_500])
def test_a_connection_that_the_agent_misses_does_not_count_by_what_still_arrives_over_it(answered_ms: int) -> None:
    """One direction may be dead: only an answer to what was asked since proves both."""
    world = World()
    lost_by_the_agent(world)
    world.fake_clock.ms += 2_000
    heard_again(world, answered_ms=answered_ms)
    assert world.customer_end.view.lost
