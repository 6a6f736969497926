# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages under /session/v1 (JSON, base64url, ids hex): certificates, invitations, codes; see docs/remote-assist.md.

POST certificate  CertificateAsk -> Certificate     agent, at sign-in and daily
GET  revocations                 -> Revocations     anybody; signed by the organisation key
POST invitations  InvitationAsk  -> InvitationMade  agent; refused unless the ticket is live and has a requester
POST redeem       Redeem         -> Redeemed        companion or anybody with a code or link
POST {sid}/end    EndAsk         -> 204             either end: the session is over or the invitation void
POST {sid}/turn                  -> TurnServers     either end, once the customer's consent stands on the ticket
POST {sid}/entries SessionEntries (sync.customer_protocol)
And POST /customer/v1/alarm BadInvitationReport -> Accepted: a Companion refused an invitation; one answer for all.
"""

from __future__ import annotations

import msgspec


class _Json(msgspec.Struct, frozen=True, kw_only=True):
    pass


class CertificateAsk(_Json, frozen=True, kw_only=True):
    """The agent's Ed25519 device key."""

    device_key: str


class Certificate(_Json, frozen=True, kw_only=True):
    """`certificate` is the exact JSON signed under the label "deskside-cert-1" by `org_key`.

    `relay_only`: invitations must say that nothing but relayed addresses may be used. `join_page`: customers may join
    with a browser, at /join; where they may not, no invitation may name that way. `require_note`: none is taken without
    a reason.
    """

    certificate: str
    signature: str
    org_key: str
    org_name_ko: str
    org_name_en: str
    relay_only: bool = False
    join_page: bool = False
    require_note: bool = False


class Revocations(_Json, frozen=True, kw_only=True):
    """`document` is JSON {v, org_id, made, serials, keys, agents} signed under "deskside-revocations-1"."""

    document: str
    signature: str


class InvitationAsk(_Json, frozen=True, kw_only=True):
    """Register an invitation; `invitation` is the exact signed JSON. `note`: the reason, for staff alone."""

    invitation: str
    signature: str
    join_secret: str
    want_code: bool = False
    note: str = ""


class InvitationMade(_Json, frozen=True, kw_only=True):
    """`pushed` tells whether an enrolled companion of the requester was online and got it."""

    link: str
    code: str | None
    pushed: bool


class Redeem(_Json, frozen=True, kw_only=True):
    """One of both."""

    code: str | None = None
    iid: str | None = None


class Redeemed(_Json, frozen=True, kw_only=True):
    """`join_secret` only for a code; a link carries its own. `token` admits to the relay as the session's customer."""

    invitation: str
    signature: str
    join_secret: str | None
    token: str


class BadInvitationReport(_Json, frozen=True, kw_only=True):
    """A Companion refused an invitation. `iid` and `ticket` are what it named, empty when it named none.

    `why` is a word for the server's log; nobody else is told. `id` makes a repeat harmless.
    """

    id: str
    at: int
    iid: str = ""
    ticket: str = ""
    why: str = ""


class EndAsk(_Json, frozen=True, kw_only=True):
    """Why the session ended."""

    reason: str


class TurnServers(_Json, frozen=True, kw_only=True):
    """Where connections may be relayed, and with what credentials. No `urls`: this organisation has no relay."""

    urls: list[str]
    username: str = ""
    credential: str = ""
    lives_s: int = 0
