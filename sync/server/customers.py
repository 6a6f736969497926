# SPDX-License-Identifier: GPL-3.0-or-later
"""What /customer/v1 does: enrolment, device-key sign-in, requests, messages and session entries. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from app.domain.attachments import Attachment
from app.domain.changes import (
    Actor,
    AnyChange,
    FactsAdd,
    MessageAdd,
    SessionRecordAdd,
    SurveyAnswer,
    TicketCreate,
    category_of,
)
from app.domain.changes_facts import FACT_CHARS, fact_text, is_iso_date
from app.domain.device_certificate import DEVICE_CERTIFICATE_MAX_MS, DeviceCertificate, build_device_certificate
from app.domain.entities import CUSTOMER, Category
from app.domain.ids import derived_id, uuid7
from app.domain.signed import b64, sha256, sign, unb64, verify
from sync.customer_protocol import (
    IDENTITY_LABEL,
    CallAsk,
    CallCancel,
    Challenge,
    CheckAnswer,
    CompanionToken,
    Enrol,
    Enrolled,
    Facts,
    FileView,
    Identity,
    IdentityAsk,
    KeyStatements,
    NewMessage,
    NewRequest,
    OrganisationKey,
    SessionEntries,
    SessionEntry,
    TokenAsk,
)
from sync.server.bootstrap import Organisation
from sync.server.callbacks import ask_for_call, cancel_call
from sync.server.intake import (
    Written,
    check_welcome,
    follow_up,
    intake_team,
    intake_wait,
    landed,
    own_row,
    own_ticket,
    write_once,
)
from sync.server.keys import ServerKeys
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.session_entries import is_true
from sync.server.store import Store
from sync.server.tokens import ACCESS_S, COMPANION, Grant, TokenSigner
from sync.server.waiting import Waiting

__all__ = ["CHALLENGE_LABEL", "Customers", "organisation_key"]

CHALLENGE_LABEL = "deskside-companion-1"
_CHALLENGE_MS = 60_000
_MAX_ENTRIES = 500


def organisation_key(organisation: Organisation) -> OrganisationKey:
    """Return what a companion pins."""
    org = organisation
    return OrganisationKey(org_id=org.id, org_name_ko=org.name_ko, org_name_en=org.name_en, org_key=b64(org.key))


class Customers:
    """The customer's side over a store. `now` is Unix milliseconds; `rng` returns that many random bytes."""

    def __init__(
        self,
        store: Store,
        keys: ServerKeys,
        signer: TokenSigner,
        organisation: Organisation,
        rng: Callable[[int], bytes],
        waiting: Waiting,
    ) -> None:
        self._store = store
        self._keys = keys
        self._signer = signer
        self._organisation = organisation
        self._rng = rng
        self._waiting = waiting

    def organisation(self, now: int, code: str) -> OrganisationKey | None:
        """Return whom a companion would enrol with; None unless the code could be redeemed now."""
        with self._store.read() as connection:
            row = self._code_row(connection, code)
        return None if row is None or now >= row["expires"] else organisation_key(self._organisation)

    def enrol(self, now: int, ask: Enrol) -> Enrolled | None:
        """Tie a device key to the code's customer; None for a wrong, used or expired code.

        The same key may repeat it: its first answer may have been lost.
        """
        pubkey = _binary(ask.pubkey, 32)
        companion = uuid7(now, self._rng(10))

        def work(connection: sa.Connection) -> Enrolled | None:
            row = self._code_row(connection, ask.code, lock=True)
            if row is None:
                return None
            if row["used_at"] is not None:
                return self._again(connection, row, pubkey)
            if now >= row["expires"]:
                return None
            values = {"id": companion, "customer_id": row["customer_id"], "pubkey": pubkey, "name": ask.name[:80],
                      "state": "active", "last_seen": now}  # fmt: skip
            connection.execute(SYSTEM.companion.insert().values(**values))
            table = SYSTEM.enrolment
            used = table.update().where(table.c.code_hash == row["code_hash"])
            connection.execute(used.values(used_at=now, companion_id=companion))
            return self._enrolled(connection, companion, bytes(row["customer_id"]))

        return self._store.write(work)

    def identity(self, ask: IdentityAsk) -> Identity:
        """Sign the companion's nonce with the organisation key, so that it knows the server it was enrolled with."""
        signature = sign(self._keys.organisation, IDENTITY_LABEL, _binary(ask.nonce, 32))
        return Identity(org_key=b64(self._keys.organisation_public), signature=b64(signature))

    def key_statements(self) -> KeyStatements:
        """Return what former keys of the organisation signed, for a companion that still trusts one of them."""
        return KeyStatements(statements=list(self._organisation.statements))

    def challenge(self, now: int) -> Challenge:
        """Return a nonce that carries its own time and mark, so that nothing needs to be kept."""
        stamp = now.to_bytes(8, "big") + self._rng(16)
        return Challenge(nonce=b64(stamp + self._mark(stamp)))

    def token(self, now: int, ask: TokenAsk) -> CompanionToken | None:
        """Exchange a signed nonce for an access token; None if anything about it is wrong."""
        nonce, signature = _binary(ask.nonce, 56), _binary(ask.signature, 64)
        companion = _id(ask.companion)
        stamp = nonce[:24]
        age = now - int.from_bytes(stamp[:8], "big")
        if self._mark(stamp) != nonce[24:] or not 0 <= age <= _CHALLENGE_MS:
            return None
        table = SYSTEM.companion
        with self._store.read() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == companion)).mappings().first()
        if row is None or row["state"] != "active":
            return None
        if not verify(bytes(row["pubkey"]), CHALLENGE_LABEL, nonce, signature):
            return None
        self._store.write(lambda cx: cx.execute(table.update().where(table.c.id == companion).values(last_seen=now)))
        customer = bytes(row["customer_id"])
        device = DeviceCertificate(
            self._organisation.id, companion.hex(), customer.hex(), bytes(row["pubkey"]), now,
            now + DEVICE_CERTIFICATE_MAX_MS,
        )  # fmt: skip
        return CompanionToken(
            access=self._signer.issue(now, COMPANION, customer, companion),
            expires_s=ACCESS_S,
            certificate=build_device_certificate(self._keys.organisation, device).to_text(),
        )

    def request(self, now: int, who: Grant, ask: NewRequest) -> Written:
        """Open a ticket for the customer. Repeating it is harmless."""
        ticket, message, files = _id(ask.id), _id(ask.message), _files(ask.attachments)
        asset = _id(ask.asset) if ask.asset else None
        told = intake_wait(self._store, self._waiting, now, "companion")

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            check_welcome(rows, who.subject)
            return [
                TicketCreate(
                    event=derived_id(ticket, "request"),
                    ticket=ticket,
                    subject=ask.subject,
                    team=intake_team(connection),
                    customer=who.subject,
                    message=message,
                    body=ask.body,
                    channel="companion",
                    language=ask.language if ask.language in ("ko", "en") else "ko",
                    asset=asset,
                    attachments=files,
                ),
                *_facts(ask.facts, ticket, asset, now),
            ]

        key = f"request:{ask.id}"
        return write_once(self._store, now, _customer(who), key, ask.written_at, ticket, changes, lambda: told)

    def message(self, now: int, who: Grant, ask: NewMessage) -> Written:
        """Add the customer's words to an own ticket; a closed one, or one that is another's now, gets a follow-up."""
        message, ticket_id, files = _id(ask.id), _id(ask.ticket), _files(ask.attachments)

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            del connection
            check_welcome(rows, who.subject)
            own = own_row(rows, who.subject, ticket_id)
            ticket = landed(rows, own)
            if ticket.values.get("customer") != who.subject:
                return follow_up(own, who.subject, message, ask.body, files, "companion")
            if category_of(rows, ticket.values["state"]) is not Category.CLOSED:
                event = derived_id(message, "message")
                return [MessageAdd(event, message, ticket.id, ask.body, inbound=True, attachments=files)]
            return follow_up(ticket, who.subject, message, ask.body, files, "companion")

        return write_once(
            self._store, now, _customer(who), f"message:{ask.id}", ask.written_at, ticket_id, changes,
            lambda: intake_wait(self._store, self._waiting, now, "companion"),
        )  # fmt: skip

    def check(self, now: int, who: Grant, ask: CheckAnswer) -> Written:
        """Take the customer's answers to the two questions on an own ticket."""
        answer, ticket_id = _id(ask.id), _id(ask.ticket)

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            del connection
            check_welcome(rows, who.subject)
            ticket = own_ticket(rows, who.subject, ticket_id)
            event = derived_id(answer, "check")
            return [SurveyAnswer(event, answer, ticket.id, ask.solved, ask.treated_well, ask.comment)]

        return write_once(self._store, now, _customer(who), f"check:{ask.id}", ask.written_at, ticket_id, changes)

    def call(self, now: int, who: Grant, ask: CallAsk) -> Written:
        """Ask for a call on an own ticket."""
        call, ticket_id = _id(ask.id), _id(ask.ticket)

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            del connection
            check_welcome(rows, who.subject)
            ticket = own_ticket(rows, who.subject, ticket_id)
            return ask_for_call(rows, ticket, call, ask.slot_start, ask.phone)

        return write_once(self._store, now, _customer(who), f"call:{ask.id}", ask.written_at, ticket_id, changes)

    def uncall(self, now: int, who: Grant, ask: CallCancel) -> Written:
        """Cancel a call on an own ticket."""
        event, call, ticket_id = _id(ask.id), _id(ask.call), _id(ask.ticket)

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            del connection
            check_welcome(rows, who.subject)
            return cancel_call(rows, [own_ticket(rows, who.subject, ticket_id).id], call, event)

        return write_once(self._store, now, _customer(who), f"uncall:{ask.id}", ask.written_at, ticket_id, changes)

    def entries(self, now: int, actor: Actor, ticket: bytes, ask: SessionEntries) -> Written:
        """Record chain entries of a session on its ticket, each once by its hash, whoever hands them in."""
        if len(ask.entries) > _MAX_ENTRIES:
            raise ProblemError(413, "too_large")
        sid = _id(ask.sid)
        changes = [_record_of(ticket, sid, entry) for entry in ask.entries]
        last = max((entry.at for entry in ask.entries), default=now)
        digest = sha256(*(entry.hash for entry in ask.entries)).hex()
        key = f"entries:{ask.sid}:{digest}"
        return write_once(self._store, now, actor, key, last, ticket, lambda _cx, _rows: changes)

    def _code_row(self, connection: sa.Connection, code: str, *, lock: bool = False) -> sa.RowMapping | None:
        table = SYSTEM.enrolment
        query = sa.select(table).where(table.c.code_hash == self._keys.code_hash("enrol", code))
        return connection.execute(query.with_for_update() if lock else query).mappings().first()

    def _again(self, connection: sa.Connection, row: sa.RowMapping, pubkey: bytes) -> Enrolled | None:
        table = SYSTEM.companion
        found = connection.execute(sa.select(table).where(table.c.id == row["companion_id"])).mappings().first()
        if found is None or bytes(found["pubkey"]) != pubkey or found["state"] != "active":
            return None
        return self._enrolled(connection, bytes(found["id"]), bytes(found["customer_id"]))

    def _enrolled(self, connection: sa.Connection, companion: bytes, customer: bytes) -> Enrolled:
        table = ENTITY_TABLES[CUSTOMER.number]
        name = connection.execute(sa.select(table.c.name).where(table.c.id == customer)).scalar()
        return Enrolled(
            companion=companion.hex(),
            customer=customer.hex(),
            customer_name=name or "",
            organisation=organisation_key(self._organisation),
        )

    def _mark(self, stamp: bytes) -> bytes:
        return self._keys.code_hash("challenge", stamp.hex())


def _customer(who: Grant) -> Actor:
    return Actor("customer", who.subject)


def _binary(text: str, size: int) -> bytes:
    try:
        raw = unb64(text)
    except ValueError as error:
        raise ProblemError(400, "malformed") from error
    if len(raw) != size:
        raise ProblemError(400, "malformed")
    return raw


def _id(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError as error:
        raise ProblemError(400, "malformed") from error
    if len(raw) != 16:
        raise ProblemError(400, "malformed")
    return raw


def _files(files: Sequence[FileView]) -> tuple[Attachment, ...]:
    return tuple(Attachment(_hash(f.sha256), f.filename, f.media_type, f.size_bytes) for f in files)


def _facts(facts: Facts | None, ticket: bytes, asset: bytes | None, now: int) -> list[FactsAdd]:
    """Return the card that comes with a request; what cannot be kept is left out, never the request."""
    if facts is None or not facts.consent:
        return []
    told = {name: fact_text(getattr(facts, name))[:limit] for name, limit in FACT_CHARS.items()}
    if not is_iso_date(told["warranty_until"]):
        told["warranty_until"] = ""
    if asset is None and not any(told.values()):
        return []
    at = facts.collected_at if 0 < facts.collected_at <= now else now
    event, card = derived_id(ticket, "facts-event"), derived_id(ticket, "facts")
    return [FactsAdd(event, card, ticket, at, consent=True, asset=asset, found_at=facts.found_at, **told)]


def _hash(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ProblemError(400, "malformed") from error


def _record_of(ticket: bytes, sid: bytes, entry: SessionEntry) -> SessionRecordAdd:
    digest = _binary(entry.hash, 32)
    record = SessionRecordAdd(
        event=derived_id(sid, digest),
        ticket=ticket,
        sid=sid,
        entry_no=entry.n,
        kind=entry.kind,
        entry=entry.entry,
        entry_hash=digest,
        at=entry.at,
    )
    if not is_true(record):
        raise ProblemError(400, "entry", detail=str(entry.n))
    return record
