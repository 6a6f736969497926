# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of saved views: create, set, delete, restore; and who may: one's own always, what is shared a lead too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.changes_base import Context, Derive, Effect, Insert, Key, Row, Rows, SetField, history, was_done
from app.domain.changes_values import checked_value
from app.domain.entities import REF_SCOPE, TEAM, VIEW, Policy, Value, team_scope, user_scope
from app.domain.errors import Refused

__all__ = [
    "MAX_CONDITION_CHARS",
    "MAX_VIEW_NAME_CHARS",
    "SHARES",
    "ViewCreate",
    "ViewDelete",
    "ViewSet",
    "may_write",
    "scope_of_share",
]

MAX_VIEW_NAME_CHARS = 80
MAX_CONDITION_CHARS = 1000
SHARES = ("me", "team", "all")
_LEADS = frozenset({"lead", "admin"})
_MAX_COLUMNS = 20


def may_write(values: Mapping[str, Value], person: bytes | None, roles: frozenset[str]) -> bool:
    """Tell whether a person may change a view: it is theirs, or they lead and it is shared.

    What everybody has stays a lead's, whoever made it.
    """
    if roles & _LEADS:
        return values.get("share") != "me" or values.get("owner") == person
    return values.get("owner") == person and values.get("share") != "all"


def scope_of_share(values: Mapping[str, Value]) -> str:
    """Return the scope of what is kept for oneself, a team or everybody."""
    owner, team = values.get("owner"), values.get("team")
    if values.get("share") == "all":
        return REF_SCOPE
    if values.get("share") == "team":
        return team_scope(team if isinstance(team, bytes) else b"")
    return user_scope(owner if isinstance(owner, bytes) else b"")


def _check(rows: Rows, values: Mapping[str, Value]) -> None:
    """Refuse what no window could show."""
    name, condition = values.get("name"), values.get("condition")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_VIEW_NAME_CHARS:
        raise Refused("bad_value", field="name")
    if not isinstance(condition, str) or len(condition) > MAX_CONDITION_CHARS:
        raise Refused("bad_value", field="condition")
    if values.get("share") not in SHARES:
        raise Refused("bad_value", field="share")
    if not _are_columns(values.get("columns")):
        raise Refused("bad_value", field="columns")
    if values.get("share") == "team":
        team = values.get("team")
        row = rows.get(TEAM.number, team) if isinstance(team, bytes) else None
        if row is None or row.deleted:
            raise Refused("no_such_team")


def _are_columns(raw: Value) -> bool:
    if raw is None:
        return True
    try:
        columns = json.loads(str(raw))
    except ValueError:
        return False
    return isinstance(columns, list) and len(columns) <= _MAX_COLUMNS and all(isinstance(c, str) for c in columns)


def _check_right(ctx: Context, values: Mapping[str, Value]) -> None:
    if ctx.actor.kind != "user" or not may_write(values, ctx.actor.id, ctx.actor.roles):
        raise Refused("not_yours")


@dataclass(frozen=True, slots=True)
class ViewCreate:
    """`view.create`: a search kept under a name, for oneself, a team or everybody."""

    event: bytes
    view: bytes
    name: str
    condition: str
    sort: str = "last_activity"
    share: str = "me"
    team: bytes | None = None
    columns: str | None = None
    pinned: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the view; sent again it is there already."""
        values: dict[str, Value] = {
            "name": self.name, "condition": self.condition, "sort": self.sort, "share": self.share,
            "team": self.team if self.share == "team" else None, "columns": self.columns, "pinned": self.pinned,
            "owner": ctx.actor.id,
        }  # fmt: skip
        _check(rows, values)
        _check_right(ctx, values)
        there = rows.get(VIEW.number, self.view)
        if there is not None:
            if was_done(rows, self.view, self.event, "view_created"):
                return []
            raise Refused("id_taken")
        values |= {"created_at": ctx.acted_ms, "created_by": ctx.actor.id}
        new = Insert(VIEW.number, self.view, scope_of_share(values), values)
        return [new, history(ctx, new, self.event, "view_created", {})]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(VIEW.number, self.view)]


@dataclass(frozen=True, slots=True)
class ViewSet:
    """`view.set`: new values of fields of a view; sharing it moves it to those who see it."""

    event: bytes
    view: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy."""
        view = _live(rows, self.view)
        _check_right(ctx, view.values)
        wanted: dict[str, Value] = {}
        for name, value in sorted(self.fields.items()):
            column, checked = checked_value(VIEW, name, value)
            if column.policy is Policy.SERVER:
                raise Refused("read_only", field=name)
            wanted[name] = checked
        after = {**view.values, **wanted}
        _check(rows, after)
        _check_right(ctx, after)
        scope = scope_of_share(after)
        moves = scope if scope != view.scope else None
        return [SetField(VIEW.number, view.id, name, value, Policy.HLC, scope=moves) for name, value in wanted.items()]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(VIEW.number, self.view)]


@dataclass(frozen=True, slots=True)
class ViewDelete:
    """`view.delete` and `view.restore`: out of everybody's sight, and back."""

    event: bytes
    view: bytes
    gone: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark the view, or unmark it; what is done already is no error."""
        view = rows.get(VIEW.number, self.view)
        if view is None:
            raise Refused("no_such_row")
        kind = "view_deleted" if self.gone else "view_restored"
        if view.deleted is self.gone or was_done(rows, view.id, self.event, kind):
            return []
        _check_right(ctx, view.values)
        return [Derive(VIEW.number, view.id, {}, deleted=self.gone), history(ctx, view, self.event, kind, {})]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(VIEW.number, self.view)]


def _live(rows: Rows, id_: bytes) -> Row:
    view = rows.get(VIEW.number, id_)
    if view is None or view.deleted:
        raise Refused("no_such_row")
    return view
