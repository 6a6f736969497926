# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes: signed, numbered, sealed from the first offer on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.domain.assist import Role
from app.domain.signed import b64, lp
from remote_assist.envelope import (
    MAX_ENVELOPE_BYTES,
    CommitBody,
    ConsentedBody,
    DroppedEnvelope,
    EndBody,
    EnvelopeReader,
    EnvelopeWriter,
    PeerMisbehaved,
    PromptedBody,
    RebindBody,
    SdpBody,
    peek_join,
)
from tests.remote_assist.world import private_key, public

SID = b"s" * 16
KEY = private_key("customer session")
SEAL = b"k" * 32


def ends(seal: bool = False) -> tuple[EnvelopeWriter, EnvelopeReader]:
    writer = EnvelopeWriter(SID, Role.CUSTOMER, KEY)
    reader = EnvelopeReader(SID, Role.CUSTOMER, public(KEY))
    if seal:
        writer.use_key(SEAL)
        reader.use_key(SEAL)
    return writer, reader


def signed(t: str, body: str, n: int = 0, key: Ed25519PrivateKey = KEY) -> bytes:
    """An envelope made by hand."""
    covered = lp("deskside-env-1", SID, "customer", n, t) + lp(body)
    fields = {"v": 1, "sid": b64(SID), "from": "customer", "n": n, "t": t, "body": body, "sig": b64(key.sign(covered))}
    return json.dumps(fields).encode()


def test_what_is_written_is_read() -> None:
    """Numbers count from 0 and the body comes back typed."""
    writer, reader = ends()
    for n in range(3):
        envelope = reader.read(writer.write("end", EndBody("stopped")))
        assert (envelope.t, envelope.n, envelope.body) == ("end", n, EndBody("stopped"))


def test_from_the_offer_on_nobody_on_the_way_reads_the_body() -> None:
    """And what follows stays sealed."""
    writer, reader = ends(seal=True)
    raw = writer.write("offer", SdpBody(0, 0, "v=0 secret address"))
    assert b"secret" not in raw
    assert reader.read(raw).body == SdpBody(0, 0, "v=0 secret address")
    raw = writer.write("end", EndBody("stopped"))
    assert b"stopped" not in raw
    assert reader.read(raw).body == EndBody("stopped")


def test_after_one_sealed_envelope_an_open_one_is_no_longer_taken() -> None:
    """No way back to a weaker form."""
    writer, reader = ends(seal=True)
    reader.read(writer.write("offer", SdpBody(0, 0, "")))
    with pytest.raises(PeerMisbehaved):
        reader.read(signed("end", '{"reason":"stopped"}', n=9))


def test_an_offer_before_the_keys_or_in_the_open_is_refused() -> None:
    """Neither written nor read."""
    writer, reader = ends()
    with pytest.raises(ValueError, match="before the keys"):
        writer.write("offer", SdpBody(0, 0, ""))
    body = '{"epoch":0,"rung":0,"sdp":""}'
    with pytest.raises(PeerMisbehaved):
        reader.read(signed("offer", body, n=1))
    reader.use_key(SEAL)
    with pytest.raises(PeerMisbehaved):
        reader.read(signed("offer", body, n=2))


def test_an_envelope_sealed_for_another_place_does_not_open() -> None:
    """Number and type are bound into the seal."""
    writer, reader = ends(seal=True)
    outer = json.loads(writer.write("offer", SdpBody(0, 0, "")))
    with pytest.raises(PeerMisbehaved):
        reader.read(signed("offer", outer["body"], n=5))


def test_replayed_reordered_and_foreign_envelopes_are_ignored() -> None:
    """Anybody on the way can send those; they end nothing."""
    writer, reader = ends()
    first, second = writer.write("prompted", PromptedBody()), writer.write("end", EndBody("x"))
    reader.read(second)
    for raw in (second, first, signed("end", '{"reason":"x"}', n=7, key=private_key("relay"))):
        with pytest.raises(DroppedEnvelope):
            reader.read(raw)


@pytest.mark.parametrize(
    "outer",
    [
        {"v": 2},
        {"sid": b64(b"t" * 16)},
        {"from": "agent"},
        {"n": 8},
        {"t": "refused"},
        {"body": '{"reason":"y"}'},
        {"sig": "A" * 86},
        {"sig": "short"},
        {"n": -1},
        {"n": "0"},
        {"extra": 1},
    ],
)
def test_every_changed_field_makes_an_envelope_worthless(outer: dict[str, Any]) -> None:
    """The signature covers all of it; unknown versions and fields are refused."""
    with pytest.raises(DroppedEnvelope):
        ends()[1].read(json.dumps(json.loads(signed("end", '{"reason":"x"}')) | outer).encode())


@pytest.mark.parametrize(
    ("t", "body"),
    [
        ("end", "{}"),
        ("end", '{"reason":"x","more":1}'),
        ("end", "not json"),
        ("end", "[" * 10_000),
        ("end", json.dumps({"reason": "x" * 65})),
        ("sas.accept", "{}"),
        ("grant", "{}"),
        ("answer", "{}"),
        ("sas.commit", '{"h":"short"}'),
        ("consented", '{"chain_head":1,"scope":"view","target_kind":"screen"}'),
    ],
)
def test_a_signed_but_malformed_body_is_the_peers_own_fault(t: str, body: str) -> None:
    """Only the peer can have made it: the session ends."""
    with pytest.raises(PeerMisbehaved):
        ends()[1].read(signed(t, body))


def test_an_end_cannot_write_what_only_the_other_may_say() -> None:
    """Types belong to one end."""
    writer, _ = ends()
    with pytest.raises(ValueError, match=r"rebind\.request"):
        writer.write("rebind.request", RebindBody(1, "x"))
    with pytest.raises(ValueError, match="end"):
        writer.write("end", CommitBody("h" * 43))
    assert writer.write("consented", ConsentedBody("h" * 43, "view", "screen"))


def test_an_oversized_envelope_is_not_even_parsed() -> None:
    """64 KiB."""
    with pytest.raises(DroppedEnvelope):
        ends()[1].read(b" " * (MAX_ENVELOPE_BYTES + 1))


@given(st.binary(max_size=300))
def test_no_bytes_make_a_reader_fall_over(raw: bytes) -> None:
    """Only the two words for it come out."""
    with pytest.raises(DroppedEnvelope):
        ends()[1].read(raw)
    with pytest.raises(DroppedEnvelope):
        peek_join(raw)


@given(
    st.dictionaries(
        st.sampled_from(["v", "sid", "from", "n", "t", "body", "sig"]),
        st.one_of(st.integers(), st.text(max_size=90), st.none(), st.lists(st.integers(), max_size=3)),
    )
)
def test_no_json_makes_a_reader_fall_over(fields: dict[str, Any]) -> None:
    """Right names, wrong values."""
    with pytest.raises(DroppedEnvelope):
        ends()[1].read(json.dumps(fields).encode())
