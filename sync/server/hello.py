# SPDX-License-Identifier: GPL-3.0-or-later
"""Hello: what the server has for a device, and which of its scopes it must load again; epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.entities import SCHEMA
from sync.protocol import PROTO, Hello, HelloAnswer, Limits, SchemaRange, ScopeInfo
from sync.server.access import Device, scopes_of
from sync.server.problems import ProblemError
from sync.server.pull import priority
from sync.server.schema import SYSTEM

__all__ = ["MIN_SCHEMA", "Epoch", "begin_epoch", "current_epoch", "hello", "rolled_back"]

MIN_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """One unbroken timeline of the data."""

    no: int
    id: bytes


def current_epoch(connection: sa.Connection) -> Epoch:
    """Return the newest epoch."""
    table = SYSTEM.epoch
    row = connection.execute(sa.select(table.c.no, table.c.id).order_by(table.c.no.desc()).limit(1)).one()
    return Epoch(row.no, bytes(row.id))


def begin_epoch(connection: sa.Connection, id_: bytes, now: int, reason: str) -> None:
    """Start a new epoch and keep every scope's head at this moment."""
    table, heads, scope = SYSTEM.epoch, SYSTEM.epoch_head, SYSTEM.scope
    no = (connection.execute(sa.select(sa.func.max(table.c.no))).scalar() or 0) + 1
    connection.execute(table.insert().values(no=no, id=id_, started_at=now, reason=reason))
    found = connection.execute(sa.select(scope.c.id, scope.c.head)).all()
    if found:
        connection.execute(heads.insert(), [{"no": no, "scope_id": r.id, "head": r.head} for r in found])


def rolled_back(connection: sa.Connection, device: Device, message: Hello) -> bool:
    """Tell whether the client proves, within this epoch, that the server lost commits it once had."""
    if message.epoch != current_epoch(connection).id:
        return False
    if message.lmid_seen > device.lmid:
        return True
    heads = _heads(connection)
    return any(cursor > heads[scope] for scope, cursor in message.scopes.items() if scope in heads)


def hello(connection: sa.Connection, now: int, device: Device, message: Hello) -> HelloAnswer:
    """Answer a hello and remember what it told. Raises ProblemError 426 `schema`."""
    if PROTO not in message.proto or message.schema < MIN_SCHEMA:
        raise ProblemError(426, "schema", min_schema=MIN_SCHEMA)
    epoch = current_epoch(connection)
    access = scopes_of(connection, device.account)
    limits = _epoch_limits(connection, message.epoch, epoch)
    table = SYSTEM.scope
    wanted = [s for s in access if not s.endswith(":arc") or s in message.optional]
    rows = connection.execute(sa.select(table).where(table.c.id.in_(wanted))).mappings().all()
    scopes = [
        ScopeInfo(
            id=row["id"],
            prio=priority(row["id"]),
            head=row["head"],
            floor=row["floor"],
            n=row["n"],
            state=_state(row, message.scopes.get(row["id"], 0), limits),
        )
        for row in sorted(rows, key=lambda row: (priority(row["id"]), row["id"]))
    ]
    _remember(connection, now, device, message)
    return HelloAnswer(
        epoch=epoch.id,
        proto=PROTO,
        schema=SchemaRange(min=MIN_SCHEMA, cur=SCHEMA),
        server_ms=now,
        lmid=device.lmid,
        lmid_hash=_lmid_hash(connection, device),
        drop=sorted(set(message.scopes) - set(access)),
        limits=Limits(),
        scopes=scopes,
    )


def _heads(connection: sa.Connection) -> dict[str, int]:
    table = SYSTEM.scope
    return {row.id: row.head for row in connection.execute(sa.select(table.c.id, table.c.head))}


def _epoch_limits(connection: sa.Connection, theirs: bytes | None, epoch: Epoch) -> Mapping[str, int] | None:
    """Return the highest cursors that are still true for a client of an older epoch; None: of an unknown one."""
    if theirs is None or theirs == epoch.id:
        return {}
    table, heads = SYSTEM.epoch, SYSTEM.epoch_head
    known = connection.execute(sa.select(table.c.no).where(table.c.id == theirs)).scalar()
    if known is None:
        return None
    least = sa.select(heads.c.scope_id, sa.func.min(heads.c.head).label("head")).where(heads.c.no > known)
    return {row.scope_id: row.head for row in connection.execute(least.group_by(heads.c.scope_id))}


def _state(row: sa.RowMapping, cursor: int, limits: Mapping[str, int] | None) -> str:
    if cursor == 0:
        return "ok"
    lost = limits is None or cursor > limits.get(row["id"], row["head"]) or cursor > row["head"]
    return "reset" if lost or cursor < row["floor"] else "ok"


def _lmid_hash(connection: sa.Connection, device: Device) -> bytes | None:
    table = SYSTEM.mutation_result
    query = sa.select(table.c.hash).where(table.c.device_id == device.id, table.c.mid == device.lmid)
    found = connection.execute(query).scalar()
    return bytes(found) if found is not None else None


def _remember(connection: sa.Connection, now: int, device: Device, message: Hello) -> None:
    table = SYSTEM.device
    values = {
        "offset_ms": max(-(1 << 45), min(now - message.wall_ms, 1 << 45)),
        "lmid_seen": max(device.lmid_seen, min(message.lmid_seen, device.lmid)),
        "proto": PROTO,
        "schema": message.schema,
        "hello_at": now,
        "last_seen": now,
    }
    connection.execute(table.update().where(table.c.id == device.id).values(**values))
