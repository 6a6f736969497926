# SPDX-License-Identifier: GPL-3.0-or-later
"""Agent certificates and revocation lists: what the organisation key signs."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.documents import BadDocument, SignedDocument, open_document, sign_document
from app.domain.signed import b64

__all__ = [
    "CERTIFICATE_LABEL",
    "CERTIFICATE_MAX_MS",
    "CLOCK_TOLERANCE_MS",
    "REVOCATIONS_LABEL",
    "AgentCertificate",
    "RevocationList",
    "build_certificate",
    "build_revocations",
    "read_certificate",
    "read_revocations",
]

CERTIFICATE_LABEL = "deskside-cert-1"
REVOCATIONS_LABEL = "deskside-revocations-1"
CERTIFICATE_MAX_MS = 7 * 24 * 3600 * 1000
CLOCK_TOLERANCE_MS = 5 * 60 * 1000
_MAX_SERIALS = 2000


@dataclass(frozen=True, slots=True)
class AgentCertificate:
    """Who an agent is and which scopes that person may ever ask for. Times are UTC milliseconds."""

    org_id: str
    serial: str
    agent_id: str
    name: str
    team: str
    device_key: bytes
    not_before: int
    not_after: int
    scopes_max: tuple[str, ...]

    def valid_at(self, now_ms: int) -> bool:
        """Tell whether the certificate holds at this UTC time, give or take five minutes of clock error."""
        return self.not_before - CLOCK_TOLERANCE_MS <= now_ms < self.not_after + CLOCK_TOLERANCE_MS


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What no longer counts, as of `made` (UTC milliseconds): serials, device keys (base64url), and whole agents.

    A device is named by its key and an agent with many devices by the person, so that the list stays short however many
    certificates there are.
    """

    org_id: str
    made: int
    serials: frozenset[str]
    keys: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()

    def followed_by(self, other: RevocationList) -> RevocationList:
        """Return the newer one: an older list, played again, would let back in who is on this one."""
        return other if other.made >= self.made else self

    def names(self, certificate: AgentCertificate) -> bool:
        """Tell whether a certificate no longer counts."""
        return (
            certificate.serial in self.serials
            or b64(certificate.device_key) in self.keys
            or certificate.agent_id in self.agents
        )


def build_certificate(organisation_key: Ed25519PrivateKey, certificate: AgentCertificate) -> SignedDocument:
    """Sign a certificate. Raises BadDocument when it would live longer than seven days or the key is no Ed25519 key."""
    _check(certificate)
    fields = {
        "v": 1,
        "org_id": certificate.org_id,
        "serial": certificate.serial,
        "agent_id": certificate.agent_id,
        "name": certificate.name,
        "team": certificate.team,
        "device_key": b64(certificate.device_key),
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "scopes_max": list(certificate.scopes_max),
    }
    return sign_document(organisation_key, CERTIFICATE_LABEL, fields)


def read_certificate(signed: SignedDocument, organisation_key: bytes) -> AgentCertificate:
    """Verify with the organisation's public key and parse. Raises BadDocument. The validity time is not looked at."""
    fields = open_document(signed, CERTIFICATE_LABEL, organisation_key)
    certificate = AgentCertificate(
        org_id=fields.text("org_id", 64),
        serial=fields.text("serial", 64),
        agent_id=fields.text("agent_id", 64),
        name=fields.text("name", 120),
        team=fields.text("team", 120),
        device_key=fields.binary("device_key", 32),
        not_before=fields.integer("not_before"),
        not_after=fields.integer("not_after"),
        scopes_max=fields.texts("scopes_max"),
    )
    _check(certificate)
    return certificate


def build_revocations(organisation_key: Ed25519PrivateKey, revocations: RevocationList) -> SignedDocument:
    """Sign a revocation list."""
    fields = {
        "v": 1,
        "org_id": revocations.org_id,
        "made": revocations.made,
        "serials": sorted(revocations.serials),
        "keys": sorted(revocations.keys),
        "agents": sorted(revocations.agents),
    }
    return sign_document(organisation_key, REVOCATIONS_LABEL, fields)


def read_revocations(signed: SignedDocument, organisation_key: bytes) -> RevocationList:
    """Verify with the organisation's public key and parse. Raises BadDocument."""
    fields = open_document(signed, REVOCATIONS_LABEL, organisation_key)
    serials, keys, agents = (frozenset(fields.texts(name, _MAX_SERIALS)) for name in ("serials", "keys", "agents"))
    return RevocationList(fields.text("org_id", 64), fields.integer("made"), serials, keys, agents)


def _check(certificate: AgentCertificate) -> None:
    if not 0 < certificate.not_after - certificate.not_before <= CERTIFICATE_MAX_MS:
        raise BadDocument("validity")
    if len(certificate.device_key) != 32 or not certificate.name.strip():
        raise BadDocument("certificate")
