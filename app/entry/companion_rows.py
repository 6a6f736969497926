# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's file as the network client and the windows see it, and what is opened when the program starts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.config.i18n import language
from app.desktop.companion_store import CompanionStore, SessionEntryRow, WrittenItem, open_companion_store
from app.desktop.keyring_store import Secrets, open_secrets
from app.domain.attachments import clean_name
from app.domain.errors import StoreUnavailable
from app.domain.signed import b64, fingerprint, unb64
from app.services.texts import polite
from remote_assist.actions import ChainEntry, Receipt
from remote_assist.invitation import OrganisationPin, OwnTicket
from sync import customer_protocol as wire
from sync.customer_events import Entries, Waiting
from widgets.companion.model import (
    Acknowledged,
    AssetLine,
    CallLine,
    HomeView,
    Hours,
    MessageLine,
    Organisation,
    RequestLine,
    RequestState,
    TicketLine,
)

__all__ = [
    "Enrolment",
    "Opened",
    "StoreRows",
    "chain_row",
    "home_view",
    "new_device_key",
    "open_profile",
    "receipt_row",
    "with_calls",
]

_BATCH = 100
_CLOSED = frozenset({"solved", "closed", "merged"})


class Former(msgspec.Struct, frozen=True):
    """An organisation key that was trusted until a moment, and the statement that ended it."""

    key: str
    until: int
    serial: int


class Enrolment(msgspec.Struct, frozen=True):
    """Whom this computer trusts and as whom it is known there; kept in the encrypted file."""

    server: str
    companion: str
    customer: str
    customer_name: str
    org_id: str
    org_name_ko: str
    org_name_en: str
    org_key: str
    pinned_at: int
    origin: str = "link"
    serial: int = 0
    former: tuple[Former, ...] = ()

    @property
    def name(self) -> str:
        """The organisation's name in the language spoken now."""
        return self.org_name_ko if language() == "ko" and self.org_name_ko else self.org_name_en or self.org_name_ko

    @property
    def pin(self) -> OrganisationPin:
        """What every signature of the organisation is checked against."""
        return OrganisationPin(self.org_id, self.name, unb64(self.org_key))


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that was read at the start, off the GUI thread."""

    secrets: Secrets
    store: CompanionStore
    kept: Path | None
    enrolment: Enrolment | None
    device_key: Ed25519PrivateKey | None
    home: wire.Home | None
    home_at: int
    written: list[WrittenItem]
    invitations: dict[str, int]
    scam_read: bool
    mask_rules: str | None = None


def open_profile(folder: Path, passphrase: str | None) -> Opened:
    """Open keys and file of this profile. Blocks. Raises NoKeyring, WrongPassphrase, StoreUnavailable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable("store_unavailable", path=str(folder)) from error
    keys = open_secrets(folder, f"companion {folder}", passphrase)
    database = keys.get("database")
    if database is None:
        database = secrets.token_bytes(32)
        keys.put("database", database)
    store, kept = open_companion_store(folder / "companion.db", database)
    store.sweep_files()
    device = keys.get("device")
    pinned = store.get("enrolment")
    home = store.get("home")
    return Opened(
        secrets=keys,
        store=store,
        kept=kept,
        enrolment=msgspec.json.decode(pinned, type=Enrolment) if pinned else None,
        device_key=Ed25519PrivateKey.from_private_bytes(device) if device else None,
        home=msgspec.json.decode(home, type=wire.Home) if home else None,
        home_at=int(store.get("home_at") or 0),
        written=store.written(),
        invitations=store.invitations(),
        scam_read=store.get("scam_read") == "1",
        mask_rules=store.get("mask_rules"),
    )


def new_device_key(keys: Secrets) -> Ed25519PrivateKey:
    """Make and keep the key of this companion. Blocks. Raises NoKeyring."""
    key = Ed25519PrivateKey.generate()
    keys.put("device", key.private_bytes_raw())
    return key


class StoreRows:
    """`sync.customer_events.Rows` on companion.db."""

    def __init__(self, store: CompanionStore) -> None:
        self._store = store

    def waiting(self) -> Sequence[Waiting]:
        """Return what waits, oldest first."""
        return [Waiting(item.id, item.kind, item.body) for item in self._store.waiting()]

    def settle(self, item: str, number: int | None, refused: str) -> None:
        """Note the server's answer."""
        self._store.settle(item, "refused" if refused else "sent", number, refused)

    def entries(self) -> Sequence[Entries]:
        """Return entries that wait, a batch for each session."""
        found: list[Entries] = []
        for sid, group in groupby(self._store.unsent_entries(), key=lambda row: row.sid):
            rows = list(group)[:_BATCH]
            entries = [msgspec.json.decode(row.body, type=wire.SessionEntry) for row in rows]
            body = wire.SessionEntries(sid=sid, ticket=rows[0].ticket, entries=entries)
            found.append(Entries(sid, tuple(row.hash for row in rows), msgspec.json.encode(body)))
        return found

    def entries_sent(self, entries: Entries) -> None:
        """Note that the server has them."""
        self._store.entries_sent(entries.sid, list(entries.hashes))

    def home_tag(self) -> str:
        """Return the tag of the home kept last."""
        return self._store.get("home_tag") or ""

    def save_home(self, raw: bytes, tag: str, at_ms: int) -> None:
        """Keep home; the tag last, so that a crash between leads to one more fetch and nothing else."""
        self._store.put("home", raw.decode())
        self._store.put("home_at", str(at_ms))
        self._store.put("home_tag", tag)


def chain_row(entry: ChainEntry) -> SessionEntryRow:
    """Return an entry of a chain as it is kept and sent."""
    return _row(entry.sid, entry.ticket_id, entry.n, entry.type, entry.text, entry.hash, entry.at)


def receipt_row(receipt: Receipt, digest: bytes, n: int, at_ms: int) -> SessionEntryRow:
    """Return a receipt as the entry that closes a session's record."""
    return _row(receipt.sid, receipt.ticket_id, n, "receipt", receipt.data.decode(), digest, at_ms)


def _row(sid: bytes, ticket: str, n: int, kind: str, text: str, digest: bytes, at_ms: int) -> SessionEntryRow:
    body = wire.SessionEntry(n=n, kind=kind, entry=text, hash=b64(digest), at=at_ms)
    return SessionEntryRow(sid.hex(), ticket, n, b64(digest), msgspec.json.encode(body))


def organisation_of(key: wire.OrganisationKey, server: str) -> Organisation:
    """Return what the enrolment window shows. Raises ValueError for something that is no key."""
    name = key.org_name_ko if language() == "ko" and key.org_name_ko else key.org_name_en or key.org_name_ko
    raw = unb64(key.org_key)
    if len(raw) != 32:
        raise ValueError("not a key")
    return Organisation(name, fingerprint(raw), server)


def own_tickets(home: wire.Home | None) -> Mapping[str, OwnTicket]:
    """Return the customer's own open tickets by id, as this program knows them."""
    tickets = home.tickets if home is not None else []
    return {t.id: OwnTicket(str(t.number or ""), t.subject) for t in tickets if t.category not in _CLOSED}


def request_lines(written: Sequence[WrittenItem], subject: Callable[[str], str]) -> tuple[RequestLine, ...]:
    """Return what was written here for the window, newest first; `subject` names a ticket."""
    return tuple(
        RequestLine(
            item.id,
            item.subject if item.kind == "request" else subject(item.ticket) or item.subject,
            RequestState(item.state),
            item.written,
            item.number,
            item.code,
            item.files,
        )
        for item in reversed(written)
    )


def home_view(home: wire.Home, at_ms: int) -> HomeView:
    """Return home in the language spoken now."""

    def pick(ko: str, en: str) -> str:
        return (ko or en) if language() == "ko" else (en or ko)

    organisation = home.organisation
    return HomeView(
        organisation=pick(home.contact.name_ko, home.contact.name_en)
        or pick(organisation.org_name_ko, organisation.org_name_en),
        customer=home.customer_name,
        phone=home.contact.phone,
        mail=home.contact.mail,
        hours=Hours(tuple(sorted(home.contact.spans))),
        assets=tuple(
            AssetLine(
                id=asset.id,
                product=asset.product,
                model=asset.model,
                serial=asset.serial,
                free_until=asset.terms.valid_until if asset.terms else "",
                included=pick(asset.terms.included_ko, asset.terms.included_en) if asset.terms else "",
                after=pick(asset.terms.options_after_ko, asset.terms.options_after_en) if asset.terms else "",
                plan=asset.terms.plan if asset.terms else "",
                warranty_until=asset.warranty_until or "",
                status=asset.status,
                order_ref=asset.order_ref,
            )
            for asset in home.assets
        ),
        tickets=tuple(_ticket(ticket, pick, home) for ticket in home.tickets),
        as_of_ms=at_ms,
        somebody=home.contact.somebody,
    )


def _ticket(ticket: wire.TicketView, pick: Callable[[str, str], str], home: wire.Home) -> TicketLine:
    messages = tuple(
        MessageLine(
            message.direction == "in", message.author, message.body, message.at,
            tuple(clean_name(file.filename) for file in message.attachments),
        )
        for message in ticket.messages
    )  # fmt: skip
    state = pick(ticket.state_ko, ticket.state_en)
    told, there = ticket.acknowledged, 0 <= ticket.slots < len(home.slots)
    return TicketLine(
        ticket.id, ticket.number, ticket.subject, ticket.category, state, ticket.updated_at, messages, ticket.asked,
        Acknowledged(
            polite(home.customer_name), told.basis, told.usual_s, told.latest_s, told.opens_s, told.call
        ) if told is not None else None,
        tuple(CallLine(c.id, c.state, c.slot_start, c.phone, c.owed) for c in ticket.calls),
        tuple(start * 1000 for start in home.slots[ticket.slots]) if there else (),
        home.phone,
    )  # fmt: skip


def with_calls(ticket: TicketLine, written: Sequence[WrittenItem]) -> TicketLine:
    """Return a ticket with the calls that were asked for or cancelled here and that the server has not heard of."""
    calls = list(ticket.calls)
    for item in written:
        if item.ticket != ticket.id or item.state != "waiting":
            continue
        if item.kind == "call":
            ask = msgspec.json.decode(item.body, type=wire.CallAsk)
            calls = [replace(call, owed=False) for call in calls]
            calls.append(CallLine(ask.id, "requested", ask.slot_start, ask.phone, owed=True, pending=True))
        elif item.kind == "uncall":
            gone = msgspec.json.decode(item.body, type=wire.CallCancel).call
            calls = [replace(call, owed=False) if call.id == gone else call for call in calls]
    return replace(ticket, calls=tuple(calls)) if tuple(calls) != ticket.calls else ticket
