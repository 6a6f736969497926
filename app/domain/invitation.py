# SPDX-License-Identifier: GPL-3.0-or-later
"""The invitation document: signed by an agent's device key, read alike by server, companion and agent."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.attachments import shows
from app.domain.certificate import AgentCertificate, read_certificate
from app.domain.documents import BadDocument, Fields, SignedDocument, open_document, sign_document
from app.domain.signed import b64

__all__ = [
    "BAD_INVITATION_LINE",
    "BROWSER_MODE",
    "COMPANION_MODE",
    "INVITATION_LABEL",
    "INVITATION_LIFE_MS",
    "SUBJECT_LIMIT",
    "Invitation",
    "InvitationPolicy",
    "build_invitation",
    "claims",
    "invite_hash",
    "read_invitation",
    "ticket_line",
]

INVITATION_LABEL = "deskside-invitation-1"
INVITATION_LIFE_MS = 600_000
SUBJECT_LIMIT = 120
COMPANION_MODE, BROWSER_MODE = "companion", "browser"  # how a customer may join
BAD_INVITATION_LINE = "session.bad_invitation"  # the history line of one that a customer's Companion refused


@dataclass(frozen=True, slots=True)
class InvitationPolicy:
    """Limits of the session that the organisation sets; the customer's end never takes a longer time than its own."""

    relay_only: bool = False
    record: bool = False
    idle_s: int = 600
    hard_s: int = 3600
    fps_max: int = 30


@dataclass(frozen=True, slots=True)
class Invitation:
    """Lets one customer join one session of one ticket, once. Times are UTC milliseconds, binary values raw."""

    iid: bytes
    sid: bytes
    org_id: str
    ticket_id: str
    ticket_no: str
    subject: str
    requester_id: str
    requester_mail: str
    agent_cert: SignedDocument
    join_hash: bytes
    scopes_max: tuple[str, ...]
    created: int
    not_after: int
    modes: tuple[str, ...] = (COMPANION_MODE,)
    policy: InvitationPolicy = InvitationPolicy()


def build_invitation(device_key: Ed25519PrivateKey, invitation: Invitation) -> SignedDocument:
    """Sign an invitation with the certified device key. Raises BadDocument for values that a reader would refuse."""
    _check(invitation)
    policy = invitation.policy
    fields = {
        "v": 1,
        "iid": b64(invitation.iid),
        "sid": b64(invitation.sid),
        "org_id": invitation.org_id,
        "ticket_id": invitation.ticket_id,
        "ticket_no": invitation.ticket_no,
        "subject": invitation.subject,
        "requester": {"id": invitation.requester_id, "mail": invitation.requester_mail},
        "agent_cert": invitation.agent_cert.to_text(),
        "join_hash": b64(invitation.join_hash),
        "modes": list(invitation.modes),
        "scopes_max": list(invitation.scopes_max),
        "policy": {
            "relay_only": policy.relay_only,
            "record": policy.record,
            "idle_s": policy.idle_s,
            "hard_s": policy.hard_s,
            "fps_max": policy.fps_max,
        },
        "created": invitation.created,
        "not_after": invitation.not_after,
    }
    return sign_document(device_key, INVITATION_LABEL, fields)


def read_invitation(signed: SignedDocument, organisation_key: bytes) -> tuple[Invitation, AgentCertificate]:
    """Verify certificate and invitation against the organisation's public key and return both. Raises BadDocument.

    The certificate lies inside the invitation, so one field is looked at before the signature over the whole is known
    to be good; nothing of the rest is used before. Times, tickets and replay are the caller's business.
    """
    unverified = Fields.parse(signed.document)
    certificate = read_certificate(SignedDocument.from_text(unverified.text("agent_cert", 8192)), organisation_key)
    fields = open_document(signed, INVITATION_LABEL, certificate.device_key)
    invitation = _from_fields(fields)
    if invitation.org_id != certificate.org_id:
        raise BadDocument("organisation")
    if not set(invitation.scopes_max) <= set(certificate.scopes_max):
        raise BadDocument("scopes")
    return invitation, certificate


def invite_hash(signed: SignedDocument) -> bytes:
    """Return the SHA-256 of the invitation's exact bytes, which every later signature of the session covers."""
    return hashlib.sha256(signed.document).digest()


def claims(document: bytes) -> tuple[str, str]:
    """Return id and ticket (hex) that a document names, whoever wrote it; empty what it does not. Nothing is checked.

    Good for saying which invitation was refused, and for nothing else.
    """
    try:
        fields = Fields.parse(document)
    except BadDocument:
        return "", ""
    iid = ticket = ""
    with contextlib.suppress(BadDocument):
        iid = fields.binary("iid", 16).hex()
    with contextlib.suppress(BadDocument):
        ticket = fields.text("ticket_id", 32)
    return iid, ticket


def ticket_line(text: str) -> str:
    """Return a subject as one line that shows all it holds: no breaks, control or direction characters, short."""
    seen = "".join(char if shows(char) else " " if char.isspace() else "" for char in text)
    return " ".join(seen.split())[:SUBJECT_LIMIT].rstrip()


def _from_fields(fields: Fields) -> Invitation:
    requester = fields.inner("requester")
    policy = fields.inner("policy")
    invitation = Invitation(
        iid=fields.binary("iid", 16),
        sid=fields.binary("sid", 16),
        org_id=fields.text("org_id", 64),
        ticket_id=fields.text("ticket_id", 64),
        ticket_no=fields.text("ticket_no", 32),
        subject=fields.text("subject", SUBJECT_LIMIT),
        requester_id=requester.text("id", 64),
        requester_mail=requester.text("mail", 120),
        agent_cert=SignedDocument.from_text(fields.text("agent_cert", 8192)),
        join_hash=fields.binary("join_hash", 32),
        modes=fields.texts("modes", 4),
        scopes_max=fields.texts("scopes_max"),
        policy=InvitationPolicy(
            relay_only=policy.flag("relay_only"),
            record=policy.flag("record"),
            idle_s=policy.integer("idle_s", 1, 86_400),
            hard_s=policy.integer("hard_s", 1, 86_400),
            fps_max=policy.integer("fps_max", 1, 240),
        ),
        created=fields.integer("created"),
        not_after=fields.integer("not_after"),
    )
    _check(invitation)
    return invitation


def _check(invitation: Invitation) -> None:
    if not 0 < invitation.not_after - invitation.created <= INVITATION_LIFE_MS:
        raise BadDocument("life")
    if len(invitation.iid) != 16 or len(invitation.sid) != 16 or len(invitation.join_hash) != 32:
        raise BadDocument("ids")
    if not invitation.requester_id or not invitation.ticket_id:
        raise BadDocument("ticket")
    if any(ticket_line(text) != text for text in (invitation.subject, invitation.ticket_no)):
        raise BadDocument("subject")
