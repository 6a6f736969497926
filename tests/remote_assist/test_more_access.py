# SPDX-License-Identifier: GPL-3.0-or-later
"""Access beyond looking: asked for, given or not, taken back; and what an agent points at and draws with it."""

from __future__ import annotations

import json

import pytest

from app.domain.assist import AskState, EndReason, Notice, Phase, Scope, ScopeAsk
from app.domain.documents import SignedDocument
from app.domain.marks import Mark, MarkKind, Marks
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import (
    Action,
    AskScope,
    ChainEntry,
    CursorMoved,
    GrantsChanged,
    MarksChanged,
    Notify,
    Receipt,
    ScopeSettled,
    TargetMoved,
    ToChild,
)
from remote_assist.chain import verify_receipt
from tests.remote_assist.world import WINDOW, World

BOX = Mark(1, MarkKind.BOX, ((10, 10), (500, 400)), 0xFF0000)


def live() -> World:
    """Looking, not verified."""
    world = World()
    world.to_live()
    return world


def asked() -> World:
    """The agent asked to point."""
    world = live()
    world.do(world.agent, world.agent_end.request(Scope.POINTER, "to show the button"))
    return world


def given() -> World:
    """The customer allowed pointing."""
    world = asked()
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    return world


POINTED: dict[str, object] = {"t": "ptr", "x": 1, "y": 2, "visible": True}


def ask(world: World) -> ScopeAsk:
    """How the wish stands at the agent's end."""
    return next(ask for ask in world.agent.end.view.asks if ask.scope is Scope.POINTER)


def customers_grants(world: World) -> tuple[Scope, ...]:
    """What the deciding end says is allowed."""
    return world.customer.end.view.grants


def shown(world: World) -> Marks:
    """What the customer's end shows."""
    changes = world.customer.of(MarksChanged)
    return changes[-1].marks if changes else Marks()


def entry_data(action: Action) -> dict[str, object]:
    assert isinstance(action, ChainEntry)
    data: dict[str, object] = json.loads(SignedDocument.from_text(action.text).document)["data"]
    return data


# --- asking ----------------------------------------------------------------------------------------------------------


def test_the_customer_is_asked_and_a_click_gives_exactly_that_scope() -> None:
    """Both ends show the same grants; the entry comes before the effect."""
    world = asked()
    question = world.customer.last(AskScope)
    assert (question.scope, question.why) == (Scope.POINTER, "to show the button")
    assert question.deadline_ms == world.clock.monotonic_ms() + 120_000
    assert ask(world) == ScopeAsk(Scope.POINTER, AskState.WAITING, question.deadline_ms + 3_000)
    assert customers_grants(world) == (Scope.VIEW,)
    actions = world.customer_end.grant(Scope.POINTER)
    kinds = [type(action).__name__ for action in actions]
    assert kinds.index("ChainEntry") < kinds.index("ToChild") < kinds.index("GrantsChanged")
    world.do(world.customer, actions)
    assert customers_grants(world) == world.agent.end.view.grants == (Scope.VIEW, Scope.POINTER)
    assert ask(world).state is AskState.GRANTED
    assert world.customer.of(ScopeSettled)
    assert entry_data(world.customer.last(ChainEntry)) == {"scope": "pointer"}
    assert world.customer.child is not None
    assert world.customer.child.scopes == {"view", "pointer"}


@pytest.mark.ux("UX-34")
@pytest.mark.parametrize("silent", [False, True], ids=["no", "silence"])
def test_a_no_and_silence_are_refusals_and_asking_again_takes_half_a_minute(silent: bool) -> None:
    """The record tells the two apart; the agent sees when it may ask again."""
    world = asked()
    if silent:
        world.pass_time(119_000, step_ms=1_000)
        assert not world.customer.of(ScopeSettled)
        world.pass_time(1_000)
    else:
        world.do(world.customer, world.customer_end.refuse_scope(Scope.POINTER))
    assert world.customer.of(ScopeSettled)
    assert world.customer.entries()[-1] == "refusal"
    assert entry_data(world.customer.last(ChainEntry)) == {"scope": "pointer"}
    assert customers_grants(world) == (Scope.VIEW,)
    state = ask(world)
    assert state.state is AskState.REFUSED
    assert world.agent.last(Notify) == Notify(Notice.REFUSED, "pointer")
    assert world.agent_end.request(Scope.POINTER) == []
    world.pass_time(29_000, step_ms=1_000)
    assert ask(world).state is AskState.REFUSED
    world.pass_time(1_000)
    assert ask(world).state is AskState.POSSIBLE


def test_after_three_refusals_the_agent_may_not_ask_again_and_one_who_does_breaks_the_rules() -> None:
    """No customer is worn down; a program without rules is stopped."""
    world = live()
    for _ in range(3):
        world.do(world.agent, world.agent_end.request(Scope.POINTER))
        world.do(world.customer, world.customer_end.refuse_scope(Scope.POINTER))
        world.pass_time(31_000, step_ms=1_000)
    assert ask(world).state is AskState.TOO_OFTEN
    assert world.agent_end.request(Scope.POINTER) == []
    assert len(world.customer.of(AskScope)) == 3
    for _ in range(13):
        world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "request", "scope": "pointer"})))
    assert len(world.customer.of(AskScope)) == 3
    assert world.customer.end.view.reason is EndReason.PROTOCOL


def test_a_click_after_the_time_is_over_gives_nothing() -> None:
    """Silence has answered before, whatever the timer of the window did."""
    world = asked()
    world.fake_clock.ms += 120_000
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    assert customers_grants(world) == (Scope.VIEW,)
    assert "grant" not in world.customer.entries()[4:]


def test_nothing_is_granted_that_nobody_asked_for_and_no_control_before_the_check_number() -> None:
    """The agent's button is off, and a program without rules gets a refusal."""
    world = live()
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    world.do(world.agent, world.agent_end.request(Scope.CONTROL))
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "request", "scope": "control"})))
    world.do(world.customer, world.customer_end.grant(Scope.CONTROL))
    assert customers_grants(world) == (Scope.VIEW,)
    assert not world.customer.of(AskScope)
    states = {item.scope: item.state for item in world.agent.end.view.asks}
    assert (states[Scope.POINTER], states[Scope.CONTROL]) == (AskState.POSSIBLE, AskState.NOT_NOW)


def test_an_invitation_for_looking_only_offers_nothing_more() -> None:
    """The largest access stands in what the customer accepted."""
    world = World()
    world.invite(scopes_max=(Scope.VIEW,))
    world.open()
    world.choose()
    world.allow()
    assert world.agent.end.view.asks == ()
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "request", "scope": "pointer"})))
    assert not world.customer.of(AskScope)


def test_a_question_that_was_lost_with_its_connection_is_put_again_and_counts_once() -> None:
    """The customer never sees it twice."""
    world = live()
    world.network_up = False
    world.do(world.agent, world.agent_end.request(Scope.POINTER))
    assert not world.customer.of(AskScope)
    world.pass_time(3_500)
    world.network_up = True
    world.pass_time(6_000)
    assert len(world.customer.of(AskScope)) == 1
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    assert ask(world).state is AskState.GRANTED


def test_a_yes_given_while_the_line_was_gone_arrives_with_the_next_connection() -> None:
    """Grants stay as given."""
    world = asked()
    world.network_up = False
    world.pass_time(3_500)
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    world.network_up = True
    world.pass_time(6_000)
    assert world.agent.end.view.grants == (Scope.VIEW, Scope.POINTER)
    assert ask(world).state is AskState.GRANTED


def test_the_end_takes_an_open_question_away() -> None:
    """No window asks for a session that is over."""
    world = asked()
    world.do(world.agent, world.agent_end.stop())
    assert world.customer.of(ScopeSettled)
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    assert customers_grants(world) == ()


def test_the_receipt_names_every_grant_with_its_times() -> None:
    """Given, taken back, given again."""
    world = given()
    world.pass_time(5_000)
    world.do(world.customer, world.customer_end.revoke(Scope.POINTER))
    world.pass_time(2_000)
    world.do(world.customer, world.customer_end.stop())
    world.pass_time(1_000)
    report = verify_receipt(world.customer.last(Receipt).data)
    assert report.ok
    grants = report.entries[-1].data["grants"]
    assert [grant["scope"] for grant in grants] == ["view", "pointer"]
    assert grants[1]["to"] - grants[1]["from"] == 5_000
    assert grants[0]["to"] == report.entries[-1].data["duration_ms"] + grants[0]["from"]


# --- pointing and drawing --------------------------------------------------------------------------------------------


def test_what_the_agent_points_at_and_draws_shows_and_goes_by_itself() -> None:
    """The pointer stays while it is held still, a drawing for eight seconds, a pinned one until it is cleared."""
    world = given()
    world.do(world.agent, world.agent_end.point((100, 200)))
    world.do(world.agent, world.agent_end.draw(BOX))
    pinned = Mark(2, MarkKind.PEN, ((1, 1), (2, 2)), 0, ttl_s=0)
    world.do(world.agent, world.agent_end.draw(pinned))
    assert shown(world) == Marks((100, 200), (BOX, pinned))
    world.pass_time(7_000)
    assert shown(world).pointer == (100, 200)
    world.pass_time(1_250)
    assert shown(world).drawn == (pinned,)
    world.do(world.agent, world.agent_end.point(None))
    assert shown(world).pointer is None
    world.do(world.agent, world.agent_end.clear_marks())
    assert not shown(world)
    assert world.agent.last(MarksChanged).marks == Marks()


def test_a_pointer_whose_agent_falls_silent_goes_after_three_seconds() -> None:
    """The message that takes it away may be lost."""
    world = given()
    world.do(world.customer, world.customer_end.on_child(child.Recv("ptr", POINTED)))
    assert shown(world).pointer == (1, 2)
    world.pass_time(3_000)
    assert shown(world).pointer is None


@pytest.mark.ux("UX-36")
@pytest.mark.parametrize("how", ["revoke", "pause", "agent pause", "lost", "another target", "stop"])
def test_drawings_are_gone_at_once_when_the_grant_or_the_picture_is(how: str) -> None:
    """And the messages still on their way show nothing and are no fault of the agent."""
    world = given()
    world.do(world.agent, world.agent_end.draw(BOX))
    world.do(world.agent, world.agent_end.point((5, 5)))
    assert shown(world)
    end = world.customer_end
    if how == "lost":
        world.network_up = False
        world.pass_time(1_000)
        assert world.customer.end.view.lost
        world.pass_time(8_000)
    else:
        deeds = {
            "revoke": lambda: end.revoke(Scope.POINTER),
            "pause": end.pause,
            "agent pause": lambda: end.on_child(child.Recv("ctl", {"t": "pause", "on": True, "by": "agent"})),
            "another target": lambda: end.choose_target(WINDOW.id, WINDOW.kind),
            "stop": end.stop,
        }
        actions = deeds[how]()
        assert MarksChanged(Marks()) in actions
        world.perform(world.customer, actions)
    assert not shown(world)
    if how in ("another target", "stop"):
        return
    late: list[child.FromChild] = [child.Recv("ptr", POINTED), child.Fault("violation", "ann")] * 20
    for message in late:
        world.perform(world.customer, end.on_child(message))
    assert not shown(world)
    assert end.view.phase is Phase.UNVERIFIED
    assert "violation" not in world.customer.entries()


def test_taking_the_pointer_back_tells_the_child_at_once_and_leaves_looking() -> None:
    """The record first, then the child, then the window, in one go."""
    world = given()
    actions = world.customer_end.revoke(Scope.POINTER)
    assert isinstance(actions[0], ChainEntry)
    told = [a.message for a in actions if isinstance(a, ToChild) and isinstance(a.message, child.Grants)]
    assert told == [child.Grants(3, ["view"])]
    assert GrantsChanged((Scope.VIEW,)) in actions
    world.do(world.customer, actions)
    assert ask(world) == ScopeAsk(Scope.POINTER, AskState.POSSIBLE, revoked=True)
    world.do(world.agent, world.agent_end.draw(BOX))
    assert not shown(world)


def test_long_after_a_revocation_messages_count_as_violations() -> None:
    """The grace is for what was on its way."""
    world = given()
    world.do(world.customer, world.customer_end.revoke(Scope.POINTER))
    world.pass_time(5_000)
    for _ in range(10):
        world.do(world.customer, world.customer_end.on_child(child.Fault("violation", "ptr")))
    assert world.customer.end.view.reason is EndReason.PROTOCOL


def test_more_drawings_than_allowed_never_show() -> None:
    """The agent's own end drops its oldest; one without rules is refused the sixty-fifth, and it counts."""
    world = given()
    for number in range(40):
        world.pass_time(50, step_ms=50)
        world.do(world.agent, world.agent_end.draw(Mark(number, MarkKind.PEN, ((1, 1),), 0, 60)))
    assert [mark.id for mark in shown(world).drawn] == list(range(8, 40))
    assert "violation" not in world.customer.entries()
    for number in range(100, 140):
        world.pass_time(50, step_ms=50)
        raw = {"t": "add", "id": number, "kind": "pen", "points": [[1, 1]], "colour": 0, "ttl": 60}
        world.do(world.customer, world.customer_end.on_child(child.Recv("ann", raw)))
        assert len(shown(world).drawn) <= 64
    assert "violation" in world.customer.entries()


def test_a_window_that_moved_is_told_and_a_childs_nonsense_is_kept_in_bounds() -> None:
    """What shows on the screen follows the target."""
    world = given()
    world.do(world.customer, world.customer_end.on_child(child.Place((10, 20, 300, 200))))
    assert world.customer.last(TargetMoved).rect == (10, 20, 300, 200)
    world.do(world.customer, world.customer_end.on_child(child.Place((-(10**12), 10**15, -5, 10**9))))
    assert world.customer.last(TargetMoved).rect == (-65_536, 65_536, 0, 65_536)


def test_an_agent_who_left_the_pointer_standing_is_idle() -> None:
    """The repeated place is no sign of a person."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.request(Scope.POINTER))
    world.do(world.customer, world.customer_end.grant(Scope.POINTER))
    world.do(world.agent, world.agent_end.point((1, 1)))
    world.pass_time(545_000, step_ms=1_000)
    assert Notice.IDLE_SOON in [n.notice for n in world.customer.of(Notify)]


# --- the customer's cursor -------------------------------------------------------------------------------------------


def test_the_newest_place_of_the_cursor_wins_and_none_shows_while_the_picture_is_held() -> None:
    """The channel keeps no order."""
    world = live()

    def cursor(x: int, us: int) -> None:
        message = {"t": "cur", "x": x, "y": 2, "visible": True, "shape": 1, "us": us}
        world.do(world.agent, world.agent_end.on_child(child.Recv("cur", message)))

    cursor(10, 100)
    cursor(5, 90)
    assert world.agent.last(CursorMoved).at == (10, 2)
    world.do(world.customer, world.customer_end.pause())
    assert world.agent.last(CursorMoved).at is None
    cursor(20, 200)
    assert world.agent.last(CursorMoved).at is None


def test_messages_of_a_wrong_form_are_violations_not_effects() -> None:
    """At the customer's end, each on its own."""
    world = given()
    for raw in (
        {"t": "add", "id": 1, "kind": "box", "points": [[1, 1]], "colour": 0, "ttl": 8},
        {"t": "add", "id": -1, "kind": "pen", "points": [[1, 1]], "colour": 0, "ttl": 8},
        {"t": "add", "id": 1, "kind": "pen", "points": [[70_000, 1]], "colour": 0, "ttl": 8},
        {"t": "add", "id": 1, "kind": "pen", "points": [[1, 1]] * 513, "colour": 0, "ttl": 8},
        {"t": "add", "id": 1, "kind": "pen", "points": [[1, 1]], "colour": 0, "ttl": 8_000},
        {"t": "add", "id": 1, "kind": "text", "points": [[1, 1]], "colour": 0, "ttl": 8},
        {"t": "clear", "x": 1},
    ):
        world.do(world.customer, world.customer_end.on_child(child.Recv("ann", raw)))
    assert not shown(world)
    assert world.customer_end._violations == 7
    assert wire.CHANNEL_SCOPE["ann"] is Scope.POINTER
