# SPDX-License-Identifier: GPL-3.0-or-later
"""What windows that do something to tickets ask of the store beside lists and pages. Plain values; blocks on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.entities import LIVE
from app.domain.ids import CustomerId, TeamId, TicketId
from app.domain.ports import ItemKind, TicketDetails, TicketRow

__all__ = ["CustomerHit", "DeedStore", "SimilarTicket", "SimilarTo", "SnoozeEnd", "asked_about"]


@dataclass(frozen=True, slots=True)
class CustomerHit:
    """A customer found by name, number or address; `address` is the one that fits best, else the main one."""

    id: CustomerId
    name: str
    organisation: str
    address: str
    products: tuple[tuple[bytes, str], ...] = ()  # asset id, model and serial number


@dataclass(frozen=True, slots=True)
class SimilarTo:
    """What is being taken down or read: alike tickets are looked for. `ticket` is left out of the answer."""

    text: str
    customer: CustomerId | None = None
    asset: bytes | None = None
    ticket: TicketId | None = None


def asked_about(details: TicketDetails) -> SimilarTo | None:
    """Return what the open ticket asks; None where nobody waits for an answer any more."""
    row = details.row
    if row.category not in LIVE:
        return None
    first = next((item.body for item in details.items if item.kind is ItemKind.MESSAGE_IN), "")
    customer = details.customer.id if details.customer is not None else None
    return SimilarTo(f"{row.subject}\n{first}", customer, ticket=row.id)


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A ticket that may be about the same; `same` tells what else it has in common: customer, organisation, product."""

    row: TicketRow
    same: str


@dataclass(frozen=True, slots=True)
class SnoozeEnd:
    """A snoozed ticket whose time has come."""

    row: TicketRow
    at: int


class DeedStore(Protocol):
    """Reads of both files, and the numbers of this device. Raises StoreUnavailable."""

    def customers(self, text: str, limit: int = 8) -> Sequence[CustomerHit]:
        """Find customers by a part of name, organisation, phone number, address or serial number."""
        ...

    def similar(self, to: SimilarTo, limit: int = 3) -> Sequence[SimilarTicket]:
        """Return tickets that may be about the same, the likeliest first."""
        ...

    def deleted(self, limit: int = 50) -> Sequence[TicketRow]:
        """Return deleted tickets that can be restored, the latest first."""
        ...

    def snoozes_due(self, after: int, until: int) -> Sequence[SnoozeEnd]:
        """Return the person's own tickets whose snooze ended after one time and until another."""
        ...

    def my_teams(self) -> Sequence[TeamId]:
        """Return the teams that this person may take tickets down for."""
        ...

    def provisional(self) -> str:
        """Return the next provisional number of this device; never given twice. Raises Refused."""
        ...
