# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of what belongs to a customer: ways to reach them, products, support terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.addresses import ADDRESS_KINDS, address_value, serial_value
from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    SetField,
    customer_of,
    history,
    was_done,
)
from app.domain.changes_facts import is_iso_date
from app.domain.changes_values import checked_value
from app.domain.entities import (
    ASSET,
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITLEMENT,
    ORGANISATION,
    Policy,
    Value,
    customer_scope,
)
from app.domain.errors import Refused

__all__ = [
    "ASSET_STATUSES",
    "LEADS",
    "TERM_TEXTS",
    "AddressAdd",
    "AddressDelete",
    "AddressSet",
    "AssetCreate",
    "AssetDelete",
    "AssetSet",
    "TermsAdd",
]  # fmt: skip

ASSET_STATUSES = ("in_use", "in_repair", "retired")
TERM_TEXTS = (
    "plan", "included_ko", "included_en", "valid_from", "valid_until", "options_after_ko", "options_after_en",
)  # fmt: skip
_ADDRESS_FIELDS = frozenset({"value", "label", "is_primary", "verified_at", "bad_since"})
_DATES = frozenset({"purchased_on", "warranty_until", "valid_from", "valid_until"})
LEADS = frozenset({"lead", "admin"})


# --- contact addresses -----------------------------------------------------------------------------------------------


def _kept(kind: str, text: object) -> str:
    value = address_value(kind, text) if isinstance(text, str) else None
    if value is None:
        raise Refused("bad_value", field="value")
    return value


def _check_free(rows: Rows, kind: object, value: str, own: bytes) -> None:
    """An address is one person's: refuse it when another live row has it, whoever's that is."""
    for row in rows.find(CONTACT_ADDRESS.number, "value", value):
        if row.id != own and row.values.get("kind") == kind:
            raise Refused("address_taken", customer=row.values.get("customer"))


def _main_ones(rows: Rows, customer: Value, kind: object, own: bytes) -> list[Row]:
    found = rows.find(CONTACT_ADDRESS.number, "customer", customer)
    return [r for r in found if r.id != own and r.values.get("kind") == kind and r.values.get("is_primary")]


@dataclass(frozen=True, slots=True)
class AddressAdd:
    """`address.add`: one more way to reach a customer; the first of its kind is the main one."""

    event: bytes
    address: bytes
    customer: bytes
    kind: str
    value: str
    label: str = ""
    primary: bool = False

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the address as it is kept; what somebody has already is refused."""
        if self.kind not in ADDRESS_KINDS:
            raise Refused("bad_value", field="kind")
        value = _kept(self.kind, self.value)
        checked_value(CONTACT_ADDRESS, "label", self.label)
        owner = _live(rows, CUSTOMER.number, customer_of(rows, self.customer), "no_such_customer")
        if rows.get(CONTACT_ADDRESS.number, self.address) is not None:
            if was_done(rows, owner.id, self.event, "address_added"):
                return []
            raise Refused("id_taken")
        _check_free(rows, self.kind, value, self.address)
        main = _main_ones(rows, owner.id, self.kind, self.address)
        values: dict[str, Value] = {
            "customer": owner.id, "kind": self.kind, "value": value, "label": self.label.strip(),
            "is_primary": self.primary or not main, "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        }  # fmt: skip
        return [
            Insert(CONTACT_ADDRESS.number, self.address, owner.scope, values),
            *(Derive(r.type, r.id, {"is_primary": False}) for r in main if self.primary),
            history(ctx, owner, self.event, "address_added", {"kind": self.kind, "value": value}),
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer), (CONTACT_ADDRESS.number, self.address)]


@dataclass(frozen=True, slots=True)
class AddressSet:
    """`address.set`: new values of an address. Another text is neither verified nor known to be bad."""

    event: bytes
    address: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy; one main address of each kind."""
        del ctx
        row = _live(rows, CONTACT_ADDRESS.number, self.address)
        out: list[Effect] = []
        for name, wanted in sorted(self.fields.items()):
            column, value = checked_value(CONTACT_ADDRESS, name, wanted)
            if name not in _ADDRESS_FIELDS:
                raise Refused("read_only", field=name)
            then: tuple[Effect, ...] = ()
            if name == "value":
                value = _kept(str(row.values.get("kind")), value)
                _check_free(rows, row.values.get("kind"), value, row.id)
                stale: dict[str, Value] = {n: None for n in ("verified_at", "bad_since") if n not in self.fields}
                then = (Derive(row.type, row.id, stale),) if value != row.values.get("value") else ()
            if name == "is_primary" and value:
                others = _main_ones(rows, row.values.get("customer"), row.values.get("kind"), row.id)
                then = tuple(Derive(r.type, r.id, {"is_primary": False}) for r in others)
            out.append(SetField(row.type, row.id, name, value, column.policy, then=then))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CONTACT_ADDRESS.number, self.address)]


@dataclass(frozen=True, slots=True)
class AddressDelete:
    """`address.delete` and `address.restore`: out of the way, and back unless somebody else has it now."""

    event: bytes
    address: bytes
    gone: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark the address, or unmark it; what is done already is no error."""
        row = rows.get(CONTACT_ADDRESS.number, self.address)
        if row is None:
            raise Refused("no_such_row")
        if not self.gone:
            _check_free(rows, row.values.get("kind"), str(row.values.get("value")), row.id)
        return _marked(rows, ctx, row, self.event, self.gone, "address")

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CONTACT_ADDRESS.number, self.address)]


# --- products --------------------------------------------------------------------------------------------------------


def _owner(rows: Rows, id_: object) -> Row:
    """Return the live customer or organisation that owns something."""
    if isinstance(id_, bytes):
        for type_, owner in ((CUSTOMER.number, customer_of(rows, id_)), (ORGANISATION.number, id_)):
            row = rows.get(type_, owner)
            if row is not None and not row.deleted:
                return row
    raise Refused("no_such_customer")


def _asset_values(rows: Rows, fields: Mapping[str, Any], before: Mapping[str, Value], own: bytes) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for name, wanted in sorted(fields.items()):
        column, value = checked_value(ASSET, name, wanted)
        if column.policy is Policy.SERVER:
            raise Refused("read_only", field=name)
        if name == "serial" and value is not None:
            value = serial_value(str(value))
        bad = (name == "serial" and value is None and wanted is not None) or (
            name == "status" and value not in ASSET_STATUSES
        )
        if bad or (name in _DATES and not _is_date(value)):
            raise Refused("bad_value", field=name)
        out[name] = value
    after = {**before, **out}
    if not (after.get("product") or after.get("model")):
        raise Refused("bad_value", field="product")
    serial = after.get("serial")
    for row in rows.find(ASSET.number, "serial", serial) if serial else ():
        if row.id != own and row.values.get("product") == after.get("product"):
            raise Refused("serial_taken", customer=row.values.get("owner"))
    return out


def _is_date(value: Value) -> bool:
    return value is None or value == "" or is_iso_date(str(value))


@dataclass(frozen=True, slots=True)
class AssetCreate:
    """`asset.create`: a product of a customer or an organisation."""

    event: bytes
    asset: bytes
    owner: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the product; the same serial number of the same product is refused."""
        if "owner" in self.fields:
            raise Refused("read_only", field="owner")
        owner = _owner(rows, self.owner)
        if rows.get(ASSET.number, self.asset) is not None:
            if was_done(rows, owner.id, self.event, "asset_added"):
                return []
            raise Refused("id_taken")
        values = {"status": "in_use", **_asset_values(rows, self.fields, {}, self.asset), "owner": owner.id}
        values |= {"created_at": ctx.acted_ms, "created_by": ctx.actor.id}
        told = {"product": values.get("model") or values.get("product"), "serial": values.get("serial")}
        return [
            Insert(ASSET.number, self.asset, customer_scope(owner.id), values),
            history(ctx, owner, self.event, "asset_added", told),
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.owner), (ORGANISATION.number, self.owner), (ASSET.number, self.asset)]


@dataclass(frozen=True, slots=True)
class AssetSet:
    """`asset.set`: new values of a product; another owner takes it along."""

    event: bytes
    asset: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy."""
        del ctx
        row = _live(rows, ASSET.number, self.asset)
        values = _asset_values(rows, self.fields, row.values, row.id)
        out: list[Effect] = []
        for name, value in values.items():
            scope = None
            if name == "owner":
                value = _owner(rows, value).id
                scope = customer_scope(value)
            out.append(SetField(ASSET.number, row.id, name, value, ASSET.field(name).policy, scope=scope))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(ASSET.number, self.asset)]


@dataclass(frozen=True, slots=True)
class AssetDelete:
    """`asset.delete` and `asset.restore`: for what was entered by mistake; a product no longer used is retired."""

    event: bytes
    asset: bytes
    gone: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark the product, or unmark it; what is done already is no error."""
        row = rows.get(ASSET.number, self.asset)
        if row is None:
            raise Refused("no_such_row")
        if not self.gone:
            _asset_values(rows, {}, row.values, row.id)
        return _marked(rows, ctx, row, self.event, self.gone, "asset")

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(ASSET.number, self.asset)]


# --- support terms ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TermsAdd:
    """`terms.add`: support terms of a customer, an organisation or one product; they replace the version before."""

    event: bytes
    terms: bytes
    owner: bytes
    fields: dict[str, Any]
    supersedes: bytes | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the version. What support promises is a lead's to write."""
        if ctx.actor.kind != "user" or not ctx.actor.roles & LEADS:
            raise Refused("not_yours")
        asset = rows.get(ASSET.number, self.owner)
        owner = asset if asset is not None and not asset.deleted else _owner(rows, self.owner)
        values: dict[str, Value] = {}
        for name, wanted in sorted(self.fields.items()):
            column, value = checked_value(ENTITLEMENT, name, wanted)
            if column.name not in TERM_TEXTS:
                raise Refused("read_only", field=name)
            if name in _DATES and not _is_date(value):
                raise Refused("bad_value", field=name)
            values[name] = value
        if not values.get("valid_until"):
            raise Refused("bad_value", field="valid_until")
        if rows.get(ENTITLEMENT.number, self.terms) is not None:
            if was_done(rows, owner.id, self.event, "terms_added"):
                return []
            raise Refused("id_taken")
        values |= {"owner": owner.id, "supersedes": self.supersedes}
        values |= {"created_at": ctx.acted_ms, "created_by": ctx.actor.id}
        told = {"until": values["valid_until"]}
        return [
            Insert(ENTITLEMENT.number, self.terms, owner.scope, values),
            history(ctx, owner, self.event, "terms_added", told),
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(type_, self.owner) for type_ in (CUSTOMER.number, ORGANISATION.number, ASSET.number)]


def _live(rows: Rows, type_: int, id_: bytes, code: str = "no_such_row") -> Row:
    row = rows.get(type_, id_)
    if row is None or row.deleted:
        raise Refused(code)
    return row


def _marked(rows: Rows, ctx: Context, row: Row, event: bytes, gone: bool, what: str) -> list[Effect]:
    kind = f"{what}_{'deleted' if gone else 'restored'}"
    if row.deleted is gone or was_done(rows, row.id, event, kind):
        return []
    return [Derive(row.type, row.id, {}, deleted=gone), history(ctx, row, event, kind, {})]
