# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutation of opening hours: a new version of a calendar, which counts once the server has compiled it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.changes_base import Context, Effect, Insert, Key, Rows, history, was_done
from app.domain.changes_values import checked_value
from app.domain.entities import CALENDAR, REF_SCOPE, Value
from app.domain.errors import Refused
from app.domain.opening_hours import hours_problem

__all__ = ["CalendarSave"]

_LEADS = frozenset({"lead", "admin"})
_FIELDS = ("week", "holidays")
_KEPT = ("name", "zone", "exceptions")  # the server's administrator sets these


@dataclass(frozen=True, slots=True)
class CalendarSave:
    """`calendar.save`: other weekly hours and holidays; name, zone and exceptions stay those of the version before."""

    event: bytes
    version: bytes
    supersedes: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the version. A calendar is one line of versions: who comes second is told, nothing is merged."""
        if ctx.actor.kind != "user" or not ctx.actor.roles & _LEADS:
            raise Refused("not_yours")
        if rows.get(CALENDAR.number, self.version) is not None:
            if was_done(rows, self.version, self.event, "calendar_saved"):
                return []
            raise Refused("id_taken")
        before = rows.get(CALENDAR.number, self.supersedes)
        if before is None or before.deleted:
            raise Refused("no_such_row")
        if rows.first(CALENDAR.number, "supersedes", self.supersedes) is not None:
            raise Refused("hours_changed")
        values: dict[str, Value] = {name: before.values.get(name) for name in (*_KEPT, *_FIELDS)}
        for name, raw in sorted(self.fields.items()):
            if name not in _FIELDS:
                raise Refused("read_only", field=name)
            values[name] = checked_value(CALENDAR, name, raw)[1]
        problem = hours_problem(values["week"], values["holidays"])
        if problem:
            raise Refused("bad_value", field=problem)
        values |= {"supersedes": self.supersedes, "created_at": ctx.acted_ms, "created_by": ctx.actor.id}
        new = Insert(CALENDAR.number, self.version, REF_SCOPE, values)
        return [new, history(ctx, new, self.event, "calendar_saved", {})]

    def roots(self) -> list[Key]:
        """Rows to lock: two saves over one version come one after the other."""
        return [(CALENDAR.number, self.supersedes), (CALENDAR.number, self.version)]
