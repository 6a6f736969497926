# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutation that puts on a ticket what is already known: product, versions, last error. Append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.domain.addresses import serial_value
from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    canonical_json,
    fresh_id,
    landing,
    object_of,
)
from app.domain.changes_values import is_time
from app.domain.entities import ASSET, CUSTOMER, FACT_CARD, TICKET, Value
from app.domain.errors import Refused

__all__ = ["FACT_CHARS", "FactsAdd", "fact_text", "is_iso_date", "own_times"]

FACT_CHARS = {
    "product": 120, "model": 120, "serial": 64, "os": 120, "app_version": 120, "last_error": 500, "error_code": 64,
    "warranty_until": 10, "device": 120, "free_disk": 200, "network": 200,
}  # fmt: skip
# what a computer tells of itself, as against what is printed on a product or stands in our own books
_HEALTH = ("os", "app_version", "last_error", "error_code", "free_disk", "network")


def fact_text(text: str) -> str:
    """Return a text from a foreign computer as plain words on one line: no control letters, no runs of space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def is_iso_date(text: str) -> bool:
    """Tell whether a text is a date as rows keep it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _health(rows: Rows, asset: bytes | None, told: Mapping[str, Value], at: int) -> list[Effect]:
    """Note on a product how it is, where the computer that tells it is that product: it names no other one."""
    row = rows.get(ASSET.number, asset) if asset is not None else None
    is_itself = bool(told["device"]) and not (told["product"] or told["model"])
    if row is None or not is_itself or told["serial"] != row.values.get("serial"):
        return []
    before = object_of(row.values.get("health")).get("reported_at")
    if isinstance(before, int) and before >= at:
        return []
    health = {name: told[name] for name in _HEALTH if told[name]} | {"reported_at": at}
    return [Derive(row.type, row.id, {"health": canonical_json(health)})]


def own_times(found_at: Mapping[str, int], told: Mapping[str, object], collected_at: int) -> dict[str, int]:
    """Return the times of facts that are there and were found earlier than the card was made; no other is kept."""
    return {name: at for name, at in found_at.items() if told.get(name) and is_time(at) and 0 < at < collected_at}


@dataclass(frozen=True, slots=True)
class FactsAdd:
    """`facts.add`: one card. Every fact may be missing; a customer's card needs the consent."""

    event: bytes
    facts: bytes
    ticket: bytes
    collected_at: int
    consent: bool = False
    asset: bytes | None = None
    product: str = ""
    model: str = ""
    serial: str = ""
    os: str = ""
    app_version: str = ""
    last_error: str = ""
    error_code: str = ""
    warranty_until: str = ""
    device: str = ""
    free_disk: str = ""
    network: str = ""
    found_at: dict[str, int] = field(default_factory=dict)

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the card and let the ticket name it; a correction is a newer card."""
        if ctx.actor.kind == "customer" and not self.consent:
            raise Refused("consent_needed")
        if not is_time(self.collected_at):
            raise Refused("bad_value", field="collected_at")
        ticket, _via = landing(rows, self.ticket)
        told: dict[str, Value] = {name: self._fact(name) for name in FACT_CHARS}
        asset = self._asset(rows, ticket, told["serial"])
        if not asset and not any(told.values()):
            raise Refused("empty_text")
        at = min(self.collected_at, ctx.now_ms)
        times = own_times(self.found_at, told, at)
        values: dict[str, Value] = {
            **told, "ticket": ticket.id, "asset": asset, "collected_at": at, "consent": self.consent,
            "found_at": canonical_json(times) if times else None,
            "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
        }  # fmt: skip
        id_, more = fresh_id(
            rows, FACT_CARD.number, self.facts, self.event, lambda row: all(row.values.get(n) == told[n] for n in told)
        )
        if id_ is None:
            return []
        card = Insert(FACT_CARD.number, id_, ticket.scope, values)
        return [card, Derive(TICKET.number, ticket.id, {"facts": id_}), *more, *_health(rows, asset, told, at)]

    def _fact(self, name: str) -> str | None:
        text = fact_text(getattr(self, name))
        if len(text) > FACT_CHARS[name]:
            raise Refused("text_too_long", field=name, limit=FACT_CHARS[name])
        if name == "serial":
            return serial_value(text) or None
        if name == "warranty_until" and text and not is_iso_date(text):
            raise Refused("bad_value", field=name)
        return text or None

    def _asset(self, rows: Rows, ticket: Row, serial: Value) -> bytes | None:
        """Return the product that is meant, if it is this customer's or their organisation's."""
        customer = ticket.values.get("customer")
        row = rows.get(CUSTOMER.number, customer) if isinstance(customer, bytes) else None
        owners = {customer, row.values.get("organisation") if row is not None else None} - {None}
        named = rows.get(ASSET.number, self.asset) if self.asset is not None else None
        found = [named] if named is not None else rows.find(ASSET.number, "serial", serial) if serial else []
        return next((r.id for r in found if not r.deleted and r.values.get("owner") in owners), None)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]
