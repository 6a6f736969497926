# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge and unmerge of customers. The record of a merge is the `customer_merged` line in the source's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Key,
    Row,
    Rows,
    SetField,
    history,
    object_of,
    plain,
    was_done,
)
from app.domain.changes_customers import check_fields, live_customer
from app.domain.entities import (
    ASSET,
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITLEMENT,
    HISTORY,
    TICKET,
    FieldType,
    Value,
    customer_scope,
)
from app.domain.errors import Refused

__all__ = ["MERGE_FIELDS", "CustomerMerge", "CustomerUnmerge", "customer_merge_record"]

# what is asked where the two differ
MERGE_FIELDS = (
    "name", "preferred_name", "honorific", "language", "zone", "tier", "organisation", "call_times", "blocked_reason",
)  # fmt: skip
_OWNED = ((CONTACT_ADDRESS, "customer"), (ASSET, "owner"), (ENTITLEMENT, "owner"))


@dataclass(frozen=True, slots=True)
class CustomerMerge:
    """`customer.merge`: tickets, addresses, products and terms of `customer` become those of `into`.

    The merged one keeps its own fields, so nothing of it is lost; what names it later means the other. `fields` are
    values that the one that stays takes, where the two differed and a person chose.
    """

    event: bytes
    customer: bytes
    into: bytes
    fields: dict[str, Any] = field(default_factory=dict)

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Move everything owned, point the one at the other and keep a record."""
        if was_done(rows, self.customer, self.event, "customer_merged"):
            return []
        source, target = live_customer(rows, self.customer), live_customer(rows, self.into)
        if source.values.get("merged_into") or target.values.get("merged_into"):
            raise Refused("merged")
        if source.id == target.id:
            raise Refused("merge_refused")
        if not set(self.fields) <= set(MERGE_FIELDS):
            raise Refused("read_only", field=min(set(self.fields) - set(MERGE_FIELDS)))
        chosen = {n: v for n, v in check_fields(self.fields).items() if v != target.values.get(n)}
        tickets = rows.find(TICKET.number, "customer", source.id, deleted=True)
        owned = self._owned(rows, source, target)
        earlier = rows.find(CUSTOMER.number, "merged_into", source.id, deleted=True)
        record = {
            "into": target.id.hex(), "tickets": [t.id.hex() for t in tickets],
            "owned": [effect.id.hex() for effect in owned],
            "doubles": [effect.id.hex() for effect in owned if effect.deleted],
            "demoted": [e.id.hex() for e in owned if "is_primary" in e.values and _is_main(rows, e.id)],
            "repointed": [row.id.hex() for row in earlier],
            "fields": {name: plain(target.values.get(name)) for name in chosen}, "hlc": ctx.hlc,
        }  # fmt: skip
        told = {"into": target.id.hex()}
        return [
            *(Derive(TICKET.number, t.id, {"customer": target.id}) for t in tickets),
            *(history(ctx, t, self.event, "customer_merged", told, t.id.hex()) for t in tickets if not t.deleted),
            *owned,
            *(Derive(CUSTOMER.number, row.id, {"merged_into": target.id}) for row in earlier),
            Derive(CUSTOMER.number, source.id, {"merged_into": target.id}),
            *(SetField(CUSTOMER.number, target.id, n, v, CUSTOMER.field(n).policy) for n, v in chosen.items()),
            history(ctx, source, self.event, "customer_merged", record),
            history(ctx, target, self.event, "customer_merged_in", {"source": source.id.hex()}),
        ]

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


def _is_main(rows: Rows, address: bytes) -> bool:
    row = rows.get(CONTACT_ADDRESS.number, address)
    return row is not None and bool(row.values.get("is_primary"))


def customer_merge_record(rows: Rows, customer: bytes) -> tuple[Row, Mapping[str, Any]] | None:
    """Return the history line of the merge that holds now, and what it says."""
    lines = rows.find(HISTORY.number, "subject", customer)
    undone = {object_of(r.values["data"]).get("record") for r in lines if r.values["kind"] == "customer_unmerged"}
    open_ = [row for row in lines if row.values["kind"] == "customer_merged" and row.id.hex() not in undone]
    newest = max(open_, key=lambda row: (_hlc(row), row.id), default=None)
    return (newest, object_of(newest.values["data"])) if newest is not None else None


def _hlc(line: Row) -> int:
    value = object_of(line.values["data"]).get("hlc")
    return value if isinstance(value, int) else 0


def _ids(data: object) -> list[bytes]:
    try:
        return [bytes.fromhex(item) for item in data if isinstance(item, str)] if isinstance(data, list) else []
    except ValueError:
        return []


@dataclass(frozen=True, slots=True)
class CustomerUnmerge:
    """`customer.unmerge`: what a merge moved goes back, wherever later merges carried it. No time limit.

    Tickets that were opened since stay with the customer they were opened for.
    """

    event: bytes
    customer: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Undo the merge row by row; what was given to somebody else since stays there."""
        if was_done(rows, self.customer, self.event, "customer_unmerged"):
            return []
        source = live_customer(rows, self.customer)
        into = source.values.get("merged_into")
        target = rows.get(CUSTOMER.number, into) if isinstance(into, bytes) else None
        if target is None:
            raise Refused("not_merged")
        found = customer_merge_record(rows, source.id)
        if found is None:
            raise Refused("no_merge_record")
        line, record = found
        tickets = self._tickets(rows, record, target)
        told = {"from": target.id.hex()}
        return [
            *(Derive(TICKET.number, t.id, {"customer": source.id}) for t in tickets),
            *(history(ctx, t, self.event, "customer_unmerged", told, t.id.hex()) for t in tickets if not t.deleted),
            *self._owned(rows, record, source, target),
            *self._pointed(rows, record, target),
            Derive(CUSTOMER.number, source.id, {"merged_into": None}),
            *self._fields(record, target),
            history(ctx, source, self.event, "customer_unmerged", {"record": line.id.hex(), **told}),
            history(ctx, target, self.event, "customer_unmerged_from", {"source": source.id.hex()}),
        ]

    def _tickets(self, rows: Rows, record: Mapping[str, Any], target: Row) -> list[Row]:
        found = (rows.get(TICKET.number, id_) for id_ in _ids(record.get("tickets")))
        return [row for row in found if row is not None and row.values.get("customer") == target.id]

    def _owned(self, rows: Rows, record: Mapping[str, Any], source: Row, target: Row) -> list[Effect]:
        doubles, demoted = set(_ids(record.get("doubles"))), set(_ids(record.get("demoted")))
        out: list[Effect] = []
        for id_ in _ids(record.get("owned")):
            for entity, column in _OWNED:
                row = rows.get(entity.number, id_)
                if row is None or row.values.get(column) != target.id:
                    continue
                values: dict[str, Value] = {column: source.id}
                if id_ in demoted and row.stamp("is_primary").hlc == record.get("hlc"):
                    values["is_primary"] = True
                back = False if id_ in doubles else None
                out.append(Derive(row.type, id_, values, scope=customer_scope(source.id), deleted=back))
        return out

    def _pointed(self, rows: Rows, record: Mapping[str, Any], target: Row) -> list[Effect]:
        """Customers merged into the source before point to it again, if they were not unmerged since."""
        return [
            Derive(CUSTOMER.number, id_, {"merged_into": self.customer})
            for id_ in _ids(record.get("repointed"))
            if (row := rows.get(CUSTOMER.number, id_)) is not None and row.values.get("merged_into") == target.id
        ]

    def _fields(self, record: Mapping[str, Any], target: Row) -> list[Effect]:
        """The one that stayed gets its own values again where nobody touched them since."""
        out: list[Effect] = []
        before = record.get("fields")
        for name, old in sorted(before.items()) if isinstance(before, dict) else ():
            if name in MERGE_FIELDS and target.stamp(name).hlc == record.get("hlc"):
                column = CUSTOMER.field(name)
                value = bytes.fromhex(old) if column.type is FieldType.ID and isinstance(old, str) else old
                out.append(SetField(CUSTOMER.number, target.id, name, value, column.policy))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(CUSTOMER.number, self.customer)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """Who has it all now, the tickets that go back, and who was merged before."""
        row = rows.get(CUSTOMER.number, self.customer)
        into = row.values.get("merged_into") if row is not None else None
        found = customer_merge_record(rows, self.customer)
        if found is None or not isinstance(into, bytes):
            return []
        customers = [into, *_ids(found[1].get("repointed"))]
        return [
            *((CUSTOMER.number, id_) for id_ in customers),
            *((TICKET.number, id_) for id_ in _ids(found[1].get("tickets"))),
        ]
