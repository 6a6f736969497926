# SPDX-License-Identifier: GPL-3.0-or-later
"""How a list looks, kept per view on this computer: order, density, table or cards, the table's columns. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.ports import SortKey, ViewKey

__all__ = ["COLUMNS", "DENSITIES", "USUAL_COLUMNS", "ViewLook", "dump_looks", "load_looks", "look_key"]

DENSITIES = ("compact", "normal", "comfortable")
COLUMNS = ("number", "subject", "customer", "state", "priority", "owner", "due", "when")
USUAL_COLUMNS = ("number", "subject", "customer", "state", "due", "when")
_KEPT = 200  # views of which the look is kept


@dataclass(frozen=True, slots=True)
class ViewLook:
    """How one view's list looks. `columns` are those of the table, in order; the subject is always among them."""

    sort: SortKey = SortKey.LAST_ACTIVITY
    density: str = "comfortable"
    table: bool = False
    columns: tuple[str, ...] = USUAL_COLUMNS

    def with_column(self, name: str, shown: bool) -> ViewLook:
        """Return the look with a column or without it."""
        wanted = {*self.columns, name} if shown else {c for c in self.columns if c != name or c == "subject"}
        return replace(self, columns=tuple(c for c in COLUMNS if c in wanted))


def look_key(view: ViewKey | bytes) -> str:
    """Return the name under which a view's look is kept."""
    return view.value if isinstance(view, ViewKey) else view.hex()


def load_looks(text: str | None) -> dict[str, ViewLook]:
    """Return the looks kept; what cannot be read is as usual."""
    try:
        raw = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(raw, dict):
        return {}
    return {str(key): _look(value) for key, value in raw.items() if isinstance(value, dict)}


def _look(raw: Mapping[str, Any]) -> ViewLook:
    usual = ViewLook()
    named = raw.get("columns")
    columns = tuple(c for c in COLUMNS if c in named) if isinstance(named, list) else usual.columns
    sort, density = raw.get("sort"), raw.get("density")
    return ViewLook(
        SortKey(sort) if sort in {key.value for key in SortKey} else usual.sort,
        density if density in DENSITIES else usual.density,
        bool(raw.get("table")),
        columns if "subject" in columns else usual.columns,
    )


def dump_looks(looks: Mapping[str, ViewLook]) -> str:
    """Return the looks as text; of very many views, those set last."""
    kept = list(looks.items())[-_KEPT:]
    return json.dumps({
        key: {"sort": look.sort.value, "density": look.density, "table": look.table, "columns": list(look.columns)}
        for key, look in kept
    })  # fmt: skip
