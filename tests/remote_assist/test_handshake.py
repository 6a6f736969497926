# SPDX-License-Identifier: GPL-3.0-or-later
"""The check number: vectors, an independent computation, and a peer in the middle."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from remote_assist.handshake import AgentHandshake, Binding, CustomerHandshake, HandshakeError, Reveal

VECTORS = json.loads((Path(__file__).parent / "sas_vectors.json").read_text())["vectors"]


class Scripted:
    """Hands out given bytes in order."""

    def __init__(self, *values: bytes) -> None:
        self._values = list(values)

    def __call__(self, size: int) -> bytes:
        value = self._values.pop(0)
        assert len(value) == size
        return value


def fields(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def binding() -> Binding:
    return Binding(b"i" * 32, b"s" * 16, b"a" * 32, b"c" * 32)


def pair(fc: bytes = b"F" * 32, fa: bytes = b"G" * 32) -> tuple[CustomerHandshake, AgentHandshake]:
    customer = CustomerHandshake(binding(), fc, secrets.token_bytes)
    return customer, AgentHandshake(binding(), fa, customer.commitment, secrets.token_bytes)


@pytest.mark.parametrize("vector", VECTORS)
def test_both_ends_compute_what_the_shared_vectors_say(vector: dict[str, str]) -> None:
    """The page in a browser computes the same."""
    v = {name: bytes.fromhex(value) for name, value in vector.items() if name != "number"}
    bound = Binding(v["invite_hash"], v["sid"], v["agent_device_key"], v["customer_session_key"])
    customer = CustomerHandshake(bound, v["Fc"], Scripted(v["c"], v["Nc"]))
    agent = AgentHandshake(bound, v["Fa"], customer.commitment, Scripted(v["a"], v["Na"]))
    assert customer.commitment == v["h"]
    for keys in (agent.finish(customer.reveal), customer.accept(agent.reveal)):
        assert (keys.seal_c2a, keys.seal_a2c, keys.receipt) == (v["seal_c2a"], v["seal_a2c"], v["receipt"])
        assert keys.number == vector["number"]


@pytest.mark.parametrize("vector", VECTORS)
def test_the_vectors_follow_the_written_rule(vector: dict[str, str]) -> None:
    """Computed here a second time from HMAC and X25519 alone."""
    v = {name: bytes.fromhex(value) for name, value in vector.items() if name != "number"}
    h = hashlib.sha256(fields(b"deskside-sas-1 commit", v["invite_hash"], v["sid"], v["C"], v["Nc"], v["Fc"])).digest()
    assert h == v["h"]
    shared = X25519PrivateKey.from_private_bytes(v["c"]).exchange(X25519PublicKey.from_public_bytes(v["A"]))
    names = ["invite_hash", "sid", "agent_device_key", "customer_session_key", "h", "C", "Nc", "Fc", "A", "Na", "Fa"]
    salt = hashlib.sha256(fields(b"deskside-sas-1", *(v[name] for name in names))).digest()
    prk = hmac.new(salt, shared, hashlib.sha256).digest()
    digits = int.from_bytes(hmac.new(prk, b"sas\x01", hashlib.sha256).digest()[:8], "big") % 1_000_000
    assert f"{digits:06d}" == vector["number"].replace(" ", "")
    assert hmac.new(prk, b"seal c2a\x01", hashlib.sha256).digest() == v["seal_c2a"]


def test_a_reveal_that_was_not_committed_to_is_refused() -> None:
    """Changing key, nonce or fingerprint after seeing the agent's values."""
    customer, agent = pair()
    good = customer.reveal
    for changed in (
        Reveal(bytes(31) + b"\x09", good.nonce, good.fingerprint),
        Reveal(good.public, b"n" * 32, good.fingerprint),
        Reveal(good.public, good.nonce, b"f" * 32),
    ):
        with pytest.raises(HandshakeError):
            agent.finish(changed)


def test_a_useless_public_key_is_refused() -> None:
    """A low-order point would make the secret known to everybody."""
    customer, _ = pair()
    with pytest.raises(HandshakeError):
        customer.accept(Reveal(bytes(32), b"n" * 32, b"f" * 32))


def test_values_of_the_wrong_size_are_refused() -> None:
    """Never parsed loosely."""
    customer, agent = pair()
    with pytest.raises(HandshakeError):
        customer.accept(Reveal(b"k" * 31, b"n" * 32, b"f" * 32))
    with pytest.raises(HandshakeError):
        AgentHandshake(binding(), b"F" * 32, b"h" * 31, secrets.token_bytes)
    assert agent


def test_someone_in_the_middle_is_seen_in_the_number() -> None:
    """Two handshakes with swapped fingerprints give two numbers; grinding one side after the commitment fails."""
    seen = set()
    for _ in range(20):
        customer = CustomerHandshake(binding(), b"C" * 32, secrets.token_bytes)
        middle_as_customer = CustomerHandshake(binding(), b"M" * 32, secrets.token_bytes)
        middle_as_agent = AgentHandshake(binding(), b"N" * 32, customer.commitment, secrets.token_bytes)
        agent = AgentHandshake(binding(), b"A" * 32, middle_as_customer.commitment, secrets.token_bytes)
        at_customer = customer.accept(middle_as_agent.reveal).number
        at_agent = agent.finish(middle_as_customer.reveal).number
        seen.add(at_customer == at_agent)
        with pytest.raises(HandshakeError):
            agent.finish(CustomerHandshake(binding(), b"M" * 32, secrets.token_bytes).reveal)
    assert seen == {False}


def test_the_own_number_is_one_of_three_different_ones_at_any_place() -> None:
    """It cannot be read off by its place."""
    customer, agent = pair()
    number = customer.accept(agent.reveal).number
    places = set()
    for _ in range(100):
        numbers = customer.choices(number).numbers
        assert len(set(numbers)) == 3
        assert all(len(n) == 7 and n[3] == " " for n in numbers)
        places.add(numbers.index(number))
    assert places == {0, 1, 2}
