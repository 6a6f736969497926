# SPDX-License-Identifier: GPL-3.0-or-later
"""Epochs: the unbroken timelines of the data, when a new one begins, and what a device of an older one may keep.

A new epoch begins at the first start, after a restore, when the database turns out to be another cluster or another
timeline of it than at the last start (fail-over, promotion), and when a client proves that commits were lost. Such
a proof is only as good as the device that tells it: each account is believed once a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app.config.logs import get_logger
from sync.protocol import Hello
from sync.server.access import Device, scopes_of
from sync.server.schema import SYSTEM

__all__ = [
    "CLUSTER_SQL",
    "Cluster",
    "Epoch",
    "begin_epoch",
    "clear_marks",
    "cluster_of",
    "current_epoch",
    "follow_cluster",
    "marked",
    "rolled_back",
    "true_cursors",
]

# numbers given out in the lost future must not be given to other tickets
_NUMBERS_SKIPPED = 1000
_BELIEVED_AGAIN_MS = 24 * 3_600_000
_HASH_BYTES = 8
# the control file's timeline lags behind a promotion until the next checkpoint; the name of the log file does not
CLUSTER_SQL = "SELECT system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()"
_log = get_logger("server.epochs")
# every request runs these: each is put together and compiled once
_NEWEST = (
    sa.select(SYSTEM.epoch.c.no, SYSTEM.epoch.c.id, SYSTEM.epoch.c.started_at)
    .order_by(SYSTEM.epoch.c.no.desc())
    .limit(1)
)
_MARKED = sa.select(SYSTEM.resync.c.scope_id).where(SYSTEM.resync.c.device_id == sa.bindparam("device"))
_HEADS = sa.select(SYSTEM.scope).where(SYSTEM.scope.c.id.in_(sa.bindparam("scopes", expanding=True)))


@dataclass(frozen=True, slots=True)
class Epoch:
    """One unbroken timeline of the data."""

    no: int
    id: bytes
    started_at: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which PostgreSQL cluster, and which timeline of it: a promotion begins another one."""

    system_id: str
    timeline: int


def current_epoch(connection: sa.Connection) -> Epoch:
    """Return the newest epoch."""
    row = connection.execute(_NEWEST).one()
    return Epoch(row.no, bytes(row.id), row.started_at)


def begin_epoch(connection: sa.Connection, id_: bytes, now: int, reason: str, cluster: Cluster | None = None) -> None:
    """Start a new epoch and keep every scope's head at this moment."""
    table, heads, scope = SYSTEM.epoch, SYSTEM.epoch_head, SYSTEM.scope
    no = (connection.execute(sa.select(sa.func.max(table.c.no))).scalar() or 0) + 1
    cluster = cluster or cluster_of(connection)
    values = {"no": no, "id": id_, "started_at": now, "reason": reason}
    connection.execute(
        table.insert().values(
            **values,
            system_id=cluster.system_id if cluster else None,
            timeline=cluster.timeline if cluster else None,
        )
    )
    found = connection.execute(sa.select(scope.c.id, scope.c.head)).all()
    if found:
        connection.execute(heads.insert(), [{"no": no, "scope_id": r.id, "head": r.head} for r in found])
    if no > 1:
        counter = SYSTEM.counter
        skipped = counter.update().where(counter.c.name == "ticket").values(value=counter.c.value + _NUMBERS_SKIPPED)
        connection.execute(skipped)
        _log.warning("a new epoch begins", epoch=no, reason=reason)


def cluster_of(connection: sa.Connection) -> Cluster | None:
    """Return which PostgreSQL this is and on which timeline; None for SQLite and where it is not told."""
    if connection.dialect.name != "postgresql":
        return None
    try:
        with connection.begin_nested():
            row = connection.exec_driver_sql(CLUSTER_SQL).one()
    except sa.exc.DBAPIError:
        return None
    return Cluster(str(row[0]), int(row[1], 16))


def follow_cluster(connection: sa.Connection, id_: bytes, now: int) -> bool:
    """Begin an epoch if this is another cluster or timeline than the one of the newest epoch; tell whether it did."""
    cluster = cluster_of(connection)
    if cluster is None:
        return False
    table = SYSTEM.epoch
    last = connection.execute(sa.select(table).order_by(table.c.no.desc()).limit(1)).mappings().one()
    if last["system_id"] is None:  # moved here from SQLite by hand, or made by an older program
        values = {"system_id": cluster.system_id, "timeline": cluster.timeline}
        connection.execute(table.update().where(table.c.no == last["no"]).values(**values))
        return False
    if (last["system_id"], last["timeline"]) == (cluster.system_id, cluster.timeline):
        return False
    begin_epoch(connection, id_, now, "another database or timeline", cluster)
    return True


def rolled_back(connection: sa.Connection, now: int, device: Device, message: Hello) -> bool:
    """Tell whether the client proves, within this epoch, that the server lost commits it once had.

    Whoever is not believed again so soon loads its scopes again all the same, and sends from where the server is.
    """
    if message.epoch != current_epoch(connection).id:
        return False
    if not (_lost_mutation(device, message) or _lost_rows(connection, device, message)):
        return False
    table, name = SYSTEM.setting, f"rollback:{device.account.hex()}"
    last = connection.execute(sa.select(table.c.value).where(table.c.name == name)).scalar()
    if last is not None and now - int(last) < _BELIEVED_AGAIN_MS:
        _log.warning("a device says again that commits were lost", device=device.code, last=int(last))
        return False
    connection.execute(table.delete().where(table.c.name == name))
    connection.execute(table.insert().values(name=name, value=str(now)))
    return True


def _lost_mutation(device: Device, message: Hello) -> bool:
    """Whether the client had the server's word for a mutation of its own that the server does not know."""
    is_own = device.lmid < message.lmid_seen <= message.last_mid
    return is_own and message.seen_hash is not None and len(message.seen_hash) == _HASH_BYTES


def _lost_rows(connection: sa.Connection, device: Device, message: Hello) -> bool:
    """Whether the client holds a scope beyond its head, with sums that are not those of the rows here."""
    access = scopes_of(connection, device.account)
    own = [scope for scope in message.scopes if scope in access]  # a message may name more than a statement takes
    return any(
        message.scopes[row.id] > row.head and message.sums.get(row.id, (row.n, row.xsum)) != (row.n, row.xsum)
        for row in connection.execute(_HEADS, {"scopes": own})
    )


def true_cursors(connection: sa.Connection, theirs: bytes | None, epoch: Epoch) -> Mapping[str, int] | None:
    """Return the highest cursors that are still true for a client of an older epoch; None: of an unknown one.

    A scope that one of the epochs since began without had no row then: nothing of it is true.
    """
    if theirs == epoch.id:
        return {}
    table, heads, scope = SYSTEM.epoch, SYSTEM.epoch_head, SYSTEM.scope
    known = connection.execute(sa.select(table.c.no).where(table.c.id == theirs)).scalar() if theirs else None
    if known is None:
        return None
    query = sa.select(heads.c.scope_id, sa.func.min(heads.c.head).label("head"), sa.func.count().label("n"))
    rows = connection.execute(query.where(heads.c.no > known).group_by(heads.c.scope_id)).all()
    least = {row.scope_id: row.head for row in rows if row.n == epoch.no - known}
    return {id_: least.get(id_, 0) for id_ in connection.execute(sa.select(scope.c.id)).scalars()}


def marked(connection: sa.Connection, device: bytes) -> frozenset[str]:
    """Return the scopes that an administrator wants a device to load again."""
    return frozenset(connection.execute(_MARKED, {"device": device}).scalars())


def clear_marks(connection: sa.Connection, device: bytes, scopes: Iterable[str]) -> None:
    """The device has begun to load these scopes again."""
    table = SYSTEM.resync
    connection.execute(table.delete().where(table.c.device_id == device, table.c.scope_id.in_(list(scopes))))
