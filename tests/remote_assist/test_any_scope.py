# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of access under any order of deeds, messages, cuts and deaths: no effect without a grant on record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.assist import Scope
from app.domain.documents import SignedDocument
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, ChainEntry, ClipArrived, MarksChanged, ToChild
from remote_assist.control_actions import Inject
from remote_assist.file_actions import SendFile, TakeFile
from remote_assist.input_messages import InpButton, InpKey, InpMove
from tests.remote_assist.test_any_order import STEPS, Step, check, deed, hostile
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


MORE: list[Step] = [
    *(deed("agent", "request", scope, "please") for scope in ASKED),
    *(deed("customer", "grant", scope) for scope in ASKED),
    *(deed("customer", "revoke", scope) for scope in ASKED),
    *(hostile("ctl", wire.Request(scope)) for scope in ASKED),
    deed("agent", "offer_clip", "from the agent"),
    deed("customer", "give_clip", "from the customer"),
    deed("customer", "take_file", 1),
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
    hostile("ann", wire.ClearMarks()),
    hostile("ptr", wire.Pointer(3, 4, visible=True)),
    hostile("ctl", wire.Clip("to_customer", 1)),
    hostile("clip", wire.ClipPart(0, 1, b"hostile")),
]
VERIFIED: list[Step] = [
    deed("customer", "choose_target", SCREEN.id, SCREEN.kind),
    deed("customer", "allow"),
    lambda world: world.do(world.customer, world.customer_end.pick_number(world.number)),
    deed("agent", "confirm_sas_same", True),
]


def granted_then_spent(scope: Scope) -> list[Step]:
    """A session in which this scope was asked for, granted and taken back."""
    asked = [deed("agent", "request", scope), deed("customer", "grant", scope)]
    return [*VERIFIED, *asked, *TRIES, deed("customer", "revoke", scope), *TRIES]


BEGINNINGS: list[list[Step]] = [[], VERIFIED[:2], VERIFIED, *(granted_then_spent(scope) for scope in ASKED)]


def check_story(world: World) -> None:
    """Read what the customer's end had done, in order: each effect stands behind its grant, none behind its end."""
    granted: set[Scope] = set()
    over = False
    for action in world.customer.actions:
        if isinstance(action, ChainEntry):
            entry = json.loads(SignedDocument.from_text(action.text).document)
            data = entry["data"]
            if entry["type"] == "grant":
                granted.add(Scope(data["scope"]))
            elif entry["type"] == "revoke":
                granted -= {Scope(scope) for scope in data["scopes"]}
            over |= entry["type"] == "end"
        elif needed := needs(action):
            assert needed in granted, f"{type(action).__name__} without {needed}"
            assert not over, f"{type(action).__name__} after the end"


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
    world = World()
    world.to_prompt()
    for step in granted_then_spent(scope):
        step(world)
    check_story(world)
    check(world)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from([*MORE, *MORE, *STEPS]), max_size=30))
def test_no_order_of_anything_has_an_effect_without_its_grant(beginning: list[Step], steps: list[Step]) -> None:
    """Input, drawings, texts, files and diagnostics, both ways; the record is written first."""
    world = World()
    world.to_prompt()
    for step in [*beginning, *steps]:
        step(world)
    check_story(world)
    check(world)
