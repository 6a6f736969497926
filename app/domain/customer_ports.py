# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page of a customer asks of the store: who it is, all that happened, what they own. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.entities import Value
from app.domain.ids import CustomerId, TicketId
from app.domain.ports import Seen, TermsView, TicketRow

__all__ = [
    "ContactRow", "CustomerPage", "CustomerStore", "MergedCustomer", "OrganisationView", "OwnedProduct",
    "SerialHit", "TermsTexts", "TimeItem", "TimePlace",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One way to reach a customer."""

    id: bytes
    kind: str
    value: str
    label: str
    is_primary: bool
    verified_at: int | None
    bad_since: int | None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class TermsTexts:
    """The version of support terms that counts, in all its languages, as a form begins with it."""

    id: bytes
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OwnedProduct:
    """A product of the customer or of the customer's organisation. Dates are ISO text or ""."""

    id: bytes
    product: str
    model: str
    serial: str
    purchased_on: str
    warranty_until: str
    status: str
    shared: bool  # the organisation's
    terms: TermsView | None  # its own, else its owner's
    pending: bool = False
    order_ref: str = ""
    health: Mapping[str, object] = field(default_factory=dict)  # what its computer told last, and `reported_at`


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """The body that a customer belongs to."""

    id: bytes
    name: str
    tier: str
    note: str


@dataclass(frozen=True, slots=True)
class MergedCustomer:
    """Somebody who was merged into this customer; `fields` are what the merge had changed, as they are now."""

    id: CustomerId
    name: str
    at: int
    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """Everything that the page shows at once. `fields` are the customer's own columns."""

    id: CustomerId
    fields: Mapping[str, Value]
    organisation: OrganisationView | None
    contacts: Sequence[ContactRow]
    products: Sequence[OwnedProduct]
    terms: TermsView | None  # the customer's own, else the organisation's
    merged_here: Sequence[MergedCustomer]
    tickets: Sequence[TicketRow]  # the latest
    n_tickets: int
    pending: bool = False

    @property
    def name(self) -> str:
        """The name that people use."""
        return str(self.fields.get("preferred_name") or self.fields.get("name") or "")

    def text(self, name: str) -> str:
        """A column's text, "" for none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


TimePlace = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class TimeItem:
    """One thing that happened with a customer, on whichever ticket and channel. `text` is from outside."""

    id: bytes
    at: int
    kind: str  # message, reply, session
    channel: str
    who: str
    text: str
    ticket: TicketId
    label: str
    subject: str

    @property
    def place(self) -> TimePlace:
        """Where it stands; the next part of the line begins before it."""
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class SerialHit:
    """A product found by its serial number, with whose it is and every ticket about it, the latest first.

    `owner` is None where an organisation has it; `owner_name` says which.
    """

    asset: bytes
    product: str
    serial: str
    owner: CustomerId | None
    owner_name: str
    tickets: Sequence[TicketRow]


class CustomerStore(Protocol):
    """Reads of both files. Raises StoreUnavailable."""

    def page(self, customer: CustomerId) -> CustomerPage | None:
        """Return a customer's page; of one who was merged away that of who stands for them. None: not here."""
        ...

    def time_line(self, customer: CustomerId, before: TimePlace | None = None, limit: int = 50) -> Sequence[TimeItem]:
        """Return what happened, the latest first, from before a place on."""
        ...

    def seen(self, type_: int, id_: bytes, names: Sequence[str]) -> Mapping[str, Seen]:
        """Return what an edit of these fields of a row starts from."""
        ...

    def terms(self, owners: Sequence[bytes]) -> Mapping[bytes, TermsTexts]:
        """Return the support terms of these customers, organisations and products, of those that have their own."""
        ...

    def by_serial(self, text: str) -> Sequence[SerialHit]:
        """Find products by their whole serial number."""
        ...
