# SPDX-License-Identifier: GPL-3.0-or-later
"""Neither the network, nor the other end, nor the own child can widen anything or make an end fall over."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.assist import EndReason, Phase, Role, Scope
from app.domain.signed import b64, lp, unb64
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, GrantsChanged, SasQuestion, ToChild
from remote_assist.envelope import EnvelopeWriter, JoinBody, join_proof
from tests.remote_assist.world import SeededBytes, World, private_key, public, sdp

STAGES = ["prompted", "chosen", "connecting", "unverified", "verified", "paused", "lost", "ended"]
AGENT_MESSAGES: list[dict[str, Any]] = [
    msgspec.to_builtins(m)
    for m in (
        wire.Hello(1, 0),
        wire.Hello(1, 1),
        wire.Hello(2, 0),
        wire.Pause(True, "agent"),
        wire.Pause(False, "agent"),
        wire.Pause(False, "customer"),
        wire.End("stopped"),
        wire.Grants(99, list(Scope)),
        wire.SasResult(True),
        wire.Refused(Scope.VIEW),
        wire.Target(1, 1, 1.0, "screen"),
        wire.Limits(1, 1),
        *(wire.Request(scope, "please") for scope in Scope),
        wire.View(10, 10),
        wire.Retile(1, 2, 3),
        wire.Claim("sas", {"same": True}),
        wire.Claim("consent", {"same": True}),
        wire.Clip("to_customer", 2),
        wire.Clip("to_agent", 2),
        wire.ClipEnd(True),
        wire.ClipPart(0, 1, b"x"),
        wire.Chat(1, "hello"),
        wire.ChatGot(2**32 - 1),
        wire.Ping(1, 1),
        wire.Shown(1, 1, 1),
        wire.Cursor(1, 1, True, 1, 1),
    )
]
MARK = bytes(32)
CHILD_MESSAGES: list[child.FromChild] = [
    child.Ready(1),
    child.Fingerprint(0, MARK),
    child.Fingerprint(5, b"short"),
    child.LocalSdp(0, "offer", sdp("offer", MARK)),
    child.LocalSdp(1, "answer", "nonsense"),
    child.PeerState(0, "completed", "connected", "direct", 0, True),
    child.PeerState(7, "completed", "connected", "direct", -5, True),
    child.PeerState(0, "completed", "connected", "direct", 10**12, True),
    child.Targets(1, [child.TargetItem("x", "screen", "t" * 999, (0, 0, -1, 10**9), 0.0)] * 300),
    child.Stats({"frames_sent": float("nan")}),
    child.Stats({"frames_sent": 9e99}),
    child.Stats({"frames_sent": 3}),
    child.Ack(4),
    child.Frame(0, 1, 10, 10, 0, 0),
    child.Fault("open_failed"),
    child.Fault("violation", "inp"),
    child.Fault("made-up", "x" * 10_000),
    child.Recv("nonsense", {}),
]
CHANNELS = sorted(wire.CHANNELS)


def world_at(stage: str) -> World:
    """A fresh world at this stage."""
    world = World()
    world.to_prompt()
    if stage == "prompted":
        return world
    world.choose()
    if stage == "chosen":
        return world
    world.network_up = stage != "connecting"
    world.allow()
    if stage in ("verified", "paused", "lost", "ended"):
        world.do(world.customer, world.customer_end.pick_number(world.number))
        world.do(world.agent, world.agent_end.confirm_sas_same(True))
    if stage == "paused":
        world.do(world.customer, world.customer_end.pause())
    elif stage == "lost":
        world.network_up = False
        world.pass_time(3_500)
    elif stage == "ended":
        world.do(world.customer, world.customer_end.stop())
    return world


def granted(actions: list[Action]) -> set[str]:
    """Scopes that these actions tell the child or the window to be live."""
    messages = [a.message for a in actions if isinstance(a, ToChild)]
    told = {scope for message in messages if isinstance(message, child.Grants) for scope in message.scopes}
    return told | {s.value for a in actions if isinstance(a, GrantsChanged) for s in a.scopes}


def check_not_wider(world: World, before: Any, actions: list[Action], *, may_connect: bool) -> None:
    after = world.customer_end.view
    consented = before.started_ms is not None
    assert set(after.grants) <= set(before.grants) | ({Scope.VIEW} if consented and may_connect else set())
    assert granted(actions) <= {s.value for s in after.grants} | {s.value for s in before.grants}
    assert (after.started_ms is not None) == consented
    if before.phase is not Phase.VERIFIED:
        assert after.phase is not Phase.VERIFIED
    if before.paused and after.phase is not Phase.ENDED:
        assert after.paused


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_no_message_of_the_agent_widens_anything_in_any_phase(stage: str, channel: str) -> None:
    """Every message on every channel in every phase: refused, counted, or an end; never a grant."""
    world = world_at(stage)
    # On any other channel these are all malformed alike: a few stand for the rest.
    for message in AGENT_MESSAGES if channel in ("ctl", "hb", "fb") else AGENT_MESSAGES[::7]:
        before = world.customer_end.view
        actions = world.customer_end.on_child(child.Recv(channel, message))
        # After the customer's consent the agent's `hello` completes the connection; nothing else does.
        connects = stage == "connecting" and message["t"] == "hello"
        check_not_wider(world, before, actions, may_connect=connects)
        if world.customer_end.view != before:
            world = world_at(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_no_message_of_a_hostile_child_widens_anything(stage: str) -> None:
    """The child is not believed: it can at most say that the connection it was told to make is up."""
    world = world_at(stage)
    for message in CHILD_MESSAGES:
        before = world.customer_end.view
        actions = world.customer_end.on_child(message)
        check_not_wider(world, before, actions, may_connect=True)
        world.agent_end.on_child(message)
        if world.phases() != (Phase.ENDED, Phase.ENDED) or world.customer_end.view != before:
            world = world_at(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_no_bytes_from_the_relay_do_anything_at_all(stage: str) -> None:
    """What is not signed by the peer changes nothing and ends nothing."""
    world = world_at(stage)

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=200))
    def deliver(raw: bytes) -> None:
        for end in (world.customer_end, world.agent_end):
            before = end.view
            assert end.on_envelope(raw) == []
            assert end.view == before

    deliver()


@pytest.mark.parametrize("stage", STAGES)
def test_recorded_envelopes_played_again_do_nothing(stage: str) -> None:
    """A relay with a memory."""
    world = world_at(stage)
    before = world.phases()
    for to, data in list(world.wire):
        end = world.customer_end if to == "customer" else world.agent_end
        assert end.on_envelope(data) == []
    assert world.phases() == before


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("t", "body"),
    [
        ("sas.accept", {"A": "A" * 43, "Na": "A" * 43, "Fa": "A" * 43}),
        ("sas.accept", {"A": "!" * 43, "Na": "A" * 43, "Fa": "A" * 43}),
        ("answer", {"epoch": 0, "rung": 0, "sdp": "v=0"}),
        ("rebind.request", {"epoch": 3, "why": "x"}),
        ("end", {"reason": "x"}),
        ("end", {"reason": "x", "countersign": "A" * 86}),
        ("consented", {"chain_head": "A" * 43, "scope": "view", "target_kind": "screen"}),
        ("grant", {}),
        ("join", {}),
    ],
)
def test_no_signed_envelope_of_a_hostile_agent_widens_anything(stage: str, t: str, body: dict[str, Any]) -> None:
    """With the true device key, in every phase."""
    world = world_at(stage)
    before = world.customer_end.view
    carried = json.dumps(body)
    covered = lp("deskside-env-1", world.agent_end.sid, "agent", 500, t) + lp(carried)
    raw = {"v": 1, "sid": b64(world.agent_end.sid), "from": "agent", "n": 500, "t": t, "body": carried}
    actions = world.customer_end.on_envelope(json.dumps(raw | {"sig": b64(world.agent_key.sign(covered))}).encode())
    check_not_wider(world, before, actions, may_connect=False)


def test_ten_messages_outside_the_grants_end_the_session_with_few_entries() -> None:
    """Counted, at most one entry a second."""
    world = World()
    world.to_verified()
    for _ in range(9):
        world.do(world.customer, world.customer_end.on_child(child.Fault("violation", "inp")))
    assert world.phases()[1] is Phase.VERIFIED
    world.do(world.customer, world.customer_end.on_child(child.Recv("inp", {"t": "key", "code": 30})))
    assert world.customer.end.view.reason is EndReason.PROTOCOL
    assert world.customer.entries().count("violation") == 1


@pytest.mark.parametrize(
    "message",
    [{"t": "view"}, {"t": "grants", "seq": 1, "set": []}, {}, {"t": "hello", "proto": 2, "epoch": 0}],
)
def test_one_malformed_control_message_ends_the_session_at_either_end(message: dict[str, Any]) -> None:
    """Named in the record."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", message)))
    assert world.customer.end.view.reason is EndReason.PROTOCOL
    assert world.customer.entries()[-2:] == ["violation", "end"]
    other = World()
    other.to_verified()
    if message.get("t") != "grants":
        other.do(other.agent, other.agent_end.on_child(child.Recv("ctl", message)))
        assert other.agent.end.view.reason is EndReason.PROTOCOL


def test_asking_for_control_before_the_number_is_refused_at_once_and_nagging_counts() -> None:
    """Nobody is asked who has not compared the number yet."""
    world = World()
    world.to_live()
    for _ in range(20):
        world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "request", "scope": "control"})))
    assert world.customer.entries().count("refusal") == 3
    assert world.customer.end.view.reason is EndReason.PROTOCOL


class Middle:
    """Someone who owns the relay and both certificates, and has neither end's signature key."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: list[str] = []

    def __call__(self, to: str, data: bytes) -> bytes | None:
        outer = json.loads(data)
        self.seen.append(outer["t"])
        if outer["t"] in ("sas.commit", "sas.accept", "sas.reveal", "offer", "answer"):
            outer["body"] = outer["body"].replace("A", "B")
            return json.dumps(outer).encode()
        return data


def test_a_relay_that_changes_the_handshake_only_prevents_the_session() -> None:
    """Signatures: it ends unreachable, never connected."""
    world = World()
    world.tamper = Middle(world)
    world.to_prompt()
    world.choose()
    world.allow()
    world.pass_time(31_000)
    assert {world.agent.end.view.reason, world.customer.end.view.reason} == {EndReason.UNREACHABLE}


def test_a_middle_that_holds_the_join_secret_is_told_apart_by_the_number() -> None:
    """By push and by code the server learns the secret: it can stand between, but the two numbers differ.

    The middle joins at the agent as customer with a key of its own, and plays the agent towards the customer (it has
    stolen the agent's device key for that): two honest handshakes, two numbers, and control stays off.
    """
    left, right = World(), World()
    left.to_live()
    right.customer_end._random = SeededBytes("another customer")
    right.agent_end._random = SeededBytes("another agent")
    right.to_live()
    read_aloud = left.number
    numbers_shown = right.customer.last(SasQuestion).choice.numbers
    assert right.number != read_aloud
    if read_aloud not in numbers_shown:
        right.do(right.customer, right.customer_end.none_of_these())
    else:
        right.do(right.customer, right.customer_end.pick_number(read_aloud))
    assert right.customer.end.view.reason is EndReason.SAS_MISMATCH


@pytest.mark.parametrize("kind", ["offer", "answer"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("a=setup", "a=fingerprint:sha-512 " + ":".join(["AB"] * 64) + "\r\na=setup"),
        lambda text: text.replace("rtx/90000", "red/90000"),
        lambda text: text.replace("a=mid:1", "a=mid:1\r\nm=audio 9 RTP/AVP 0\r\na=mid:2"),
    ],
    ids=["sha-512 is stripped", "no retransmission", "audio"],
)
def test_a_child_that_breaks_the_rules_of_descriptions_is_not_sent_on(kind: str, spoil: Any) -> None:
    """Foreign hashes are stripped; anything else stops the session before it leaves."""
    world = World()
    world.to_prompt()
    world.choose()
    original = world.customer.child if kind == "offer" else None
    if original is not None:
        original.sdp_filter = spoil
        world.allow()
    else:
        assert world.agent.child is not None
        world.agent.child.sdp_filter = spoil
        world.allow()
    stripped = "sha-512" in spoil("a=setup")
    expected = Phase.UNVERIFIED if stripped else Phase.ENDED
    assert world.phases() == (expected, expected)


def sealed_world(swap: bytes, t: str) -> World:
    """A peer with all keys that names another certificate in its description than in the handshake."""
    world = World()
    world.to_prompt()
    world.choose()
    end = world.customer_end if t == "offer" else world.agent_end
    true_send = end._send

    def lying(kind: str, body: Any) -> None:
        if kind == t:
            body = msgspec.structs.replace(body, sdp=sdp(t, swap))
        true_send(kind, body)

    end._send = lying  # type: ignore[method-assign,assignment]  # a peer that lies, all else true
    world.allow()
    return world


@pytest.mark.parametrize("t", ["offer", "answer"])
def test_a_description_with_another_certificate_than_the_handshake_is_refused(t: str) -> None:
    """The number people compare covers the certificates in use."""
    world = sealed_world(b"\x07" * 32, t)
    victim = world.agent if t == "offer" else world.customer
    assert victim.end.view.reason is EndReason.PROTOCOL


@pytest.mark.ux("UX-50")
@pytest.mark.parametrize(
    ("t", "body"),
    [
        ("sas.accept", {"A": "A" * 43, "Na": "A" * 43, "Fa": "A" * 43}),
        ("answer", {"epoch": 0, "rung": 0, "sdp": "v=0"}),
        ("rebind.request", {"epoch": 1, "why": "a second viewer"}),
        ("end", {"reason": "stopped"}),
    ],
)
@pytest.mark.parametrize("stage", ["prompted", "connecting", "unverified", "verified", "paused", "lost"])
def test_a_second_viewer_of_the_same_organisation_is_not_even_heard(stage: str, t: str, body: dict[str, Any]) -> None:
    """A colleague with a key of their own: nothing is answered, opened or ended, whoever lets the words through."""
    world = world_at(stage)
    before = world.customer_end.view
    carried = json.dumps(body)
    covered = lp("deskside-env-1", world.agent_end.sid, "agent", 500, t) + lp(carried)
    raw = {"v": 1, "sid": b64(world.agent_end.sid), "from": "agent", "n": 500, "t": t, "body": carried}
    signed = b64(private_key("a colleague").sign(covered))
    assert world.customer_end.on_envelope(json.dumps(raw | {"sig": signed}).encode()) == []
    assert world.customer_end.view == before


def join_of(world: World, key_seed: str, secret: bytes) -> bytes:
    """A join to this world's session by somebody else."""
    key = private_key(key_seed)
    iid = json.loads(world.invitation[0].document)["iid"]
    proof = b64(join_proof(secret, unb64(iid), public(key)))
    body = JoinBody(iid, b64(public(key)), proof, "app", "linux", ["view"], [])
    return EnvelopeWriter(world.agent_end.sid, Role.CUSTOMER, key).write("join", body)


@pytest.mark.ux("UX-50")
def test_a_second_customer_cannot_take_over() -> None:
    """One viewer, one customer: a further join changes nothing, even with the secret."""
    world = World()
    world.to_live()
    assert world.agent_end.on_envelope(join_of(world, "thief", world.invitation[1])) == []
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)


def test_a_join_without_the_secret_is_ignored() -> None:
    """The invitation alone, as a relay may know it, does not join."""
    world = World()
    world.invite()
    assert world.agent_end.on_envelope(join_of(world, "thief", b"guess" * 6 + b"!!")) == []
    assert world.phases()[0] is Phase.INVITED
    world.open()
    assert world.phases()[0] is Phase.PROMPTED
