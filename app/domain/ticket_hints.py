# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should read before the conversation: why the ticket was handed over, and a snooze that ended early."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.ids import UserId
from app.domain.ports import ItemKind, ThreadItem, TicketDetails

__all__ = ["HandedOver", "WokenUp", "handed_over", "woken_up"]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Who gave the ticket away, when, and why."""

    by: str
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class WokenUp:
    """The customer wrote before the snooze ended: it was to come back at `until`."""

    until: int
    at: int


def handed_over(details: TicketDetails, me: UserId | None) -> HandedOver | None:
    """Return the newest hand-over to this person, until the person wrote on the ticket."""
    if me is None or details.row.owner != me:
        return None
    for item in reversed(details.items):
        if item.author == me and item.kind in (ItemKind.REPLY, ItemKind.NOTE):
            return None
        reason = item.data.get("reason")
        if item.event == "field" and isinstance(reason, str) and reason:
            return HandedOver(item.author_name, item.at, reason) if item.author != me else None
    return None


def woken_up(details: TicketDetails, now_ms: int) -> WokenUp | None:
    """Return the snooze that a message of the customer ended early, while its time is still to come.

    A person who set or ended a snooze since, or who answered, has decided already.
    """
    if details.related.snooze_until is not None:
        return None
    woke: ThreadItem | None = None
    for item in reversed(details.items):
        if item.kind is ItemKind.REPLY:
            return None
        if item.kind is ItemKind.MESSAGE_IN:
            woke = item
        elif item.event == "field" and item.data.get("field") == "snooze_until":
            until = item.data.get("new")
            if woke is None or not isinstance(until, int) or until <= now_ms:
                return None
            return WokenUp(until, woke.at)
    return None
