# SPDX-License-Identifier: GPL-3.0-or-later
"""Screen-sharing sessions as the server knows them: certificates, invitations, codes, members, the end. Blocking."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.domain.assist import Role, Scope
from app.domain.certificate import (
    CERTIFICATE_MAX_MS,
    CLOCK_TOLERANCE_MS,
    AgentCertificate,
    RevocationList,
    build_certificate,
    build_revocations,
)
from app.domain.changes import Actor
from app.domain.documents import BadDocument, SignedDocument
from app.domain.entities import CUSTOMER, LIVE, STATE, TEAM, TICKET, USER, Category
from app.domain.invitation import BROWSER_MODE, Invitation, read_invitation, ticket_line
from app.domain.links import InviteLink
from app.domain.proof import AFTER_MIN
from app.domain.signed import b64, unb64
from sync.protocol import Invite, SessionEnded
from sync.server.access import load_device, scopes_of
from sync.server.bootstrap import Organisation
from sync.server.keys import ServerKeys
from sync.server.problems import ProblemError
from sync.server.proofs import check_proof
from sync.server.revoked import check_keys, revoked_names
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.session_ends import SERVER_STATES, SESSION_GRACE_MS, might_run, replace_invitations
from sync.server.session_notes import Reason
from sync.server.store import Store
from sync.server.tokens import AGENT, COMPANION, SESSION, Grant, TokenSigner
from sync.session_protocol import Certificate, CertificateAsk, InvitationAsk, Redeem, Redeemed, Revocations

__all__ = [
    "Registered",
    "ServerEnd",
    "SessionMembers",
    "Sessions",
    "ended_of",
    "id_of",
    "session_members",
]

# what the programs can do; a feature that needs more access adds its scope here
SCOPES_MAX = (
    Scope.VIEW.value,
    Scope.POINTER.value,
    Scope.CONTROL.value,
    Scope.CLIPBOARD_TO_CUSTOMER.value,
    Scope.CLIPBOARD_TO_AGENT.value,
    Scope.DIAGNOSTICS.value,
    Scope.RECORDING.value,
    Scope.FILES_TO_CUSTOMER.value,
    Scope.FILES_TO_AGENT.value,
)


@dataclass(frozen=True, slots=True)
class SessionMembers:
    """Who may signal in a session; `companion` None until one of the customer's ends has answered."""

    agent_device: bytes
    companion: bytes | None
    customer: bytes


ServerEnd = tuple[bytes, SessionMembers, str]
"""A session that the server ended, who is in it, and why."""


@dataclass(frozen=True, slots=True)
class Registered:
    """An invitation the server holds now."""

    link: str
    code: str | None
    customer: bytes
    ticket: bytes
    invite: Invite
    heads: dict[str, int]


def id_of(text: str) -> bytes:
    """Return 16 bytes from hex or base64url. Raises ProblemError 400 `malformed`."""
    try:
        raw = bytes.fromhex(text) if len(text) == 32 else unb64(text)
    except ValueError as error:
        raise ProblemError(400, "malformed") from error
    if len(raw) != 16:
        raise ProblemError(400, "malformed")
    return raw


def session_members(connection: sa.Connection, sid: bytes, now: int) -> SessionMembers | None:
    """Return the members of a session that still may signal, else None."""
    table = SYSTEM.session
    row = connection.execute(sa.select(table).where(table.c.sid == sid)).mappings().first()
    if row is None or now >= row["ends"]:
        return None
    return _members(row)


def ended_of(connection: sa.Connection, now: int, device: bytes) -> list[ServerEnd]:
    """Return the sessions of an agent's device that the server ended and that might still run, with their members."""
    table = SYSTEM.session
    query = sa.select(table).where(table.c.agent_device == device, table.c.state.in_(SERVER_STATES), might_run(now))
    return [(bytes(row["sid"]), _members(row), row["state"]) for row in connection.execute(query).mappings()]


class Sessions:
    """What /session/v1 does. `rng` returns that many random bytes; `now` is Unix milliseconds."""

    def __init__(
        self,
        store: Store,
        keys: ServerKeys,
        signer: TokenSigner,
        organisation: Organisation,
        rng: Callable[[int], bytes],
        *,
        relay_only: bool = False,
        join_page: bool = True,
        require_note: bool = False,
        reauthenticate_min: int = AFTER_MIN,
        provider: bool = False,
    ) -> None:
        """`reauthenticate_min`: how old a proof of who invites may be; `provider`: one can be given in the browser.

        `require_note`: no invitation without a reason, which becomes an internal note of its ticket.
        """
        self._reauthenticate_min = reauthenticate_min
        self._provider = provider
        self._store = store
        self._join_page = join_page
        self._require_note = require_note
        self._relay_only = relay_only
        self._keys = keys
        self._signer = signer
        self._organisation = organisation
        self._rng = rng

    def certificate(self, now: int, who: Grant, ask: CertificateAsk) -> Certificate:
        """Certify an agent's device key for seven days."""
        key = _key_of(ask.device_key)
        serial = self._rng(16).hex()
        not_before, not_after = now - CLOCK_TOLERANCE_MS, now - CLOCK_TOLERANCE_MS + CERTIFICATE_MAX_MS

        def work(connection: sa.Connection) -> tuple[str, str]:
            load_device(connection, who.device, who.subject, lock=True)
            check_keys(connection, now, who.device, key)
            row = {"serial": serial, "account_id": who.subject, "device_id": who.device, "not_after": not_after}
            connection.execute(SYSTEM.certificate.insert().values(**row, device_key=key))
            return _name_and_team(connection, who.subject)

        name, team = self._store.write(work)
        certificate = AgentCertificate(
            org_id=self._organisation.id,
            serial=serial,
            agent_id=who.subject.hex(),
            name=name,
            team=team,
            device_key=key,
            not_before=not_before,
            not_after=not_after,
            scopes_max=SCOPES_MAX,
        )
        document, signature = build_certificate(self._keys.organisation, certificate).parts
        org = self._organisation
        return Certificate(
            certificate=document,
            signature=signature,
            org_key=b64(org.key),
            org_name_ko=org.name_ko,
            org_name_en=org.name_en,
            relay_only=self._relay_only,
            join_page=self._join_page,
            require_note=self._require_note,
        )

    def revocations(self, now: int) -> Revocations:
        """Return the signed list of what no longer counts and has not run out anyway; see `sync.server.revoked`."""
        with self._store.read() as connection:
            names = revoked_names(connection, now)
        made = RevocationList(self._organisation.id, now, names.serials, names.keys, names.agents)
        document, signature = build_revocations(self._keys.organisation, made).parts
        return Revocations(document=document, signature=signature)

    def invite(self, now: int, who: Grant, ask: InvitationAsk) -> Registered:
        """Register an invitation, with its reason on the ticket if it has one.

        Raises ProblemError 400 `invitation`, 403 `scope`, 409 `ticket`, `requester` or `note_missing`.

        And 403 `proof_too_old`, when that alone is missing: nobody types a password for what is refused anyway.
        """
        signed, invitation, serial, secret = self._checked(now, who, ask)
        code = f"{int.from_bytes(self._rng(8), 'big') % 10**9:09d}" if ask.want_code else None

        note = ask.note.strip()

        def work(connection: sa.Connection) -> tuple[bytes, dict[str, int]]:
            load_device(connection, who.device, who.subject, lock=True)  # who suspends it meanwhile sees the invitation
            _check_certificate(connection, serial)
            reason = Reason(connection, who, invitation, note) if note else None
            customer = _check_ticket(connection, who, invitation)
            table = SYSTEM.session
            taken = sa.select(table.c.sid).where(sa.or_(table.c.sid == invitation.sid, table.c.iid == invitation.iid))
            if connection.execute(taken).first() is not None:
                raise ProblemError(409, "invitation")
            if self._require_note and not note:
                raise ProblemError(409, "note_missing")
            check_proof(connection, now, who, self._reauthenticate_min, provider=self._provider)
            row = {
                "sid": invitation.sid, "iid": invitation.iid, "ticket_id": bytes.fromhex(invitation.ticket_id),
                "customer_id": customer, "agent_device": who.device, "invitation": signed.document,
                "signature": signed.signature, "join_secret": secret,
                "code_hash": self._keys.code_hash("join", code) if code else None, "state": "invited",
                "created": now, "hard_s": invitation.policy.hard_s, "ends": invitation.not_after,
            }  # fmt: skip
            replace_invitations(connection, now, bytes.fromhex(invitation.ticket_id))
            connection.execute(table.insert().values(**row))
            return customer, reason.write(now) if reason is not None else {}

        customer, heads = self._store.write(work)
        invite = Invite(iid=invitation.iid, invitation=signed.document, signature=signed.signature, join_secret=secret)
        link, ticket = InviteLink(invitation.iid, secret).to_text(), bytes.fromhex(invitation.ticket_id)
        return Registered(link, code, customer, ticket, invite, heads)

    def waiting(self, now: int, who: Grant) -> list[Invite | SessionEnded]:
        """Return what a customer's end that has just come online must hear.

        A companion hears of invitations that nobody answered yet; and whoever might still be in a session hears that
        the server ended it, and why.
        """
        table = SYSTEM.session
        over = sa.and_(table.c.state.in_(SERVER_STATES), might_run(now))
        if who.kind == SESSION:
            query = sa.select(table).where(table.c.sid == who.device, over)
        else:
            open_ = sa.and_(table.c.state == "invited", table.c.ends > now, table.c.join_secret.is_not(None))
            query = sa.select(table).where(table.c.customer_id == who.subject, sa.or_(open_, over))
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [_news(row) for row in rows if _belongs(row, who)]

    def redeem(self, now: int, ask: Redeem, who: Grant | None) -> Redeemed | None:
        """Hand out an invitation for a code, once, or for an iid; None whatever is wrong with either."""
        table = SYSTEM.session
        if ask.code is not None:
            digits = "".join(c for c in ask.code if c.isdigit())
            match: Any = table.c.code_hash == self._keys.code_hash("join", digits)
        else:
            match = table.c.iid == id_of(ask.iid or "")
        companion = who.device if who is not None and who.kind == COMPANION else None

        def work(connection: sa.Connection) -> Redeemed | None:
            row = connection.execute(sa.select(table).where(match).with_for_update()).mappings().first()
            if row is None or row["state"] != "invited" or now >= row["ends"]:
                return None
            bound = bytes(row["companion_id"]) if row["companion_id"] is not None else None
            own = companion is not None and who is not None and bytes(row["customer_id"]) == who.subject
            if bound is not None and bound != companion:
                return None
            values: dict[str, Any] = {"code_hash": None} if ask.code is not None else {}
            if own:
                values["companion_id"] = companion
            if values:
                connection.execute(table.update().where(table.c.sid == row["sid"]).values(**values))
            end = companion if own and companion is not None else bytes(row["customer_id"])
            return self._redeemed(now, row, end, with_secret=ask.code is not None)

        return self._store.write(work)

    def end(self, now: int, who: Grant, sid: bytes) -> SessionMembers:
        """Close a session or void its invitation. Raises ProblemError 404 `not_found` for those who are not in it."""
        table = SYSTEM.session

        def work(connection: sa.Connection) -> SessionMembers:
            _check_agent(connection, who)
            row = connection.execute(sa.select(table).where(table.c.sid == sid).with_for_update()).mappings().first()
            if row is None or not _belongs(row, who):
                raise ProblemError(404, "not_found")
            # what was begun may still be finished (countersignature, last entries), then nothing passes any more
            ends = min(row["ends"], now + (SESSION_GRACE_MS if row["state"] == "active" else 0))
            state = row["state"] if row["state"] in SERVER_STATES else "ended"
            values = {"state": state, "ends": ends, "code_hash": None, "join_secret": None}
            connection.execute(table.update().where(table.c.sid == sid).values(**values))
            return _members(row)

        return self._store.write(work)

    def place_of(self, who: Grant, sid: bytes) -> tuple[bytes, Actor]:
        """Return the ticket of a session that this speaker is in, and as whom. Raises ProblemError 404 `not_found`."""
        table = SYSTEM.session
        with self._store.read() as connection:
            _check_agent(connection, who)
            row = connection.execute(sa.select(table).where(table.c.sid == sid)).mappings().first()
        if row is None or not _belongs(row, who):
            raise ProblemError(404, "not_found")
        actor = Actor("user", who.subject) if who.kind == AGENT else Actor("customer", bytes(row["customer_id"]))
        return bytes(row["ticket_id"]), actor

    def role_of(self, now: int, who: Grant, sid: bytes) -> tuple[str, bool]:
        """Return which end of a session asks, and whether the customer's consent stands on the ticket.

        Raises ProblemError 404 `not_found` for everybody else and after the end.
        """
        table = SYSTEM.session
        with self._store.read() as connection:
            _check_agent(connection, who)
            row = connection.execute(sa.select(table).where(table.c.sid == sid)).mappings().first()
        if row is None or not _belongs(row, who) or row["state"] not in ("invited", "active") or now >= row["ends"]:
            raise ProblemError(404, "not_found")
        role = Role.AGENT if who.kind == AGENT else Role.CUSTOMER
        return role.value, row["state"] == "active"

    def _redeemed(self, now: int, row: sa.RowMapping, end: bytes, *, with_secret: bool) -> Redeemed:
        life_s = row["hard_s"] + max(0, row["ends"] - now) // 1000
        secret = row["join_secret"]
        return Redeemed(
            invitation=bytes(row["invitation"]).decode(),
            signature=b64(bytes(row["signature"])),
            join_secret=b64(bytes(secret)) if with_secret and secret is not None else None,
            token=self._signer.issue(now, SESSION, end, bytes(row["sid"]), life_s),
        )

    def _checked(self, now: int, who: Grant, ask: InvitationAsk) -> tuple[SignedDocument, Invitation, str, bytes]:
        try:
            signed = SignedDocument.from_parts(ask.invitation, ask.signature)
            invitation, certificate = read_invitation(signed, self._organisation.key)
            secret = unb64(ask.join_secret)
        except (BadDocument, ValueError) as error:
            raise ProblemError(400, "invitation") from error
        good = (
            certificate.agent_id == who.subject.hex()
            and certificate.valid_at(now)
            and invitation.org_id == self._organisation.id
            and now < invitation.not_after
            and invitation.created <= now + CLOCK_TOLERANCE_MS
            and invitation.join_hash == hashlib.sha256(secret).digest()
            and (invitation.policy.relay_only or not self._relay_only)
            and (self._join_page or BROWSER_MODE not in invitation.modes)
        )
        if not good:
            raise ProblemError(400, "invitation")
        return signed, invitation, certificate.serial, secret


def _members(row: sa.RowMapping) -> SessionMembers:
    companion = row["companion_id"]
    return SessionMembers(
        bytes(row["agent_device"]), bytes(companion) if companion is not None else None, bytes(row["customer_id"])
    )


def _news(row: sa.RowMapping) -> Invite | SessionEnded:
    if row["state"] in SERVER_STATES:
        return SessionEnded(session=bytes(row["sid"]), reason=row["state"])
    return Invite(
        iid=bytes(row["iid"]), invitation=bytes(row["invitation"]), signature=bytes(row["signature"]),
        join_secret=bytes(row["join_secret"]),
    )  # fmt: skip


def _key_of(text: str) -> bytes:
    try:
        key = unb64(text)
    except ValueError as error:
        raise ProblemError(400, "malformed") from error
    if len(key) != 32:
        raise ProblemError(400, "malformed")
    return key


def _name_and_team(connection: sa.Connection, account: bytes) -> tuple[str, str]:
    user, team = ENTITY_TABLES[USER.number], ENTITY_TABLES[TEAM.number]
    row = connection.execute(sa.select(user.c.name, user.c.teams).where(user.c.id == account)).one()
    teams = [bytes.fromhex(t) for t in json.loads(row.teams or "[]")]
    name = connection.execute(sa.select(team.c.name_ko).where(team.c.id == teams[0])).scalar() if teams else ""
    return str(row.name or "-")[:120], str(name or "")[:120]


def _check_certificate(connection: sa.Connection, serial: str) -> None:
    """Raise ProblemError 400 `invitation` for a certificate that was withdrawn: the device asks for another one."""
    table = SYSTEM.certificate
    if connection.execute(sa.select(table.c.revoked_at).where(table.c.serial == serial)).scalar() is not None:
        raise ProblemError(400, "invitation")


def _check_ticket(connection: sa.Connection, who: Grant, invitation: Invitation) -> bytes:
    """Return the ticket's customer, or refuse: the agent sees the ticket, it is live, and its requester is known."""
    ticket, state, customer = (ENTITY_TABLES[e.number] for e in (TICKET, STATE, CUSTOMER))
    try:
        id_ = bytes.fromhex(invitation.ticket_id)
    except ValueError as error:
        raise ProblemError(400, "invitation") from error
    columns = ticket.c.scope_id, ticket.c.customer, ticket.c.deleted, ticket.c.number, ticket.c.subject
    query = sa.select(*columns, state.c.category)
    # who closes it meanwhile sees the invitation, or this sees it closed
    connection.execute(sa.select(ticket.c.id).where(ticket.c.id == id_).with_for_update(read=True)).first()
    row = connection.execute(query.join(state, state.c.id == ticket.c.state).where(ticket.c.id == id_)).first()
    if row is None or row.scope_id not in scopes_of(connection, who.subject):
        raise ProblemError(403, "scope")
    if row.deleted or Category(row.category) not in LIVE:
        raise ProblemError(409, "ticket")
    known = None
    if row.customer is not None:
        found = sa.select(customer.c.blocked_reason).where(
            customer.c.id == row.customer, customer.c.deleted == sa.false()
        )
        # who blocks that customer meanwhile sees the invitation, or this sees the block
        known = connection.execute(found.with_for_update(read=True)).first()
    if known is None or known.blocked_reason or invitation.requester_id != bytes(row.customer).hex():
        raise ProblemError(409, "requester")
    # what the customer reads of the ticket before the first click is what the customer knows it by
    said = invitation.ticket_no.removeprefix("#"), invitation.subject
    if said != (str(row.number), ticket_line(row.subject or "")):
        raise ProblemError(409, "ticket")
    return bytes(row.customer)


def _check_agent(connection: sa.Connection, who: Grant) -> None:
    """An agent's device learns its state whatever it asks; a customer may always end what was begun."""
    if who.kind == AGENT:
        load_device(connection, who.device, who.subject)


def _belongs(row: sa.RowMapping, who: Grant) -> bool:
    if who.kind == AGENT:
        return bytes(row["agent_device"]) == who.device
    if who.kind == SESSION:
        return bytes(row["sid"]) == who.device and bytes(row["companion_id"] or row["customer_id"]) == who.subject
    bound = row["companion_id"]
    return bytes(row["customer_id"]) == who.subject and (bound is None or bytes(bound) == who.device)
