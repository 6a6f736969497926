# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer's page, the time line over all tickets and channels, products by serial number; `CustomerStore`.

Blocks: worker threads only. The time line reads what it shows and no more, however much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.config.i18n import language
from app.domain.addresses import serial_value
from app.domain.changes import Row, customer_of
from app.domain.changes_base import object_of
from app.domain.changes_belongings import TERM_TEXTS
from app.domain.changes_customer_merge import customer_merge_record
from app.domain.changes_facts import FACT_CHARS
from app.domain.customer_ports import (
    ContactRow,
    CustomerPage,
    MergedCustomer,
    OrganisationView,
    OwnedProduct,
    SerialHit,
    TermsTexts,
    TimeItem,
    TimePlace,
)
from app.domain.entities import (
    ASSET,
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITLEMENT,
    FACT_CARD,
    HISTORY,
    MESSAGE,
    ORGANISATION,
    TICKET,
    USER,
)
from app.domain.fact_card import FactCard
from app.domain.ids import CustomerId, TicketId
from app.domain.ports import Identity, Seen, TermsView
from app.store.cipher import Database
from app.store.lists import ROW_COLUMNS, customer_names, ticket_rows
from app.store.pending import seen_of
from app.store.shown import MAX_PARAMETERS, Shown, ShownRows

__all__ = ["StoreCustomers", "fact_card_of", "terms_of"]

TICKETS = 50
_TEXT_CHARS = 300
_TOLD = tuple(FACT_CHARS)
_FACTS = ", ".join(("id, collected_at, consent, created_by", *_TOLD, "asset, found_at"))


class StoreCustomers:
    """Each method is one read transaction."""

    def __init__(self, readers: Callable[[], Database], identity: Callable[[], Identity | None]) -> None:
        self._readers, self._identity = readers, identity

    def seen(self, type_: int, id_: bytes, names: Sequence[str]) -> Mapping[str, Seen]:
        """Return what an edit of these fields of a row starts from."""
        identity = self._identity()
        device = identity.device_code if identity else ""
        with self._readers().read() as tx:
            shown = Shown(tx)
            row = ShownRows(shown).get(type_, id_)
            return {name: seen_of(row, name, device, shown) for name in names}

    def page(self, customer: CustomerId) -> CustomerPage | None:
        """Return a customer's page; of one who was merged away that of who stands for them. None: not here."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            rows = ShownRows(shown)
            row = rows.get(CUSTOMER.number, customer_of(rows, customer))
            return None if row is None or row.deleted else _page(shown, rows, row)

    def time_line(self, customer: CustomerId, before: TimePlace | None = None, limit: int = 50) -> Sequence[TimeItem]:
        """Return what happened, the latest first, from before a place on."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            customer = CustomerId(customer_of(ShownRows(shown), customer))
            found = shown.select(
                TICKET.number, "id, number, provisional, subject", "customer = ? AND deleted = 0", (customer,)
            )
            tickets = {row[0]: row for row in found}
            raw = _happened(shown, list(tickets), before, limit)
            names = _names(shown, {row[3] for row in raw if row[3]})
            return [_item(row, tickets[row[4]], names) for row in raw]

    def terms(self, owners: Sequence[bytes]) -> Mapping[bytes, TermsTexts]:
        """Return the support terms of these customers, organisations and products, of those that have their own."""
        with self._readers().read() as tx:
            counting = _counting_terms(Shown(tx), ", ".join(TERM_TEXTS), owners)
        return {
            owner: TermsTexts(id_, {name: str(text or "") for name, text in zip(TERM_TEXTS, texts, strict=True)})
            for owner, (id_, texts) in counting.items()
        }

    def by_serial(self, text: str) -> Sequence[SerialHit]:
        """Find products by their whole serial number."""
        serial = serial_value(text)
        if not serial:
            return ()
        with self._readers().read() as tx:
            shown = Shown(tx)
            columns = "id, product, model, serial, owner"
            found = shown.select(ASSET.number, columns, "serial = ? AND deleted = 0", (serial,))
            owners = [row[4] for row in found if row[4]]
            people = customer_names(shown, owners)
            bodies = {i: name or "" for i, name in shown.by_ids(ORGANISATION.number, "id, name", owners)}
            return [_hit(shown, row, people, bodies) for row in found]


def _hit(shown: Shown, row: tuple[Any, ...], people: Mapping[bytes, str], bodies: Mapping[bytes, str]) -> SerialHit:
    id_, product, model, serial, owner = row
    raw = shown.select(TICKET.number, ROW_COLUMNS, "asset = ? AND deleted = 0", (id_,), order="last_at DESC")
    name = people.get(owner) or bodies.get(owner, "")
    customer = CustomerId(owner) if owner in people else None
    return SerialHit(id_, model or product or "", serial or "", customer, name, ticket_rows(shown, raw))


# --- the page --------------------------------------------------------------------------------------------------------


def _page(shown: Shown, rows: ShownRows, row: Row) -> CustomerPage:
    customer = CustomerId(row.id)
    organisation = _organisation(rows, row.values.get("organisation"))
    owners = [row.id, *([organisation.id] if organisation else [])]
    terms = terms_of(shown, owners)
    raw = shown.select(
        TICKET.number, ROW_COLUMNS, "customer = ? AND deleted = 0", (row.id,), order="last_at DESC", limit=TICKETS
    )
    count = shown.select(TICKET.number, "id", "customer = ? AND deleted = 0", (row.id,)) if len(raw) == TICKETS else raw
    return CustomerPage(
        id=customer,
        fields=dict(row.values),
        organisation=organisation,
        contacts=_contacts(shown, row.id),
        products=_products(shown, owners),
        terms=terms.get(row.id) or (terms.get(organisation.id) if organisation else None),
        merged_here=_merged(shown, rows, row),
        tickets=ticket_rows(shown, raw),
        n_tickets=len(count),
        pending=row.id in shown.overlaid_ids(CUSTOMER.number),
    )


def _organisation(rows: ShownRows, id_: object) -> OrganisationView | None:
    row = rows.get(ORGANISATION.number, id_) if isinstance(id_, bytes) else None
    if row is None or row.deleted:
        return None
    name, tier, note = (str(row.values.get(column) or "") for column in ("name", "tier", "note"))
    return OrganisationView(row.id, name, tier, note)


def _contacts(shown: Shown, customer: bytes) -> list[ContactRow]:
    columns = "id, kind, value, label, is_primary, verified_at, bad_since"
    found = shown.select(CONTACT_ADDRESS.number, columns, "customer = ? AND deleted = 0", (customer,))
    pending = shown.overlaid_ids(CONTACT_ADDRESS.number)
    contacts = [
        ContactRow(i, kind or "", value or "", label or "", bool(main), verified, bad, i in pending)
        for i, kind, value, label, main, verified, bad in found
    ]
    return sorted(contacts, key=lambda c: (c.kind == "postal", c.kind, not c.is_primary, c.value))


def _products(shown: Shown, owners: Sequence[bytes]) -> list[OwnedProduct]:
    columns = "id, product, model, serial, purchased_on, warranty_until, status, order_ref, health, owner"
    found = shown.by_values(ASSET.number, columns, "owner", list(owners), " AND deleted = 0")
    terms = terms_of(shown, [*owners, *(row[0] for row in found)])
    pending = shown.overlaid_ids(ASSET.number)
    products = [
        OwnedProduct(
            i, product or "", model or "", serial or "", bought or "", until or "", status or "in_use",
            owner != owners[0], terms.get(i) or terms.get(owner), i in pending, order or "", object_of(health),
        )
        for i, product, model, serial, bought, until, status, order, health, owner in found
    ]  # fmt: skip
    return sorted(products, key=lambda p: (p.status == "retired", p.shared, p.product, p.serial))


def terms_of(shown: Shown, owners: Sequence[bytes]) -> dict[bytes, TermsView]:
    """Return each owner's support terms: the version that nothing supersedes and that lasts longest."""
    lang = "ko" if language() == "ko" else "en"
    other = "en" if lang == "ko" else "ko"
    columns = (
        f"plan, coalesce(nullif(included_{lang}, ''), included_{other}), valid_from, valid_until, "
        f"coalesce(nullif(options_after_{lang}, ''), options_after_{other})"
    )
    found = _counting_terms(shown, columns, owners)
    return {owner: TermsView(*(str(text or "") for text in texts)) for owner, (_id, texts) in found.items()}


def _counting_terms(shown: Shown, columns: str, owners: Sequence[bytes]) -> dict[bytes, tuple[bytes, tuple[Any, ...]]]:
    """Return for each owner the id and these columns of the version that counts."""
    columns = f"id, owner, valid_until, supersedes, {columns}"
    found = shown.by_values(ENTITLEMENT.number, columns, "owner", list(owners), " AND deleted = 0")
    replaced = {row[3] for row in found if row[3]}
    ordered = sorted(found, key=lambda row: (row[2] or "", row[0]))
    return {row[1]: (row[0], tuple(row[4:])) for row in ordered if row[0] not in replaced}


def _merged(shown: Shown, rows: ShownRows, row: Row) -> list[MergedCustomer]:
    found = shown.select(CUSTOMER.number, "id, name", "merged_into = ? AND deleted = 0", (row.id,))
    out = []
    for id_, name in found:
        record = customer_merge_record(rows, id_)
        at = record[0].values.get("acted_at") if record is not None else None
        changed = record[1].get("fields") if record is not None else None
        fields = {n: row.values.get(n) for n in changed if n in row.values} if isinstance(changed, dict) else {}
        out.append(MergedCustomer(CustomerId(id_), name or "", at if isinstance(at, int) else 0, fields))
    return sorted(out, key=lambda merged: -merged.at)


# --- the time line ---------------------------------------------------------------------------------------------------


def _happened(shown: Shown, tickets: Sequence[bytes], before: TimePlace | None, limit: int) -> list[tuple[Any, ...]]:
    """Return (id, at, kind, author, ticket, text, channel), the latest first."""
    at = "coalesce(occurred_at, created_at, 0)"
    spoken = (MESSAGE.number, f"id, {at} AS at, direction, author, ticket, substr(body, 1, {_TEXT_CHARS}), channel", at,
              "ticket", "deleted = 0")  # fmt: skip
    # a session is told once, by its end; its other lines stand on the ticket
    sessions = (HISTORY.number, "id, coalesce(acted_at, 0) AS at, kind, NULL, subject, data, 'session'",
                "coalesce(acted_at, 0)", "subject", "deleted = 0 AND kind = 'session.consent'")  # fmt: skip
    out: list[tuple[Any, ...]] = []
    for type_, columns, when, owner, extra in (spoken, sessions):
        for start in range(0, len(tickets), MAX_PARAMETERS // 2):
            part = tickets[start : start + MAX_PARAMETERS // 2]
            where = f'"{owner}" IN ({", ".join("?" * len(part))}) AND {extra}'
            args: list[Any] = list(part)
            if before is not None:
                where += f" AND ({when}, id) < (?, ?)"
                args += before
            out += shown.select(type_, columns, where, args, order="at DESC, id DESC", limit=limit)
    return sorted(out, key=lambda row: (row[1], row[0]), reverse=True)[:limit]


def _names(shown: Shown, authors: Iterable[bytes]) -> dict[bytes, str]:
    wanted = sorted(authors)
    users = {i: name or "" for i, name in shown.by_ids(USER.number, "id, name", wanted)}
    return users | customer_names(shown, [a for a in wanted if a not in users])


def _item(row: tuple[Any, ...], ticket: tuple[Any, ...], names: dict[bytes, str]) -> TimeItem:
    id_, at, kind, author, ticket_id, text, channel = row
    label = f"#{ticket[1]}" if ticket[1] is not None else ticket[2] or "#…"
    is_session = channel == "session"
    word = "session" if is_session else "message" if kind == "in" else "reply"
    return TimeItem(
        id_, at, word, channel or "", names.get(author, "") if author else "",
        "" if is_session else " ".join((text or "").split()), TicketId(ticket_id), label, ticket[3] or "",
    )  # fmt: skip


# --- what is already known -------------------------------------------------------------------------------------------


def fact_card_of(shown: Shown, ticket: bytes) -> FactCard | None:
    """Return the newest card of a ticket."""
    found = shown.select(FACT_CARD.number, _FACTS, "ticket = ? AND deleted = 0", (ticket,))
    newest = max(found, key=lambda row: (row[1] or 0, row[0]), default=None)
    if newest is None:
        return None
    id_, at, consent, by, *facts, asset, times = newest
    by_customer = bool(by and shown.by_ids(CUSTOMER.number, "id", [by]))
    told = dict(zip(_TOLD, (fact or "" for fact in facts), strict=True))
    card = FactCard(id_, at or 0, bool(consent), by_customer, **told, found_at=object_of(times))
    known = shown.by_ids(ASSET.number, "product, model, serial, warranty_until", [asset]) if asset else []
    return _with_product(card, known[0]) if known else card


def _with_product(card: FactCard, ours: tuple[Any, ...]) -> FactCard:
    """Add what our own books say of the product that the card names."""
    product, model, serial, until = (text or "" for text in ours)
    named = bool(card.product or card.model)
    return replace(
        card,
        product=card.product if named else product,
        model=card.model if named else model,
        serial=card.serial or serial,
        warranty_until=card.warranty_until or until,
    )
