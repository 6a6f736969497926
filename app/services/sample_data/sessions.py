# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of finished screen-sharing sessions: the chain as the customer's end would have signed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.changes import SESSION_HISTORY_KINDS
from app.domain.documents import sign_document
from app.domain.entities import HISTORY, SESSION_RECORD, TICKET, Value
from app.domain.ids import derived_id
from app.domain.signed import b64, fingerprint, sha256
from app.services.sample_data.reference import Account
from app.services.sample_data.rows import SampleRow, Stream, js

_LABEL = "deskside-chain-1"


@dataclass(frozen=True, slots=True)
class Shared:
    """A session that took place: who looked, when the consent came and how long it lasted."""

    agent: Account
    customer: bytes
    consent_ms: int
    duration_ms: int


def _steps(rng: Stream, shared: Shared, ticket: bytes, number: int, session_key: bytes) -> list[tuple[Any, ...]]:
    start, end = shared.consent_ms, shared.consent_ms + shared.duration_ms
    target = rng.one(("window", "window", "screen"))
    check = f"{rng.randrange(100, 1000)} {rng.randrange(1000):03d}"
    org_key = rng.randbytes(32)
    seen = max(4_000, int(shared.duration_ms * 0.97))
    ending: dict[str, Any] = {
        "reason": "stopped", "duration_ms": seen, "agent": {"id": shared.agent.id.hex(), "name": shared.agent.name_ko},
        "org_id": "sample", "org_key": b64(org_key), "org_mark": fingerprint(org_key), "ticket": ticket.hex(),
        "ticket_no": f"DS-{number}", "requester": shared.customer.hex(), "mode": "companion", "target_kind": target,
        "consented_at": start, "grants": [{"scope": "view", "from": start + 2_500, "to": end}],
        "sas": {"number": check, "confirmed": "voice"}, "path": rng.one(("host", "srflx", "relay")),
        "frames_sent": seen // 45, "reconnects": int(rng.random() < 0.08),
    }  # fmt: skip
    joined = {
        "session_key": b64(session_key),
        "app": "0.1.0",
        "platform": rng.one(("Windows 11", "Windows 10", "macOS")),
    }
    return [
        (start - 21_000, "joined", "customer", joined),
        (start - 20_000, "prompted", "system", {"agent": shared.agent.id.hex()}),
        (start, "consent", "customer", {"scope": "view", "target_kind": target}),
        (start + 2_500, "grant", "customer", {"scope": "view", "target_kind": target}),
        (start + 41_000, "sas", "customer", {"ok": True, "number": check, "confirmed": "voice"}),
        (end, "end", rng.one(("customer", "customer", "agent")), ending),
    ]


def session_rows(rng: Stream, shared: Shared, ticket: bytes, number: int, scope: str) -> Iterator[SampleRow]:
    """Yield the entries of one session, oldest first, each with the history line that the rules give it."""
    key = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
    sid, head = rng.randbytes(16), rng.randbytes(32)
    for n, (at, kind, by, data) in enumerate(_steps(rng, shared, ticket, number, key.public_key().public_bytes_raw())):
        fields: Mapping[str, Any] = {"n": n, "prev": b64(head), "at": at, "by": by, "type": kind, "data": data}
        signed = sign_document(key, _LABEL, fields)
        head = sha256(_LABEL, head, signed.document)
        id_ = derived_id(ticket, "session", head)
        values: dict[str, Value] = {
            "ticket": ticket, "sid": sid, "entry_no": n, "kind": kind, "entry": signed.to_text(), "entry_hash": head,
            "at": at, "created_at": at, "created_by": shared.customer,
        }  # fmt: skip
        yield SampleRow(SESSION_RECORD.number, id_, scope, values)
        if kind in SESSION_HISTORY_KINDS:
            line: dict[str, Value] = {
                "subject_type": TICKET.number, "subject": ticket, "kind": f"session.{kind}",
                "data": js({"sid": sid.hex(), "entry": n, "record": id_.hex()}), "acted_at": at, "recorded_at": at,
                "actor_kind": "customer", "actor": shared.customer, "created_at": at, "created_by": shared.customer,
            }  # fmt: skip
            yield SampleRow(HISTORY.number, derived_id(id_, f"session.{kind}", ""), scope, line)
