# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer gets of a draft: placeholders filled, signature where one belongs, to whom. One rule for all.

The preview shows exactly what sending does, because both ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.formatting import Rich, joined, replaced
from app.domain.placeholders import fill
from app.domain.ports import ItemKind, ThreadItem, TicketDetails
from app.services.templates import facts_of

__all__ = ["SIGNED", "Finished", "answered", "finish", "recipient"]

SIGNED = frozenset({"mail"})  # elsewhere the name stands beside each message


@dataclass(frozen=True, slots=True)
class Finished:
    """A reply as it goes out. With `missing` placeholders it does not; `values` are the facts that it uses."""

    said: Rich
    missing: tuple[str, ...]
    values: Mapping[str, str]
    signature: str = ""  # the part of `said` that was added


def finish(details: TicketDetails, rich: Rich, agent: str, signature: str) -> Finished:
    """Return the text as it goes out; values are read now. Replies to mail are signed, once."""
    filled = fill(rich.text, facts_of(details, agent)) if "{{" in rich.text or "}}" in rich.text else None
    said = rich if filled is None else replaced(rich, filled.edits)
    missing, values = ((), {}) if filled is None else (filled.missing, filled.values)
    sign = signature.strip() if details.channel in SIGNED else ""
    if not sign or said.text.rstrip().endswith(sign):
        return Finished(said, missing, values)
    text = said.text.rstrip("\n")
    return Finished(joined([Rich(text, said.marks), Rich(sign)], "\n\n") if text else Rich(sign), missing, values, sign)


def answered(details: TicketDetails) -> ThreadItem | None:
    """Return the customer's newest message: it stands above the reply in the app and below it in a mail."""
    return next((item for item in reversed(details.items) if item.kind is ItemKind.MESSAGE_IN), None)


def recipient(details: TicketDetails) -> tuple[str, str]:
    """Return the name of who gets it, and the address that goes with the ticket's channel; empty where none does."""
    card = details.customer
    name = card.name if card is not None else details.row.customer_name
    kinds = {"mail": ("email", "mail"), "phone": ("phone",), "chat": ("chat",)}.get(details.channel, ())
    fitting = [a for a in card.addresses if a.kind in kinds] if card is not None else []
    best = next((a for a in fitting if a.is_primary), fitting[0] if fitting else None)
    return name, best.value if best is not None else ""
