# SPDX-License-Identifier: GPL-3.0-or-later
"""The session's record: entries linked by hash and signed by the customer's end, and the receipt that carries them all.

`verify_receipt` needs no server: changing, dropping, swapping or cutting off an entry shows. A receipt without the last
entry holds what the agent's program says instead (`remote_assist.closing`); the report says so and no more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import EntryType
from app.domain.certificate import AgentCertificate
from app.domain.documents import BadDocument, Fields, SignedDocument, sign_document
from app.domain.invitation import BROWSER_MODE, Invitation, invite_hash, read_invitation
from app.domain.session_record import CHAIN_LABEL, Entry, Joined, read_entry, read_joined
from app.domain.signed import b64, fingerprint, lp, sha256, sign, verify
from remote_assist.closing import Closing, is_goodbye, read_closing
from remote_assist.receipt_facts import GrantSpan, check_facts, clock_steady, grants_of

__all__ = [
    "RECEIPT_LABEL",
    "BadChain",
    "ChainReader",
    "ChainWriter",
    "Entry",
    "ReceiptReport",
    "build_receipt",
    "countersign_entry",
    "verify_receipt",
]

RECEIPT_LABEL = "deskside-receipt-1"
_KIND = "deskside-receipt"
_FIELDS = frozenset({"v", "kind", "org_key", "session_key", "invitation", "entries", "countersignature", "closing"})
MAX_RECEIPT_BYTES = 4 << 20
MAX_ENTRIES = 5_000
# the writer's own limits: what it writes must be read again, with the last entries and the countersignature
_FULL_BYTES = 3 << 20
_FULL_ENTRIES = MAX_ENTRIES - 100


class BadChain(Exception):
    """An entry or receipt does not fit; the text says what."""


class ChainWriter:
    """Makes the chain; only the customer's end has one."""

    def __init__(self, key: Ed25519PrivateKey, first_prev: bytes) -> None:
        self._key = key
        self.entries: list[Entry] = []
        self.head = first_prev
        self._size = 0

    def add(self, type_: EntryType, by: str, at_ms: int, data: Mapping[str, Any]) -> Entry:
        """Append, link and sign an entry."""
        n = len(self.entries)
        fields = {"n": n, "prev": b64(self.head), "at": at_ms, "by": by, "type": type_.value, "data": dict(data)}
        signed = sign_document(self._key, CHAIN_LABEL, fields)
        digest = sha256(CHAIN_LABEL, self.head, signed.document)
        entry = Entry(n, self.head, at_ms, by, type_, dict(data), signed, digest)
        self.entries.append(entry)
        self.head = digest
        self._size += len(entry.text) + 8
        return entry

    @property
    def full(self) -> bool:
        """Whether the session must end: there is room for its last entries, and no reader takes many more."""
        return len(self.entries) >= _FULL_ENTRIES or self._size >= _FULL_BYTES


class ChainReader:
    """Follows a chain made elsewhere, entry by entry."""

    def __init__(self, key: bytes, first_prev: bytes) -> None:
        self._key = key
        self.entries: list[Entry] = []
        self.head = first_prev

    def accept(self, text: str) -> Entry:
        """Check signature, number and link of the next entry. Raises BadChain; then nothing was appended."""
        try:
            entry = read_entry(text, self._key)
        except BadDocument as error:
            raise BadChain(str(error)) from error
        if entry.n != len(self.entries) or entry.prev != self.head:
            raise BadChain(f"entry {entry.n} does not follow")
        if len(self.entries) >= MAX_ENTRIES:
            raise BadChain("too many entries")
        self.entries.append(entry)
        self.head = entry.hash
        return entry


def countersign_entry(device_key: Ed25519PrivateKey, last: Entry) -> bytes:
    """Return the agent's signature over the last entry and, through its link, over the whole chain."""
    return sign(device_key, RECEIPT_LABEL, lp(last.hash))


def build_receipt(
    invitation: SignedDocument,
    organisation_key: bytes,
    session_key: bytes,
    entries: Sequence[Entry],
    countersignature: bytes | None = None,
    *,
    closing: SignedDocument | None = None,
) -> bytes:
    """Return the receipt file: JSON that holds everything a stranger needs to check the session.

    `closing` stands for an end that is missing; see `remote_assist.closing`.
    """
    fields = {
        "v": 1,
        "kind": _KIND,
        "org_key": b64(organisation_key),
        "session_key": b64(session_key),
        "invitation": invitation.to_text(),
        "entries": [entry.text for entry in entries],
        "countersignature": b64(countersignature) if countersignature is not None else None,
    }
    if closing is not None:
        fields["closing"] = closing.to_text()
    return json.dumps(fields, ensure_ascii=False, indent=1).encode()


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """Outcome of a check. `ok` means unaltered as far as it goes; compare `key_mark` with the organisation's own.

    `complete`: the customer's end is there. Where it is not, `reason`, `ended_by` and `ended_at` are what the agent's
    program says, which has seen nothing of what came after; `whole` says that it had every entry up to there, and
    `goodbye` that the customer's end had signed, apart from the record, that it ended.

    `problems` are English words for people who check by hand; `entries` is empty when the receipt is not ok. `browser`:
    the customer's end was the page that the organisation's server delivers, so it proves nothing against that server.

    `customer_device` marks the key that a Companion joined with; anybody can make one. `device_known`: the organisation
    signed that it is a computer of the customer invited; `device_other`: of another customer. `tied`: somebody other
    than whoever wrote the file stands for it, with that key or with the agent's device. `clock_steady`: times grow.
    """

    ok: bool
    problems: tuple[str, ...] = ()
    complete: bool = True
    whole: bool = True
    goodbye: bool = False
    key_mark: str = ""
    organisation_id: str = ""
    agent_name: str = ""
    agent_team: str = ""
    ticket_no: str = ""
    subject: str = ""
    requester: str = ""
    reason: str = ""
    ended_by: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    verified: bool = False
    countersigned: bool = False
    customer_device: str = ""
    device_known: bool = False
    device_other: bool = False
    browser: bool = False
    clock_steady: bool = True
    grants: tuple[GrantSpan, ...] = ()
    entries: tuple[Entry, ...] = field(default=())

    @property
    def tied(self) -> bool:
        """Whether a key that the organisation signed vouches for this record, the customer's or the agent's."""
        return self.ok and (self.device_known or self.countersigned)


def verify_receipt(raw: bytes, organisation_key: bytes | None = None) -> ReceiptReport:
    """Check a receipt file. Never raises.

    With `organisation_key` (32 bytes) the receipt must come from that organisation; without it the report's `key_mark`
    must be compared by a person.
    """
    try:
        return _verify(raw, organisation_key)
    except (BadChain, BadDocument) as problem:
        return ReceiptReport(ok=False, problems=(str(problem) or "unreadable",))


def _verify(raw: bytes, organisation_key: bytes | None) -> ReceiptReport:
    if len(raw) > MAX_RECEIPT_BYTES:
        raise BadChain("too long")
    fields = Fields.parse(raw)
    if fields.integer("v") != 1 or fields.text("kind") != _KIND:
        raise BadChain("not a receipt of this version")
    org_key = fields.binary("org_key", 32)
    if organisation_key is not None and org_key != organisation_key:
        raise BadChain("another organisation's key")
    signed = SignedDocument.from_text(fields.text("invitation", 1 << 16))
    invitation, certificate = read_invitation(signed, org_key)
    if not fields.raw.keys() <= _FIELDS:
        raise BadChain("unknown fields")
    session_key = fields.binary("session_key", 32)
    entries = _read_entries(fields, session_key, invite_hash(signed))
    joined = read_joined(entries[0], session_key, invitation.iid, org_key, invitation.org_id)
    check_facts(invitation, certificate, org_key, entries)
    closing = _read_closing(fields, certificate, invitation, entries)
    countersigned = _check_countersignature(fields, certificate, entries[-1])
    report = _report(entries, org_key, invitation, certificate, joined, countersigned=countersigned)
    return report if closing is None else _closed(report, closing, session_key)


def _read_entries(fields: Fields, session_key: bytes, first_prev: bytes) -> list[Entry]:
    texts = fields.raw.get("entries")
    if not isinstance(texts, list) or not 0 < len(texts) <= MAX_ENTRIES:
        raise BadChain("entries")
    reader = ChainReader(session_key, first_prev)
    for text in texts:
        if not isinstance(text, str):
            raise BadChain("entries")
        reader.accept(text)
    if any(entry.type is EntryType.END for entry in reader.entries[:-1]):
        raise BadChain("an end in the middle")
    return reader.entries


def _read_closing(
    fields: Fields, certificate: AgentCertificate, invitation: Invitation, entries: list[Entry]
) -> Closing | None:
    """Return what the agent's program says in place of the end; None when the end is there."""
    ended = entries[-1].type is EntryType.END
    if fields.raw.get("closing") is None:
        if not ended:
            raise BadChain("the end is missing")
        return None
    closing = read_closing(SignedDocument.from_text(fields.text("closing", 1 << 16)), certificate.device_key)
    if ended or (closing.sid, closing.n, closing.prev) != (invitation.sid, len(entries), entries[-1].hash):
        raise BadChain("closing")
    return closing


def _closed(report: ReceiptReport, closing: Closing, session_key: bytes) -> ReceiptReport:
    return replace(
        report,
        complete=False,
        whole=closing.whole,
        goodbye=is_goodbye(closing, session_key),
        reason=closing.reason,
        ended_by=closing.by,
        ended_at=closing.at,
        countersigned=False,
    )


def _check_countersignature(fields: Fields, certificate: AgentCertificate, last: Entry) -> bool:
    if fields.raw.get("countersignature") is None:
        return False
    signature = fields.binary("countersignature", 64)
    if not verify(certificate.device_key, RECEIPT_LABEL, lp(last.hash), signature):
        raise BadChain("countersignature")
    return True


def _report(
    entries: list[Entry],
    org_key: bytes,
    invitation: Invitation,
    certificate: AgentCertificate,
    joined: Joined,
    *,
    countersigned: bool,
) -> ReceiptReport:
    last = entries[-1]
    started = next((entry.at for entry in entries if entry.type is EntryType.CONSENT), None)
    sas = [entry for entry in entries if entry.type is EntryType.SAS]
    device = joined.certificate
    return ReceiptReport(
        ok=True,
        key_mark=fingerprint(org_key),
        organisation_id=invitation.org_id,
        agent_name=certificate.name,
        agent_team=certificate.team,
        ticket_no=invitation.ticket_no,
        subject=invitation.subject,
        requester=invitation.requester_mail,
        reason=str(last.data.get("reason", "")),
        ended_by=last.by,
        started_at=started,
        ended_at=last.at,
        verified=bool(sas) and sas[-1].data.get("ok") is True,
        countersigned=countersigned,
        customer_device=fingerprint(joined.device_key) if joined.device_key is not None else "",
        device_known=device is not None and device.customer == invitation.requester_id,
        device_other=device is not None and device.customer != invitation.requester_id,
        browser=joined.browser or last.data.get("mode") == BROWSER_MODE,
        clock_steady=clock_steady(entries),
        grants=grants_of(entries),
        entries=tuple(entries),
    )
