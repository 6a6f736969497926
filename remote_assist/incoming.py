# SPDX-License-Identifier: GPL-3.0-or-later
"""The child's own check of what the peer says: right end, within the grants, well formed. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain.assist import Role
from remote_assist import messages
from remote_assist.messages import CHANNELS, Malformed

__all__ = ["Malformed", "NotGranted", "read"]

# Channels whose messages this version takes; the others have no scope that can be granted yet.
_BUILT: Final = frozenset({"ctl", "cur"})


class NotGranted(Exception):  # says what is wrong
    """A message whose scope the customer has not granted, or which this version does not take. Names the channel."""


def read(channel: str, data: bytes | str, *, sender: Role, scopes: frozenset[str], paused: bool) -> dict[str, Any]:
    """Return the message as a dict with its type under "t". `scopes` and `paused` count at the customer's end.

    Raises Malformed, NotGranted.
    """
    if not messages.sender_allowed(channel, sender):
        raise Malformed(channel)
    scope = CHANNELS[channel].scope
    if sender is Role.AGENT and scope is not None and (scope.value not in scopes or paused):
        raise NotGranted(channel)
    if channel not in _BUILT:
        raise NotGranted(channel)
    checked: dict[str, Any] = msgspec.to_builtins(messages.decode(channel, data, sender))
    return checked
