# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a session's customer end: taken once, from the customer's own side alone, before anything else counts.

It comes with the customer's first signal (`join`) or first entry, over a line that only a token of the customer's
opens; what the agent's side sends never sets it. All that the record says in the customer's name is checked with it.
"""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa

from app.domain.signed import unb64
from sync.server.schema import SYSTEM

__all__ = ["key_in_join", "take_key"]

_MOST_JOIN: Final = 8192


def key_in_join(signal: bytes) -> bytes | None:
    """Return the key that a `join` names; None for every other signal and for one that is malformed."""
    if len(signal) > _MOST_JOIN:
        return None
    try:
        outer = json.loads(signal)
        if not isinstance(outer, dict) or outer.get("t") != "join":
            return None
        body = json.loads(outer["body"])
        key = unb64(body["session_key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return key if len(key) == 32 else None


def take_key(connection: sa.Connection, sid: bytes, key: bytes | None, companion: bytes | None) -> bool:
    """Tie a session to the end that answers: its key, and the companion if it is one.

    The first that answers has it; False for every later one with another key or from another companion.
    """
    table = SYSTEM.session
    bound = connection.execute(
        sa.select(table.c.session_key, table.c.companion_id).where(table.c.sid == sid).with_for_update()
    ).first()
    if bound is None:
        return False
    values: dict[str, Any] = {}
    for name, own in (("session_key", key), ("companion_id", companion)):
        if own is None:
            continue
        if getattr(bound, name) is None:
            values[name] = own
        elif bytes(getattr(bound, name)) != own:
            return False
    if values:
        connection.execute(table.update().where(table.c.sid == sid).values(**values))
    return True
