# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact card: what was known of the matter when help was asked for, and what a computer finds out for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["TYPED", "FactCard", "Finding"]

TYPED: Final = frozenset({"serial", "last_error"})  # what a customer can read off a label or a screen, and write


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that was looked for. `value` is "" where it could not be found out; `at` is when it was so, UTC ms."""

    name: str
    value: str
    at: int = 0


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
