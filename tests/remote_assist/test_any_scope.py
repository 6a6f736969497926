# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of access under any order of deeds, messages, cuts and deaths: no effect without a grant on record."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from app.domain.assist import Scope
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, ChainEntry, ClipArrived, DiagnosticsArrived, MarksChanged, ToChild
from remote_assist.control_actions import Inject
from remote_assist.customer_scopes import LATE_MS
from remote_assist.file_actions import SendFile, TakeFile
from remote_assist.input_messages import InpButton, InpKey, InpMove
from tests.remote_assist.test_any_order import STEPS, Step, check, deed, hostile, kill, toggle, wait
from tests.remote_assist.whole_world import SHOWN, WholeWorld, reached, said_in
from tests.remote_assist.world import SCREEN, World

HASH = "0" * 64
ASKED = tuple(scope for scope in Scope if scope is not Scope.VIEW)
EFFECTS: dict[type[Action], Scope] = {
    Inject: Scope.CONTROL,
    ClipArrived: Scope.CLIPBOARD_TO_CUSTOMER,
    TakeFile: Scope.FILES_TO_CUSTOMER,
    SendFile: Scope.FILES_TO_AGENT,
}
SENDS = {"clip": Scope.CLIPBOARD_TO_AGENT, "diag": Scope.DIAGNOSTICS, "file": Scope.FILES_TO_AGENT}
_numbers = iter(range(1, 1 << 30))


def picture(world: World) -> None:
    """A picture leaves, so that input could be fresh."""
    if world.customer.child is not None and world.customer.child.alive:
        world.do(world.customer, world.customer_end.on_child(child.PictureLeft(next(_numbers), changed=True)))


def press(world: World) -> None:
    """An agent's program without rules presses, on whatever picture is the newest."""
    n = next(_numbers)
    for message in (
        InpMove(n, n - 1, 100, 100),
        InpButton(n + 1, n - 1, 100, 100, 1, True),
        InpKey(n + 2, n, 4, "a", True),
    ):
        next(_numbers)
        hostile("inp", message)(world)


def send_what_was_shown(world: World) -> None:
    """The customer lets the bundle go."""
    world.do(world.customer, world.customer_end.send_diagnostics(SHOWN))


def claim(what: str, number: int) -> Step:
    """An agent's program without rules says of its recorder what it likes."""
    data: dict[str, bool | int | str] = {"what": what, "n": number, "ms": 5, "bytes": 9, "sha256": HASH}
    return hostile("ctl", wire.Claim("recording", data))


RECORD = [deed("agent", "record"), deed("agent", "keep_still"), deed("agent", "stop_recording")]
MORE: list[Step] = [
    *(deed("agent", "request", scope, "please") for scope in ASKED),
    *(deed("customer", "grant", scope) for scope in ASKED),
    *(deed("customer", "revoke", scope) for scope in ASKED),
    *(hostile("ctl", wire.Request(scope)) for scope in ASKED),
    deed("agent", "offer_clip", "from the agent"),
    deed("customer", "give_clip", "from the customer"),
    deed("customer", "take_file", 1),
    *RECORD,
    send_what_was_shown,
    send_what_was_shown,
    deed("customer", "withhold_diagnostics"),
    hostile("ctl", wire.Claim("diagnostics", {"id": 1, "ok": True})),
    *(claim(what, number) for what in ("began", "part", "still") for number in (1, 31)),
    hostile("ctl", wire.Clip("to_customer", 1)),
    hostile("clip", wire.ClipPart(0, 1, b"hostile")),
    hostile("ctl", wire.FileOffer(1, "a.txt", 3, HASH)),
    hostile("ctl", wire.FileAccept(1, 0)),
    hostile("file", wire.FilePart(1, 0, b"abc")),
    picture,
    picture,
    press,
    press,
]
TRIES: list[Step] = [
    picture,
    press,
    *RECORD[:2],
    send_what_was_shown,
    claim("began", 30),
    hostile("ann", wire.ClearMarks()),
    hostile("ptr", wire.Pointer(3, 4, visible=True)),
    hostile("ctl", wire.Clip("to_customer", 1)),
    hostile("clip", wire.ClipPart(0, 1, b"hostile")),
]
# few enough that ten violations do not end the session first
SOME: list[list[Step]] = [[claim("began", number), send_what_was_shown] for number in (28, 29)]
VERIFIED: list[Step] = [
    deed("customer", "choose_target", SCREEN.id, SCREEN.kind),
    deed("customer", "allow"),
    lambda world: world.do(world.customer, world.customer_end.pick_number(world.number)),
    deed("agent", "confirm_sas_same", True),
]


def granted_then_spent(scope: Scope) -> list[Step]:
    """A session in which this scope was asked for, granted and taken back, with tries before and long after."""
    asked = [deed("agent", "request", scope), deed("customer", "grant", scope)]
    late = [wait(LATE_MS + 1_000), *SOME[1]]
    return [*VERIFIED, RECORD[0], *SOME[0], *asked, *TRIES, deed("customer", "revoke", scope), *late, *TRIES]


LOOKED_THROUGH = [*VERIFIED, deed("agent", "request", Scope.DIAGNOSTICS), deed("customer", "grant", Scope.DIAGNOSTICS)]
GIVEN = (("agent", "request"), ("customer", "grant"), ("customer", "revoke"))
FILMED = [*VERIFIED, *RECORD[:1], deed("customer", "grant", Scope.RECORDING)]
SENT = [*LOOKED_THROUGH, send_what_was_shown]
STILLS = [*VERIFIED, RECORD[1], deed("customer", "grant", Scope.RECORDING)]
BEGINNINGS: list[list[Step]] = [
    *([], VERIFIED[:2], VERIFIED),
    *(granted_then_spent(scope) for scope in ASKED),
]


def check_story(world: World) -> None:
    """Read what the customer's end had done, in order: each effect stands behind its grant, none behind its end."""
    granted: set[Scope] = set()
    fell_at: dict[Scope, int] = {}
    over = False
    for action in world.customer.actions:
        if isinstance(action, ChainEntry):
            entry = said_in(action)
            if entry.type == "grant":
                granted.add(Scope(entry.data["scope"]))
            elif entry.type == "revoke":
                fallen = {Scope(scope) for scope in entry.data["scopes"]}
                granted -= fallen
                fell_at |= dict.fromkeys(fallen, entry.at)
            elif entry.type == "recording" and entry.data.get("on") is not False:
                late = entry.at - fell_at.get(Scope.RECORDING, -LATE_MS)
                assert Scope.RECORDING in granted or late < LATE_MS, "kept without a grant, and written down"
            elif entry.type == "diagnostics" and "bytes" in entry.data:
                assert Scope.DIAGNOSTICS in granted
            over |= entry.type == "end"
        elif needed := needs(action):
            assert needed in granted, f"{type(action).__name__} without {needed}"
            assert not over, f"{type(action).__name__} after the end"


def check_kept(world: WholeWorld) -> None:
    """What reached the agent's end: bundles that were shown, once for each entry, and films behind the grant."""
    assert all(granted for _, granted in world.kept), "the recorder kept something without a grant on record"
    if world.running and world.heard and world.agent.end.view.flowing and world.customer.end.view.flowing:
        assert Scope.RECORDING in world.customer.end.view.grants
    came = world.agent.of(DiagnosticsArrived)
    assert {bundle.payload for bundle in came} <= {SHOWN.payload}
    assert len(came) <= world.customer.entries().count("diagnostics")


def needs(action: Action) -> Scope | None:
    """Return the scope that this effect needs."""
    if isinstance(action, MarksChanged):
        return Scope.POINTER if action.marks else None
    if isinstance(action, ToChild) and isinstance(action.message, child.Send):
        return SENDS.get(action.message.channel)
    return EFFECTS.get(type(action))


@pytest.mark.parametrize("scope", ASKED)
def test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is(scope: Scope) -> None:
    """It tries everything before the grant, with it, and after it was taken back."""
    play(granted_then_spent(scope))


def play(steps: list[Step]) -> Counter[str]:
    """Go through these steps under the promises, and return what came to its end."""
    world = WholeWorld()
    world.to_prompt()
    for step in steps:
        step(world)
        check_kept(world)
    check_story(world)
    check(world)
    return reached(world)


# what brings about something, or ends it, stands between all that should do nothing
LIVELY: list[Step] = [
    *RECORD,
    send_what_was_shown,
    *(deed(side, name, scope) for scope in (Scope.RECORDING, Scope.DIAGNOSTICS) for side, name in GIVEN),
    *(kill("agent"), kill("customer"), toggle("network_up"), wait(1_500), wait(6_000), deed("customer", "resume")),
]
BEGUN = st.one_of(st.sampled_from(BEGINNINGS), st.sampled_from([LOOKED_THROUGH, SENT, FILMED, STILLS]))
ANY_ORDER = st.lists(st.one_of(*(st.sampled_from(some) for some in (MORE, STEPS, LIVELY))), max_size=30)


@settings(max_examples=20, deadline=None)
@given(BEGUN, ANY_ORDER)
def test_no_order_of_anything_has_an_effect_without_its_grant(beginning: list[Step], steps: list[Step]) -> None:
    """Input, drawings, texts, files, diagnostics and recordings, both ways; the record is written first."""
    for what, count in play([*beginning, *steps]).items():
        if count:
            event(what)


def test_the_orders_that_are_tried_reach_bundles_that_arrive_and_films_that_run() -> None:
    """A promise about effects that never come to be would be worth nothing: two dozen orders, the same each time."""
    ends: Counter[str] = Counter()
    for number in range(24):
        chance = Random(number)
        begun = (LOOKED_THROUGH, SENT, FILMED, STILLS)[number % 4]
        steps = [chance.choice(chance.choice((MORE, STEPS, LIVELY))) for _ in range(12)]
        ends.update(what for what, count in play([*begun, *steps]).items() if count)
    assert set(ends) == {"bundles", "films", "stills", "films_on_record", "deaths"}, ends
    assert min(ends.values()) >= 2, ends
