# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent said while the customer's child died is said again, on the connection that carries the session on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.assist import AskState, Phase, Scope
from remote_assist import child_protocol as child
from remote_assist.actions import Action, AskScope, ChatChanged, ClipArrived
from tests.remote_assist.world import World


def break_with_child(world: World, deed: Callable[[], None]) -> None:
    """The customer's child dies while `deed` is on its way; the new one connects before the agent misses the old."""
    world.network_up = False
    deed()
    world.kill_child(world.customer)
    world.network_up = True
    world.pass_time(500)
    assert not world.agent.end.view.lost
    assert world.customer.entries().count("reconnect") == 1


def flowing(world: World) -> tuple[bool, bool]:
    return world.agent.end.view.flowing, world.customer.end.view.flowing


def asked(world: World) -> list[Scope]:
    return [question.scope for question in world.customer.of(AskScope)]


@pytest.mark.parametrize("scope", [Scope.POINTER, Scope.CONTROL, Scope.RECORDING, Scope.DIAGNOSTICS])
def test_a_request_that_died_with_the_customers_child_is_asked_again_where_the_customer_listens(scope: Scope) -> None:
    """The customer is asked once, without the agent's doing, and the yes counts."""
    world = World()
    world.to_verified()
    break_with_child(world, lambda: world.do(world.agent, world.agent_end.request(scope, "please")))
    assert asked(world) == [scope]
    world.do(world.customer, world.customer_end.grant(scope))
    assert scope in world.agent.end.view.grants


def test_a_question_that_arrived_is_not_asked_twice_after_the_customers_child_died() -> None:
    """The question lives in the customer's window, not in its child."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.request(Scope.CONTROL))
    break_with_child(world, lambda: None)
    assert asked(world) == [Scope.CONTROL]
    assert [ask.state for ask in world.agent.end.view.asks if ask.scope is Scope.CONTROL] == [AskState.WAITING]


def test_that_the_number_is_the_same_counts_although_the_customers_child_died_with_the_word() -> None:
    """Else nothing but time would end the session, for the agent can say it only once."""
    world = World()
    world.to_live()
    world.do(world.customer, world.customer_end.pick_number(world.number))
    break_with_child(world, lambda: world.do(world.agent, world.agent_end.confirm_sas_same(True)))
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)


def test_a_line_of_chat_and_a_text_are_not_lost_with_the_customers_child() -> None:
    """Each arrives once."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.offer_clip("7K-4410"))
    world.network_up = False
    world.do(world.customer, world.customer_end.grant(Scope.CLIPBOARD_TO_CUSTOMER))
    world.network_up = True
    break_with_child(world, lambda: world.do(world.agent, world.agent_end.say_chat("one moment")))
    assert [line.text for line in world.customer.last(ChatChanged).lines] == ["one moment"]
    assert [came.text for came in world.customer.of(ClipArrived)] == ["7K-4410"]


def test_the_new_child_learns_what_the_agent_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact tiles leave in that order."""
    world = World()
    world.to_verified()
    heard: list[dict[str, object]] = []
    on_child = world.customer_end.on_child

    def listen(message: child.FromChild) -> list[Action]:
        if isinstance(message, child.Recv):
            heard.append(message.message)
        return on_child(message)

    world.do(world.agent, world.agent_end.set_view(300, 200, (1, 2, 3, 4)))
    monkeypatch.setattr(world.customer_end, "on_child", listen)
    break_with_child(world, lambda: None)
    assert [message["src_rect"] for message in heard if message["t"] == "view"] == [[1, 2, 3, 4]]


@pytest.mark.parametrize("resumed", [True, False])
def test_what_the_customer_did_with_a_pause_is_known_after_the_line_broke(resumed: bool) -> None:
    """The customer's copy decides: an agent's window does not stay dark while pictures come, nor the other way."""
    world = World()
    world.to_verified()
    if resumed:
        world.do(world.customer, world.customer_end.pause())
    deed = world.customer_end.resume if resumed else world.customer_end.pause
    break_with_child(world, lambda: world.do(world.customer, deed()))
    assert flowing(world) == (resumed, resumed)


def test_an_agents_pause_that_was_lost_holds_the_picture() -> None:
    """The agent asked for it, and the customer's end does it as soon as it can be told."""
    world = World()
    world.to_verified()
    break_with_child(world, lambda: world.do(world.agent, world.agent_end.pause()))
    assert flowing(world) == (False, False)
    world.do(world.customer, world.customer_end.resume())
    assert flowing(world) == (True, True)
