# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets calendars and policies: what is as it was stays, what differs becomes a new version, and live tickets follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa

from app.domain.calendar_versions import latest_version
from app.domain.calendars import parse_calendar
from app.domain.changes import Row, canonical_json
from app.domain.entities import CALENDAR, CALENDAR_SPANS, ORGANISATION, REF_SCOPE, SLA_POLICY, TEAM, Value
from app.domain.errors import Refused
from app.domain.ids import derived_id, new_id
from sync.server.bootstrap import full_row
from sync.server.clocks import Compile, live_tickets, refresh, spans_values
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["BookSet", "set_book"]


class _Calendar(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> Mapping[str, str]: ...


class _Policy(Protocol):
    @property
    def values(self) -> Mapping[str, Value]: ...
    @property
    def match(self) -> Mapping[str, Sequence[Any]]: ...
    @property
    def calendar(self) -> str | None: ...


class _Spec(Protocol):
    @property
    def calendars(self) -> Sequence[_Calendar]: ...
    @property
    def teams(self) -> Mapping[str, str]: ...
    @property
    def callbacks(self) -> Mapping[str, int]: ...
    @property
    def policies(self) -> Sequence[_Policy]: ...


@dataclass(frozen=True, slots=True)
class BookSet:
    """What setting came to: new versions of calendars and policies, policies that ended, live tickets looked at."""

    calendars: int
    policies: int
    ended: int
    tickets: int


def set_book(store: Store, now: int, spec: _Spec, compile_: Compile) -> BookSet:
    """Make calendars, teams and policies what a file says; the server may run. Raises Refused("no_such_team", …)."""
    made = store.write(lambda cx: _Setting(cx, now, compile_).run(spec))
    with store.read() as connection:
        tickets = live_tickets(connection)
    refresh(store, now, tickets)
    return replace(made, tickets=len(tickets))


class _Setting:
    """One transaction."""

    def __init__(self, connection: sa.Connection, now: int, compile_: Compile) -> None:
        self._cx = connection
        self._now = now
        self._compile = compile_
        self._rows = TxRows(connection)

    def run(self, spec: _Spec) -> BookSet:
        """Do it."""
        calendars = [self._calendar(each) for each in spec.calendars]
        ids = {each.name: id_ for each, (id_, _) in zip(spec.calendars, calendars, strict=True)}
        for team, calendar in spec.teams.items():
            self._team(team, "calendar", ids[calendar])
        for team, calls in spec.callbacks.items():
            self._team(team, "callback_capacity", calls)
        # the oldest versions first, so that a policy written anew under a name ends the one before
        before = {self._names(row): row for row in self._all(SLA_POLICY.number) if row.values.get("active")}
        made = sum(self._policy(each, ids, before) for each in spec.policies)
        kept = {(each.values["name_ko"], each.values["name_en"]) for each in spec.policies}
        ended = [row for names, row in before.items() if names not in kept]
        self._rows.stage(_ended(row) for row in ended)
        self._rows.flush(self._now)
        return BookSet(sum(new for _, new in calendars), made, len(ended), 0)

    def _all(self, type_: int) -> list[Row]:
        table = ENTITY_TABLES[type_]
        query = sa.select(table.c.id).where(table.c.deleted == sa.false()).order_by(table.c.created_at, table.c.id)
        ids = [bytes(id_) for id_ in self._cx.execute(query).scalars()]
        return [row for id_ in ids if (row := self._rows.get(type_, id_)) is not None]

    def _names(self, row: Row) -> tuple[Value, Value]:
        return row.values.get("name_ko"), row.values.get("name_en")

    def _calendar(self, spec: _Calendar) -> tuple[bytes, bool]:
        """Return the id of the version that counts, and whether it is new."""
        known = [row for row in self._all(CALENDAR.number) if row.values.get("name") == spec.name]
        old = self._rows.get(CALENDAR.number, latest_version(self._rows, known[0].id)) if known else None
        if old is not None and all(old.values.get(name) == value for name, value in spec.columns.items()):
            return old.id, False
        id_ = new_id()
        values: dict[str, Value] = {
            "name": spec.name, **spec.columns, "supersedes": old.id if old is not None else None,
            "created_at": self._now,
        }  # fmt: skip
        spans: dict[str, Value] = {**spans_values(parse_calendar(**spec.columns), self._compile, self._now)}
        spans |= {"calendar": id_, "created_at": self._now}
        self._rows.stage(
            [
                full_row(CALENDAR.number, id_, REF_SCOPE, values),
                full_row(CALENDAR_SPANS.number, derived_id(id_, "spans"), REF_SCOPE, spans),
            ]
        )
        return id_, True

    def _team(self, name: str, column: str, value: Value) -> None:
        row = self._rows.get(TEAM.number, self._named(TEAM.number, name, "no_such_team"))
        if row is not None and row.values.get(column) != value:
            self._rows.stage([replace(row, rev=row.rev + 1, values={**row.values, column: value})])

    def _named(self, type_: int, name: str, code: str) -> bytes:
        rows = self._all(type_)
        for row in rows:
            if name in (row.values.get("name_ko"), row.values.get("name_en"), row.values.get("name")):
                return row.id
        known = ", ".join(str(row.values.get("name_ko") or row.values.get("name") or "") for row in rows[:20])
        raise Refused(code, name=name, teams=known)

    def _policy(self, spec: _Policy, calendars: Mapping[str, bytes], before: Mapping[tuple[Value, Value], Row]) -> bool:
        """Write a policy if it differs from the version before; tell whether it did."""
        match = {name: self._resolved(name, wanted) for name, wanted in spec.match.items()}
        values: dict[str, Value] = {
            **spec.values, "match": canonical_json(match),
            "calendar": calendars[spec.calendar] if spec.calendar is not None else None,
        }  # fmt: skip
        old = before.get((values["name_ko"], values["name_en"]))
        if old is not None and self._same(old, values):
            return False
        values |= {"supersedes": old.id if old is not None else None, "created_at": self._now}
        self._rows.stage([full_row(SLA_POLICY.number, new_id(), REF_SCOPE, values)])
        if old is not None:
            self._rows.stage([_ended(old)])
        return True

    def _same(self, old: Row, values: Mapping[str, Value]) -> bool:
        """Compare but for the calendar's version, which is found when a ticket asks."""
        for name, value in values.items():
            kept = old.values.get(name)
            if name == "calendar" and isinstance(kept, bytes) and isinstance(value, bytes):
                kept, value = latest_version(self._rows, kept), latest_version(self._rows, value)
            if kept != value:
                return False
        return True

    def _resolved(self, name: str, wanted: Sequence[Any]) -> list[Any]:
        kinds = {"team": (TEAM.number, "no_such_team"), "organisation": (ORGANISATION.number, "no_such_organisation")}
        if name not in kinds:
            return list(wanted)
        type_, code = kinds[name]
        return [self._named(type_, str(each), code).hex() for each in wanted]


def _ended(row: Row) -> Row:
    return replace(row, rev=row.rev + 1, values={**row.values, "active": False})
