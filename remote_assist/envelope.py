# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed envelopes between the two ends, sealed from the first offer on; the relay sees only that they exist.

The signature is checked before a body is looked at. What anybody on the way could have made is dropped without a word;
what only the peer can have signed, but is wrong, ends the session.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.assist import Role
from app.domain.signed import b64, lp, unb64
from remote_assist.sdp_rules import MAX_SDP_BYTES

__all__ = [
    "FAREWELL_N",
    "MAX_ENVELOPE_BYTES",
    "AcceptBody",
    "Body",
    "ChainBody",
    "CommitBody",
    "ConsentedBody",
    "DroppedEnvelope",
    "EndBody",
    "Envelope",
    "EnvelopeReader",
    "EnvelopeWriter",
    "JoinBody",
    "PeerMisbehaved",
    "PromptedBody",
    "RebindBody",
    "RefusedBody",
    "RevealBody",
    "SdpBody",
    "join_proof",
    "key_bytes",
    "peek_join",
    "signed_type",
]

MAX_ENVELOPE_BYTES = 64 * 1024
FAREWELL_N = 1 << 40  # the highest number: of the goodbye that a page signs ahead, for when it is closed
_LABEL = "deskside-env-1"
_NONCE_ROLE = {Role.CUSTOMER: 1, Role.AGENT: 2}
_KEY_TEXT = Annotated[str, msgspec.Meta(min_length=43, max_length=43)]  # 32 bytes
_SIGNATURE_TEXT = Annotated[str, msgspec.Meta(min_length=86, max_length=86)]  # 64 bytes
_Word = Annotated[str, msgspec.Meta(max_length=64)]
_Epoch = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class DroppedEnvelope(Exception):
    """Not from the peer, not for this session, or seen before: ignore it. The text is for logs."""


class PeerMisbehaved(Exception):
    """Signed by the peer and wrong: the session ends. The text names the message type."""


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class JoinBody(_Body, frozen=True):
    """Customer: opened the invitation. `device_key` and `device_sig` only if enrolled.

    `device_cert`: what the organisation signed about that key.
    """

    iid: Annotated[str, msgspec.Meta(min_length=22, max_length=22)]
    session_key: _KEY_TEXT
    proof: _KEY_TEXT
    app: _Word
    platform: _Word
    scopes_supported: Annotated[list[_Word], msgspec.Meta(max_length=32)]
    sources: Annotated[list[_Word], msgspec.Meta(max_length=8)]
    device_key: _KEY_TEXT | None = None
    device_sig: _SIGNATURE_TEXT | None = None
    device_cert: Annotated[str, msgspec.Meta(max_length=4096)] | None = None


class PromptedBody(_Body, frozen=True):
    """Customer: the consent window is shown."""

    reason: _Word = ""


class RefusedBody(_Body, frozen=True):
    """Customer: refused, by a click or by silence."""

    reason: _Word


class ConsentedBody(_Body, frozen=True):
    """Customer: allowed looking."""

    chain_head: _KEY_TEXT
    scope: _Word
    target_kind: _Word


class CommitBody(_Body, frozen=True):
    """Customer: commitment of the handshake."""

    h: _KEY_TEXT


class AcceptBody(_Body, frozen=True):
    """Agent: public key, nonce, certificate fingerprint."""

    A: _KEY_TEXT
    Na: _KEY_TEXT
    Fa: _KEY_TEXT


class RevealBody(_Body, frozen=True):
    """Customer: what the commitment stands for."""

    C: _KEY_TEXT
    Nc: _KEY_TEXT
    Fc: _KEY_TEXT


class SdpBody(_Body, frozen=True):
    """Offer or answer of one epoch; sealed."""

    epoch: _Epoch
    rung: Annotated[int, msgspec.Meta(ge=0, le=9)]
    sdp: Annotated[str, msgspec.Meta(max_length=MAX_SDP_BYTES)]


class RebindBody(_Body, frozen=True):
    """Agent: asks for a new offer; sealed."""

    epoch: _Epoch
    why: _Word


class ChainBody(_Body, frozen=True):
    """Customer: one signed chain entry."""

    entry: Annotated[str, msgspec.Meta(max_length=24_000)]


class ChainAgainBody(_Body, frozen=True):
    """Agent: entries were lost on the way; asks for those from number `n` on."""

    n: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)]


class EndBody(_Body, frozen=True):
    """Either: the session is over. The agent's may carry the countersignature of the receipt."""

    reason: _Word
    countersign: _SIGNATURE_TEXT | None = None


Body = (
    JoinBody
    | PromptedBody
    | RefusedBody
    | ConsentedBody
    | CommitBody
    | AcceptBody
    | RevealBody
    | SdpBody
    | RebindBody
    | ChainBody
    | ChainAgainBody
    | EndBody
)

_BODIES: dict[tuple[Role, str], type[Body]] = {
    (Role.CUSTOMER, "join"): JoinBody,
    (Role.CUSTOMER, "prompted"): PromptedBody,
    (Role.CUSTOMER, "refused"): RefusedBody,
    (Role.CUSTOMER, "consented"): ConsentedBody,
    (Role.CUSTOMER, "sas.commit"): CommitBody,
    (Role.AGENT, "sas.accept"): AcceptBody,
    (Role.CUSTOMER, "sas.reveal"): RevealBody,
    (Role.CUSTOMER, "offer"): SdpBody,
    (Role.AGENT, "answer"): SdpBody,
    (Role.AGENT, "rebind.request"): RebindBody,
    (Role.CUSTOMER, "chain"): ChainBody,
    (Role.AGENT, "chain.again"): ChainAgainBody,
    (Role.CUSTOMER, "end"): EndBody,
    (Role.AGENT, "end"): EndBody,
}
_ALWAYS_SEALED = frozenset({"offer", "answer", "rebind.request"})


class Envelope(msgspec.Struct, frozen=True):
    """A checked envelope: signed by the peer, newer than all before, opened and typed. `raw` is how it came."""

    t: str
    n: int
    body: Body
    raw: bytes


class _Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    sid: Annotated[str, msgspec.Meta(max_length=22)]
    sender: Annotated[str, msgspec.Meta(max_length=8)] = msgspec.field(name="from")
    n: Annotated[int, msgspec.Meta(ge=0, le=FAREWELL_N)]
    t: Annotated[str, msgspec.Meta(max_length=16)]
    body: Annotated[str, msgspec.Meta(max_length=60_000)]
    sig: _SIGNATURE_TEXT


_outer = msgspec.json.Decoder(_Outer)


class EnvelopeWriter:
    """Numbers, seals and signs this end's envelopes."""

    def __init__(self, sid: bytes, role: Role, key: Ed25519PrivateKey) -> None:
        self._sid = sid
        self._role = role
        self._key = key
        self._seal: AESGCM | None = None
        self._sealing = False
        self.next_n = 0

    def use_key(self, key: bytes) -> None:
        """Seal with this key from the first offer, answer or rebind request on."""
        self._seal = AESGCM(key)

    def write(self, t: str, body: Body) -> bytes:
        """Return the envelope's bytes. Raises ValueError for a type this end does not send or that lacks its key."""
        if _BODIES.get((self._role, t)) is not type(body):
            raise ValueError(t)
        n, self.next_n = self.next_n, self.next_n + 1
        self._sealing |= t in _ALWAYS_SEALED
        plain = msgspec.json.encode(body)
        if self._sealing:
            if self._seal is None:
                raise ValueError(f"{t} before the keys are known")
            carried = b64(self._seal.encrypt(_nonce(self._role, n), plain, _covered(self._sid, self._role, n, t)))
        else:
            carried = plain.decode()
        signature = self._key.sign(_covered(self._sid, self._role, n, t) + lp(carried))
        return msgspec.json.encode(_Outer(1, b64(self._sid), self._role.value, n, t, carried, b64(signature)))


class EnvelopeReader:
    """Checks, opens and types the peer's envelopes. No exception but the two above leaves it, whatever comes."""

    def __init__(self, sid: bytes, sender: Role, key: bytes) -> None:
        self._sid = sid
        self._sender = sender
        self._key = Ed25519PublicKey.from_public_bytes(key)
        self._seal: AESGCM | None = None
        self._sealed_seen = False
        self._last_n = -1

    def use_key(self, key: bytes) -> None:
        """Open with this key what must be sealed."""
        self._seal = AESGCM(key)

    def read(self, raw: bytes) -> Envelope:
        """Return the envelope. Raises DroppedEnvelope or PeerMisbehaved."""
        outer = _parse(raw)
        if outer.v != 1 or outer.sid != b64(self._sid) or outer.sender != self._sender.value:
            raise DroppedEnvelope("not for here")
        covered = _covered(self._sid, self._sender, outer.n, outer.t)
        try:
            self._key.verify(unb64(outer.sig), covered + lp(outer.body))
        except (InvalidSignature, ValueError):
            raise DroppedEnvelope("signature") from None
        if outer.n <= self._last_n:
            raise DroppedEnvelope("seen before")
        self._last_n = outer.n
        kind = _BODIES.get((self._sender, outer.t))
        if kind is None:
            raise PeerMisbehaved(outer.t)
        return Envelope(outer.t, outer.n, _typed(self._opened(outer, covered), kind, outer.t), raw)

    def _opened(self, outer: _Outer, covered: bytes) -> bytes:
        if not self._sealed_seen and outer.t not in _ALWAYS_SEALED:
            return outer.body.encode()
        if self._seal is None:
            raise PeerMisbehaved(outer.t)
        try:
            plain = self._seal.decrypt(_nonce(self._sender, outer.n), unb64(outer.body), covered)
        except (InvalidTag, ValueError):
            raise PeerMisbehaved(outer.t) from None
        self._sealed_seen = True
        return plain


def peek_join(raw: bytes) -> tuple[bytes, JoinBody]:
    """Return the session key a `join` names, and its body, before any signature could be checked.

    The caller must check `join_proof` and then read the same bytes with a reader for that key. Raises DroppedEnvelope.
    """
    outer = _parse(raw)
    if outer.t != "join" or len(outer.body) > 4096:
        raise DroppedEnvelope("no join")
    try:
        body = msgspec.json.decode(outer.body.encode(), type=JoinBody)
        key = unb64(body.session_key)
        Ed25519PublicKey.from_public_bytes(key)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DroppedEnvelope("join") from None
    return key, body


def signed_type(raw: bytes, sid: bytes, sender: Role, key: bytes) -> str:
    """Return the type of an envelope that this end of this session signed, else "". What it says may be sealed."""
    try:
        outer = _parse(raw)
        covered = _covered(sid, sender, outer.n, outer.t) + lp(outer.body)
        Ed25519PublicKey.from_public_bytes(key).verify(unb64(outer.sig), covered)
    except (DroppedEnvelope, InvalidSignature, ValueError):
        return ""
    return outer.t


def key_bytes(text: str) -> bytes:
    """Return the 32 bytes a signed body carries as text. Raises PeerMisbehaved."""
    try:
        raw = unb64(text)
    except ValueError:
        raise PeerMisbehaved("value") from None
    if len(raw) != 32:
        raise PeerMisbehaved("value")
    return raw


def join_proof(join_secret: bytes, iid: bytes, session_key: bytes) -> bytes:
    """Return the proof that the one who made `session_key` knows the join secret."""
    return hmac.new(join_secret, lp(iid, session_key), hashlib.sha256).digest()


def _parse(raw: bytes) -> _Outer:
    if len(raw) > MAX_ENVELOPE_BYTES:
        raise DroppedEnvelope("too long")
    try:
        return _outer.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DroppedEnvelope("no envelope") from None


def _typed(plain: bytes, kind: type[Body], t: str) -> Body:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
    try:
        body: Body = decoder.decode(plain)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise PeerMisbehaved(t) from None
    return body


def _covered(sid: bytes, sender: Role, n: int, t: str) -> bytes:
    return lp(_LABEL, sid, sender.value, n, t)


def _nonce(sender: Role, n: int) -> bytes:
    return _NONCE_ROLE[sender].to_bytes(4, "big") + n.to_bytes(8, "big")
