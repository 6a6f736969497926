# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharing something else in mid-session: looked at here first, nothing of it leaves before the press."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from app.domain.assist import Notice, Phase, Scope
from app.domain.control import MoveTo
from app.domain.documents import SignedDocument
from app.domain.session_facts import session_facts
from remote_assist import child_protocol as child
from remote_assist.actions import ChainEntry, ChoiceOver, Notify, RemoteTarget, TargetsListed
from remote_assist.control_actions import Inject
from tests.remote_assist.world import SCREEN, WINDOW, World

REGION = (10, 10, 400, 300)
MASK = (5, 6, 70, 80)


def sharing(item: child.TargetItem = WINDOW) -> World:
    """A verified session in which a window is shared, a part of it hidden."""
    world = World()
    world.to_prompt()
    world.choose(item)
    world.allow()
    world.do(world.customer, world.customer_end.pick_number(world.number))
    world.do(world.agent, world.agent_end.confirm_sas_same(True))
    world.do(world.customer, world.customer_end.set_masks([MASK]))
    return world


def choosing() -> World:
    """And the customer looks at the whole screen instead."""
    world = sharing()
    world.do(world.customer, world.customer_end.begin_choice())
    world.do(world.customer, world.customer_end.propose_target(SCREEN.id, SCREEN.kind))
    return world


def told(world: World) -> list[child.ToChild]:
    """What the customer's child was told, oldest first."""
    assert world.customer.child is not None
    return world.customer.child.got


def source(world: World) -> tuple[str, str, tuple[int, int, int, int] | None, bool]:
    """What the child captures now, and whether it is shown here."""
    newest = [message for message in told(world) if isinstance(message, child.Source)][-1]
    return newest.target, newest.kind, newest.region, newest.preview


def painted_over(world: World) -> list[tuple[int, int, int, int]]:
    """What the child paints over by itself."""
    return [message for message in told(world) if isinstance(message, child.Masks)][-1].rects


def sends(world: World) -> bool:
    """Whether the customer's child may send pictures."""
    assert world.customer.child is not None
    return world.customer.child.sending


def entries(world: World) -> list[tuple[str, dict[str, object]]]:
    """Types and data of the record."""
    return [
        (entry.type, json.loads(SignedDocument.from_text(entry.text).document)["data"])
        for entry in world.customer.of(ChainEntry)
    ]


def test_while_something_else_is_looked_at_nothing_leaves_and_the_record_proves_it() -> None:
    """The picture rests at the agent's, the preview is here alone, and the counters at both ends are equal."""
    world = choosing()
    assert not sends(world)
    assert world.customer.of(TargetsListed)
    assert source(world) == (SCREEN.id, "screen", None, True)
    assert world.agent.end.view.paused
    assert world.agent.last(RemoteTarget).kind == "window"
    world.pass_time(5_000)
    world.do(world.customer, world.customer_end.take_choice())
    assert sends(world)
    assert [kind for kind, _data in entries(world)][-4:] == ["pause", "target", "masks", "resume"]
    data = dict(entries(world)[-4:])
    assert data["pause"] == data["resume"]
    assert data["target"] == {"kind": "screen"}


def test_a_press_shares_what_was_looked_at_and_the_agent_sees_that_it_is_something_else() -> None:
    """Entry first; then the child, without preview; then size and kind for the agent."""
    world = choosing()
    before = len(world.customer.actions)
    actions = world.customer_end.take_choice()
    kinds = [type(action).__name__ for action in actions]
    assert kinds.index("ChainEntry") < kinds.index("ToChild")
    world.do(world.customer, actions)
    assert source(world) == (SCREEN.id, "screen", None, False)
    seen = world.agent.last(RemoteTarget)
    assert (seen.kind, seen.width, seen.height) == ("screen", 1920, 1080)
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert world.agent.end.view.flowing
    target = next(a for a in world.customer.actions[before:] if isinstance(a, ChainEntry) and a.type == "target")
    assert session_facts(target.text)["target"] == "screen"
    assert world.customer_end.masks.drawn == ()


def test_giving_up_shares_again_what_was_shared_with_everything_hidden_as_before() -> None:
    """No entry of another picture; the window, its masks, and the picture going on."""
    world = choosing()
    assert MASK not in painted_over(world)
    world.do(world.customer, world.customer_end.give_up_choice())
    assert sends(world)
    assert source(world) == (WINDOW.id, "window", None, False)
    assert world.customer_end.masks.drawn == (MASK,)
    assert painted_over(world) == [MASK]
    assert "target" not in world.customer.entries()
    assert world.customer.of(ChoiceOver)


@pytest.mark.parametrize("begun", ["customer", "agent"])
def test_a_session_that_was_paused_before_stays_paused_after_the_choice(begun: str) -> None:
    """Sharing something else is no wish to go on."""
    world = sharing()
    if begun == "customer":
        world.do(world.customer, world.customer_end.pause())
    else:
        world.do(world.agent, world.agent_end.pause())
    world.do(world.customer, world.customer_end.begin_choice())
    world.do(world.customer, world.customer_end.propose_target(SCREEN.id, "region", REGION))
    world.do(world.customer, world.customer_end.take_choice())
    assert not sends(world)
    world.do(world.customer, world.customer_end.resume())
    assert sends(world)
    assert source(world) == (SCREEN.id, "region", REGION, False)


def _revoke(world: World) -> None:
    world.do(world.customer, world.customer_end.revoke(Scope.CONTROL))


def _reconnect(world: World) -> None:
    world.network_up = False
    world.pass_time(3_500)
    world.network_up = True
    world.pass_time(8_000)


def _system(world: World) -> None:
    world.do(world.customer, world.customer_end.system_pause(True))
    world.do(world.customer, world.customer_end.system_pause(False))


def _grant(world: World) -> None:
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "request", "scope": "recording"})))
    world.do(world.customer, world.customer_end.grant(Scope.RECORDING))


@pytest.mark.parametrize("deed", [_revoke, _reconnect, _system, _grant])
def test_nothing_that_happens_meanwhile_lets_the_other_picture_out(deed: Callable[[World], None]) -> None:
    """Neither other grants that come and go, nor a break of the line, nor a lock that is lifted."""
    world = sharing()
    world.do(world.agent, world.agent_end.request(Scope.CONTROL))
    world.do(world.customer, world.customer_end.grant(Scope.CONTROL))
    world.do(world.customer, world.customer_end.begin_choice())
    world.do(world.customer, world.customer_end.propose_target(SCREEN.id, SCREEN.kind))
    deed(world)
    assert not sends(world)
    assert world.customer.child is not None
    assert world.customer.child.paused
    assert source(world) == (SCREEN.id, "screen", None, True)


def test_resuming_from_the_bar_in_the_middle_keeps_what_was_shared() -> None:
    """Resume is no press on sharing something else."""
    world = choosing()
    world.do(world.customer, world.customer_end.resume())
    assert sends(world)
    assert source(world) == (WINDOW.id, "window", None, False)
    assert world.customer.of(ChoiceOver)
    world.do(world.customer, world.customer_end.take_choice())
    assert "target" not in world.customer.entries()


def test_a_window_that_goes_while_it_is_looked_at_ends_nothing() -> None:
    """It is told where it is chosen; what was shared is still there."""
    world = choosing()
    world.do(world.customer, world.customer_end.on_child(child.Fault("target_gone")))
    assert world.customer.last(Notify) == Notify(Notice.CAPTURE, "target_gone")
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    world.do(world.customer, world.customer_end.give_up_choice())
    assert sends(world)


def test_a_child_that_dies_while_something_else_is_looked_at_comes_back_with_what_was_shared() -> None:
    """Still paused: the customer goes on, or chooses again."""
    world = choosing()
    world.kill_child(world.customer)
    world.pass_time(8_000)
    assert world.customer.of(ChoiceOver)
    assert source(world) == (WINDOW.id, "window", None, False)
    assert not sends(world)


def test_what_the_agent_does_meanwhile_has_no_effect_and_is_no_fault() -> None:
    """Mouse and keyboard wait for the picture."""
    world = sharing()
    world.do(world.agent, world.agent_end.request(Scope.CONTROL))
    world.do(world.customer, world.customer_end.grant(Scope.CONTROL))
    world.do(world.customer, world.customer_end.begin_choice())
    world.do(world.agent, world.agent_end.steer(MoveTo(1, 1), 5))
    assert not world.customer.of(Inject)
    assert "violation" not in world.customer.entries()


def test_without_a_session_or_a_choice_the_deeds_do_nothing() -> None:
    """As every deed that means nothing now."""
    world = World()
    world.to_prompt()
    end = world.customer_end
    assert end.begin_choice() == end.take_choice() == end.give_up_choice() == []
    world = sharing()
    end = world.customer_end
    assert end.propose_target(SCREEN.id, SCREEN.kind) == end.take_choice() == []
    world.do(world.customer, end.begin_choice())
    assert end.propose_target("screen:9", "screen") == end.take_choice() == []


def test_stop_while_choosing_ends_as_everywhere() -> None:
    """And the window of the choice goes."""
    world = choosing()
    world.do(world.customer, world.customer_end.stop())
    assert world.customer.of(ChoiceOver)
    assert world.customer.end.view.phase is Phase.ENDED


def test_what_was_drawn_on_one_target_is_painted_on_no_other() -> None:
    """Also before the yes: a place that was hidden in a window means nothing on the screen."""
    world = World()
    world.to_prompt()
    world.choose(WINDOW)
    world.do(world.customer, world.customer_end.set_masks([MASK]))
    assert painted_over(world) == [MASK]
    world.choose(SCREEN)
    assert painted_over(world) == []
