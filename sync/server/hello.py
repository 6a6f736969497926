# SPDX-License-Identifier: GPL-3.0-or-later
"""Hello: what the server has for a device, and which of its scopes it must load again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from app.domain.entities import SCHEMA
from sync.protocol import PROTO, Hello, HelloAnswer, Limits, SchemaRange, ScopeInfo, SnapshotRef
from sync.server.access import Device, scopes_of
from sync.server.epochs import current_epoch, marked, true_cursors
from sync.server.problems import ProblemError
from sync.server.pull import SCOPES, priority
from sync.server.schema import SYSTEM

__all__ = ["MIN_SCHEMA", "hello"]

MIN_SCHEMA = 1


Offers = Callable[[sa.Connection, Sequence[str]], Mapping[str, SnapshotRef]]


def hello(connection: sa.Connection, now: int, device: Device, message: Hello, offers: Offers) -> HelloAnswer:
    """Answer a hello and remember what it told. Raises ProblemError 426 `schema`."""
    if PROTO not in message.proto or message.schema < MIN_SCHEMA:
        raise ProblemError(426, "schema", min_schema=MIN_SCHEMA)
    epoch = current_epoch(connection)
    access = scopes_of(connection, device.account)
    limits = true_cursors(connection, message.epoch, epoch)
    again = marked(connection, device.id)
    wanted = [s for s in access if not s.endswith(":arc") or s in message.optional]
    rows = connection.execute(SCOPES, {"scopes": wanted}).mappings().all()
    states = {row["id"]: _state(row, message.scopes.get(row["id"], 0), limits, again) for row in rows}
    offered = offers(connection, [id_ for id_, s in states.items() if s == "reset" or not message.scopes.get(id_)])
    scopes = [
        ScopeInfo(
            id=row["id"],
            prio=priority(row["id"]),
            head=row["head"],
            floor=row["floor"],
            n=row["n"],
            state=states[row["id"]],
            snapshot=offered.get(row["id"]),
        )
        for row in sorted(rows, key=lambda row: (priority(row["id"]), row["id"]))
    ]
    _remember(connection, now, device, message, max(access.values(), default=0))
    return HelloAnswer(
        epoch=epoch.id,
        proto=PROTO,
        schema=SchemaRange(min=MIN_SCHEMA, cur=SCHEMA),
        server_ms=now,
        lmid=device.lmid,
        lmid_hash=_lmid_hash(connection, device),
        drop=sorted(set(message.scopes) - {scope.id for scope in scopes}),
        limits=Limits(),
        scopes=scopes,
    )


def _state(row: sa.RowMapping, cursor: int, limits: Mapping[str, int] | None, again: frozenset[str]) -> str:
    if cursor == 0:
        return "ok"
    lost = limits is None or cursor > min(limits.get(row["id"], row["head"]), row["head"])
    return "reset" if lost or cursor < row["floor"] or row["id"] in again else "ok"


def _lmid_hash(connection: sa.Connection, device: Device) -> bytes | None:
    table = SYSTEM.mutation_result
    query = sa.select(table.c.hash).where(table.c.device_id == device.id, table.c.mid == device.lmid)
    found = connection.execute(query).scalar()
    return bytes(found) if found is not None else None


def _remember(connection: sa.Connection, now: int, device: Device, message: Hello, granted: int) -> None:
    table = SYSTEM.device
    values = {
        "offset_ms": max(-(1 << 45), min(now - message.wall_ms, 1 << 45)),
        "lmid_seen": max(device.lmid_seen, min(message.lmid_seen, device.lmid)),
        "proto": PROTO,
        "schema": min(message.schema, (1 << 31) - 1),  # a newer client's; none that was made is near this
        "hello_at": max(now, granted),  # told of every grant, be it of a clock that runs ahead
        "last_seen": now,
    }
    connection.execute(table.update().where(table.c.id == device.id).values(**values))
