# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry of a session's record as it travels: who signed it, where in the record it stands, and what it says.

Nothing of an entry is believed before `is_signed_by` was asked with the key that the customer's end made for the
session.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.documents import BadDocument, Fields, SignedDocument
from app.domain.signed import sha256, verify

__all__ = ["SESSION_ENTRY_LABEL", "SessionLink", "read_link"]

SESSION_ENTRY_LABEL = "deskside-chain-1"
_JOINED = "joined"


@dataclass(frozen=True, slots=True)
class SessionLink:
    """`prev` is the hash of the entry before, of the invitation for the first; `hash` covers it and the exact bytes.

    `named_key`: the key of the customer's end, which the first entry names; None in all others.
    """

    n: int
    prev: bytes
    kind: str
    named_key: bytes | None
    signed: SignedDocument
    hash: bytes

    @property
    def is_first(self) -> bool:
        """Tell whether this entry begins a record."""
        return self.n == 0

    def is_signed_by(self, key: bytes) -> bool:
        """Tell whether the owner of this session key wrote it, under its own name if it is the first."""
        named = self.named_key == key if self.is_first else self.kind != _JOINED
        return named and verify(key, SESSION_ENTRY_LABEL, self.signed.document, self.signed.signature)


def read_link(text: str) -> SessionLink:
    """Read an entry; its signature is still to be checked. Raises BadDocument."""
    signed = SignedDocument.from_text(text)
    fields = Fields.parse(signed.document)
    n, prev, kind = fields.integer("n"), fields.binary("prev", 32), fields.text("type", 16)
    if (n == 0) != (kind == _JOINED):
        raise BadDocument("order")
    key = fields.inner("data").binary("session_key", 32) if n == 0 else None
    return SessionLink(n, prev, kind, key, signed, sha256(SESSION_ENTRY_LABEL, prev, signed.document))
