# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to customers: fields, addresses, products, support terms, merging two and taking them apart.

Thread: a worker, one call at a time; the changes are saved when a call returns. Raises Refused, StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.config.i18n import _
from app.domain.changes import (
    AddressAdd,
    AddressDelete,
    AddressSet,
    AnyChange,
    AssetCreate,
    AssetDelete,
    AssetSet,
    CustomerMerge,
    CustomerSet,
    CustomerUnmerge,
    TermsAdd,
)
from app.domain.changes_customer_merge import MERGE_FIELDS
from app.domain.customer_ports import ContactRow, CustomerPage, MergedCustomer, OwnedProduct, TermsTexts
from app.domain.entities import Value
from app.domain.ids import CustomerId, new_id
from app.domain.ports import Commits, Seen
from app.services.texts import polite
from app.services.texts_customers import address_text
from app.services.triage import Done

__all__ = ["Choice", "Customers", "differing"]

_USUAL: Mapping[str, Value] = {"tier": "normal"}  # what is meant where nothing stands
Fields = Mapping[str, Value]
SeenFields = Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Choice:
    """A field in which two customers differ: the value of the one that goes and of the one that stays.

    `take`: what to propose; the one that stays keeps its own unless it has none.
    """

    name: str
    going: Value
    staying: Value
    take: bool


def differing(going: CustomerPage, staying: CustomerPage) -> list[Choice]:
    """Return the fields that a merge asks about."""
    out = []
    for name in MERGE_FIELDS:
        one, two = (page.fields.get(name) or _USUAL.get(name) for page in (going, staying))
        if one is not None and one != two:
            out.append(Choice(name, one, two, take=two is None))
    return out


class Customers:
    """Use cases on customers."""

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits, self._make_id = commits, make_id

    def _do(self, change: AnyChange, label: str, ids: frozenset[bytes], seen: SeenFields | None = None) -> Done:
        done = self._commits.commit(change, seen)
        undo = (done.undo,) if done.undo is not None else ()
        return Done(label, undo, done.ids | ids, done.mid)

    # --- fields ------------------------------------------------------------------------------------------------------

    def set_fields(self, page: CustomerPage, fields: Fields, seen: SeenFields | None = None) -> Done:
        """Set what differs from what the page shows."""
        changed = {name: value for name, value in fields.items() if (page.fields.get(name) or None) != (value or None)}
        if not changed:
            return Done("", (), frozenset())
        label = _("{name}: changed").format(name=polite(page.name))
        return self._do(CustomerSet(self._make_id(), page.id, changed), label, frozenset({page.id}), seen)

    # --- addresses ---------------------------------------------------------------------------------------------------

    def add_address(
        self, page: CustomerPage, kind: str, value: str, label: str, *, primary: bool, more: Fields | None = None
    ) -> Done:
        """Add a way to reach the customer; `more` are further fields that are known of it already."""
        id_ = self._make_id()
        text = _("{address} added to {name}").format(address=address_text(kind, value), name=polite(page.name))
        add = AddressAdd(self._make_id(), id_, page.id, kind, value, label.strip(), primary)
        done = self._do(add, text, frozenset({page.id, id_}))
        if more:
            done = replace(done, mid=self._commits.commit(AddressSet(self._make_id(), id_, dict(more))).mid)
        return done

    def set_address(self, page: CustomerPage, row: ContactRow, fields: Fields, seen: SeenFields | None = None) -> Done:
        """Change an address; one that becomes the main one lets the former come back when that is undone."""
        address = address_text(row.kind, row.value)
        done = self._do(
            AddressSet(self._make_id(), row.id, dict(fields)), _("{address}: changed").format(address=address),
            frozenset({page.id, row.id}), seen,
        )  # fmt: skip
        former = next((c for c in page.contacts if c.kind == row.kind and c.is_primary and c.id != row.id), None)
        if not fields.get("is_primary") or former is None:
            return done
        back = AddressSet(self._make_id(), former.id, {"is_primary": True})
        return Done(done.label, (*done.undo, back), done.ids | {former.id}, done.mid)

    def remove_address(self, page: CustomerPage, row: ContactRow) -> Done:
        """Take an address away; it can be undone."""
        text = _("{address} removed").format(address=address_text(row.kind, row.value))
        return self._do(AddressDelete(self._make_id(), row.id), text, frozenset({page.id, row.id}))

    # --- products ----------------------------------------------------------------------------------------------------

    def add_product(self, page: CustomerPage, fields: Fields) -> Done:
        """Add a product that the customer owns."""
        change = AssetCreate(self._make_id(), self._make_id(), page.id, dict(fields))
        what = str(fields.get("model") or fields.get("product") or "")
        text = _("{product} added to {name}").format(product=what, name=polite(page.name))
        return self._do(change, text, frozenset({page.id}))

    def set_product(
        self, page: CustomerPage, product: OwnedProduct, fields: Fields, seen: SeenFields | None = None
    ) -> Done:
        """Change a product."""
        text = _("{product}: changed").format(product=product.model or product.product)
        change = AssetSet(self._make_id(), product.id, dict(fields))
        return self._do(change, text, frozenset({page.id, product.id}), seen)

    def remove_product(self, page: CustomerPage, product: OwnedProduct) -> Done:
        """Take away a product that was entered by mistake; it can be undone."""
        text = _("{product} removed").format(product=product.model or product.product)
        return self._do(AssetDelete(self._make_id(), product.id), text, frozenset({page.id, product.id}))

    # --- support terms -----------------------------------------------------------------------------------------------

    def set_terms(
        self, page: CustomerPage, owner: tuple[bytes, str], fields: Fields, before: TermsTexts | None
    ) -> Done:
        """Write support terms; they replace `before`, which undo brings back. A lead's to do."""
        id_, name = owner
        if before is not None and all((before.fields.get(n) or "") == (v or "") for n, v in fields.items()):
            return Done("", (), frozenset())
        text = _("Support terms of {name}: until {day}").format(name=name, day=fields.get("valid_until") or "")
        change = TermsAdd(
            self._make_id(), self._make_id(), id_, dict(fields), before.id if before is not None else None
        )
        return self._do(change, text, frozenset({page.id}))

    # --- merge -------------------------------------------------------------------------------------------------------

    def merge(self, going: CustomerPage, staying: CustomerPage, fields: Fields) -> Done:
        """Make two records of one person one; `fields` are the values that the one that stays takes over."""
        change = CustomerMerge(self._make_id(), going.id, staying.id, dict(fields))
        text = _("{one} and {two} are one customer now").format(one=polite(going.name), two=polite(staying.name))
        return self._do(change, text, frozenset({going.id, staying.id}))

    def unmerge(self, merged: MergedCustomer, staying: CustomerId) -> Done:
        """Take a merged customer out again with all it had; undone, they are merged as they were."""
        text = _("{name} is a customer of its own again").format(name=polite(merged.name))
        done = self._do(CustomerUnmerge(self._make_id(), merged.id), text, frozenset({merged.id, staying}))
        again = CustomerMerge(self._make_id(), merged.id, staying, dict(merged.fields))
        return Done(done.label, (again,), done.ids, done.mid)
