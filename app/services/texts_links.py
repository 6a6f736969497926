# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for links between tickets, from either end, and for tickets that are alike."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.i18n import N_, _, ngettext

__all__ = ["link_title", "same_name", "similar_title"]

_FROM: Mapping[str, str] = {
    "relates": N_("Belongs together with"),
    "parent_of": N_("Is the parent of"),
    "duplicate_of": N_("Is a duplicate of"),
    "follow_up_of": N_("Follows up"),
    "split_from": N_("Was split from"),
}
_TO: Mapping[str, str] = {
    "relates": N_("Belongs together with"),
    "parent_of": N_("Is a child of"),
    "duplicate_of": N_("Has the duplicate"),
    "follow_up_of": N_("Is followed up by"),
    "split_from": N_("Was split into"),
}
_SAME: Mapping[str, str] = {
    "customer": N_("same customer"),
    "organisation": N_("same organisation"),
    "product": N_("same product"),
}


def link_title(kind: str, *, outgoing: bool = True) -> str:
    """Return how a ticket stands to the other; `outgoing`: the link stands on this one."""
    words = (_FROM if outgoing else _TO).get(kind)
    return _(words) if words is not None else kind


def same_name(same: str) -> str:
    """Return what two tickets have in common beside their words; "" for nothing."""
    return _(_SAME[same]) if same in _SAME else ""


def similar_title(n: int) -> str:
    """Return the heading above so many tickets that may be about the same."""
    return ngettext("{n} similar ticket", "{n} similar tickets", n).format(n=n) if n else _("Similar tickets")
