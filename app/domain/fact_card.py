# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact card: what was known of the matter when help was asked for, and what a computer finds out for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.addresses import serial_value

__all__ = ["TYPED", "FactCard", "Finding", "ToldFacts", "is_this_computer", "told_facts"]

TYPED: Final = frozenset({"serial", "last_error"})  # what a customer can read off a label or a screen, and write


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that was looked for. `value` is "" where it could not be found out; `at` is when it was so, UTC ms."""

    name: str
    value: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class ToldFacts:
    """What a customer lets go with a request: each fact as it was shown, and the times of those that are older."""

    facts: Mapping[str, str]
    collected_at: int
    found_at: Mapping[str, int] = field(default_factory=dict)


def is_this_computer(found: Sequence[Finding], product_serial: str) -> bool:
    """Tell whether the product that help is asked for is the computer that looked at itself."""
    own = next((serial_value(each.value) for each in found if each.name == "serial"), None)
    return bool(own) and own == serial_value(product_serial)


def told_facts(
    found: Sequence[Finding], kept_back: Collection[str], typed: Mapping[str, str], product: str = ""
) -> ToldFacts | None:
    """Return what is told; None for nothing. `typed` is what the customer wrote in place of what was found.

    `product` names what help is asked for, unless that is this computer: then the serial number is the product's.
    """
    values = {each.name: typed.get(each.name, each.value).strip() for each in found if each.name not in kept_back}
    facts = {name: value for name, value in values.items() if value}
    if not facts:
        return None
    collected = max(each.at for each in found)
    older = {each.name: each.at for each in found if facts.get(each.name) == each.value and each.at < collected}
    return ToldFacts({"product": product} | facts if product else facts, collected, older)


@dataclass(frozen=True, slots=True)
class FactCard:
    """What was known when help was asked for. All texts are from outside; "" where nothing was told."""

    id: bytes
    collected_at: int
    consent: bool
    by_customer: bool
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
    found_at: Mapping[str, int] = field(default_factory=dict)  # of facts that are older than the card
