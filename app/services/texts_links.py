# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for links between tickets, from either end."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.i18n import N_, _

__all__ = ["link_title"]

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


def link_title(kind: str, *, outgoing: bool = True) -> str:
    """Return how a ticket stands to the other; `outgoing`: the link stands on this one."""
    words = (_FROM if outgoing else _TO).get(kind)
    return _(words) if words is not None else kind
