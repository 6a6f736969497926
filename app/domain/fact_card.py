# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact card as windows show it: what was known of the matter when help was asked for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FactCard"]


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
