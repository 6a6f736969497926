# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises out of both files: those of a ticket, and one's own with what they came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.domain.entities import PROMISE, USER
from app.domain.promises import Promise
from app.store.shown import Shown

__all__ = ["promises_of_ticket", "promises_of_tickets"]

_COLUMNS = "ticket, id, due_at, text, waits, author, created_at, made_in, closed_by, closed_at"


def promises_of_ticket(shown: Shown, ticket: bytes) -> tuple[Promise, ...]:
    """Return a ticket's promises with the names of their makers, the oldest first."""
    found = shown.select(PROMISE.number, _COLUMNS, "ticket = ? AND deleted = 0", (ticket,))
    if not found:
        return ()
    pending = shown.overlaid_ids(PROMISE.number)
    users = dict(shown.by_ids(USER.number, "id, name", sorted({raw[5] for raw in found if raw[5]})))
    made = [_promise(raw, users.get(raw[5]) or "", pending=raw[1] in pending) for raw in found]
    return tuple(sorted(made, key=lambda each: (each.made_at, each.id)))


def promises_of_tickets(shown: Shown, tickets: Iterable[bytes]) -> dict[bytes, list[Promise]]:
    """Return the promises of several tickets."""
    out: dict[bytes, list[Promise]] = {}
    wanted: Sequence[bytes] = sorted(set(tickets))
    for raw in shown.by_values(PROMISE.number, _COLUMNS, "ticket", wanted, " AND deleted = 0") if wanted else ():
        out.setdefault(raw[0], []).append(_promise(raw))
    return out


def _promise(raw: tuple[Any, ...], name: str = "", *, pending: bool = False) -> Promise:
    _ticket, id_, due, text, waits, author, made_at, made_in, closed_by, closed_at = raw
    return Promise(
        id_, due or 0, text or "", bool(waits), author, name, made_at or 0, made_in, closed_by, closed_at, pending
    )
