# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording between the two ends: asked for, allowed, taken back, and written into the record as it happened."""

from __future__ import annotations

import json

import pytest

from app.domain.assist import AskState, EndReason, Scope
from app.domain.documents import SignedDocument
from app.domain.recording import RecordingState
from remote_assist import child_protocol as child
from remote_assist.actions import ChainEntry, Receipt, RecordingChanged, RecordingWanted, ToChild
from remote_assist.agent_end import AgentEnd
from remote_assist.chain import verify_receipt
from tests.remote_assist.world import World

PLACE = ("/somewhere", b"k" * 32)
HASH = b"\x07" * 32


def end(world: World) -> AgentEnd:
    assert isinstance(world.agent_end, AgentEnd)
    return world.agent_end


def verified() -> World:
    world = World()
    world.to_verified()
    return world


def asked() -> World:
    """The agent pressed Record; the customer is asked."""
    world = verified()
    world.do(world.agent, end(world).record())
    return world


def running() -> World:
    """The customer allowed it, and the first part began."""
    world = asked()
    world.do(world.customer, world.customer_end.grant(Scope.RECORDING))
    world.do(world.agent, end(world).recording_place(*PLACE))
    says(world, child.Recorded("began", 1))
    return world


def says(world: World, message: child.Recorded) -> None:
    """The agent's child says something of its recorder."""
    world.do(world.agent, end(world).on_child(message))


def orders(world: World) -> list[child.Record]:
    """What the agent's child was told about recording."""
    told = [action.message for action in world.agent.of(ToChild)]
    return [message for message in told if isinstance(message, child.Record)]


def state(world: World) -> RecordingState:
    changes = world.agent.of(RecordingChanged)
    return changes[-1].state if changes else RecordingState()


def entries(world: World) -> list[dict[str, object]]:
    """What the record says of recording."""
    found = [action for action in world.customer.of(ChainEntry) if action.type == "recording"]
    return [json.loads(SignedDocument.from_text(action.text).document)["data"] for action in found]


@pytest.mark.ux("UX-53")
def test_one_press_asks_and_the_yes_begins() -> None:
    """The agent presses Record once; nothing is told to its program before the customer's yes."""
    world = asked()
    assert orders(world) == []
    assert state(world).wanted
    world.do(world.customer, world.customer_end.grant(Scope.RECORDING))
    assert world.agent.of(RecordingWanted)
    world.do(world.agent, end(world).recording_place(*PLACE))
    assert orders(world) == [child.Record(True, *PLACE)]
    says(world, child.Recorded("began", 1))
    assert state(world) == RecordingState(True, world.clock.monotonic_ms(), False, 1)
    assert entries(world) == [{"on": True, "part": 1}]
    assert "recording" in [scope.value for scope in world.customer.end.view.grants]


def test_what_was_kept_is_in_the_record_and_in_the_receipt() -> None:
    """Length, size and hash of each part and picture can be compared with the file years later."""
    world = running()
    says(world, child.Recorded("still", 1, 0, 77, HASH))
    says(world, child.Recorded("part", 1, 12_400, 5_000, HASH))
    world.do(world.customer, world.customer_end.revoke(Scope.RECORDING))
    world.do(world.agent, world.agent_end.stop())
    assert entries(world) == [
        {"on": True, "part": 1},
        {"still": 1, "seconds": 0, "bytes": 77, "sha256": HASH.hex()},
        {"on": False, "part": 1, "seconds": 13, "bytes": 5_000, "sha256": HASH.hex()},
    ]


def test_taking_it_back_stops_it_and_the_late_word_is_no_violation() -> None:
    """One click: the agent's program is told with the grants, and what had begun still ends in the record."""
    world = running()
    world.do(world.customer, world.customer_end.revoke(Scope.RECORDING))
    assert not state(world).on
    assert world.agent.child is not None
    assert "recording" not in world.agent.child.scopes
    says(world, child.Recorded("part", 1, 1000, 10, HASH))
    says(world, child.Recorded("stopped"))
    assert [entry["on"] for entry in entries(world)] == [True, False]
    assert "violation" not in world.customer.entries()
    world.do(world.agent, end(world).record())
    assert len(orders(world)) == 1  # the customer is asked again; the child is told nothing


def test_a_no_forgets_the_wish() -> None:
    """After a no, a later yes to something else begins no recording."""
    world = asked()
    world.do(world.customer, world.customer_end.refuse_scope(Scope.RECORDING))
    assert not state(world).wanted
    world.pass_time(31_000, step_ms=1000)
    world.do(world.agent, end(world).keep_still())
    world.do(world.customer, world.customer_end.grant(Scope.RECORDING))
    world.do(world.agent, end(world).recording_place(*PLACE))
    assert orders(world) == [child.Record(True, *PLACE, still=True)]


def test_silence_forgets_the_wish_too() -> None:
    """Two minutes without an answer: nothing is wanted any more."""
    world = asked()
    world.pass_time(124_000, step_ms=1000)
    assert state(world) == RecordingState()
    assert orders(world) == []


def test_nobody_is_asked_before_the_check_number() -> None:
    """Until both compared the number, the agent's program asks for looking and pointing alone."""
    world = World()
    world.to_live()
    ask = next(ask for ask in world.agent.end.view.asks if ask.scope is Scope.RECORDING)
    assert ask.state is AskState.NOT_NOW
    world.do(world.agent, end(world).record())
    assert not state(world).wanted
    assert Scope.RECORDING not in world.customer.end.view.grants


def test_stopping_leaves_the_grant() -> None:
    """The agent stops and begins again without another question; the bar says REC all the time."""
    world = running()
    world.do(world.agent, end(world).stop_recording())
    assert orders(world)[-1] == child.Record(False)
    assert Scope.RECORDING in world.customer.end.view.grants
    world.do(world.agent, end(world).record())
    assert orders(world)[-1] == child.Record(True, *PLACE)


def test_a_second_child_goes_on_recording() -> None:
    """When the agent's child died and was replaced, the new one is told to record as soon as pictures may come."""
    world = running()
    world.kill_child(world.agent)
    assert not state(world).on
    world.pass_time(5_000)
    told = world.agent.child.got if world.agent.child is not None else []
    kinds = [type(message) for message in told if isinstance(message, child.Grants | child.Record)]
    assert kinds[:1] == [child.Grants]
    assert child.Record in kinds


def test_a_recording_that_failed_says_why_and_does_not_begin_again_by_itself() -> None:
    """A full disk ends it; a reconnect does not start it anew."""
    world = running()
    says(world, child.Recorded("failed", code="disk_full"))
    assert (state(world).on, state(world).problem) == (False, "disk_full")
    before = len(orders(world))
    world.kill_child(world.agent)
    world.pass_time(5_000)
    assert len(orders(world)) == before


def test_an_agent_that_says_it_records_without_the_grant_breaks_the_rules() -> None:
    """Ten such words end the session; none of them gets into the record as a recording."""
    world = verified()
    for number in range(1, 12):
        claim = {"t": "claim", "type": "recording", "data": {"what": "began", "n": number}}
        world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", claim)))
    assert world.customer.end.view.reason is EndReason.PROTOCOL
    assert entries(world) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"what": "began", "n": 0},
        {"what": "began", "n": True},
        {"what": "part", "n": 2, "ms": 1, "bytes": 1, "sha256": "00" * 32},
        {"what": "part", "n": 1, "ms": -1, "bytes": 1, "sha256": "00" * 32},
        {"what": "part", "n": 1, "ms": 1, "bytes": 1, "sha256": "no hash"},
        {"what": "still", "n": 1, "ms": 0, "bytes": 1},
        {"what": "else", "n": 1, "ms": 0, "bytes": 1, "sha256": "00" * 32},
    ],
)
def test_words_that_cannot_be_true_are_not_written_down(data: dict[str, object]) -> None:
    """Only a part that began can end, and only with a length, a size and a hash."""
    world = running()
    before = entries(world)
    claim = {"t": "claim", "type": "recording", "data": data}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", claim)))
    assert entries(world) == before
    assert "violation" in world.customer.entries()


def test_the_receipt_with_a_recording_can_be_verified() -> None:
    """The chain with its entries is whole, and the receipt says from when to when it was allowed."""
    world = running()
    says(world, child.Recorded("part", 1, 1000, 10, HASH))
    world.do(world.customer, world.customer_end.revoke(Scope.RECORDING))
    world.do(world.agent, world.agent_end.stop())
    facts = verify_receipt(world.customer.last(Receipt).data)
    assert facts is not None


@pytest.mark.parametrize("by", ["agent", "customer"])
def test_what_ran_until_the_end_is_closed_in_the_record(by: str) -> None:
    """Whoever stops the session: the record says that the recording ended with it, before its last entry."""
    world = running()
    side = world.agent if by == "agent" else world.customer
    world.do(side, side.end.stop())
    assert entries(world) == [{"on": True, "part": 1}, {"on": False, "part": 1}]
    assert world.customer.entries()[-2:] == ["recording", "end"]
    assert verify_receipt(world.customer.last(Receipt).data).ok


def test_claims_wait_for_a_lost_line() -> None:
    """What ended while the line was lost is in the record once it is back."""
    world = running()
    world.network_up = False
    world.pass_time(4_000)
    assert world.agent.end.view.lost
    says(world, child.Recorded("part", 1, 1000, 10, HASH))
    assert len(entries(world)) == 1
    world.network_up = True
    world.pass_time(8_000)
    assert [entry["on"] for entry in entries(world)] == [True, False]
