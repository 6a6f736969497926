# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between a companion (or the portal) and the server under /customer/v1, as JSON; this is their page.

Binary values are base64url without padding, ids lower-case hex, times Unix milliseconds.

    POST enrol      Enrol               -> Enrolled        code used once; ties the device's public key to the customer
    GET  organisation?code=...          -> OrganisationKey shown with its fingerprint before the person confirms
    POST identity   IdentityAsk         -> Identity        the organisation key signs, label "deskside-server-1"
    GET  keys                           -> KeyStatements   what former organisation keys signed about the next
    POST challenge  ChallengeAsk        -> Challenge
    POST token      TokenAsk            -> CompanionToken  the device key signs the nonce, label "deskside-companion-1"
    GET  home       (ETag)              -> Home
    POST request    NewRequest          -> Accepted        `id` is the idempotency key
    POST message    NewMessage          -> Accepted
    POST check      CheckAnswer         -> Accepted        the two questions; either "no" opens the ticket again
    POST call       CallAsk             -> Accepted        asks for a call; home says whether the server confirmed it
    POST uncall     CallCancel          -> Accepted
    POST entries    SessionEntries      -> Accepted        chain entries of a session, each once by its hash
Everything after `token` carries `Authorization: Bearer`. The live websocket is the one of sync.protocol.
"""

from __future__ import annotations

import msgspec

IDENTITY_LABEL = "deskside-server-1"


class _Json(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Enrol(_Json, frozen=True, kw_only=True):
    """Redeem an enrolment code. `pubkey` is the companion's Ed25519 key."""

    code: str
    pubkey: str
    name: str = ""


class OrganisationKey(_Json, frozen=True, kw_only=True):
    """Whom the companion would pin."""

    org_id: str
    org_name_ko: str
    org_name_en: str
    org_key: str


class Enrolled(_Json, frozen=True, kw_only=True):
    """The companion is now this customer's."""

    companion: str
    customer: str
    customer_name: str
    organisation: OrganisationKey


class IdentityAsk(_Json, frozen=True, kw_only=True):
    """Ask the server to show whose it is, before anything is told to it. `nonce`: 32 random bytes, used once."""

    nonce: str


class Identity(_Json, frozen=True, kw_only=True):
    """Whose server this is: the organisation key and its signature over the nonce."""

    org_key: str
    signature: str


class KeyStatements(_Json, frozen=True, kw_only=True):
    """How the organisation's key came to be the present one, oldest step first.

    Each is a signed document (two base64url parts with a dot between them), label "deskside-key-1", JSON with `v` 1,
    `org_id`, `serial`, `old_key`, `new_key`, `not_before`, signed by the old key. Anybody may read them.
    """

    statements: list[str]


class ChallengeAsk(_Json, frozen=True, kw_only=True):
    """Ask for a nonce to sign."""

    companion: str


class Challenge(_Json, frozen=True, kw_only=True):
    """Sign this within a minute."""

    nonce: str


class TokenAsk(_Json, frozen=True, kw_only=True):
    """Exchange a signed nonce for an access token."""

    companion: str
    nonce: str
    signature: str


class CompanionToken(_Json, frozen=True, kw_only=True):
    """Access token, 10 minutes, memory only.

    `certificate`: what the organisation key signs about this Companion's key, label "deskside-device-1", good for seven
    days; it goes into the records of screen sharing.
    """

    access: str
    expires_s: int
    certificate: str = ""


class Contact(_Json, frozen=True, kw_only=True):
    """How to reach support. `spans` are open times as (from, to) in UTC seconds for the coming weeks.

    `somebody`: an agent of the team that takes requests is at the desk; null where that is not known.
    """

    name_ko: str
    name_en: str
    phone: str
    mail: str
    zone: str
    spans: list[tuple[int, int]]
    somebody: bool | None = None


class Terms(_Json, frozen=True, kw_only=True):
    """Support terms of an asset."""

    plan: str
    included_ko: str
    included_en: str
    valid_from: str
    valid_until: str
    options_after_ko: str
    options_after_en: str


class AssetView(_Json, frozen=True, kw_only=True):
    """One product of the customer."""

    id: str
    product: str
    model: str
    serial: str
    warranty_until: str | None
    status: str
    terms: Terms | None
    order_ref: str = ""


class FileView(_Json, frozen=True, kw_only=True):
    """A file of a message: GET /blob/{sha256} gives its content, perhaps only later. Sent first or after the words."""

    sha256: str  # hex
    filename: str
    media_type: str
    size_bytes: int


class MessageView(_Json, frozen=True, kw_only=True):
    """One message that the customer may read; notes never appear here."""

    id: str
    direction: str
    author: str
    body: str
    at: int
    attachments: list[FileView] = []


class Acknowledged(_Json, frozen=True, kw_only=True):
    """What the customer was told when the request came. `basis`: answers, target, opening, unknown; UTC seconds.

    `call`: the wait is long, so a call is offered without being asked for.
    """

    at: int
    basis: str
    usual_s: int | None = None
    latest_s: int | None = None
    opens_s: int | None = None
    call: bool = False


class CallView(_Json, frozen=True, kw_only=True):
    """A call on an own ticket. `state`: requested (no slot yet), confirmed, done, missed, cancelled.

    `owed`: it can be cancelled, or for a missed one: another time is still to be chosen.
    """

    id: str
    state: str
    slot_start: int
    phone: str
    owed: bool = False


class TicketView(_Json, frozen=True, kw_only=True):
    """One of the customer's own tickets."""

    id: str
    number: int | None
    subject: str
    category: str
    state_ko: str
    state_en: str
    updated_at: int
    messages: list[MessageView]
    asked: bool = False  # the two questions wait for an answer
    acknowledged: Acknowledged | None = None
    calls: list[CallView] = []  # the newest last
    slots: int = -1  # which list of Home.slots can be chosen from; -1: none


class Home(_Json, frozen=True, kw_only=True):
    """Everything the companion's first window shows."""

    customer: str
    customer_name: str
    language: str
    organisation: OrganisationKey
    contact: Contact
    assets: list[AssetView]
    tickets: list[TicketView]
    server_ms: int
    slots: list[list[int]] = []  # starts of half hours that take a call, in UTC seconds, from today on
    phone: str = ""  # the number under which the customer is called


class Facts(_Json, frozen=True, kw_only=True):
    """What the companion found on this computer, as the customer saw it; each may be left out.

    Without `consent` nothing of it is kept. Texts become plain lines; one above its limit is cut. `found_at` has the
    times of facts that are older than the rest.
    """

    consent: bool = False
    collected_at: int = 0
    product: str = ""
    model: str = ""
    serial: str = ""
    os: str = ""
    app_version: str = ""
    last_error: str = ""
    error_code: str = ""
    warranty_until: str = ""
    device: str = ""
    free_disk: str = ""
    network: str = ""
    found_at: dict[str, int] = {}


class NewRequest(_Json, frozen=True, kw_only=True):
    """Ask for help. `id` (the ticket's UUIDv7, hex) is made by the companion and makes a repeat harmless."""

    id: str
    message: str  # id of the first message, hex
    subject: str
    body: str
    asset: str | None = None
    language: str = "ko"
    written_at: int = 0
    attachments: list[FileView] = []
    facts: Facts | None = None


class NewMessage(_Json, frozen=True, kw_only=True):
    """Write on an own ticket."""

    id: str
    ticket: str
    body: str
    written_at: int = 0
    attachments: list[FileView] = []


class CheckAnswer(_Json, frozen=True, kw_only=True):
    """Answer the two questions on an own ticket: is it solved, were you treated well. null: no answer to that one."""

    id: str
    ticket: str
    solved: bool | None = None
    treated_well: bool | None = None
    comment: str = ""
    written_at: int = 0


class CallAsk(_Json, frozen=True, kw_only=True):
    """Ask for a call on an own ticket in the half hour from `slot_start`; it replaces the ticket's open one."""

    id: str
    ticket: str
    slot_start: int
    phone: str
    written_at: int = 0


class CallCancel(_Json, frozen=True, kw_only=True):
    """Cancel a call. `id` makes a repeat harmless."""

    id: str
    call: str
    ticket: str
    written_at: int = 0


class SessionEntry(_Json, frozen=True, kw_only=True):
    """One entry of a session's chain, exactly as linked; `hash` base64url."""

    n: int
    kind: str
    entry: str
    hash: str
    at: int


class SessionEntries(_Json, frozen=True, kw_only=True):
    """Entries of one session of one ticket."""

    sid: str
    ticket: str
    entries: list[SessionEntry]


class Accepted(_Json, frozen=True, kw_only=True):
    """The server has it. `number` for a new ticket."""

    id: str
    number: int | None = None
