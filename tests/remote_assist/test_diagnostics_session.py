# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics in a session: asked for, collected, looked through, sent or not; broken lines; hostile customers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from app.domain.assist import AskState, EndReason, Notice, Scope
from app.domain.documents import SignedDocument
from remote_assist import bulk
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import (
    ChainEntry,
    CollectDiagnostics,
    DiagnosticsArrived,
    DiagnosticsSettled,
    DiagnosticsStep,
    DiagnosticsUnreadable,
    Notify,
    ToChild,
)
from remote_assist.bulk import DIAG, Chunk
from remote_assist.bundle_messages import BundlePart
from remote_assist.customer_diagnostics import REVIEW_MS
from remote_assist.diagnostics import (
    MAX_BUNDLE_BYTES,
    Bundle,
    Confirmed,
    Draft,
    Item,
    Section,
    State,
    bundle_bytes,
    fitted,
    read_bundle,
)
from remote_assist.diagnostics_reading import BundleReader, parts_of
from tests.remote_assist.world import Side, World

HTML = "<b>bold</b><script>alert(1)</script>"


def some_bundle(lines: int = 3) -> Bundle:
    """A small computer, with a value that would be dangerous where markup is read."""
    items = tuple(Item(f"process:p{number}", f"{number} MB") for number in range(lines))
    sections = (Section("os", State.OK, (Item("os", HTML),)), Section("processes", State.OK, items))
    return fitted("2026-11-22T23:00:00Z", "linux", sections)


class DiagWorld(World):
    """The world, with children that queue `diag` and read bundles as the real ones do."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[int, BundleReader] = {}
        self.queue: list[tuple[Side, child.Send]] = []
        self.change: Callable[[bytes], bytes | None] = lambda data: data  # what the line does to a piece; None: gone

    def certificate(self, **changes: object) -> SignedDocument:
        return super().certificate(**{"scopes_max": tuple(scope.value for scope in Scope), **changes})

    def _carry(self, side: Side, message: child.ToChild) -> None:
        assert side.child is not None
        if isinstance(message, child.Send) and message.channel == "diag":
            self.queue.append((side, message))
            self.pump()
            return
        if isinstance(message, child.Grants) and "diagnostics" not in message.scopes:
            self.queue.clear()
        if isinstance(message, child.Pause):
            self.pump()
        super()._carry(side, message)
        self._read(side)

    def pump(self) -> None:
        """The customer's child sends what waits, unless it is held."""
        while self.queue and not self.queue[0][0].child.paused:  # type: ignore[union-attr]  # it sent
            side, message = self.queue.pop(0)
            assert side.child is not None
            data = self.change(message.data)
            side.child.out.append(child.Sent("diag"))
            if data is not None:
                super()._carry(side, child.Send("diag", data, message.epoch))
                self._read(side)

    def _read(self, sender: Side) -> None:
        fake = self.agent.child
        if sender is self.customer and fake is not None and fake.out and isinstance(fake.out[-1], child.Recv):
            said = fake.out.pop()
            assert isinstance(said, child.Recv)
            reader = self.readers.setdefault(id(fake), BundleReader(fake.out.append))
            if not reader.heard(said.message, said.epoch):
                fake.out.append(said)


def asked() -> DiagWorld:
    """Verified, and the agent asked."""
    world = DiagWorld()
    world.to_verified()
    world.do(world.agent, world.agent_end.request(Scope.DIAGNOSTICS, "it is slow"))
    return world


def reading() -> DiagWorld:
    """The customer agreed to look at what there is."""
    world = asked()
    world.do(world.customer, world.customer_end.grant(Scope.DIAGNOSTICS))
    return world


def confirmed(bundle: Bundle | None = None) -> Confirmed:
    """What the customer saw and let go."""
    draft = Draft(bundle or some_bundle())
    return draft.confirm(draft.payload)


def send(world: DiagWorld, what: Confirmed | None = None) -> None:
    world.do(world.customer, world.customer_end.send_diagnostics(what or confirmed()))


def notes(world: DiagWorld) -> list[dict[str, Any]]:
    """What the record says of diagnostics."""
    texts = [entry.text for entry in world.customer.of(ChainEntry) if entry.type == "diagnostics"]
    return [json.loads(SignedDocument.from_text(text).document)["data"] for text in texts]


def steps(world: DiagWorld) -> list[DiagnosticsStep]:
    return [settled.step for settled in world.customer.of(DiagnosticsSettled)]


def asking(world: DiagWorld) -> AskState:
    return next(ask.state for ask in world.agent.end.view.asks if ask.scope is Scope.DIAGNOSTICS)


def diag_sent(world: DiagWorld) -> list[bytes]:
    told = [action.message for action in world.customer.of(ToChild)]
    return [message.data for message in told if isinstance(message, child.Send) and message.channel == "diag"]


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_what_the_customer_saw_is_what_the_agent_gets_and_the_grant_is_spent() -> None:
    """Asked, allowed, looked through, sent: the same bytes at the other end, named by hash in the record before."""
    world = reading()
    assert world.customer.last(CollectDiagnostics).deadline_ms == world.clock.monotonic_ms() + REVIEW_MS
    assert diag_sent(world) == []
    assert asking(world) is AskState.GRANTED
    what = confirmed()
    actions = world.customer_end.send_diagnostics(what)
    kinds = [type(action).__name__ for action in actions]
    assert kinds.index("ChainEntry") < kinds.index("ToChild")
    world.do(world.customer, actions)
    came = world.agent.last(DiagnosticsArrived)
    assert came.payload == what.payload
    assert came.bundle == read_bundle(what.payload)
    assert came.sha256 == what.sha256 == hashlib.sha256(came.payload).digest()
    assert len(came.device) == 8
    assert notes(world) == [
        {"sections": ["os", "processes"], "kept_back": 0, "bytes": len(what.payload), "sha256": what.sha256.hex()},
        {"sha256": what.sha256.hex(), "arrived": True},
    ]
    assert steps(world) == [DiagnosticsStep.SENDING, DiagnosticsStep.ARRIVED]
    assert Scope.DIAGNOSTICS not in world.customer.end.view.grants
    assert "revoke" not in world.customer.entries()
    ask = next(ask for ask in world.agent.end.view.asks if ask.scope is Scope.DIAGNOSTICS)
    assert (ask.state, ask.revoked) == (AskState.POSSIBLE, False)


def test_a_second_bundle_is_a_second_question() -> None:
    """One grant, one bundle: a second click does nothing."""
    world = reading()
    send(world)
    send(world)
    assert len(world.agent.of(DiagnosticsArrived)) == 1
    world.do(world.agent, world.agent_end.request(Scope.DIAGNOSTICS))
    world.do(world.customer, world.customer_end.grant(Scope.DIAGNOSTICS))
    send(world, confirmed(some_bundle(4)))
    assert len(world.agent.of(DiagnosticsArrived)) == 2


def test_a_large_bundle_goes_in_pieces_that_call_each_other() -> None:
    """Never more than a few wait in the child."""
    world = reading()
    items = tuple(Item(f"event:{number}", "x" * 480) for number in range(500))
    large = fitted("2026-11-22T23:00:00Z", "linux", tuple(Section(f"s{n}", State.OK, items) for n in range(9)))
    what = confirmed(large)
    assert len(what.payload) > MAX_BUNDLE_BYTES - 200_000
    assert world.customer.child is not None
    world.customer.child.paused = True  # held: nothing calls the next
    world.perform(world.customer, world.customer_end.send_diagnostics(what))
    assert len(world.queue) == 8
    world.customer.child.paused = False
    world.pump()
    world.settle()
    assert world.agent.last(DiagnosticsArrived).payload == what.payload


# --- no --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [False, True], ids=["no", "silence"])
def test_a_no_after_reading_and_silence_send_nothing(silent: bool) -> None:
    """The record says that nothing was given, and by whom; the agent is told."""
    world = reading()
    if silent:
        keep_awake(world, REVIEW_MS)
    else:
        world.do(world.customer, world.customer_end.withhold_diagnostics())
    assert world.customer.entries()[-1] == "refusal"
    assert steps(world) == [DiagnosticsStep.WITHHELD]
    assert Scope.DIAGNOSTICS not in world.customer.end.view.grants
    assert Notify(Notice.REFUSED, "diagnostics") in world.agent.of(Notify)
    send(world)
    assert diag_sent(world) == []
    assert notes(world) == []


def keep_awake(world: DiagWorld, ms: int) -> None:
    """Let time pass in a session that is used."""
    for _ in range(ms // 60_000):
        world.do(world.agent, world.agent_end.note_activity())
        world.pass_time(60_000, step_ms=1_000)


def test_what_no_agents_end_would_read_does_not_leave() -> None:
    """Bytes that are no bundle cannot be sent, whoever confirmed them: it counts as a no."""
    world = reading()
    raw = b"{}"
    send(world, Confirmed(raw, hashlib.sha256(raw).digest()))
    assert (diag_sent(world), notes(world), steps(world)) == ([], [], [DiagnosticsStep.WITHHELD])


def test_taking_back_while_reading_or_sending_stops_it_at_once() -> None:
    """The window goes, the child sends nothing more, and nothing arrives."""
    for begun in (False, True):
        world = reading()
        assert world.customer.child is not None
        world.customer.child.paused = True
        if begun:
            world.perform(world.customer, world.customer_end.send_diagnostics(confirmed()))
        world.do(world.customer, world.customer_end.revoke(Scope.DIAGNOSTICS))
        world.customer.child.paused = False
        world.pump()
        world.settle()
        assert steps(world)[-1] is DiagnosticsStep.TAKEN_BACK
        assert not world.agent.of(DiagnosticsArrived)
        assert world.customer.end.view.live


def test_nothing_leaves_while_paused_lost_or_ended() -> None:
    """The click does nothing then; in a pause the customer can go on reading and send afterwards."""
    world = reading()
    world.do(world.customer, world.customer_end.pause())
    send(world)
    assert notes(world) == []
    world.do(world.customer, world.customer_end.resume())
    send(world)
    assert world.agent.of(DiagnosticsArrived)
    world = reading()
    world.do(world.customer, world.customer_end.stop())
    assert steps(world) == [DiagnosticsStep.ENDED]
    send(world)
    assert diag_sent(world) == []


# --- broken lines ----------------------------------------------------------------------------------------------------


def test_a_pause_in_the_middle_holds_it_and_it_goes_on() -> None:
    """Nothing is sent twice."""
    world = reading()
    assert world.customer.child is not None
    world.customer.child.paused = True
    world.perform(world.customer, world.customer_end.send_diagnostics(confirmed()))
    world.do(world.customer, world.customer_end.pause())
    world.pass_time(4_000)
    world.do(world.customer, world.customer_end.resume())
    assert len(world.agent.of(DiagnosticsArrived)) == 1


@pytest.mark.parametrize("lost", ["pieces", "answer"])
def test_after_a_broken_line_it_is_sent_again_and_shown_once(lost: str) -> None:
    """Whether the bundle or the answer went with the old connection."""
    world = reading()
    if lost == "pieces":
        world.change = lambda _data: None
        send(world)
        assert not world.agent.of(DiagnosticsArrived)
        world.change = lambda data: data
    else:
        world.perform(world.customer, world.customer_end.send_diagnostics(confirmed()))
        for _ in range(20):  # the agent's child reads it, but what the agent's end answers does not come through
            assert world.agent.child is not None
            if not world.agent.child.out:
                break
            message = world.agent.child.out.pop(0)
            world.agent.actions += world.agent.end.on_child(message)
        assert world.agent.of(DiagnosticsArrived)
    world.network_up = False
    world.pass_time(5_000)
    world.network_up = True
    world.pass_time(6_000)
    assert world.customer.end.view.flowing
    assert len(world.agent.of(DiagnosticsArrived)) == 1
    assert notes(world)[-1]["arrived"] is True


def test_what_the_child_could_not_send_is_sent_again_and_given_up_in_the_end() -> None:
    """A connection that closes under it is tried anew; without an answer the record says that nothing arrived."""
    world = reading()
    world.change = lambda _data: None
    send(world)
    sent = len(diag_sent(world))
    world.do(world.customer, world.customer.end.on_child(child.Fault("not_sent", "diag")))
    world.pass_time(1_000)
    assert len(diag_sent(world)) > sent
    keep_awake(world, 180_000)
    assert notes(world)[-1]["arrived"] is False
    assert steps(world)[-1] is DiagnosticsStep.NOT_ARRIVED


# --- hostile ---------------------------------------------------------------------------------------------------------


def hostile(payload: bytes, *, offered: bytes | None = None, size: int | None = None) -> DiagWorld:
    """A customer's program that sends these bytes under the offer of others."""
    world = reading()
    told = payload if offered is None else offered
    offer = wire.DiagOffer(1, ["os"], len(told) if size is None else size, hashlib.sha256(told).hexdigest())
    world.perform(world.customer, [ToChild(child.Send("ctl", wire.encode(offer)))])
    for at in range(0, len(payload), bulk.MAX_DATA_BYTES):
        data = bulk.encode(DIAG, Chunk(1, at, payload[at : at + bulk.MAX_DATA_BYTES]))
        world.perform(world.customer, [ToChild(child.Send("diag", data))])
    world.settle()
    return world


GOOD = bundle_bytes(some_bundle())
BAD = {
    "not json": b"\x00\xff no bundle",
    "too deep": b"[" * 100_000 + b"]" * 100_000,
    "another form": GOOD.replace(b"\n", b" "),
    "a key twice": GOOD.replace(b'"v":1,', b'"v":1,"v":1,'),
    "more than is shown": GOOD.replace(b'"v":1,', b'"v":1,"extra":"hidden",'),
    "turned round": GOOD.replace(b"bold", "\u202egnp".encode()),
    "no section": b'{"v":1,"made":"2026-11-22T23:00:00Z","system":"linux","sections":[\n\n]}\n',
    "a value that is a list": GOOD.replace(b'"0 MB"', b"[1]"),
    "a number without end": GOOD.replace(b'"0 MB"', b"9" * 5_000),
}


@pytest.mark.parametrize("payload", BAD.values(), ids=BAD.keys())
def test_what_is_no_bundle_is_told_as_such_and_nothing_of_it_is_shown(payload: bytes) -> None:
    """The session goes on; the record says that nothing arrived."""
    world = hostile(payload)
    assert world.agent.of(DiagnosticsUnreadable)
    assert not world.agent.of(DiagnosticsArrived)
    assert world.agent.end.view.live


def test_other_bytes_than_offered_too_many_and_out_of_order_are_refused() -> None:
    """The hash and the size are those that stand in the record."""
    assert hostile(GOOD, offered=GOOD.replace(b"bold", b"bald")).agent.of(DiagnosticsUnreadable)
    assert hostile(GOOD, size=len(GOOD) - 1).agent.of(DiagnosticsUnreadable)
    assert hostile(b"x" * (MAX_BUNDLE_BYTES + 1)).agent.of(DiagnosticsUnreadable)
    out: list[child.FromChild] = []
    reader = BundleReader(out.append)
    reader.heard(msgspec.to_builtins(wire.DiagPart(1, 5, b"late")), 0)
    assert [message.message["t"] for message in out if isinstance(message, child.Recv)] == ["bundle_bad"]


def test_what_nobody_asked_for_is_not_taken() -> None:
    """An agent's disk is not for whoever likes to fill it."""
    world = DiagWorld()
    world.to_verified()
    offer = wire.DiagOffer(1, ["os"], len(GOOD), hashlib.sha256(GOOD).hexdigest())
    world.perform(world.customer, [ToChild(child.Send("ctl", wire.encode(offer)))])
    world.perform(world.customer, [ToChild(child.Send("diag", bulk.encode(DIAG, Chunk(1, 0, GOOD))))])
    world.settle()
    assert not world.agent.of(DiagnosticsArrived)
    assert world.agent.end.view.live


def test_pieces_may_overtake_their_offer_and_markup_stays_text() -> None:
    """Two channels keep no order between them."""
    out: list[child.FromChild] = []
    reader = BundleReader(out.append)
    reader.heard(msgspec.to_builtins(wire.DiagPart(1, 0, GOOD), builtin_types=(bytes,)), 0)
    offer = wire.DiagOffer(1, ["os"], len(GOOD), hashlib.sha256(GOOD).hexdigest())
    reader.heard(msgspec.to_builtins(offer), 0)
    parts = [message.message for message in out if isinstance(message, child.Recv)]
    assert [part["t"] for part in parts] == ["diagoffer", "bundle_part", "bundle_part"]
    assert parts[1]["items"][0][1] == HTML


def test_a_child_gone_wrong_cannot_slip_in_other_lines() -> None:
    """The window's process writes the bytes anew from what it shows: they must have the hash in the record."""
    world = reading()
    offer = wire.DiagOffer(1, ["os"], len(GOOD), hashlib.sha256(GOOD).hexdigest())
    world.do(world.agent, world.agent.end.on_child(child.Recv("ctl", msgspec.to_builtins(offer), 0)))
    for part in parts_of(1, some_bundle(2)):
        world.do(world.agent, world.agent.end.on_child(child.Recv("diag", msgspec.to_builtins(part), 0)))
    assert world.agent.of(DiagnosticsUnreadable)
    assert world.agent.end.view.reason is None


def test_a_line_says_at_most_so_much_at_a_time() -> None:
    """What goes to the window's process stays far below what a message may have."""
    items = tuple(Item(f"event:{number} {'키' * 190}", "값" * 500) for number in range(500))
    parts = list(parts_of(1, Bundle(1, "2026-11-22T23:00:00Z", "linux", (Section("events", State.OK, items),))))
    assert len(parts) == 5
    assert max(len(child.encode(child.Recv("diag", msgspec.to_builtins(part), 0))) for part in parts) < 300_000
    assert [part.last for part in parts] == [False, False, False, False, True]
    assert isinstance(parts[0], BundlePart)


def test_an_answer_of_another_bundle_means_nothing() -> None:
    """Neither does one that nobody waits for."""
    world = reading()
    world.change = lambda _data: None
    send(world)
    answers: tuple[dict[str, bool | int | str], ...] = ({"id": 7, "ok": True}, {"id": 1, "ok": 3}, {})
    for data in answers:
        said = wire.Claim("diagnostics", data)
        world.do(
            world.customer,
            world.customer.end.on_child(child.Recv("ctl", msgspec.to_builtins(said) | {"t": "claim"}, 0)),
        )
    assert notes(world)[-1].get("arrived") is None
    assert world.customer.end.view.reason is not EndReason.PROTOCOL
