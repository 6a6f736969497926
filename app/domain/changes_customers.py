# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of customers: create, set, merge; and the edit of long texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    SetField,
    SetText,
    check_text,
    history,
    was_done,
)
from app.domain.changes_values import checked_value
from app.domain.entities import (
    ASSET,
    BY_NUMBER,
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITLEMENT,
    TICKET,
    Policy,
    Value,
    customer_scope,
)
from app.domain.errors import Refused
from app.domain.ids import derived_id

MAX_NAME_CHARS = 80
MAX_LONG_TEXT_BYTES = 192 << 10  # what travels in a row
_OWNED = ((CONTACT_ADDRESS, "customer"), (ASSET, "owner"), (ENTITLEMENT, "owner"))


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME_CHARS:
        raise Refused("bad_value", field="name")


@dataclass(frozen=True, slots=True)
class CustomerCreate:
    """`customer.create`: a new customer, with a phone number and an e-mail address where they are known.

    An address that somebody else has already stays with that customer.
    """

    event: bytes
    customer: bytes
    name: str
    organisation: bytes | None = None
    language: str = "ko"
    phone: str = ""
    email: str = ""

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the customer; if the id is taken, what differs is settled as an edit of the first values."""
        _check_name(self.name)
        wanted: dict[str, Value] = {"name": self.name, "organisation": self.organisation, "language": self.language}
        existing = rows.get(CUSTOMER.number, self.customer)
        if existing is not None:
            if was_done(rows, self.customer, self.event, "customer_created") or existing.deleted:
                return []
            return [
                SetField(CUSTOMER.number, self.customer, name, value, CUSTOMER.field(name).policy, base=(1, 0))
                for name, value in sorted(wanted.items())
                if value is not None
            ]
        values = {**wanted, "tier": "normal", "created_at": ctx.acted_ms, "created_by": ctx.actor.id}
        new = Insert(CUSTOMER.number, self.customer, customer_scope(self.customer), values)
        return [new, *self._addresses(rows, ctx), history(ctx, new, self.event, "customer_created", {})]

    def _addresses(self, rows: Rows, ctx: Context) -> list[Effect]:
        out: list[Effect] = []
        for kind, value in (("phone", " ".join(self.phone.split())), ("email", self.email.strip().lower())):
            known = rows.find(CONTACT_ADDRESS.number, "value", value) if value else ()
            if not value or any(row.values.get("kind") == kind for row in known):
                continue
            values: dict[str, Value] = {
                "customer": self.customer, "kind": kind, "value": value, "label": "", "is_primary": True,
                "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
            }  # fmt: skip
            id_ = derived_id(self.event, kind, value)
            out.append(Insert(CONTACT_ADDRESS.number, id_, customer_scope(self.customer), values))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer)]


@dataclass(frozen=True, slots=True)
class CustomerSet:
    """`customer.set`: new values of fields of a customer."""

    event: bytes
    customer: bytes
    fields: dict[str, Any]  # values as in the registry; checked by `checked_value`, for the wire cannot tell

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy."""
        del ctx
        row = live_customer(rows, self.customer)
        out: list[Effect] = []
        for name, wanted in sorted(self.fields.items()):
            column, value = checked_value(CUSTOMER, name, wanted)
            if name == "name":
                _check_name(value)
            out.append(SetField(CUSTOMER.number, row.id, name, value, column.policy))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer)]


def live_customer(rows: Rows, customer: bytes) -> Row:
    """Return the customer. Raises Refused("no_such_customer")."""
    row = rows.get(CUSTOMER.number, customer)
    if row is None or row.deleted:
        raise Refused("no_such_customer")
    return row


@dataclass(frozen=True, slots=True)
class CustomerMerge:
    """`customer.merge`: tickets, addresses, products and terms of `customer` become those of `into`.

    The merged one keeps its own fields, so nothing of it is lost; what names it later means the other.
    """

    event: bytes
    customer: bytes
    into: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Move everything owned and point the one at the other."""
        if was_done(rows, self.customer, self.event, "customer_merged"):
            return []
        source, target = live_customer(rows, self.customer), live_customer(rows, self.into)
        if source.values.get("merged_into") or target.values.get("merged_into"):
            raise Refused("merged")
        if source.id == target.id:
            raise Refused("merge_refused")
        tickets = rows.find(TICKET.number, "customer", source.id, deleted=True)
        owned = self._owned(rows, source, target)
        earlier = rows.find(CUSTOMER.number, "merged_into", source.id, deleted=True)
        record = {
            "into": target.id.hex(), "tickets": [t.id.hex() for t in tickets],
            "owned": [effect.id.hex() for effect in owned],
        }  # fmt: skip
        return [
            *(Derive(TICKET.number, t.id, {"customer": target.id}) for t in tickets),
            *(history(ctx, t, self.event, "customer_merged", {"into": target.id.hex()}, t.id.hex()) for t in tickets
              if not t.deleted),
            *owned,
            *(Derive(CUSTOMER.number, row.id, {"merged_into": target.id}) for row in earlier),
            Derive(CUSTOMER.number, source.id, {"merged_into": target.id}),
            history(ctx, source, self.event, "customer_merged", record),
        ]  # fmt: skip

    def _owned(self, rows: Rows, source: Row, target: Row) -> list[Derive]:
        """Addresses both have stay once; a second main address of a kind becomes an ordinary one."""
        there = rows.find(CONTACT_ADDRESS.number, "customer", target.id)
        known = {(r.values["kind"], r.values["value"]) for r in there}
        main = {r.values["kind"] for r in there if r.values.get("is_primary")}
        out: list[Derive] = []
        for entity, column in _OWNED:
            for row in rows.find(entity.number, column, source.id):
                values: dict[str, Value] = {column: target.id}
                double = None
                if entity is CONTACT_ADDRESS:
                    double = True if (row.values["kind"], row.values["value"]) in known else None
                    if row.values["kind"] in main:
                        values["is_primary"] = False
                out.append(Derive(row.type, row.id, values, scope=customer_scope(target.id), deleted=double))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer), (CUSTOMER.number, self.into)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """The customer's tickets and who was merged into it before."""
        tickets = rows.find(TICKET.number, "customer", self.customer, deleted=True)
        earlier = rows.find(CUSTOMER.number, "merged_into", self.customer, deleted=True)
        return [*((TICKET.number, t.id) for t in tickets), *((CUSTOMER.number, c.id) for c in earlier)]


@dataclass(frozen=True, slots=True)
class TextEdit:
    """`text.edit`: a new version of a long text. `base_text` is what its author started from, if it is sent along."""

    event: bytes
    type: int
    id: bytes
    field: str
    text: str
    base_text: str | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Merge the text with what others wrote meanwhile."""
        del ctx
        entity = BY_NUMBER.get(self.type)
        if entity is None:
            raise Refused("bad_value", field="type")
        column, _ = checked_value(entity, self.field, self.text)
        if column.policy is not Policy.TEXT:
            raise Refused("read_only", field=self.field)
        for text in (self.text, self.base_text or ""):
            if text.strip():  # clearing a text is an edit like any other
                check_text(text, MAX_LONG_TEXT_BYTES)
        row = rows.get(self.type, self.id)
        if row is None or row.deleted:
            raise Refused("no_such_row")
        return [SetText(self.type, self.id, self.field, self.text, self.base_text)]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(self.type, self.id)]
