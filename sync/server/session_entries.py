# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be written of a session: only what its customer's end signed, or its agent's device in its own name.

Else a member could keep the true entry out with a false one, write the customer's consent alone, or end the session
of a colleague. Both ends may hand in the same entries, in any order and long afterwards.
"""

from __future__ import annotations

import hashlib
from typing import Final

import sqlalchemy as sa

from app.domain.changes import Actor, SessionRecordAdd
from app.domain.documents import BadDocument, Fields, SignedDocument, open_document
from app.domain.errors import Refused
from app.domain.invitation import invite_hash
from app.domain.session_record import read_link
from app.domain.signed import b64, lp, verify
from sync.server.schema import SYSTEM
from sync.server.session_keys import take_key

__all__ = ["check_record", "is_true"]

_RECEIPT: Final = "receipt"
_OPEN: Final = "open"
_RECEIPT_LABEL: Final = "deskside-receipt-1"
_CLOSING_LABEL: Final = "deskside-closing-1"
# no links of the chain: their hash is that of their text
_PLAIN: Final = frozenset({_RECEIPT, _OPEN})


def is_true(record: SessionRecordAdd) -> bool:
    """Tell whether hash, number and kind are those of the text."""
    if record.kind in _PLAIN:
        return hashlib.sha256(record.entry.encode(errors="replace")).digest() == record.entry_hash
    try:
        link = read_link(record.entry)
    except BadDocument:
        return False
    return (link.hash, link.n, link.kind) == (record.entry_hash, record.entry_no, record.kind)


def check_record(connection: sa.Connection, record: SessionRecordAdd, actor: Actor) -> None:
    """Raise Refused for an entry that is not of a session on this ticket, or that neither of its two ends wrote.

    The first entry from the customer's own side gives the session its key, unless the customer's `join` did before.
    """
    if not is_true(record):
        raise Refused("bad_value", field="entry_hash")
    table = SYSTEM.session
    row = connection.execute(sa.select(table).where(table.c.sid == record.sid)).mappings().first()
    if row is None or bytes(row["ticket_id"]) != record.ticket or not _is_member(connection, row, actor):
        raise Refused("bad_value", field="sid")
    try:
        good = _is_good(connection, row, record, actor)
    except BadDocument:
        good = False
    if not good:
        raise Refused("bad_value", field="entry")


def _is_member(connection: sa.Connection, row: sa.RowMapping, actor: Actor) -> bool:
    """Any device of the agent's may hand entries in: after a new sign-in it is another one that has them still."""
    if actor.kind == "customer":
        return actor.id == bytes(row["customer_id"])
    device = SYSTEM.device
    owner = connection.execute(sa.select(device.c.account_id).where(device.c.id == row["agent_device"])).scalar()
    return actor.kind == "user" and owner is not None and actor.id == bytes(owner)


def _is_good(connection: sa.Connection, row: sa.RowMapping, record: SessionRecordAdd, actor: Actor) -> bool:
    invitation = SignedDocument(bytes(row["invitation"]), bytes(row["signature"]))
    key = bytes(row["session_key"]) if row["session_key"] is not None else None
    if record.kind == _OPEN:
        return _is_closing(record, invitation, actor)
    if record.kind == _RECEIPT:
        return key is not None and _is_receipt(record.entry, invitation, key)
    link = read_link(record.entry)
    if key is None and actor.kind == "customer" and link.named_key is not None:
        key = link.named_key
        if not (link.is_signed_by(key) and take_key(connection, record.sid, key, None)):
            return False
    return key is not None and link.is_signed_by(key) and (not link.is_first or link.prev == invite_hash(invitation))


def _is_closing(record: SessionRecordAdd, invitation: SignedDocument, actor: Actor) -> bool:
    """What the agent's program says of a record without an end is signed by the device that invited."""
    fields = open_document(SignedDocument.from_text(record.entry), _CLOSING_LABEL, _agent_key(invitation))
    said = fields.binary("sid", 16), fields.integer("n")
    return actor.kind == "user" and said == (record.sid, record.entry_no)


def _is_receipt(text: str, invitation: SignedDocument, key: bytes) -> bool:
    """A receipt is of this invitation and key, whole from the first entry on, and countersigned by nobody else."""
    fields = Fields.parse(text.encode(errors="replace"))
    same = fields.raw.get("session_key") == b64(key) and fields.raw.get("invitation") == invitation.to_text()
    texts = fields.raw.get("entries")
    if not same or fields.raw.get("kind") != "deskside-receipt" or not isinstance(texts, list) or not texts:
        return False
    head = invite_hash(invitation)
    for n, entry in enumerate(texts):
        link = read_link(entry if isinstance(entry, str) else "")
        if (link.n, link.prev) != (n, head) or not link.is_signed_by(key):
            return False
        head = link.hash
    if fields.raw.get("countersignature") is None:
        return True
    return verify(_agent_key(invitation), _RECEIPT_LABEL, lp(head), fields.binary("countersignature", 64))


def _agent_key(invitation: SignedDocument) -> bytes:
    """Return the device key that an invitation of this server names: it was checked when it was registered."""
    certificate = SignedDocument.from_text(Fields.parse(invitation.document).text("agent_cert", 8192))
    return Fields.parse(certificate.document).binary("device_key", 32)
