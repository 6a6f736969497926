# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved views as people see them, and which of their conditions the list's index answers alone."""

from __future__ import annotations

import json
import re
from typing import Any

from app.domain.entities import VIEW
from app.domain.ids import TeamId, UserId, ViewId
from app.domain.ports import SavedView, SortKey
from app.store.schema import TICKET_LIST
from app.store.shown import Shown

__all__ = ["is_listed", "saved_views"]

_LISTED = frozenset({*TICKET_LIST, "id", "deleted"})
_COLUMNS = "id, name, condition, sort, share, team, owner, pinned, columns"


def saved_views(shown: Shown) -> list[SavedView]:
    """Return every saved view that is on this computer, by name."""
    rows = shown.select(VIEW.number, _COLUMNS, "deleted = 0")
    return sorted((_view(row) for row in rows), key=lambda view: (view.name.casefold(), view.id))


def _view(row: tuple[Any, ...]) -> SavedView:
    id_, name, condition, sort, share, team, owner, pinned, columns = row
    known = sort in {key.value for key in SortKey}
    return SavedView(
        ViewId(id_), name or "", condition or "", SortKey(sort) if known else SortKey.LAST_ACTIVITY, share or "me",
        TeamId(team) if team else None, UserId(owner) if owner else None, bool(pinned), _names(columns),
    )  # fmt: skip


def _names(raw: str | None) -> tuple[str, ...]:
    try:
        names = json.loads(raw) if raw else []
    except ValueError:
        return ()
    return tuple(n for n in names if isinstance(n, str)) if isinstance(names, list) else ()


def is_listed(where: str) -> bool:
    """Tell whether the index of ticket lists has every column of a condition on tickets `s`."""
    return "SELECT" not in where and set(re.findall(r"\bs\.(\w+)", where)) <= _LISTED
