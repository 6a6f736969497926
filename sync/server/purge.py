# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes away for good what was deleted long ago. Each row leaves an exit without a destination.

A ticket goes with everything that hangs on it, in one transaction and under the ticket's own lock, which is the one
that restoring it takes too: it comes back whole, or it is gone whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app.domain.entities import ENTITIES, HISTORY, TICKET, Entity, Home
from sync.server.many import insert_many
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["purge"]

_TICKETS, _ROWS = 20, 200  # in one transaction
_CHILDREN = tuple(e for e in ENTITIES if e.home is Home.TICKET and e is not TICKET and e.parent is not None)
Keys = dict[str, list[tuple[int, bytes]]]


def purge(store: Store, before: int, now: int, heads: dict[str, int]) -> int:
    """Remove what was deleted before this time; return how many rows. `heads` gets those of the scopes it moved."""
    count = 0
    for entity in (TICKET, *(e for e in ENTITIES if e is not TICKET)):
        due = _due(store, entity, before)
        size = _TICKETS if entity is TICKET else _ROWS
        for start in range(0, len(due), size):
            part = due[start : start + size]
            done, moved = store.write(lambda cx, e=entity, p=part: _take(cx, e, p, before, now))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
            heads |= moved
            count += done
    return count


def _due(store: Store, entity: Entity, before: int) -> list[bytes]:
    """Look through a whole table, while others write. What hangs on a ticket waits for the ticket."""
    table, ticket = ENTITY_TABLES[entity.number], ENTITY_TABLES[TICKET.number]
    query = sa.select(table.c.id).where(_old(table, before))
    if entity in _CHILDREN:
        query = query.where(~sa.select(ticket.c.id).where(ticket.c.id == table.c[str(entity.parent)]).exists())
    with store.read() as connection:
        return sorted(bytes(id_) for id_ in connection.execute(query).scalars())


def _old(table: sa.Table, before: int) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.deleted == sa.true(), table.c.deleted_at < before)


def _take(
    connection: sa.Connection, entity: Entity, ids: list[bytes], before: int, now: int
) -> tuple[int, dict[str, int]]:
    table = ENTITY_TABLES[entity.number]
    query = sa.select(table.c.id, table.c.scope_id).where(table.c.id.in_(ids), _old(table, before))
    found: Keys = {}
    locked = connection.execute(query.order_by(table.c.id).with_for_update(skip_locked=True)).all()
    if entity is TICKET:
        kept = _in_use(connection, [bytes(row.id) for row in locked])
        locked = [row for row in locked if bytes(row.id) not in kept]
        _with_children(connection, [bytes(row.id) for row in locked], found)
    for row in locked:
        found.setdefault(row.scope_id, []).append((entity.number, bytes(row.id)))
    return _remove(connection, found, now)


def _in_use(connection: sa.Connection, tickets: list[bytes]) -> set[bytes]:
    """Return the tickets on which something is not deleted: nobody's words go away with what is around them."""
    kept: set[bytes] = set()
    for entity in _CHILDREN:
        if entity is not HISTORY:
            table = ENTITY_TABLES[entity.number]
            column = table.c[str(entity.parent)]
            query = sa.select(column).where(column.in_(tickets), table.c.deleted == sa.false()).distinct()
            kept |= {bytes(id_) for id_ in connection.execute(query).scalars()}
    return kept


def _with_children(connection: sa.Connection, tickets: list[bytes], found: Keys) -> None:
    for entity in _CHILDREN:
        table = ENTITY_TABLES[entity.number]
        query = sa.select(table.c.id, table.c.scope_id).where(table.c[str(entity.parent)].in_(tickets))
        for row in connection.execute(query):
            found.setdefault(row.scope_id, []).append((entity.number, bytes(row.id)))


def _remove(connection: sa.Connection, found: Keys, now: int) -> tuple[int, dict[str, int]]:
    """Delete the rows and leave their exits; scopes are locked in the order that everybody keeps."""
    scopes, heads = SYSTEM.scope, dict[str, int]()
    for scope in sorted(found):
        keys = found[scope]
        taken = scopes.update().where(scopes.c.id == scope).values(head=scopes.c.head + len(keys))
        heads[scope] = head = int(connection.execute(taken.returning(scopes.c.head)).scalar_one())
        numbered = enumerate(keys, head - len(keys) + 1)
        exits = [
            {"scope_id": scope, "seq": seq, "type": type_, "id": id_, "to_scope": None, "at": now}
            for seq, (type_, id_) in numbered
        ]
        insert_many(connection, SYSTEM.scope_exit, exits)
    every = [key for keys in found.values() for key in keys]
    for type_ in sorted({type_ for type_, _ in every}):
        _delete(connection, ENTITY_TABLES[type_], (id_ for kind, id_ in every if kind == type_))
    return len(every), heads


def _delete(connection: sa.Connection, table: sa.Table, ids: Iterable[bytes]) -> None:
    rest = list(ids)
    for start in range(0, len(rest), 500):
        connection.execute(table.delete().where(table.c.id.in_(rest[start : start + 500])))
