# SPDX-License-Identifier: GPL-3.0-or-later
"""Length-prefixed byte strings that signatures cover, and the Ed25519 helpers that use them."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["b64", "fingerprint", "lp", "sha256", "sign", "unb64", "verify"]

_MAX_FIELD = 0xFFFF


def lp(*fields: str | bytes | int) -> bytes:
    """Return each field preceded by its length as a big-endian u16.

    Text becomes UTF-8, numbers decimal text, bytes stay raw. Raises ValueError for a field over 65,535 bytes.
    """
    out = bytearray()
    for field in fields:
        raw = field if isinstance(field, bytes) else str(field).encode()
        if len(raw) > _MAX_FIELD:
            raise ValueError("field longer than 65535 bytes")
        out += len(raw).to_bytes(2, "big") + raw
    return bytes(out)


def sha256(*fields: str | bytes | int) -> bytes:
    """Return the SHA-256 of ``lp(*fields)``."""
    return hashlib.sha256(lp(*fields)).digest()


def b64(raw: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5), the form binary values take in JSON."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Undo `b64`. Raises ValueError on anything that `b64` would not have written."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def sign(key: Ed25519PrivateKey, label: str, document: bytes) -> bytes:
    """Sign the exact bytes of a document under a label (Ed25519, RFC 8032).

    The signature covers ``lp(label, document)``, so a document is at most 65,535 bytes long.
    """
    return key.sign(lp(label, document))


def verify(public_key: bytes, label: str, document: bytes, signature: bytes) -> bool:
    """Tell whether `signature` was made over (label, document) by the owner of `public_key`, 32 bytes. Never raises."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, lp(label, document))
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public_key: bytes) -> str:
    """Return the key's SHA-256 as people compare it: eight groups of four upper-case hex digits."""
    digest = hashlib.sha256(public_key).hexdigest().upper()[:32]
    return " ".join(digest[i : i + 4] for i in range(0, 32, 4))
