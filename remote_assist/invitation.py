# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything checked before a customer sees an invitation, and the memory of those opened."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from app.domain.assist import Scope
from app.domain.certificate import CLOCK_TOLERANCE_MS, AgentCertificate, RevocationList
from app.domain.documents import BadDocument, SignedDocument
from app.domain.invitation import COMPANION_MODE, Invitation, read_invitation, ticket_line
from app.domain.signed import fingerprint

__all__ = [
    "REPLAY_KEEP_MS",
    "REVOCATIONS_MAX_AGE_MS",
    "BadInvitation",
    "CheckedInvitation",
    "InvitationChecker",
    "OrganisationPin",
    "OwnTicket",
    "ReplayCache",
    "WaitingInvitation",
    "join_hash",
    "mask_mail",
    "waiting",
]

REPLAY_KEEP_MS = 24 * 3600 * 1000
REVOCATIONS_MAX_AGE_MS = 24 * 3600 * 1000


class BadInvitation(Exception):
    """The invitation was refused. The text is for the own log; the sender gets the same answer for every reason."""


@dataclass(frozen=True, slots=True)
class OrganisationPin:
    """The organisation this companion was enrolled with. There is no trust on first use."""

    org_id: str
    org_name: str
    org_key: bytes

    @property
    def key_mark(self) -> str:
        """The key's fingerprint as people compare it."""
        return fingerprint(self.org_key)


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """What the customer's own program knows of a ticket; `number` empty while it has none."""

    number: str
    subject: str

    def named(self, invitation: Invitation) -> Invitation:
        """Return an invitation that names the ticket as the customer knows it."""
        number = ticket_line(self.number) or invitation.ticket_no
        return replace(invitation, ticket_no=number, subject=ticket_line(self.subject))


@dataclass(frozen=True, slots=True)
class CheckedInvitation:
    """An invitation that passed every check, with the certificate it was signed under and the join secret.

    Number and subject of the ticket are the customer's own where they are known; `signed` is as it came.
    """

    signed: SignedDocument
    invitation: Invitation
    certificate: AgentCertificate
    join_secret: bytes


@dataclass(frozen=True, slots=True)
class WaitingInvitation:
    """An invitation that is not opened yet. `sid` and `not_after` are empty unless the organisation vouches for it."""

    signed: SignedDocument
    join_secret: bytes
    sid: bytes = b""
    not_after: int = 0

    def ran_out(self, now_ms: int) -> bool:
        """Whether it was good when it came and is too old now: that is no fault of anybody, and no alarm."""
        return 0 < self.not_after <= now_ms


def waiting(signed: SignedDocument, join_secret: bytes, pin: OrganisationPin | None, now_ms: int) -> WaitingInvitation:
    """Return what is known of an invitation before it is opened; whether it may be used is asked then. `now_ms` is UTC.

    One that had run out when it came counts as unknown, so that it is refused aloud.
    """
    if pin is not None:
        with contextlib.suppress(BadDocument):
            read, _ = read_invitation(signed, pin.org_key)
            return WaitingInvitation(signed, join_secret, read.sid, read.not_after if now_ms < read.not_after else 0)
    return WaitingInvitation(signed, join_secret)


class ReplayCache:
    """Remembers which invitations were opened. `entries` may be stored and handed in again."""

    def __init__(self, entries: Mapping[str, int] | None = None) -> None:
        """`entries` maps the hex `iid` to the UTC time in ms until which it is remembered."""
        self.entries: dict[str, int] = dict(entries or {})

    def first_use(self, iid: bytes, not_after: int, now_ms: int) -> bool:
        """Remember this invitation; False if it was known already."""
        self.entries = {key: until for key, until in self.entries.items() if until > now_ms}
        if iid.hex() in self.entries:
            return False
        self.entries[iid.hex()] = not_after + REPLAY_KEEP_MS
        return True


class InvitationChecker:
    """The customer's side: refuses whatever is not for this customer, not for now, or was opened before."""

    def __init__(
        self,
        pin: OrganisationPin,
        replay: ReplayCache,
        *,
        own_tickets: Callable[[], Collection[str] | Mapping[str, OwnTicket]] | None = None,
        revocations: Callable[[], RevocationList | None] = lambda: None,
        server_reachable: Callable[[], bool] = lambda: True,
    ) -> None:
        """`own_tickets` returns the ids of this customer's open tickets; None on a companion without a customer.

        Where it says more of them, that is what the customer is shown, whatever the invitation says.

        `revocations` returns the newest verified list. While the server can be reached it must be younger than 24 h.
        """
        self.pin = pin
        self.replay = replay
        self._own_tickets = own_tickets
        self._revocations = revocations
        self._server_reachable = server_reachable

    def check(self, signed: SignedDocument, join_secret: bytes, now_ms: int) -> CheckedInvitation:
        """Return the invitation, from now on used up. `now_ms` is UTC. Raises BadInvitation."""
        try:
            invitation, certificate = read_invitation(signed, self.pin.org_key)
        except BadDocument as error:
            raise BadInvitation(f"document: {error}") from error
        self._check_certificate(certificate, now_ms)
        if invitation.org_id != self.pin.org_id:
            raise BadInvitation("organisation")
        if not invitation.created - CLOCK_TOLERANCE_MS <= now_ms < invitation.not_after:
            raise BadInvitation("time")
        if not hmac.compare_digest(join_hash(join_secret), invitation.join_hash):
            raise BadInvitation("join secret")
        if COMPANION_MODE not in invitation.modes or Scope.VIEW.value not in invitation.scopes_max:
            raise BadInvitation("scopes")
        own = self._own_tickets() if self._own_tickets is not None else None
        if own is not None and invitation.ticket_id not in own:
            raise BadInvitation("ticket")
        if isinstance(own, Mapping):
            invitation = own[invitation.ticket_id].named(invitation)
        if not self.replay.first_use(invitation.iid, invitation.not_after, now_ms):
            raise BadInvitation("used")
        return CheckedInvitation(signed, invitation, certificate, join_secret)

    def _check_certificate(self, certificate: AgentCertificate, now_ms: int) -> None:
        if certificate.org_id != self.pin.org_id or not certificate.valid_at(now_ms):
            raise BadInvitation("certificate")
        revoked = self._revocations()
        if revoked is not None and (revoked.org_id != self.pin.org_id or revoked.names(certificate)):
            raise BadInvitation("revoked")
        old = revoked is None or now_ms - revoked.made > REVOCATIONS_MAX_AGE_MS
        if old and self._server_reachable():
            raise BadInvitation("revocation list")


def join_hash(join_secret: bytes) -> bytes:
    """Return what the invitation says of its join secret."""
    return hashlib.sha256(join_secret).digest()


def mask_mail(mail: str) -> str:
    """Return an address that its owner recognises and nobody else can use: "m***@example.com"."""
    name, at, domain = mail.rpartition("@")
    return f"{name[:1]}***@{domain}" if at else "***"
