# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry of a session's record and what its first one says: read and verified alike by both ends and the server.

The ends know the session's key and take only what it signed (`read_entry`). The server learns it from the first entry,
and takes kinds of entries that came later than it did (`read_link`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.assist import EntryType
from app.domain.device_certificate import DeviceCertificate, read_device_certificate
from app.domain.documents import BadDocument, Fields, SignedDocument
from app.domain.invitation import BROWSER_MODE
from app.domain.signed import lp, sha256, verify

__all__ = ["CHAIN_LABEL", "JOIN_LABEL", "Entry", "Joined", "SessionLink", "read_entry", "read_joined", "read_link"]

CHAIN_LABEL: Final = "deskside-chain-1"
JOIN_LABEL: Final = "deskside-join-1"
_ENTRY_FIELDS: Final = frozenset({"n", "prev", "at", "by", "type", "data"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. `prev` is the hash of the one before, of the invitation for the first; `at` is UTC milliseconds."""

    n: int
    prev: bytes
    at: int
    by: str
    type: EntryType
    data: Mapping[str, Any]
    signed: SignedDocument
    hash: bytes

    @property
    def text(self) -> str:
        """The entry as it travels and is stored."""
        return self.signed.to_text()


def read_entry(text: str, session_key: bytes) -> Entry:
    """Verify with the session's key and parse. Raises BadDocument. Whether it follows another is not looked at."""
    signed = SignedDocument.from_text(text)
    if not verify(session_key, CHAIN_LABEL, signed.document, signed.signature):
        raise BadDocument("signature")
    fields = Fields.parse(signed.document)
    if fields.raw.keys() != _ENTRY_FIELDS:
        raise BadDocument("entry: unknown fields")
    prev, kind = fields.binary("prev", 32), fields.text("type", 16)
    try:
        type_ = EntryType(kind)
    except ValueError as error:
        raise BadDocument("type") from error
    return Entry(
        n=fields.integer("n"),
        prev=prev,
        at=fields.integer("at"),
        by=fields.text("by", 16),
        type=type_,
        data=fields.inner("data").raw,
        signed=signed,
        hash=sha256(CHAIN_LABEL, prev, signed.document),
    )


@dataclass(frozen=True, slots=True)
class Joined:
    """What the first entry says of the customer's end, checked: the key is the session's, every signature holds.

    `device_key`: the key of a Companion that joined, None for a browser or a Companion that is not enrolled. Anybody
    can make such a key; `certificate`, signed by the organisation, says whose it is.
    """

    session_key: bytes
    browser: bool
    device_key: bytes | None = None
    certificate: DeviceCertificate | None = None


def read_joined(entry: Entry, session_key: bytes, iid: bytes, organisation_key: bytes, org_id: str) -> Joined:
    """Check the first entry of a record of the invitation `iid`. Raises BadDocument for whatever does not hold."""
    if entry.n != 0 or entry.type is not EntryType.JOINED or entry.by != "customer":
        raise BadDocument("joined")
    data = Fields(entry.data)
    if data.binary("session_key", 32) != session_key:
        raise BadDocument("joined: session key")
    browser = data.raw.get("app") == BROWSER_MODE
    if data.raw.get("device_key") is None:
        if data.raw.get("device_cert") is not None:
            raise BadDocument("device certificate")
        return Joined(session_key, browser)
    key = data.binary("device_key", 32)
    if not verify(key, JOIN_LABEL, lp(iid, session_key), data.binary("device_sig", 64)):
        raise BadDocument("device signature")
    if data.raw.get("device_cert") is None:
        return Joined(session_key, browser, key)
    signed = SignedDocument.from_text(data.text("device_cert", 4096))
    certificate = read_device_certificate(signed, organisation_key)
    if (certificate.device_key, certificate.org_id) != (key, org_id) or not certificate.valid_at(entry.at):
        raise BadDocument("device certificate")
    return Joined(session_key, browser, key, certificate)


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
        named = self.named_key == key if self.is_first else self.kind != EntryType.JOINED
        return named and verify(key, CHAIN_LABEL, self.signed.document, self.signed.signature)


def read_link(text: str) -> SessionLink:
    """Read an entry; its signature is still to be checked. Raises BadDocument."""
    signed = SignedDocument.from_text(text)
    fields = Fields.parse(signed.document)
    n, prev, kind = fields.integer("n"), fields.binary("prev", 32), fields.text("type", 16)
    if (n == 0) != (kind == EntryType.JOINED):
        raise BadDocument("order")
    key = fields.inner("data").binary("session_key", 32) if n == 0 else None
    return SessionLink(n, prev, kind, key, signed, sha256(CHAIN_LABEL, prev, signed.document))
