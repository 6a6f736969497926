# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's book of a session: chain, counters, and the receipt at the end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import EntryType, Scope, SessionView
from app.domain.invitation import invite_hash
from app.domain.signed import b64, lp, unb64, verify
from remote_assist.actions import ChainEntry, Clock, Receipt
from remote_assist.chain import RECEIPT_LABEL, ChainWriter, Entry, build_receipt
from remote_assist.invitation import CheckedInvitation

__all__ = ["CustomerRecord"]


_AGAIN_MOST: Final = 40  # the relay takes fifty envelopes a second


class CustomerRecord:
    """Writes the chain of one session and knows what goes into its last entry."""

    def __init__(
        self, clock: Clock, checked: CheckedInvitation, key: Ed25519PrivateKey, organisation_key: bytes
    ) -> None:
        self._clock = clock
        self._utc_from = clock.utc_ms() - clock.monotonic_ms()
        self._checked = checked
        self._key = key
        self._organisation_key = organisation_key
        self._chain = ChainWriter(key, invite_hash(checked.signed))
        self._frames_before = 0
        self._frames_now = 0
        self.consented_at: int | None = None
        self.granted_at: int | None = None
        self._grants: list[dict[str, Any]] = []
        self.target_kind = ""
        self.path = ""
        self.reconnects = 0
        self.number = ""
        self.number_confirmed = False

    @property
    def head(self) -> bytes:
        """Hash of the last entry."""
        return self._chain.head

    @property
    def last(self) -> Entry:
        """The newest entry. Raises IndexError before the first."""
        return self._chain.entries[-1]

    @property
    def full(self) -> bool:
        """Whether the session must end, so that its record can still be closed and read."""
        return self._chain.full

    def texts_from(self, n: int) -> list[str]:
        """Return entries from number `n` on, some of them: what was lost on the way to the agent."""
        return [entry.text for entry in self._chain.entries[n : n + _AGAIN_MOST]]

    @property
    def frames_sent(self) -> int:
        """Pictures that left this computer in this session, over all children."""
        return self._frames_before + self._frames_now

    def count_frames(self, sent: float) -> None:
        """Take the child's counter."""
        if 0 <= sent < 1 << 50:
            self._frames_now = max(self._frames_now, int(sent))

    def child_replaced(self) -> None:
        """A new child counts from zero."""
        self._frames_before, self._frames_now = self.frames_sent, 0

    def _now(self) -> int:
        """The time of this computer when the session began, and what has passed since: clocks are set meanwhile."""
        return self._utc_from + self._clock.monotonic_ms()

    def add(self, type_: EntryType, by: str, data: Mapping[str, Any]) -> ChainEntry:
        """Append an entry and return the action that records it."""
        at = self._now()
        if type_ is EntryType.CONSENT:
            self.consented_at = at
        elif type_ is EntryType.GRANT:
            self._grants.append({"scope": str(data.get("scope", "")), "from": at, "to": None})
            if self.granted_at is None:
                self.granted_at = at
        elif type_ is EntryType.REVOKE:
            self._close_grants(at, data.get("scopes", ()))
        entry = self._chain.add(type_, by, at, data)
        invitation = self._checked.invitation
        return ChainEntry(invitation.sid, invitation.ticket_id, entry.n, type_.value, at, entry.hash, entry.text)

    def spent(self, scope: Scope) -> None:
        """A grant for one deed is over; the entry of the deed says what came of it."""
        self._close_grants(self._now(), (scope.value,))

    def _close_grants(self, at: int, scopes: Collection[str] | None = None) -> None:
        for grant in self._grants:
            if grant["to"] is None and (scopes is None or grant["scope"] in scopes):
                grant["to"] = at

    def end_data(self, view: SessionView) -> dict[str, Any]:
        """Return what the last entry says of the whole session."""
        invitation, certificate = self._checked.invitation, self._checked.certificate
        now = self._now()
        self._close_grants(now)
        return {
            "reason": view.reason.value if view.reason is not None else "",
            "duration_ms": max(now - self.granted_at, 0) if self.granted_at is not None else 0,
            "agent": {"id": certificate.agent_id, "name": certificate.name},
            "org_id": invitation.org_id,
            "org_key": b64(self._organisation_key),
            "ticket": invitation.ticket_id,
            "ticket_no": invitation.ticket_no,
            "requester": invitation.requester_id,
            "mode": "companion",
            "target_kind": self.target_kind,
            "consented_at": self.consented_at,
            "grants": self._grants,
            "sas": {"number": self.number, "confirmed": "voice" if self.number_confirmed else "no"},
            "path": self.path,
            "frames_sent": self.frames_sent,
            "reconnects": self.reconnects,
        }

    def receipt(self, countersignature: bytes | None = None) -> Receipt:
        """Return the receipt file of the chain as it stands."""
        invitation = self._checked.invitation
        data = build_receipt(
            self._checked.signed,
            self._organisation_key,
            self._key.public_key().public_bytes_raw(),
            self._chain.entries,
            countersignature,
        )
        return Receipt(invitation.sid, invitation.ticket_id, data, countersignature is not None)

    def countersigned(self, text: str) -> Receipt | None:
        """Return the complete receipt if this is the agent's countersignature of it, else None."""
        try:
            signature = unb64(text)
        except ValueError:
            return None
        key = self._checked.certificate.device_key
        if self.last.type is not EntryType.END or not verify(key, RECEIPT_LABEL, lp(self.head), signature):
            return None
        return self.receipt(signature)
