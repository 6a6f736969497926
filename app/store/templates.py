# SPDX-License-Identifier: GPL-3.0-or-later
"""Canned replies and macros as people see them."""

from __future__ import annotations

import json
from typing import Any

from app.domain.entities import TEMPLATE
from app.domain.ids import TeamId, UserId
from app.domain.ports import Template
from app.store.shown import Shown

__all__ = ["templates"]

_COLUMNS = "id, kind, name_ko, name_en, folder, body_ko, body_en, actions, share, team, owner, position"


def templates(shown: Shown) -> list[Template]:
    """Return every canned reply and macro on this computer: by folder, then as ordered, then by name."""
    found = [_template(row) for row in shown.select(TEMPLATE.number, _COLUMNS, "deleted = 0")]
    return sorted(found, key=lambda t: (t.folder.casefold(), t.position, t.name("ko").casefold(), t.id))


def _template(row: tuple[Any, ...]) -> Template:
    id_, kind, name_ko, name_en, folder, body_ko, body_en, actions, share, team, owner, position = row
    return Template(
        id_, kind or "canned", {"ko": name_ko or "", "en": name_en or ""}, folder or "",
        {"ko": body_ko or "", "en": body_en or ""}, _actions(actions), share or "me", TeamId(team) if team else None,
        UserId(owner) if owner else None, position or 0,
    )  # fmt: skip


def _actions(raw: str | None) -> list[tuple[str, object]]:
    try:
        found = json.loads(raw) if raw else []
        return [(str(each["do"]), each.get("value")) for each in found]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
