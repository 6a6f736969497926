# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens: ten minutes, signed with Ed25519, bound to one device, companion or session; never stored."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.signed import b64, lp, unb64

__all__ = ["ACCESS_S", "AGENT", "COMPANION", "SESSION", "Grant", "TokenSigner"]

ACCESS_S = 600
AGENT, COMPANION, SESSION = "agent", "companion", "session"
_LABEL = "deskside-access-1"
_MAX_CHARS = 1024


class _Claims(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    subject: bytes
    device: bytes
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Who speaks. For `agent` an account and its device, for `companion` a customer and a companion, for `session`
    a companion (or, without one, the customer) and a session id.
    """

    kind: str
    subject: bytes
    device: bytes
    expires_ms: int


class TokenSigner:
    """Makes and checks tokens; any process with the same key can check them."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()

    def issue(self, now: int, kind: str, subject: bytes, device: bytes, life_s: int = ACCESS_S) -> str:
        """Return a token; `now` in Unix milliseconds."""
        claims = msgspec.msgpack.encode(_Claims(kind, subject, device, now + life_s * 1000))
        return f"{b64(claims)}.{b64(self._key.sign(lp(_LABEL, claims)))}"

    def check(self, now: int, token: str) -> Grant | None:
        """Return what a token grants; None for a forged, damaged or expired one."""
        body, _, mark = token.partition(".")
        try:
            if len(token) > _MAX_CHARS or not token.isascii():
                return None
            claims, signature = unb64(body), unb64(mark)
            self._public.verify(signature, lp(_LABEL, claims))
            read = msgspec.msgpack.decode(claims, type=_Claims)
        except (ValueError, InvalidSignature, msgspec.DecodeError):
            return None
        if now >= read.expires_ms:
            return None
        return Grant(read.kind, read.subject, read.device, read.expires_ms)
