# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server forgets, and what it moves to the archives. Small transactions, under the locks that writers take.

Exits and text bases 180 days; deleted rows 30 days, then purged with an exit; results of mutations once the device
knows of them, and 30 days; ended refresh tokens; keys of writers without mids 90 days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.config.logs import get_logger
from app.domain.changes import Row
from app.domain.entities import BY_NUMBER, ENTITIES, HISTORY, STATE, TICKET, Category, Home
from sync.server.purge import purge
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["Done", "Retention", "set_archive_days"]

DAY_MS = 86_400_000
EXIT_DAYS = TEXT_DAYS = 180
DELETED_DAYS = RESULT_DAYS = 30
INGEST_DAYS = 90
ARCHIVE_DAYS = 365  # the setting `archive_days` overrides it
_BATCH = 200

_log = get_logger("server.retention")


@dataclass(frozen=True, slots=True)
class Done:
    """How much one round did; `heads` of the scopes it moved."""

    purged: int
    archived: int
    exits: int
    forgotten: int
    heads: dict[str, int]


def set_archive_days(store: Store, days: int) -> None:
    """Set after how many days closed tickets go to the archive; 0 archives nothing."""
    table = SYSTEM.setting

    def work(connection: sa.Connection) -> None:
        connection.execute(table.delete().where(table.c.name == "archive_days"))
        connection.execute(table.insert().values(name="archive_days", value=str(days)))

    store.write(work)


class Retention:
    """One round at a time; several processes may do rounds at once, each finds what is left."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def run(self) -> Done:
        """Do what is due. Raises DatabaseBusy; what was done before stays done."""
        now, heads = self._clock(), dict[str, int]()
        purged = purge(self._store, now - DELETED_DAYS * DAY_MS, now, heads)
        archived = self._archive(now, heads)
        exits = self._raise_floors(now)
        forgotten = self._store.write(lambda cx: _forget(cx, now))
        done = Done(purged, archived, exits, forgotten, heads)
        if purged or archived or exits or forgotten:
            _log.info("retention", purged=purged, archived=archived, exits=exits, forgotten=forgotten)
        return done

    def _archive(self, now: int, heads: dict[str, int]) -> int:
        """Move tickets that are closed and unchanged for long, each with all its children, to their team's archive."""
        with self._store.read() as connection:
            days = _archive_days(connection)
            due = _due(connection, now - days * DAY_MS) if days else []
        count = 0
        for start in range(0, len(due), _BATCH // 10):
            part = due[start : start + _BATCH // 10]
            moved, told = self._store.write(lambda cx, p=part: _move(cx, p, now, now - days * DAY_MS))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
            count += moved
            heads |= told
        return count

    def _raise_floors(self, now: int) -> int:
        """Forget exits of 180 days ago: who was away longer starts the scope over."""
        exits, before = SYSTEM.scope_exit, now - EXIT_DAYS * DAY_MS
        with self._store.read() as connection:
            query = sa.select(exits.c.scope_id).where(exits.c.at < before).distinct()
            scopes = sorted(connection.execute(query).scalars())
        return sum(self._store.write(lambda cx, s=scope: _raise_floor(cx, s, before)) for scope in scopes)  # type: ignore[misc]  # mypy cannot infer a lambda with defaults


def _archive_days(connection: sa.Connection) -> int:
    table = SYSTEM.setting
    text = connection.execute(sa.select(table.c.value).where(table.c.name == "archive_days")).scalar()
    return int(text) if text is not None and text.isdigit() else ARCHIVE_DAYS


def _closed(connection: sa.Connection) -> list[bytes]:
    table = ENTITY_TABLES[STATE.number]
    query = sa.select(table.c.id).where(table.c.category.in_([Category.CLOSED.value, Category.MERGED.value]))
    return [bytes(id_) for id_ in connection.execute(query).scalars()]


def _due(connection: sa.Connection, before: int) -> list[bytes]:
    table = ENTITY_TABLES[TICKET.number]
    query = sa.select(table.c.id).where(
        table.c.deleted == sa.false(),
        table.c.state.in_(_closed(connection)),
        sa.func.coalesce(table.c.last_at, table.c.created_at, 0) < before,
        table.c.scope_id.not_like("%:arc"),
    )
    return [bytes(id_) for id_ in connection.execute(query.order_by(table.c.id)).scalars()]


def _move(connection: sa.Connection, tickets: list[bytes], now: int, before: int) -> tuple[int, dict[str, int]]:
    """Move those of the tickets that nobody touched since they were found due."""
    rows = TxRows(connection)
    rows.lock([(TICKET.number, id_) for id_ in tickets])
    closed, count = set(_closed(connection)), 0
    for id_ in tickets:
        ticket = rows.get(TICKET.number, id_)
        if ticket is None or ticket.deleted or ticket.scope.endswith(":arc") or ticket.values["state"] not in closed:
            continue
        if _changed_at(rows, ticket) >= before:
            continue
        group = [ticket, *_children(rows, id_)]
        rows.stage(replace(row, scope=f"{ticket.scope}:arc", rev=row.rev + 1) for row in group)
        count += 1
    return count, rows.flush(now)


def _changed_at(rows: TxRows, ticket: Row) -> int:
    """Return when anything happened to a ticket: its last message, or the newest line of its history."""
    times = [ticket.values.get("last_at"), ticket.values.get("created_at")]
    times += [row.values.get("recorded_at") for row in rows.find(HISTORY.number, "subject", ticket.id)]
    return max((int(at) for at in times if at is not None), default=0)


def _children(rows: TxRows, ticket: bytes) -> list[Row]:
    """Return all rows that belong to a ticket, deleted ones too: they are to be purged where the ticket is."""
    out = rows.find(HISTORY.number, "subject", ticket, deleted=True)
    for entity in ENTITIES:
        if entity.home is Home.TICKET and entity is not TICKET and entity.parent is not None:
            out += rows.find(entity.number, entity.parent, ticket, deleted=True)
    return [row for row in out if row.type in BY_NUMBER]


def _raise_floor(connection: sa.Connection, scope: str, before: int) -> int:
    exits, scopes = SYSTEM.scope_exit, SYSTEM.scope
    connection.execute(sa.select(scopes.c.id).where(scopes.c.id == scope).with_for_update()).first()
    floor = connection.execute(
        sa.select(sa.func.max(exits.c.seq)).where(exits.c.scope_id == scope, exits.c.at < before)
    ).scalar()
    if floor is None:
        return 0
    connection.execute(scopes.update().where(scopes.c.id == scope, scopes.c.floor < floor).values(floor=floor))
    gone = connection.execute(exits.delete().where(exits.c.scope_id == scope, exits.c.seq <= floor))
    return gone.rowcount


def _forget(connection: sa.Connection, now: int) -> int:
    texts, tokens, ingest = SYSTEM.text_base, SYSTEM.refresh, SYSTEM.ingest
    devices, results = SYSTEM.device, SYSTEM.mutation_result
    seen = sa.select(devices.c.lmid_seen).where(devices.c.id == results.c.device_id).scalar_subquery()
    lost = sa.select(devices.c.id).where(devices.c.state == "revoked", devices.c.wiped_at.is_(None))
    count = 0
    for query in (
        texts.delete().where(texts.c.at < now - TEXT_DAYS * DAY_MS),
        results.delete().where(results.c.at < now - RESULT_DAYS * DAY_MS, results.c.mid <= seen),
        # a revoked device that comes back after months must still be told to wipe itself
        tokens.delete().where(tokens.c.expires < now, tokens.c.device_id.not_in(lost)),
        ingest.delete().where(ingest.c.at < now - INGEST_DAYS * DAY_MS),
    ):
        count += connection.execute(query).rowcount
    return count
