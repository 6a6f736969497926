# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the person who is signed in did, from the history in both files. One pass over it: for reports only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from app.domain.entities import HISTORY, PROMISE, STATE, Category
from app.domain.own_work import Deed, WorkKind
from app.domain.ports import Identity
from app.domain.promises import Standing, standings
from app.store.cipher import Database
from app.store.promises import promises_of_tickets
from app.store.shown import Shown

__all__ = ["OwnHistory"]


class OwnHistory:
    """Fulfils `app.domain.own_work.OwnWork`."""

    def __init__(
        self, readers: Callable[[], Database], identity: Callable[[], Identity | None], now_ms: Callable[[], int]
    ) -> None:
        self._readers, self._identity, self._now_ms = readers, identity, now_ms

    def own_work(self, since_ms: int) -> Sequence[Deed]:
        """Return replies and solved tickets since a time; what waits to be sent counts as done."""
        identity = self._identity()
        if identity is None:
            return []
        with self._readers().read() as tx:
            shown = Shown(tx)
            solved = {
                id_.hex()
                for id_, category in shown.select(STATE.number, "id, category", "1")
                if category == Category.SOLVED.value
            }
            where = "acted_at >= ? AND actor = ? AND kind IN ('reply', 'field', 'state') AND deleted = 0"
            lines = shown.select(HISTORY.number, "kind, acted_at, data", where, (since_ms, identity.account))
            promised = _promised(shown, identity.account, since_ms, self._now_ms())
        out = []
        for kind, at, data in lines:
            if kind == "reply":
                out.append(Deed(WorkKind.REPLY, at))
            elif _new_state(data) in solved:
                out.append(Deed(WorkKind.SOLVED, at))
        return [*out, *promised]


def _promised(shown: Shown, me: bytes, since_ms: int, now_ms: int) -> list[Deed]:
    """Return what one's promises came to, at the time that was promised; a new time in time is neither."""
    where = "deleted = 0 AND author = ? AND due_at >= ?"
    tickets = {ticket for (ticket,) in shown.select(PROMISE.number, "ticket", where, (me, since_ms))}
    kinds = {Standing.KEPT: WorkKind.KEPT, Standing.BROKEN: WorkKind.BROKEN}
    return [
        Deed(kinds[what], each.due_at)
        for promises in promises_of_tickets(shown, tickets).values()
        for each, what in standings(promises, now_ms)
        if what in kinds and each.author == me and each.due_at >= since_ms
    ]


def _new_state(data: str | None) -> str:
    try:
        said = json.loads(data or "")
    except ValueError:
        return ""
    if not isinstance(said, dict) or said.get("field", "state") != "state":
        return ""
    return str(said.get("new", ""))
