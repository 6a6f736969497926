# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks of tickets on the server: versions applied to live tickets, warnings raised, calendars compiled ahead.

Small transactions under the locks that writers take; several processes may do rounds at once, each finds what is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.config.logs import get_logger
from app.domain.calendars import BusinessCalendar, Span, parse_calendar
from app.domain.changes import Actor, Context, Row, canonical_json
from app.domain.entities import CALENDAR, CALENDAR_SPANS, HISTORY, LIVE, REF_SCOPE, SLA_POLICY, STATE, TICKET, Value
from app.domain.ids import derived_id, hlc_of, new_id
from app.domain.sla_notices import notices_due
from app.domain.sla_rows import Book, clock_of, settled
from sync.server.bootstrap import full_row
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["Clocks", "Compile", "live_tickets", "refresh", "server_context", "spans_values"]

Compile = Callable[[BusinessCalendar, int, int], list[Span]]
_BATCH = 100
_DAY_S = 86_400
_BACK_S, _AHEAD_S = 3 * 365 * _DAY_S + _DAY_S, 400 * _DAY_S
_EXTEND_S = 31 * _DAY_S  # a calendar is compiled again when a month of what lies ahead is used up
_LOOK_BACK_MS = 7 * _DAY_S * 1000  # what came late, or while the server was down, is still told of

_log = get_logger("server.clocks")


def server_context(now: int) -> Context:
    """Return the context of what the server does by itself."""
    return Context(Actor("server", None), now, now, hlc_of(now), "srv", 0, on_server=True)


def spans_values(columns: BusinessCalendar, compile_: Compile, now: int) -> dict[str, str | int]:
    """Return what a row of compiled spans holds, from three years back to 400 days ahead, in whole days."""
    today = now // 1000 // _DAY_S * _DAY_S
    first, last = today - _BACK_S, today + _AHEAD_S
    spans = compile_(columns, first, last)
    text = json.dumps([list(span) for span in spans], separators=(",", ":"))
    return {"spans": text, "from_s": first, "to_s": last}


def refresh(store: Store, now: int, ids: Sequence[bytes]) -> dict[str, int]:
    """Let the policies that apply now count for these tickets; return the heads of the scopes that moved."""
    heads: dict[str, int] = {}
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        heads |= store.write(lambda cx, part=part: _refresh(cx, part, now))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
    return heads


def _refresh(connection: sa.Connection, ids: Sequence[bytes], now: int) -> dict[str, int]:
    rows = TxRows(connection)
    rows.lock((TICKET.number, id_) for id_ in ids)
    book, context, event = Book(rows), server_context(now), new_id()
    for id_ in ids:
        _stage(rows, settled(rows, id_, context, event, book))
    return rows.flush(now)


def _stage(rows: TxRows, made: Iterable[Row]) -> None:
    rows.stage(replace(row, rev=row.rev + 1) if row.type == TICKET.number else row for row in made)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A ticket that passed a warning or a due, as its row says."""

    id: bytes
    warn: int | None
    due: int | None


class Clocks:
    """One round at a time. `compile_` knows the zones: it comes from whoever starts the server."""

    def __init__(self, store: Store, clock: Callable[[], int], compile_: Compile | None = None) -> None:
        self._store = store
        self._clock = clock
        self._compile = compile_
        self._done: dict[bytes, _Candidate] = {}

    def run(self) -> dict[str, int]:
        """Do what is due; return the heads of the scopes that moved. Raises DatabaseBusy."""
        now = self._clock()
        heads = self.compile(now) | self.extend(now)
        with self._store.read() as connection:
            stale = _stale(connection)
        heads |= refresh(self._store, now, stale)
        heads |= self.tell(now)
        if stale:
            _log.info("policies applied", tickets=len(stale))
        return heads

    def compile(self, now: int) -> dict[str, int]:
        """Compile the versions of calendars that desktops saved: from then on they count."""
        if self._compile is None:
            return {}
        with self._store.read() as connection:
            new = _uncompiled(connection)
        return self._store.write(lambda cx: self._compile_new(cx, new, now)) if new else {}

    def _compile_new(self, connection: sa.Connection, new: Sequence[bytes], now: int) -> dict[str, int]:
        rows = TxRows(connection)
        rows.lock((CALENDAR.number, id_) for id_ in new)
        waiting = set(_uncompiled(connection))  # another process may have been faster
        for id_ in new:
            calendar = rows.get(CALENDAR.number, id_)
            if id_ in waiting and calendar is not None and self._compile is not None:
                try:
                    values: dict[str, Value] = {**spans_values(_rules(calendar), self._compile, now)}
                except (ValueError, KeyError) as error:  # the version before goes on counting
                    _log.warning("calendar not compiled", calendar=id_.hex(), error=type(error).__name__)
                    continue
                values |= {"calendar": id_, "created_at": now}
                rows.stage([full_row(CALENDAR_SPANS.number, derived_id(id_, "spans"), REF_SCOPE, values)])
        return rows.flush(now)

    def extend(self, now: int) -> dict[str, int]:
        """Compile calendars again whose horizon has come a month nearer."""
        if self._compile is None:
            return {}
        table = ENTITY_TABLES[CALENDAR_SPANS.number]
        wanted = now // 1000 + _AHEAD_S - _EXTEND_S
        with self._store.read() as connection:
            query = sa.select(table.c.id).where(table.c.deleted == sa.false(), table.c.to_s < wanted)
            near = [bytes(id_) for id_ in connection.execute(query).scalars()]
        return self._store.write(lambda cx: self._extend(cx, near, now)) if near else {}

    def _extend(self, connection: sa.Connection, near: Sequence[bytes], now: int) -> dict[str, int]:
        rows = TxRows(connection)
        rows.lock((CALENDAR_SPANS.number, id_) for id_ in near)
        for id_ in near:
            row = rows.get(CALENDAR_SPANS.number, id_)
            owner = row.values.get("calendar") if row is not None else None
            calendar = rows.get(CALENDAR.number, owner) if isinstance(owner, bytes) else None
            if row is None or calendar is None or self._compile is None:
                continue
            values = spans_values(_rules(calendar), self._compile, now)
            rows.stage([replace(row, rev=row.rev + 1, values={**row.values, **values})])
        return rows.flush(now)

    def tell(self, now: int) -> dict[str, int]:
        """Write a line on each ticket whose warning or due has come: each once, whoever finds it first."""
        with self._store.read() as connection:
            found = _passed(connection, now)
        news = [each for each in found if self._done.get(each.id) != each]
        heads: dict[str, int] = {}
        for start in range(0, len(news), _BATCH):
            ids = [each.id for each in news[start : start + _BATCH]]
            heads |= self._store.write(lambda cx, ids=ids: _tell(cx, ids, now))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        self._done = {each.id: each for each in found}
        return heads


def _rules(calendar: Row) -> BusinessCalendar:
    zone, week, holidays, exceptions = (
        str(calendar.values.get(name) or default)
        for name, default in (("zone", "UTC"), ("week", "{}"), ("holidays", "[]"), ("exceptions", "[]"))
    )
    return parse_calendar(zone, week, holidays, exceptions)


def _uncompiled(connection: sa.Connection) -> list[bytes]:
    """Return the versions of calendars that nobody has compiled yet."""
    table, spans = ENTITY_TABLES[CALENDAR.number], ENTITY_TABLES[CALENDAR_SPANS.number]
    compiled = sa.select(spans.c.calendar).where(spans.c.calendar.is_not(None), spans.c.deleted == sa.false())
    query = sa.select(table.c.id).where(
        table.c.deleted == sa.false(), table.c.supersedes.is_not(None), table.c.id.not_in(compiled)
    )
    return [bytes(id_) for id_ in connection.execute(query.order_by(table.c.id)).scalars()]


def live_tickets(connection: sa.Connection) -> list[bytes]:
    """Return every live ticket."""
    table = ENTITY_TABLES[TICKET.number]
    query = sa.select(table.c.id).where(table.c.deleted == sa.false(), table.c.state.in_(_live_states(connection)))
    return [bytes(id_) for id_ in connection.execute(query.order_by(table.c.id)).scalars()]


def _live_states(connection: sa.Connection) -> list[bytes]:
    table = ENTITY_TABLES[STATE.number]
    query = sa.select(table.c.id).where(table.c.category.in_([category.value for category in LIVE]))
    return [bytes(id_) for id_ in connection.execute(query).scalars()]


def _stale(connection: sa.Connection) -> list[bytes]:
    """Return the live tickets on which a version stands that a later one has replaced."""
    table, policy, calendar, spans = (ENTITY_TABLES[e.number] for e in (TICKET, SLA_POLICY, CALENDAR, CALENDAR_SPANS))
    old_policies = sa.select(policy.c.id).where(policy.c.active == sa.false())
    old_calendars = sa.select(calendar.c.supersedes).where(
        calendar.c.supersedes.is_not(None), calendar.c.id.in_(sa.select(spans.c.calendar))
    )
    query = sa.select(table.c.id).where(
        table.c.deleted == sa.false(),
        table.c.sla_policy.is_not(None),
        table.c.state.in_(_live_states(connection)),
        sa.or_(table.c.sla_policy.in_(old_policies), table.c.sla_calendar.in_(old_calendars)),
    )
    return [bytes(id_) for id_ in connection.execute(query.order_by(table.c.id)).scalars()]


def _passed(connection: sa.Connection, now: int) -> list[_Candidate]:
    """Return the tickets whose warning or due came in the last days; what has come stands as a time, else None."""
    table = ENTITY_TABLES[TICKET.number]
    since = now - _LOOK_BACK_MS
    query = sa.select(table.c.id, table.c.next_warn, table.c.next_due).where(
        table.c.deleted == sa.false(),
        sa.or_(table.c.next_warn.between(since, now), table.c.next_due.between(since, now)),
    )
    return [
        _Candidate(bytes(id_), warn if warn is not None and warn <= now else None, due if due and due < now else None)
        for id_, warn, due in connection.execute(query)
    ]


def _tell(connection: sa.Connection, ids: Sequence[bytes], now: int) -> dict[str, int]:
    rows = TxRows(connection)
    rows.lock((TICKET.number, id_) for id_ in ids)
    book, context = Book(rows), server_context(now)
    for id_ in ids:
        ticket = rows.get(TICKET.number, id_)
        if ticket is None or ticket.deleted:
            continue
        lines = rows.find(HISTORY.number, "subject", id_)
        known = {line.id for line in lines}
        rows.stage(
            _line(ticket, context, notice.kind, notice.data(), notice.at_s * 1000, notice_id)
            for notice in notices_due(clock_of(lines, book, now), now // 1000)
            if (notice_id := notice.id_of(id_)) not in known
        )
    return rows.flush(now)


def _line(ticket: Row, ctx: Context, kind: str, data: dict[str, object], at: int, id_: bytes) -> Row:
    values = dict.fromkeys(HISTORY.columns, None) | {
        "subject_type": TICKET.number, "subject": ticket.id, "kind": kind, "data": canonical_json(data),
        "acted_at": at, "recorded_at": ctx.now_ms, "actor_kind": "server", "created_at": at,
    }  # fmt: skip
    return Row(HISTORY.number, id_, ticket.scope, values)
