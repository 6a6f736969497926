# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal does: takes requests, replies and answers, each once, and says what a secret link shows. Blocking.

Nobody signs in: whoever has the link is whoever wrote the request. An address that is written into the form proves
nothing, so a request never goes to the record of a customer who has that address already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.addresses import address_value
from app.domain.attachments import Attachment
from app.domain.changes import (
    Actor,
    AnyChange,
    CustomerCreate,
    MessageAdd,
    NoteAdd,
    Row,
    SurveyAnswer,
    TicketCreate,
    category_of,
)
from app.domain.entities import CONTACT_ADDRESS, TICKET, Category
from app.domain.ids import derived_id
from sync.server.blobs import Blobs
from sync.server.intake import Written, check_welcome, follow_up, intake_team, intake_wait, write_once
from sync.server.keys import ServerKeys
from sync.server.portal.errors import PageError
from sync.server.portal.forms import Upload
from sync.server.portal.invited import read_invited
from sync.server.portal.links import Links
from sync.server.portal.movements import Moved
from sync.server.portal.views import Place, TicketView, find_ticket, read_ticket
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store
from sync.server.waiting import Waiting

__all__ = ["Ask", "Opened", "PortalDesk"]

_Changes = Callable[[sa.Connection, TxRows], Sequence[AnyChange]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as it was written."""

    name: str
    mail: str
    phone: str
    subject: str
    body: str
    language: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Where what was written is followed from now on, and the scopes that moved."""

    link: str
    heads: dict[str, int]


class PortalDesk:
    """Over a store. `now` is Unix milliseconds; `nonce` is the form's, and makes a repeat harmless."""

    def __init__(self, store: Store, keys: ServerKeys, blobs: Blobs | None, waiting: Waiting) -> None:
        self._store = store
        self._waiting = waiting
        self._blobs = blobs
        self._organisation = keys.organisation_public
        self.links = Links(keys)

    @property
    def takes_files(self) -> bool:
        """Tell whether there is a place for files."""
        return self._blobs is not None

    def write(self, now: int, nonce: bytes, ask: Ask, files: Sequence[Upload]) -> Opened:
        """Open a ticket of a new customer. Raises ProblemError: 409 with what is wrong, 413 `quota`, 503 `busy`."""
        ticket, customer = derived_id(nonce, "ticket"), derived_id(nonce, "customer")
        link = self.links.link_of(nonce)
        attached = self._keep(customer, files)
        told = intake_wait(self._store, self._waiting, now, "portal")

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            del rows
            self._remember(connection, link, ticket, customer, now)
            return [
                CustomerCreate(
                    derived_id(nonce, "created"), customer, ask.name, None, ask.language, ask.phone, ask.mail
                ),
                TicketCreate(
                    event=derived_id(nonce, "opened"),
                    ticket=ticket,
                    subject=ask.subject,
                    team=intake_team(connection),
                    customer=customer,
                    message=derived_id(nonce, "message"),
                    body=ask.body,
                    channel="portal",
                    language=ask.language,
                    attachments=attached,
                ),
            ]

        written = write_once(
            self._store, now, Actor("customer", customer), f"portal:{nonce.hex()}", now, ticket, changes, lambda: told
        )
        return Opened(link, {**written.heads, **self._tell_of_addresses(now, nonce, ask, ticket, customer)})

    def reply(self, now: int, link: str, nonce: bytes, body: str, files: Sequence[Upload], channel: str) -> Opened:
        """Add words to the link's ticket; a closed one is followed up by a new ticket with a link of its own.

        Raises ProblemError: 404 `not_found`, 403 `suspended` or `given` (it is another customer's), and as `write`.
        """
        ticket, customer = self._place(link)  # before the files: nothing is kept in another's name
        attached = self._keep(customer, files)
        message, follows = derived_id(nonce, "message"), self.links.link_of(nonce)

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            check_welcome(rows, customer)
            row = rows.get(TICKET.number, ticket)
            if row is None or row.deleted:
                raise ProblemError(404, "not_found")
            if category_of(rows, _still(rows, row, customer).values["state"]) is not Category.CLOSED:
                event = derived_id(message, "message")
                return [MessageAdd(event, message, ticket, body, channel=channel, inbound=True, attachments=attached)]
            made = follow_up(row, customer, message, body, attached, "portal")
            new = next(each.ticket for each in made if isinstance(each, TicketCreate))
            self._remember(connection, follows, new, customer, now)
            return made

        written = self._once(now, customer, f"portal:{nonce.hex()}", ticket, changes)
        moved = bytes.fromhex(written.accepted.id) != ticket
        return Opened(follows if moved else link, written.heads)

    def answer(
        self, now: int, link: str, nonce: bytes, solved: bool | None, treated_well: bool | None, comment: str
    ) -> Opened:
        """Take the answers to the two questions; either "no" opens the ticket again."""
        ticket, customer = self._place(link)
        answer = derived_id(nonce, "answer")

        def changes(connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            del connection
            check_welcome(rows, customer)
            row = rows.get(TICKET.number, ticket)
            if row is None:
                raise ProblemError(404, "not_found")
            _still(rows, row, customer)
            return [SurveyAnswer(derived_id(answer, "check"), answer, ticket, solved, treated_well, comment)]

        return Opened(link, self._once(now, customer, f"portal:{nonce.hex()}", ticket, changes).heads)

    def view(self, now: int, link: str) -> TicketView | None:
        """Return what the link shows; None when there is nothing (any more)."""
        if not self.links.is_ours(link):
            return None
        with self._store.read() as connection:
            return read_ticket(connection, self.links.kept(link), now, self._organisation)

    def place(self, link: str) -> Place | None:
        """Return where a link leads; None when there is nothing (any more)."""
        if not self.links.is_ours(link):
            return None
        with self._store.read() as connection:
            return find_ticket(connection, self.links.kept(link))

    def moved(self, now: int, link: str) -> Moved | None:
        """Return what tells whether the link's ticket moved; None when there is nothing (any more)."""
        if not self.links.is_ours(link):
            return None
        with self._store.read() as connection:
            found = find_ticket(connection, self.links.kept(link))
            if found is None:
                return None
            own = found.own is None
            invited = read_invited(connection, found.id, now, self._organisation) if own else None
        iid = invited.iid if invited is not None else None
        over = not own and found.given
        seq = 0 if over else found.seq  # what another customer's does is not told
        return Moved(found.id, found.scope, found.team, seq, found.holder, iid, over)

    def _place(self, link: str) -> tuple[bytes, bytes]:
        found = self.place(link)
        if found is None:
            raise ProblemError(404, "not_found")
        if found.own is not None:
            raise PageError(403, "given")
        return found.id, found.customer

    def _once(self, now: int, customer: bytes, key: str, ticket: bytes, changes: _Changes) -> Written:
        return write_once(
            self._store, now, Actor("customer", customer), key, now, ticket, changes,
            lambda: intake_wait(self._store, self._waiting, now, "portal"),
        )  # fmt: skip

    def _remember(self, connection: sa.Connection, link: str, ticket: bytes, customer: bytes, now: int) -> None:
        values = {"hash": self.links.kept(link), "ticket_id": ticket, "customer_id": customer, "created": now}
        connection.execute(SYSTEM.portal_link.insert().values(**values))

    def _keep(self, customer: bytes, files: Sequence[Upload]) -> tuple[Attachment, ...]:
        if files and self._blobs is None:
            raise PageError(413, "no_files")
        return tuple(
            Attachment(self._blobs.take(customer, each.content), each.filename, each.media_type, len(each.content))
            for each in files
            if self._blobs is not None
        )

    def _tell_of_addresses(self, now: int, nonce: bytes, ask: Ask, ticket: bytes, customer: bytes) -> dict[str, int]:
        """Tell staff, and nobody else, of an address that another record has: it may be the same person, or not."""
        taken = [
            text for kind, text in (("email", ask.mail), ("phone", ask.phone)) if self._is_taken(kind, text, customer)
        ]
        if not taken:
            return {}
        # a note, as agents write them: whoever wrote the request must not learn whom we know
        body = f"포털에서 적은 연락처(확인되지 않음) / address written on the portal, not verified: {', '.join(taken)}"
        note = NoteAdd(derived_id(nonce, "note-event"), derived_id(nonce, "note"), ticket, body)
        server = Actor("server", None)
        return write_once(
            self._store, now, server, f"portal-note:{nonce.hex()}", now, ticket, lambda _cx, _rows: [note]
        ).heads

    def _is_taken(self, kind: str, text: str, customer: bytes) -> bool:
        value = address_value(kind, text)
        if not value:
            return False
        table = ENTITY_TABLES[CONTACT_ADDRESS.number]
        query = sa.select(table.c.id).where(
            table.c.kind == kind, table.c.value == value, table.c.customer != customer, table.c.deleted == sa.false()
        )
        with self._store.read() as connection:
            return connection.execute(query.limit(1)).first() is not None


def _still(rows: TxRows, row: Row, customer: bytes) -> Row:
    """Return where a ticket is now. Raises PageError 403 `given` where it has become another customer's."""
    landed = _landed(rows, row)
    if landed.values.get("customer") != customer:
        raise PageError(403, "given")
    return landed


def _landed(rows: TxRows, row: Row) -> Row:
    into = row.values.get("merged_into")
    found = rows.get(TICKET.number, into) if isinstance(into, bytes) else None
    return found or row
