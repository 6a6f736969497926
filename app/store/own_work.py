# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the person who is signed in did, from the history in both files. One pass over it: for reports only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from app.domain.entities import HISTORY, STATE, Category
from app.domain.own_work import Deed, WorkKind
from app.domain.ports import Identity
from app.store.cipher import Database
from app.store.shown import Shown

__all__ = ["OwnHistory"]


class OwnHistory:
    """Fulfils `app.domain.own_work.OwnWork`."""

    def __init__(self, readers: Callable[[], Database], identity: Callable[[], Identity | None]) -> None:
        self._readers, self._identity = readers, identity

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
        out = []
        for kind, at, data in lines:
            if kind == "reply":
                out.append(Deed(WorkKind.REPLY, at))
            elif _new_state(data) in solved:
                out.append(Deed(WorkKind.SOLVED, at))
        return out


def _new_state(data: str | None) -> str:
    try:
        said = json.loads(data or "")
    except ValueError:
        return ""
    if not isinstance(said, dict) or said.get("field", "state") != "state":
        return ""
    return str(said.get("new", ""))
