# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receipt's entries must agree with: the invitation, the agent's certificate, and each other.

Signatures alone do not say that: who writes a record with a key of their own can write anything into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from app.domain.assist import EntryType
from app.domain.certificate import CLOCK_TOLERANCE_MS, AgentCertificate
from app.domain.documents import BadDocument
from app.domain.invitation import Invitation
from app.domain.session_record import Entry
from app.domain.signed import b64

__all__ = ["GrantSpan", "check_facts", "clock_steady", "grants_of"]

_LONGEST_MS: Final = 2 * 3600 * 1000  # a session may outlive the certificate that it began under, its time limit not
_ALLOWING: Final = frozenset({EntryType.CONSENT, EntryType.GRANT, EntryType.SAS, EntryType.CONFIRM})


@dataclass(frozen=True, slots=True)
class GrantSpan:
    """What was granted from when to when (UTC milliseconds); `until` is None where the record does not say."""

    scope: str
    since: int
    until: int | None


def check_facts(
    invitation: Invitation, certificate: AgentCertificate, organisation_key: bytes, entries: Sequence[Entry]
) -> None:
    """Raise BadDocument for a record that is not of this invitation, of this agent or of this time."""
    _check_times(invitation, certificate, entries)
    if any(entry.type is EntryType.JOINED for entry in entries[1:]):
        raise BadDocument("joined twice")
    last = entries[-1]
    if last.type is EntryType.END:
        _check_end(last.data, invitation, certificate, organisation_key, entries)


def _check_times(invitation: Invitation, certificate: AgentCertificate, entries: Sequence[Entry]) -> None:
    joined = entries[0].at
    if not (certificate.valid_at(invitation.created) and certificate.valid_at(joined)):
        raise BadDocument("not in the time of the agent's certificate")
    if not invitation.created - CLOCK_TOLERANCE_MS <= joined <= invitation.not_after + CLOCK_TOLERANCE_MS:
        raise BadDocument("not in the time of the invitation")
    latest = certificate.not_after + CLOCK_TOLERANCE_MS + _LONGEST_MS
    if any(entry.at > latest for entry in entries if entry.type in _ALLOWING):
        raise BadDocument("allowed after the time of the agent's certificate")


def _check_end(
    data: Any, invitation: Invitation, certificate: AgentCertificate, organisation_key: bytes, entries: Sequence[Entry]
) -> None:
    """The last entry says again whose session it was: what it says must be so."""
    expected = {
        "ticket": invitation.ticket_id,
        "ticket_no": invitation.ticket_no,
        "requester": invitation.requester_id,
        "org_id": invitation.org_id,
        "org_key": b64(organisation_key),
        "agent": {"id": certificate.agent_id, "name": certificate.name},
    }
    for name, value in expected.items():
        if data.get(name, value) != value:
            raise BadDocument(f"end: {name}")
    if "grants" in data:
        named = [(span.scope, span.since) for span in _named_grants(data["grants"])]
        if named != [(span.scope, span.since) for span in _granted(entries)]:
            raise BadDocument("end: grants")


def grants_of(entries: Sequence[Entry]) -> tuple[GrantSpan, ...]:
    """Return what was granted, in order; the last entry knows best until when."""
    last = entries[-1]
    if last.type is EntryType.END and "grants" in last.data:
        return _named_grants(last.data["grants"])
    return _granted(entries)


def _named_grants(value: object) -> tuple[GrantSpan, ...]:
    spans = []
    for item in value if isinstance(value, list) else [None]:
        if not isinstance(item, dict) or not isinstance(item.get("scope"), str):
            raise BadDocument("end: grants")
        since, until = item.get("from"), item.get("to")
        if not isinstance(since, int) or not (until is None or isinstance(until, int)):
            raise BadDocument("end: grants")
        spans.append(GrantSpan(item["scope"], since, until))
    return tuple(spans)


def _granted(entries: Sequence[Entry]) -> tuple[GrantSpan, ...]:
    spans: list[GrantSpan] = []
    for entry in entries:
        if entry.type is EntryType.GRANT:
            spans.append(GrantSpan(str(entry.data.get("scope", "")), entry.at, None))
        elif entry.type is EntryType.REVOKE:
            scopes = entry.data.get("scopes", ())
            spans = [
                GrantSpan(span.scope, span.since, entry.at) if span.until is None and span.scope in scopes else span
                for span in spans
            ]
    return tuple(spans)


def clock_steady(entries: Sequence[Entry]) -> bool:
    """Tell whether no entry claims to be older than the one before: else the times prove nothing."""
    return all(before.at <= after.at for before, after in pairwise(entries))
