# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a record of a session is what it says it is: else a member could keep the true entry out with a false one."""

from __future__ import annotations

import hashlib

from app.domain.changes import SessionRecordAdd
from app.domain.documents import BadDocument, Fields, SignedDocument
from app.domain.signed import sha256

__all__ = ["is_true"]

# no links of the chain: their hash is that of their text
_PLAIN = frozenset({"receipt", "open"})


def is_true(record: SessionRecordAdd) -> bool:
    """Tell whether hash, number and kind are those of the text."""
    if record.kind in _PLAIN:
        return hashlib.sha256(record.entry.encode(errors="replace")).digest() == record.entry_hash
    try:
        signed = SignedDocument.from_text(record.entry)
        fields = Fields.parse(signed.document)
        digest = sha256("deskside-chain-1", fields.binary("prev", 32), signed.document)
        named = fields.integer("n"), fields.text("type")
    except BadDocument:
        return False
    return (digest, *named) == (record.entry_hash, record.entry_no, record.kind)
