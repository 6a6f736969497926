# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of canned replies and macros: create, set, delete, restore; who may is as with saved views."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.changes_base import Context, Derive, Effect, Insert, Key, Row, Rows, SetField, history, was_done
from app.domain.changes_values import checked_value
from app.domain.changes_views import SHARES, may_write, scope_of_share
from app.domain.entities import TEAM, TEMPLATE, Policy, Value
from app.domain.errors import Refused

__all__ = ["ACTIONS", "MAX_TEMPLATE_CHARS", "TEMPLATE_KINDS", "TemplateCreate", "TemplateDelete", "TemplateSet"]

TEMPLATE_KINDS = ("canned", "macro")
ACTIONS = ("state", "priority", "owner", "tag", "untag", "note")
MAX_TEMPLATE_CHARS = 20_000
_MAX_NAME_CHARS = 80
_MAX_ACTIONS = 20


def _check(rows: Rows, values: Mapping[str, Value]) -> None:
    """Refuse what no window could show or do."""
    names = [values.get(name) for name in ("name_ko", "name_en")]
    if not any(isinstance(n, str) and n.strip() for n in names) or any(
        len(str(n or "")) > _MAX_NAME_CHARS for n in names
    ):
        raise Refused("bad_value", field="name")
    if values.get("kind") not in TEMPLATE_KINDS:
        raise Refused("bad_value", field="kind")
    if values.get("share") not in SHARES:
        raise Refused("bad_value", field="share")
    has_text = any(str(values.get(name) or "").strip() for name in ("body_ko", "body_en"))
    if values["kind"] == "canned" and not has_text:
        raise Refused("bad_value", field="body")
    if not _are_actions(values.get("actions")) or (
        values["kind"] == "macro" and not (has_text or values.get("actions"))
    ):
        raise Refused("bad_value", field="actions")
    if values.get("share") == "team":
        team = values.get("team")
        row = rows.get(TEAM.number, team) if isinstance(team, bytes) else None
        if row is None or row.deleted:
            raise Refused("no_such_team")


def _are_actions(raw: Value) -> bool:
    if raw is None:
        return True
    try:
        actions = json.loads(str(raw))
    except ValueError:
        return False
    return (
        isinstance(actions, list)
        and len(actions) <= _MAX_ACTIONS
        and all(isinstance(each, dict) and each.get("do") in ACTIONS for each in actions)
    )


def _check_right(ctx: Context, values: Mapping[str, Value]) -> None:
    if ctx.actor.kind != "user" or not may_write(values, ctx.actor.id, ctx.actor.roles):
        raise Refused("not_yours")


def _checked(fields: Mapping[str, Any]) -> dict[str, Value]:
    wanted: dict[str, Value] = {}
    for name, value in sorted(fields.items()):
        column, checked = checked_value(TEMPLATE, name, value)
        if column.policy is Policy.SERVER:
            raise Refused("read_only", field=name)
        wanted[name] = checked
    return wanted


@dataclass(frozen=True, slots=True)
class TemplateCreate:
    """`template.create`: a canned reply or a macro, for oneself, a team or everybody."""

    event: bytes
    template: bytes
    kind: str
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the template; sent again it is there already."""
        values = {"share": "me", "position": 0, **_checked(self.fields), "kind": self.kind, "owner": ctx.actor.id}
        _check(rows, values)
        _check_right(ctx, values)
        if rows.get(TEMPLATE.number, self.template) is not None:
            if was_done(rows, self.template, self.event, "template_created"):
                return []
            raise Refused("id_taken")
        values |= {"created_at": ctx.acted_ms, "created_by": ctx.actor.id}
        new = Insert(TEMPLATE.number, self.template, scope_of_share(values), values)
        return [new, history(ctx, new, self.event, "template_created", {})]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TEMPLATE.number, self.template)]


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """`template.set`: new values of fields of a canned reply or a macro; sharing it moves it to those who see it."""

    event: bytes
    template: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy."""
        template = _live(rows, self.template)
        _check_right(ctx, template.values)
        wanted = _checked(self.fields)
        after = {**template.values, **wanted}
        _check(rows, after)
        _check_right(ctx, after)
        scope = scope_of_share(after)
        moves = scope if scope != template.scope else None
        return [SetField(TEMPLATE.number, template.id, n, v, Policy.HLC, scope=moves) for n, v in wanted.items()]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TEMPLATE.number, self.template)]


@dataclass(frozen=True, slots=True)
class TemplateDelete:
    """`template.delete` and `template.restore`: out of everybody's sight, and back."""

    event: bytes
    template: bytes
    gone: bool = True

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Mark the template, or unmark it; what is done already is no error."""
        template = rows.get(TEMPLATE.number, self.template)
        if template is None:
            raise Refused("no_such_row")
        kind = "template_deleted" if self.gone else "template_restored"
        if template.deleted is self.gone or was_done(rows, template.id, self.event, kind):
            return []
        _check_right(ctx, template.values)
        return [
            Derive(TEMPLATE.number, template.id, {}, deleted=self.gone),
            history(ctx, template, self.event, kind, {}),
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TEMPLATE.number, self.template)]


def _live(rows: Rows, id_: bytes) -> Row:
    template = rows.get(TEMPLATE.number, id_)
    if template is None or template.deleted:
        raise Refused("no_such_row")
    return template
