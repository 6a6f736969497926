# SPDX-License-Identifier: GPL-3.0-or-later
"""What hangs on a ticket beside its conversation: watchers, links, merges, snooze, level, time worked, promises."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.callbacks import Callback
from app.domain.complaints import Closing
from app.domain.entities import Category
from app.domain.ids import StateId, TicketId, UserId
from app.domain.promises import Promise
from app.domain.surveys import Answered

__all__ = ["LINK_KINDS", "LinkedTicket", "Related"]

# the links that people make; `split_from` is made by splitting alone
LINK_KINDS = ("relates", "parent_of", "duplicate_of", "follow_up_of")


@dataclass(frozen=True, slots=True)
class LinkedTicket:
    """Another ticket. `outgoing`: the link stands on this ticket, so "parent_of" means that this one is the parent."""

    id: TicketId
    label: str
    subject: str
    state: StateId
    category: Category
    kind: str = ""
    outgoing: bool = True


@dataclass(frozen=True, slots=True)
class Related:
    """`merged_into` is the ticket that this one went into; `merged_here` those that came into this one."""

    watchers: tuple[UserId, ...] = ()
    links: tuple[LinkedTicket, ...] = ()
    merged_into: LinkedTicket | None = None
    merged_here: tuple[LinkedTicket, ...] = ()
    snooze_until: int | None = None
    tier: int = 1
    worked_s: int = 0
    promises: tuple[Promise, ...] = ()
    answers: tuple[Answered, ...] = ()  # to the two questions, newest first
    calls: tuple[Callback, ...] = ()  # newest first
    closing: Closing = field(default_factory=Closing)  # of a complaint
