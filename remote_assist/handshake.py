# SPDX-License-Identifier: GPL-3.0-or-later
"""Commit-then-reveal key agreement with a check number of six digits that both people compare by voice.

The customer commits to key, nonce and certificate fingerprint before seeing the agent's, so that nobody between the two
can search for keys that give the same number: one guess a session, one in a million.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.domain.assist import SasChoice
from app.domain.signed import sha256

__all__ = [
    "AgentHandshake",
    "Binding",
    "CustomerHandshake",
    "HandshakeError",
    "Reveal",
    "SessionKeys",
    "show_number",
]

Random = Callable[[int], bytes]
_LABEL = "deskside-sas-1"
_SIZE = 32


class HandshakeError(Exception):
    """The other end did not keep to the handshake; the session must end."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What both ends know before the handshake and what its outcome is bound to."""

    invite_hash: bytes
    sid: bytes
    agent_device_key: bytes
    customer_session_key: bytes


@dataclass(frozen=True, slots=True)
class Reveal:
    """Public key, nonce and SHA-256 certificate fingerprint of one end, 32 bytes each."""

    public: bytes
    nonce: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Outcome of the handshake; the same at both ends if nobody sat between them."""

    seal_c2a: bytes
    seal_a2c: bytes
    receipt: bytes
    number: str


def show_number(digits: int) -> str:
    """Return six digits as people read them: "482 917"."""
    text = f"{digits:06d}"
    return f"{text[:3]} {text[3:]}"


class CustomerHandshake:
    """The customer's side: commit, see the agent's values, reveal."""

    def __init__(self, binding: Binding, fingerprint: bytes, random: Random) -> None:
        self._binding = binding
        self._random = random
        self._private = X25519PrivateKey.from_private_bytes(random(_SIZE))
        public = self._private.public_key().public_bytes_raw()
        self.reveal = Reveal(public, random(_SIZE), _sized(fingerprint))
        self.commitment = _commitment(binding, self.reveal)

    def accept(self, agent: Reveal) -> SessionKeys:
        """Take the agent's values and return the keys. Raises HandshakeError."""
        return _derive(self._binding, self._private, self.commitment, self.reveal, agent, agent.public)

    def choices(self, number: str) -> SasChoice:
        """Return the own number among two random others, in random order."""
        numbers = [number]
        while len(numbers) < 3:
            other = show_number(int.from_bytes(self._random(8), "big") % 1_000_000)
            if other not in numbers:
                numbers.insert(self._random(1)[0] % (len(numbers) + 1), other)
        first, second, third = numbers
        return SasChoice((first, second, third))


class AgentHandshake:
    """The agent's side: answers a commitment with its own values and checks the reveal against it."""

    def __init__(self, binding: Binding, fingerprint: bytes, commitment: bytes, random: Random) -> None:
        self._binding = binding
        self._commitment = _sized(commitment)
        self._private = X25519PrivateKey.from_private_bytes(random(_SIZE))
        public = self._private.public_key().public_bytes_raw()
        self.reveal = Reveal(public, random(_SIZE), _sized(fingerprint))

    def finish(self, customer: Reveal) -> SessionKeys:
        """Check the customer's values and return the keys. Raises HandshakeError."""
        if not hmac.compare_digest(_commitment(self._binding, customer), self._commitment):
            raise HandshakeError("reveal does not match the commitment")
        return _derive(self._binding, self._private, self._commitment, customer, self.reveal, customer.public)


def _commitment(binding: Binding, customer: Reveal) -> bytes:
    return sha256(
        f"{_LABEL} commit",
        binding.invite_hash,
        binding.sid,
        _sized(customer.public),
        _sized(customer.nonce),
        _sized(customer.fingerprint),
    )


def _derive(
    binding: Binding, private: X25519PrivateKey, commitment: bytes, customer: Reveal, agent: Reveal, other: bytes
) -> SessionKeys:
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(_sized(other)))
    except ValueError as error:  # an all-zero result, the library's check for low-order points
        raise HandshakeError("useless public key") from error
    transcript = sha256(
        _LABEL,
        binding.invite_hash,
        binding.sid,
        binding.agent_device_key,
        binding.customer_session_key,
        commitment,
        *(_sized(v) for v in (customer.public, customer.nonce, customer.fingerprint)),
        *(_sized(v) for v in (agent.public, agent.nonce, agent.fingerprint)),
    )

    def expand(info: bytes, size: int = _SIZE) -> bytes:
        return HKDF(SHA256(), size, salt=transcript, info=info).derive(shared)

    number = show_number(int.from_bytes(expand(b"sas", 8), "big") % 1_000_000)
    return SessionKeys(expand(b"seal c2a"), expand(b"seal a2c"), expand(b"receipt"), number)


def _sized(value: bytes) -> bytes:
    if len(value) != _SIZE:
        raise HandshakeError("value of the wrong size")
    return value
