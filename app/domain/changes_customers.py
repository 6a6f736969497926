# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of customers: create and set; and the edit of long texts. Merging has a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.addresses import address_value
from app.domain.call_times import is_call_times
from app.domain.changes_base import (
    Context,
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
    BY_NUMBER,
    CONTACT_ADDRESS,
    CUSTOMER,
    Policy,
    Value,
    customer_scope,
)
from app.domain.errors import Refused
from app.domain.ids import derived_id

MAX_NAME_CHARS = 80
MAX_LONG_TEXT_BYTES = 192 << 10  # what travels in a row


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
        phone, email = " ".join(self.phone.split()), self.email.strip().lower()
        for kind, text in (("phone", phone), ("email", email)):
            value = address_value(kind, text) or text  # what was said on the phone is kept, whatever it is
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
        wanted = check_fields(self.fields).items()
        return [SetField(CUSTOMER.number, row.id, n, v, CUSTOMER.field(n).policy) for n, v in wanted]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer)]


def check_fields(fields: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values for columns of a customer. Raises Refused for what no window could show."""
    out: dict[str, Value] = {}
    for name, wanted in sorted(fields.items()):
        _column, value = checked_value(CUSTOMER, name, wanted)
        if name == "name":
            _check_name(value)
        if name == "call_times" and value and not is_call_times(str(value)):
            raise Refused("bad_value", field=name)
        out[name] = value
    return out


def live_customer(rows: Rows, customer: bytes) -> Row:
    """Return the customer. Raises Refused("no_such_customer")."""
    row = rows.get(CUSTOMER.number, customer)
    if row is None or row.deleted:
        raise Refused("no_such_customer")
    return row


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
