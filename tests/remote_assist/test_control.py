# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse and keyboard: what of an agent's deeds reaches the customer's desktop, what never does, and what lets go."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.assist import AskState, EndReason, Phase, Scope
from app.domain.control import BUTTONS, MODIFIERS, TO_EVDEV, Deed, Key, MoveTo, Press, Text, Wheel
from app.domain.documents import SignedDocument
from app.domain.marks import UNIT, to_steps
from remote_assist import child_protocol as child
from remote_assist.actions import Action, ChainEntry, ToChild
from remote_assist.control_actions import Inject, LetGo, OwnHands, ShareNow
from remote_assist.control_rules import Pictures, forbidden, to_pixel
from remote_assist.input_hands import Sharing
from remote_assist.input_messages import from_deed
from tests.remote_assist.world import SCREEN, WINDOW, World

DOWN = Press(100, 100, 1, down=True)


def picture(world: World, frame_id: int, *, changed: bool = True) -> None:
    """A picture leaves the customer's computer."""
    world.do(world.customer, world.customer_end.on_child(child.PictureLeft(frame_id, changed)))


def controlled(*, target: child.TargetItem = SCREEN) -> World:
    """The number was compared, control was asked for and allowed, and picture 5 is what the agent sees."""
    world = World()
    world.to_verified()
    if target is not SCREEN:
        world.do(world.customer, world.customer_end.choose_target(target.id, target.kind))
    world.do(world.agent, world.agent_end.request(Scope.CONTROL))
    world.do(world.customer, world.customer_end.grant(Scope.CONTROL))
    picture(world, 5)
    return world


def steer(world: World, deed: Deed, frame_id: int = 5) -> None:
    """The agent does something."""
    world.do(world.agent, world.agent_end.steer(deed, frame_id))


def hostile(world: World, deed: Deed, seq: int, frame_id: int = 5) -> list[Action]:
    """A child hands up what it should have kept back."""
    message = msgspec.to_builtins(from_deed(deed, seq, frame_id))
    actions = world.customer_end.on_child(child.Recv("inp", message))
    world.do(world.customer, actions)
    return actions


def done(world: World) -> list[Deed]:
    """What the customer's end asked its desktop for."""
    return [action.deed for action in world.customer.of(Inject)]


def control_entries(world: World) -> list[dict[str, object]]:
    """What the record says of mouse and keyboard."""
    texts = [entry.text for entry in world.customer.of(ChainEntry) if entry.type == "control"]
    return [json.loads(SignedDocument.from_text(text).document)["data"] for text in texts]


# --- granted ---------------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-36")
def test_control_is_asked_for_after_the_number_and_stands_on_the_record_before_anything_can_happen() -> None:
    """The grant, the beginning, then the child; the sum at the end."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.request(Scope.CONTROL, "to set the driver"))
    assert not world.customer.of(Inject)
    actions = world.customer_end.grant(Scope.CONTROL)
    kinds = [a.type if isinstance(a, ChainEntry) else type(a).__name__ for a in actions]
    assert kinds.index("grant") < kinds.index("control") < kinds.index("ToChild")
    world.do(world.customer, actions)
    assert world.agent.end.view.grants == (Scope.VIEW, Scope.CONTROL)
    picture(world, 1)
    steer(world, MoveTo(0, 0), 1)
    world.customer_end.note_control({"moves": 3, "presses": 2, "turns": 0, "keys": 40, "own": 9})
    world.pass_time(5_000)
    world.do(world.customer, world.customer_end.revoke(Scope.CONTROL))
    assert control_entries(world) == [
        {"on": True},
        {"on": False, "seconds": 5, "moves": 3, "presses": 2, "turns": 0, "keys": 40},
    ]


def test_each_deed_arrives_in_pixels_of_the_desktop() -> None:
    """Mouse, wheel, keys with their characters, and what an input method wrote."""
    world = controlled()
    x, y = to_steps(960.5, 540.5, 1920, 1080)
    steer(world, MoveTo(x, y))
    steer(world, Press(x, y, 3, down=True))
    steer(world, Press(x, y, 3, down=False))
    steer(world, Wheel(x, y, 0, -2))
    steer(world, Key(0x04, "ㅁ", down=True))
    steer(world, Key(0x04, "ㅁ", down=False))
    steer(world, Text("한글"))
    assert done(world) == [
        MoveTo(960, 540), Press(960, 540, 3, down=True), MoveTo(960, 540), Press(960, 540, 3, down=False),
        Wheel(960, 540, 0, -2), Key(0x04, "ㅁ", down=True), Key(0x04, "ㅁ", down=False), Text("한글"),
    ]  # fmt: skip


def test_a_window_is_steered_where_it_is_now_and_named_so_that_nothing_over_it_is_hit() -> None:
    """The child says where it is; which one it is, the customer chose."""
    world = controlled(target=WINDOW)
    steer(world, MoveTo(0, 0))
    world.do(world.customer, world.customer_end.on_child(child.Place((300, 200, 640, 480))))
    steer(world, MoveTo(UNIT, UNIT))
    assert [action.sharing for action in world.customer.of(Inject)] == [
        Sharing((100, 100, 640, 480), 7, WINDOW.id),
        Sharing((300, 200, 640, 480), 7, WINDOW.id),
    ]
    assert done(world) == [MoveTo(100, 100), MoveTo(939, 679)]


@settings(max_examples=40)
@given(st.integers(1, 8000), st.integers(1, 8000), st.data())
def test_every_pixel_is_hit_exactly_and_none_outside(width: int, height: int, data: st.DataObject) -> None:
    """From the agent's window to the desktop and back, at any size."""
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    steps = to_steps(x + 0.5, y + 0.5, width, height)
    assert to_pixel(*steps, (-50, 70, width, height)) == (x - 50, y + 70)
    wild = data.draw(st.integers(0, UNIT)), data.draw(st.integers(0, UNIT))
    left, top = to_pixel(*wild, (0, 0, width, height))
    assert 0 <= left < width
    assert 0 <= top < height
    assert to_pixel(UNIT, UNIT, (0, 0, width, height)) == (width - 1, height - 1)  # the last step of all


# --- old pictures and covered places ---------------------------------------------------------------------------------


def test_input_for_a_picture_that_changed_two_seconds_ago_has_no_effect() -> None:
    """A still picture stays good for any time; letting go always works."""
    world = controlled()
    world.pass_time(60_000, step_ms=1_000)
    steer(world, DOWN)
    assert done(world)[-1] == Press(2, 1, 1, down=True)
    picture(world, 6)
    picture(world, 7, changed=False)
    world.pass_time(1_750)
    steer(world, Key(0x04, "a", down=True))
    assert len(done(world)) == 2
    world.pass_time(250)
    for deed in (MoveTo(5, 5), DOWN, Wheel(1, 1, 0, 1), Key(0x04, "a", down=True), Text("x")):
        steer(world, deed)
    assert len(done(world)) == 2
    steer(world, Press(9_000, 9_000, 1, down=False))
    assert done(world)[-1] == Press(2, 1, 1, down=False)
    steer(world, Key(0x05, "b", down=True), 7)
    assert done(world)[-1] == Key(0x05, "b", down=True)
    assert "violation" not in world.customer.entries()


def test_a_picture_that_never_left_is_no_ground_for_anything() -> None:
    """Neither one of the future nor one of another target."""
    world = controlled()
    for number in (6, 0xFFFF_FFFF):
        steer(world, DOWN, number)
    assert done(world) == []
    world.do(world.customer, world.customer_end.choose_target(WINDOW.id, WINDOW.kind))
    steer(world, DOWN)
    assert done(world) == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 3_000)), max_size=30), st.integers(0, 14))
def test_a_picture_is_fresh_exactly_while_nothing_newer_is_two_seconds_old(
    told: list[tuple[int, bool, int]], asked: int
) -> None:
    """Against a plain search over everything of this connection."""
    pictures, now = Pictures(), 0
    seen: list[tuple[int, bool, int]] = []
    for number, changed, wait in told:
        now += wait
        pictures.left(number, now, changed=changed)
        if seen and number < seen[-1][0]:
            seen.clear()
        seen.append((number, changed, now))
    newest = seen[-1][0] if seen else -1
    old = any(number > asked and changed and now - at >= 2_000 for number, changed, at in seen)
    assert pictures.is_fresh(asked, now) == (asked <= newest and not old)


def test_the_desktop_is_told_what_the_customer_chose_and_what_is_hidden_of_it() -> None:
    """So that it asks for the place itself, and keeps keys out of windows of which something is hidden."""
    world = controlled()
    world.do(world.customer, world.customer_end.set_masks([(0, 0, 100, 100)]))
    world.do(world.customer, world.customer_end.on_child(child.Covered([(900, 0, 50, 50)], 1, "")))
    world.do(world.customer, world.customer_end.on_child(child.Place((-1_000, -1_000, 7_680, 4_320))))
    steer(world, Text("x"))
    (told,) = world.customer.of(Inject)
    assert (told.sharing.target, told.sharing.region) == (SCREEN.id, None)
    assert told.sharing.hidden == ((0, 0, 100, 100), (900, 0, 50, 50))


@pytest.mark.parametrize("how", ["mask", "rule", "place"])
def test_the_hands_hear_at_once_what_is_hidden_now_for_the_text_that_they_still_have(how: str) -> None:
    """Before anybody else, and not before the first deed; when nothing can be shared any more they let go."""
    changes: dict[str, Callable[[World], list[Action]]] = {
        "mask": lambda world: world.customer_end.set_masks([(0, 0, 100, 100)]),
        "rule": lambda world: world.customer_end.on_child(child.Covered([(0, 0, 100, 100)], 1, "")),
        "place": lambda world: world.customer_end.on_child(child.Place((10, 20, 1920, 1080))),
    }
    world = controlled()
    steer(world, Text("가" * 60))
    (sent,) = world.customer.of(Inject)
    first = changes[how](world)[0]
    assert isinstance(first, ShareNow)
    assert first.sharing != sent.sharing
    assert first.sharing.hidden == (() if how == "place" else ((0, 0, 100, 100),))
    assert not [action for action in changes[how](world) if isinstance(action, ShareNow)]
    gone = world.customer_end.on_child(child.Place((10, 20, 0, 0)))
    assert gone[0] == LetGo()
    idle = controlled()
    assert not [action for action in changes[how](idle) if isinstance(action, ShareNow | LetGo)]


def test_a_shared_window_is_named_by_its_number_as_the_desktop_lists_it() -> None:
    """With the mark that tells it from a later window of the same number."""
    listed = child.TargetItem("window:7:0badcafe", "window", "Notes", (100, 100, 640, 480), 1.0)
    world = controlled()
    world.do(world.customer, world.customer_end.on_child(child.Targets(1_000_000, [SCREEN, listed])))
    world.do(world.customer, world.customer_end.choose_target(listed.id, listed.kind))
    picture(world, 6)
    steer(world, Text("x"), 6)
    assert [action.sharing.window for action in world.customer.of(Inject)] == [7]


def test_nothing_is_pressed_or_moved_onto_what_the_customer_covered() -> None:
    """A drag that ends there ends where it was last allowed."""
    world = controlled()
    world.do(world.customer, world.customer_end.set_masks([(0, 0, 100, 100)]))
    inside, outside = to_steps(50, 50, 1920, 1080), to_steps(500.5, 500.5, 1920, 1080)
    steer(world, MoveTo(*inside))
    steer(world, Press(*inside, 1, down=True))
    assert done(world) == []
    steer(world, Press(*outside, 1, down=True))
    steer(world, MoveTo(*inside))
    steer(world, Press(*inside, 1, down=False))
    assert done(world) == [Press(500, 500, 1, down=True), Press(500, 500, 1, down=False)]


# --- without a grant -------------------------------------------------------------------------------------------------

STEP = st.integers(0, UNIT)
DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.builds(MoveTo, STEP, STEP),
    st.builds(Press, STEP, STEP, st.sampled_from(BUTTONS), st.booleans()),
    st.builds(Wheel, STEP, STEP, st.integers(-16, 16), st.integers(-16, 16)),
    st.builds(Key, st.sampled_from(sorted(TO_EVDEV)), st.sampled_from(["", "a", "한", "@"]), st.booleans()),
    st.builds(Text, st.text("abc한글 €", min_size=1, max_size=64)),
)


def _revoked(world: World) -> None:
    world.do(world.customer, world.customer_end.revoke(Scope.CONTROL))
    world.pass_time(6_000)


def _lost(world: World) -> None:
    world.network_up = False
    world.pass_time(9_000)


def _states() -> dict[str, tuple[Callable[[World], None], bool]]:
    """How to get where nothing may happen, and whether a deed there counts as a violation."""
    return {
        "prompted": (World.to_prompt, False),
        "unverified": (World.to_live, True),
        "verified": (World.to_verified, True),
        "revoked": (_revoked, True),
        "paused": (lambda world: world.do(world.customer, world.customer_end.pause()), False),
        "lost": (_lost, False),
        "ended": (lambda world: world.do(world.customer, world.customer_end.stop()), False),
    }


@pytest.mark.parametrize("state", list(_states()))
def test_without_a_grant_that_holds_now_no_deed_of_any_form_has_an_effect(state: str) -> None:
    """In every phase; where nobody could have meant well it counts, and the tenth ends the session."""
    go, counts = _states()[state]

    @settings(max_examples=6, deadline=None)
    @given(st.lists(DEEDS, min_size=1, max_size=5))
    def check(deeds: list[Deed]) -> None:
        world = World() if state in ("prompted", "unverified", "verified") else controlled()
        go(world)
        before = world.customer_end._violations
        for number, deed in enumerate(deeds):
            hostile(world, deed, number + 1)
        assert not world.customer.of(Inject)
        assert world.customer_end._violations - before == (len(deeds) if counts else 0)

    check()


def test_ten_deeds_without_a_grant_end_the_session() -> None:
    """An agent's program without rules is stopped."""
    world = World()
    world.to_verified()
    for number in range(10):
        hostile(world, DOWN, number)
    assert world.customer.end.view.reason is EndReason.PROTOCOL
    assert not world.customer.of(Inject)


def test_deeds_that_come_twice_or_too_often_are_violations() -> None:
    """Numbers grow; three seconds held up on the way are the most that come at once."""
    world = controlled()
    hostile(world, DOWN, 1)
    hostile(world, DOWN, 1)
    assert done(world) == [Press(2, 1, 1, down=True)]
    assert world.customer_end._violations == 1
    world = controlled()
    for number in range(605):
        hostile(world, MoveTo(number, 0), number)
    assert len(done(world)) == 600
    assert world.customer_end._violations == 5


@pytest.mark.parametrize(
    "raw",
    [
        {"t": "inp_button", "seq": 1, "frame_id": 5, "x": 1, "y": 1, "button": 4, "down": True},
        {"t": "inp_key", "seq": 1, "frame_id": 5, "code": 0, "char": "", "down": True},
        {"t": "inp_key", "seq": 1, "frame_id": 5, "code": 0x66, "char": "", "down": True},
        {"t": "inp_key", "seq": 1, "frame_id": 5, "code": 4, "char": "\x1b", "down": True},
        {"t": "inp_text", "seq": 1, "frame_id": 5, "text": "rm -rf /\n"},
        {"t": "inp_text", "seq": 1, "frame_id": 5, "text": "x" * 65},
        {"t": "inp_move", "seq": 1, "frame_id": 5, "x": 70_000, "y": 1},
    ],
)
def test_a_deed_of_a_wrong_form_is_a_violation(raw: dict[str, object]) -> None:
    """No wheel as a button, no power key, no control characters, nothing beyond the target."""
    world = controlled()
    world.do(world.customer, world.customer_end.on_child(child.Recv("inp", raw)))
    assert not world.customer.of(Inject)
    assert world.customer_end._violations == 1


# --- letting go ------------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-49")
@pytest.mark.parametrize("how", ["revoke", "pause", "agent pause", "child", "another target", "stop", "lost"])
def test_what_is_held_is_let_go_at_once_when_the_grant_the_picture_or_the_child_goes(how: str) -> None:
    """In the same breath; what was on its way has no effect and is no fault of the agent."""
    world = controlled()
    steer(world, DOWN)
    end = world.customer_end
    before = len(world.customer.actions)
    if how == "lost":
        world.network_up = False
        world.pass_time(3_500)
    elif how == "child":
        world.kill_child(world.customer)
    else:
        deeds = {
            "revoke": lambda: end.revoke(Scope.CONTROL),
            "pause": end.pause,
            "agent pause": lambda: end.on_child(child.Recv("ctl", {"t": "pause", "on": True, "by": "agent"})),
            "another target": lambda: end.choose_target(WINDOW.id, WINDOW.kind),
            "stop": end.stop,
        }
        actions = deeds[how]()
        assert LetGo() in actions
        world.do(world.customer, actions)
    after = world.customer.actions[before:]
    assert LetGo() in after
    for number in range(100, 120):
        hostile(world, MoveTo(number, 1), number)
    assert not [a for a in world.customer.actions[before:] if isinstance(a, Inject)]
    if how not in ("stop", "another target"):
        assert end.view.phase is Phase.VERIFIED
        assert "violation" not in world.customer.entries()


def test_a_revocation_is_written_told_to_the_child_and_let_go_in_one_list() -> None:
    """And the agent may ask again."""
    world = controlled()
    steer(world, DOWN)
    actions = world.customer_end.revoke(Scope.CONTROL)
    assert isinstance(actions[0], ChainEntry)
    told = [a.message for a in actions if isinstance(a, ToChild) and isinstance(a.message, child.Grants)]
    assert told == [child.Grants(3, ["view"])]
    assert LetGo() in actions
    world.do(world.customer, actions)
    ask = next(ask for ask in world.agent.end.view.asks if ask.scope is Scope.CONTROL)
    assert (ask.state, ask.revoked) == (AskState.POSSIBLE, True)
    steer(world, DOWN)
    assert len(done(world)) == 1


def test_a_computer_that_cannot_be_steered_does_not_offer_it() -> None:
    """Without a desktop of the right kind nobody is asked."""
    world = World()
    identity = dataclasses.replace(world.customer_end._identity, unable=frozenset({Scope.CONTROL}))
    world.customer_end._identity = identity
    world.to_verified()
    assert Scope.CONTROL not in [ask.scope for ask in world.agent.end.view.asks]
    request: dict[str, object] = {"t": "request", "scope": "control"}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", request)))
    assert world.customer.entries()[-1] == "refusal"


# --- the agent's end -------------------------------------------------------------------------------------------------


def test_at_most_two_hundred_a_second_leave_and_moves_that_wait_become_one() -> None:
    """The last place arrives, nothing piles up."""
    world = controlled()
    for number in range(1_000):
        world.agent_end.steer(MoveTo(number, 0), 5)
        assert len(world.agent_end._deeds) <= 1
    for number in range(300):
        world.agent_end.steer(Key(0x04, "a", down=number % 2 == 0), 5)
        assert len(world.agent_end._deeds) <= 65
    sent = 0
    for _ in range(200):
        world.fake_clock.ms += 5
        actions = world.agent_end.tick()
        sent += sum(isinstance(a, ToChild) and isinstance(a.message, child.Send) for a in actions)
    assert 0 < sent <= 200
    assert not world.agent_end._deeds


def test_hands_that_leave_let_go_of_what_is_held_and_only_of_that() -> None:
    """A key and a button go up, in the customer's end too."""
    world = controlled()
    steer(world, DOWN)
    steer(world, Key(0xE0, "", down=True))
    world.do(world.agent, world.agent_end.let_go())
    assert done(world)[-2:] == [Press(2, 1, 1, down=False), Key(0xE0, "", down=False)]
    world.do(world.agent, world.agent_end.let_go())
    steer(world, Key(0x04, "", down=False))
    assert len(done(world)) == 5


def test_without_a_grant_the_agents_end_sends_nothing() -> None:
    """Courtesy: the button is off as well."""
    world = World()
    world.to_verified()
    assert world.agent_end.steer(DOWN, 1) == []
    assert world.agent_end.let_go() == []


# --- keys that nobody else presses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "char", "held"),
    [
        (0x46, "", ()),
        (0x4C, "", (0xE0, 0xE2)),
        (0x4C, "", (0xE4, 0xE6, 0xE1)),
        (0x2A, "", (0xE0, 0xE2)),
        (0x3A, "", (0xE0, 0xE2)),
        (0x45, "", (0xE4, 0xE2)),
        (0x4D, "", (0xE0, 0xE2)),
        (0x0F, "l", (0xE3,)),
        (0x0F, "ㅣ", (0xE3,)),
        (0x13, "l", (0xE7,)),
        (0x0F, "l", (0xE0, 0xE2)),
        (0x16, "s", (0xE3, 0xE1)),
        (0x14, "q", (0xE3, 0xE0)),
        (0x20, "#", (0xE3, 0xE5)),
    ],
)
def test_locking_ending_and_photographing_the_session_stay_the_customers(
    code: int, char: str, held: tuple[int, ...]
) -> None:
    """By place and by character, with either of two modifiers."""
    assert forbidden(code, char, held)


@pytest.mark.parametrize(
    ("code", "char", "held"),
    [(0x0F, "l", ()), (0x4C, "", ()), (0x4C, "", (0xE0,)), (0x06, "c", (0xE0,)), (0x3D, "", (0xE2,)), (0xE3, "", ())],
)
def test_other_keys_are_pressed(code: int, char: str, held: tuple[int, ...]) -> None:
    """Copying, closing a window, opening a menu."""
    assert not forbidden(code, char, held)
    assert set(held) <= MODIFIERS


# --- the customer's own hands ----------------------------------------------------------------------------------------


def shown_hands(world: World) -> list[bool]:
    """What the agent's window was told about the customer's own mouse and keyboard."""
    return [action.on for action in world.agent.of(OwnHands)]


def test_the_agent_is_told_when_the_customers_own_hands_keep_it_away_and_when_no_longer() -> None:
    """Once each; the grants stay, and nothing of it is in the record."""
    world = controlled()
    entries, grants = list(world.customer.entries()), world.customer.end.view.grants
    for on in (True, True, False, False):
        world.do(world.customer, world.customer_end.note_own_hands(on))
    assert shown_hands(world) == [True, False]
    assert world.customer.end.view.grants == world.agent.end.view.grants == grants
    assert world.customer.entries() == entries


@pytest.mark.parametrize("how", ["revoke", "pause", "lost", "stop"])
def test_that_the_customer_is_at_the_mouse_ends_with_what_it_was_about(how: str) -> None:
    """The agent's window says nothing of it any more when nothing passes."""
    world = controlled()
    world.do(world.customer, world.customer_end.note_own_hands(True))
    if how == "lost":
        world.network_up = False
        world.pass_time(3_500)
    else:
        end = world.customer_end
        deeds = {"revoke": lambda: end.revoke(Scope.CONTROL), "pause": end.pause, "stop": end.stop}
        world.do(world.customer, deeds[how]())
    assert shown_hands(world) == [True, False]


def test_what_was_said_while_the_line_was_away_is_said_again() -> None:
    """The customer is still at the mouse when the connection is back."""
    world = controlled()
    world.network_up = False
    world.pass_time(3_500)
    world.do(world.customer, world.customer_end.note_own_hands(True))
    assert shown_hands(world) == []
    world.network_up = True
    world.pass_time(8_000)
    assert shown_hands(world) == [True]


def test_without_control_nobody_is_told_about_the_customers_hands() -> None:
    """What the customer does there is nobody's business then; a child that says so is not believed."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.note_own_hands(True))
    world.do(world.agent, world.agent_end.on_child(child.Recv("ctl", {"t": "own_hands", "on": True})))
    assert shown_hands(world) == []
