# SPDX-License-Identifier: GPL-3.0-or-later
"""Data channels: their fixed ids, who speaks on them, and the scope that a message of either end needs."""

from __future__ import annotations

import msgspec

from app.domain.assist import Role, Scope

__all__ = ["AGENT", "BOTH", "CHANNELS", "CHANNEL_SCOPE", "CUSTOMER", "Channel", "Malformed", "scope_of"]

BOTH = frozenset(Role)
AGENT = frozenset({Role.AGENT})
CUSTOMER = frozenset({Role.CUSTOMER})


class Malformed(Exception):
    """No message of this channel and sender. The text names the channel and type."""


class Channel(msgspec.Struct, frozen=True):
    """One negotiated data channel: its fixed id, delivery, senders, and the scope its messages need.

    `back`: the scope of what the customer sends, where it is another one than that of the agent's messages.
    """

    id: int
    ordered: bool
    reliable: bool
    senders: frozenset[Role]
    scope: Scope | None
    back: Scope | None = None


CHANNELS: dict[str, Channel] = {
    "ctl": Channel(0, True, True, BOTH, None),
    "hb": Channel(1, False, False, BOTH, None),
    "fb": Channel(2, False, False, AGENT, Scope.VIEW),
    "cur": Channel(3, False, False, CUSTOMER, Scope.VIEW),
    "ptr": Channel(4, False, False, AGENT, Scope.POINTER),
    "inp": Channel(5, True, True, AGENT, Scope.CONTROL),
    "ann": Channel(6, True, True, AGENT, Scope.POINTER),
    "tile": Channel(7, True, True, CUSTOMER, Scope.VIEW),
    "file": Channel(8, True, True, BOTH, Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT),
    "clip": Channel(9, True, True, BOTH, Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT),
    "diag": Channel(10, True, True, CUSTOMER, Scope.DIAGNOSTICS),
}
# What an agent's message on a channel needs; `ctl` and `hb` carry no access.
CHANNEL_SCOPE: dict[str, Scope] = {name: c.scope for name, c in CHANNELS.items() if c.scope is not None}


def scope_of(channel: str, sender: Role) -> Scope | None:
    """Return the scope that a message of this end needs on this channel; None where it carries no access."""
    found = CHANNELS[channel]
    return found.back if sender is Role.CUSTOMER and found.back is not None else found.scope
