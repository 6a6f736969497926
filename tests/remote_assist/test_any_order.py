# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends under any order of deeds, cuts and deaths: what must hold, holds after every step."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.assist import Phase, Scope
from app.domain.documents import SignedDocument
from app.domain.marks import Mark, MarkKind
from app.domain.masking import MaskRule
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import ChainEntry, ChatChanged, ClipArrived, MarksChanged, PhaseChanged, Receipt, SasQuestion
from remote_assist.chain import verify_receipt
from remote_assist.session import PHASE_ORDER
from tests.remote_assist.world import SCREEN, WINDOW, Side, World

Step = Callable[[World], None]
TEXT = "7K-4410"


def deed(side: str, name: str, *arguments: object) -> Step:
    def act(world: World) -> None:
        chosen: Side = getattr(world, side)
        world.do(chosen, getattr(chosen.end, name)(*arguments))

    act.__name__ = f"{side}.{name}"
    return act


def pick(right: bool) -> Step:
    def act(world: World) -> None:
        asked = world.customer.of(SasQuestion)
        if asked and world.agent.children:
            numbers = asked[-1].choice.numbers
            world.do(world.customer, world.customer_end.pick_number(world.number if right else numbers[0]))

    act.__name__ = f"pick {right}"
    return act


def toggle(name: str) -> Step:
    def act(world: World) -> None:
        setattr(world, name, not getattr(world, name))

    act.__name__ = f"toggle {name}"
    return act


def wait(ms: int) -> Step:
    def act(world: World) -> None:
        world.pass_time(ms, step_ms=min(ms, 500))

    act.__name__ = f"wait {ms}"
    return act


def relay(status: int, *rungs: int) -> Step:
    """What the server says about its relay from now on, and which rungs get through."""

    def act(world: World) -> None:
        ways = ("turn:relay.example.com:3478?transport=udp", "turn:relay.example.com:3478?transport=tcp")
        world.turn_status = status
        world.turn_body = {"urls": list(ways), "username": "u", "credential": "c"}
        world.rungs_up = set(rungs)

    act.__name__ = f"relay {status} {rungs}"
    return act


def kill(side: str) -> Step:
    def act(world: World) -> None:
        chosen: Side = getattr(world, side)
        if chosen.child is not None and chosen.child.alive:
            world.kill_child(chosen)

    act.__name__ = f"kill {side}"
    return act


def hostile(channel: str, message: wire.Message) -> Step:
    """A child that hands up what it should have kept back, as from an agent's program without any rule."""

    def act(world: World) -> None:
        fake = world.customer.child
        if fake is not None and fake.alive and not fake.frozen:
            received = child.Recv(channel, msgspec.to_builtins(message))
            world.do(world.customer, world.customer_end.on_child(received))

    act.__name__ = f"hostile {message}"
    return act


STEPS: list[Step] = [
    deed("customer", "choose_target", SCREEN.id, SCREEN.kind),
    deed("customer", "choose_target", WINDOW.id, WINDOW.kind),
    deed("customer", "allow"),
    deed("customer", "allow"),
    deed("customer", "refuse"),
    deed("customer", "pause"),
    deed("customer", "network_changed"),
    deed("customer", "resume"),
    deed("customer", "resume"),
    deed("customer", "system_pause", True),
    deed("customer", "system_pause", False),
    deed("customer", "none_of_these"),
    deed("customer", "go_on_unverified"),
    deed("customer", "confirm_continue"),
    deed("customer", "set_masks", [(0, 0, 5, 5)]),
    deed("customer", "cover_own", [(0, 0, 5, 5)], [7]),
    deed("customer", "set_rules", [MaskRule("bank", pause=True)]),
    deed("customer", "on_child", child.Covered([(1, 1, 9, 9)], 1)),
    deed("customer", "on_child", child.Covered([], 1, "rule")),
    deed("customer", "on_child", child.Covered([], 0)),
    deed("customer", "on_child", child.Fault("target_changed")),
    deed("customer", "revoke", Scope.POINTER),
    deed("customer", "grant", Scope.POINTER),
    deed("customer", "grant", Scope.POINTER),
    deed("customer", "grant", Scope.CONTROL),
    deed("customer", "refuse_scope", Scope.POINTER),
    deed("customer", "stop"),
    deed("agent", "pause"),
    deed("agent", "network_changed"),
    deed("agent", "confirm_sas_same", True),
    deed("agent", "note_activity"),
    deed("agent", "set_view", 300, 200),
    deed("agent", "request", Scope.POINTER, "to show the button"),
    deed("agent", "request", Scope.POINTER),
    deed("agent", "request", Scope.CONTROL),
    deed("agent", "point", (1, 2)),
    deed("agent", "draw", Mark(1, MarkKind.BOX, ((1, 1), (9, 9)), 0, 0)),
    deed("agent", "clear_marks"),
    deed("agent", "offer_clip", TEXT),
    deed("agent", "request", Scope.CLIPBOARD_TO_AGENT),
    deed("customer", "grant", Scope.CLIPBOARD_TO_CUSTOMER),
    deed("customer", "give_clip", TEXT),
    deed("customer", "revoke", Scope.CLIPBOARD_TO_CUSTOMER),
    deed("agent", "say_chat", "one"),
    deed("customer", "say_chat", "two"),
    hostile("clip", wire.ClipPart(0, 1, b"hostile")),
    hostile("ctl", wire.ClipEnd(True)),
    hostile("ctl", wire.Request(Scope.POINTER)),
    hostile("ptr", wire.Pointer(3, 4, visible=True)),
    hostile("ann", wire.AddMark(2, MarkKind.PEN, [(1, 1)], 0, 8)),
    deed("agent", "stop"),
    deed("agent", "revoked"),
    pick(right=True),
    pick(right=False),
    toggle("network_up"),
    toggle("network_up"),
    toggle("relay_up"),
    toggle("new_connections"),
    relay(200, 0, 1),
    relay(200, 1),
    relay(503, 0),
    wait(500),
    wait(1_500),
    wait(6_000),
    wait(40_000),
    kill("agent"),
    kill("customer"),
]
BEGINNINGS: list[list[Step]] = [
    [],
    STEPS[:1],
    [STEPS[0], STEPS[2]],
    [STEPS[0], STEPS[2], pick(right=True), deed("agent", "confirm_sas_same", True)],
    [
        *(STEPS[0], STEPS[2], pick(right=True), deed("agent", "confirm_sas_same", True)),
        *(deed("agent", "offer_clip", TEXT), deed("agent", "request", Scope.CLIPBOARD_TO_AGENT)),
    ],
    [STEPS[0], STEPS[2], deed("agent", "request", Scope.POINTER), deed("customer", "grant", Scope.POINTER)],
]


def check(world: World) -> None:
    customer, agent = world.customer, world.agent
    view = customer.end.view
    kinds = customer.entries()
    for fake in customer.children:
        if "view" in fake.scopes:
            assert "consent" in kinds
            assert "grant" in kinds
        if fake.alive and fake.sending and fake is customer.child and not fake.frozen:
            assert view.flowing, "pictures leave only while the session flows"
    check_marks(world)
    check_texts(world)
    if view.phase is Phase.VERIFIED:
        assert "sas" in kinds
    if agent.end.view.phase is Phase.VERIFIED:
        assert view.phase in (Phase.VERIFIED, Phase.ENDED)
    numbers = [entry.n for entry in customer.of(ChainEntry)]
    assert numbers == list(range(len(numbers)))
    for side in (customer, agent):
        order = [PHASE_ORDER.index(change.view.phase) for change in side.of(PhaseChanged)]
        assert order == sorted(order)


def check_marks(world: World) -> None:
    """Nothing of the agent shows without a grant on the record, nor while the picture is held, lost or over."""
    view = world.customer.end.view
    said = [SignedDocument.from_text(entry.text).document for entry in world.customer.of(ChainEntry)]
    given = [json.loads(document)["data"] for document in said]
    assert {scope.value for scope in view.grants} <= {str(data["scope"]) for data in given if "scope" in data}
    changes = world.customer.of(MarksChanged)
    if changes and changes[-1].marks:
        assert view.flowing
        assert Scope.POINTER in view.grants
    if Scope.POINTER in view.grants:
        assert view.live
        last = [data for data in given if "pointer" in (data.get("scope"), *data.get("scopes", ()))][-1]
        assert "scopes" not in last, "the newest word about the scope is the grant, not the revocation"
    fake = world.customer.child
    if fake is not None and fake.alive and not fake.ended and not fake.frozen:
        assert "pointer" not in fake.scopes or Scope.POINTER in view.grants


def check_texts(world: World) -> None:
    """A text lands only with an entry that says so, and no more often; chat is whole, in order and once."""
    kinds = world.customer.entries()
    landed = [len(side.of(ClipArrived)) for side in (world.customer, world.agent)]
    assert sum(landed) <= kinds.count("clipboard") <= kinds.count("grant")
    for side, text in ((world.agent, "two"), (world.customer, "one")):
        lines = side.of(ChatChanged)[-1].lines if side.of(ChatChanged) else ()
        heard = [line for line in lines if not line.mine]
        assert [line.n for line in heard] == list(range(1, len(heard) + 1))
        assert {line.text for line in heard} <= {text}


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(STEPS), max_size=25))
def test_whatever_happens_in_whatever_order_the_rules_hold(beginning: list[Step], steps: list[Step]) -> None:
    """No picture without consent and grant on the record, no way back, one end, and a receipt that verifies."""
    world = World()
    world.to_prompt()
    for step in [*beginning, *steps]:
        step(world)
        check(world)
    world.do(world.customer, world.customer_end.stop())
    world.pass_time(1_000)
    check(world)
    assert world.customer.end.view.phase is Phase.ENDED
    assert world.customer.child is not None
    assert world.customer.child.ended or not world.customer.child.alive
    report = verify_receipt(world.customer.last(Receipt).data)
    assert report.ok, report.problems
    sent = [m for fake in world.customer.children for m in fake.got if isinstance(m, child.End)]
    assert len(sent) <= 1
    world.relay_up = True
    world.pass_time(45_000, step_ms=500)
    assert world.agent.end.view.phase is Phase.ENDED or world.agent.end.view.phase is Phase.PROMPTED
