# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: a large scope as one prepared file, so that a first load can stop and go on without asking the database.

A file is a row of independent zstd frames. Each holds length-prefixed `Rows` frames of whole ticket groups, the last
activity first, and of a group the tickets last; the last zstd frame holds `SnapEnd`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
import zstandard

from app.config.logs import get_logger
from app.domain.entities import TICKET, Entity, Home
from sync.protocol import Rows, SnapEnd, SnapshotRef, add_sum, frame, row_hash
from sync.server.epochs import current_epoch
from sync.server.pull import BATCH_BYTES, SCOPE_KINDS, SELECTS, weight
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["MIN_ROWS", "Snapshots"]

MIN_ROWS = 5000  # below, a pull from 0 is enough
_KEPT_MS = 48 * 3_600_000
_BUILDING_MS = 600_000  # a build that takes longer has died
_FIRST_GROUP, _GROUP = 150, 500  # tickets in one zstd frame; the first is small: one screen of open ones
_REST = 5000
_SPARE_BYTES = 512 << 20  # the last of a disk is for what people write

_log = get_logger("server.snapshots")


@dataclass(slots=True)
class _File:
    """What was written so far."""

    stream: BinaryIO
    digest: Any
    size: int = 0
    n: int = 0
    xsum: int = 0

    def add(self, frames: Sequence[bytes]) -> None:
        """Write one zstd frame."""
        if frames:
            raw = zstandard.ZstdCompressor(level=3).compress(b"".join(frames))
            self.stream.write(raw)
            self.digest.update(raw)
            self.size += len(raw)


class Snapshots:
    """Builds, offers, finds and clears the files in a folder that all server processes share. Blocking."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        clock: Callable[[], int],
        rng: Callable[[int], bytes],
        min_rows: int = MIN_ROWS,
    ) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._rng = rng
        self._min_rows = min_rows
        self._stopping = False
        self._checked: set[bytes] = set()

    def stop(self) -> None:
        """Give up what is being built: the server ends."""
        self._stopping = True

    def path(self, id_: bytes) -> Path:
        """Return where a snapshot's file is."""
        return self._folder / f"{id_.hex()}.zst"

    def offers(self, connection: sa.Connection, scopes: Sequence[str]) -> dict[str, SnapshotRef]:
        """Return the newest usable snapshot of each scope, of this epoch and not below the floor."""
        table, known = SYSTEM.snapshot, SYSTEM.scope
        since = max(self._clock() - _KEPT_MS, current_epoch(connection).started_at)
        query = (
            sa.select(table)
            .join(known, known.c.id == table.c.scope_id)
            .where(table.c.scope_id.in_(list(scopes)), table.c.state == "ready", table.c.created >= since)
            .where(table.c.at_seq >= known.c.floor, table.c.at_seq <= known.c.head)
            .order_by(table.c.at_seq)
        )
        return {
            row["scope_id"]: SnapshotRef(
                id=bytes(row["id"]), at_seq=row["at_seq"], size=row["bytes"], sha256=bytes(row["sha256"])
            )
            for row in connection.execute(query).mappings()
            if self._is_there(row)
        }

    def find(self, connection: sa.Connection, id_: bytes) -> tuple[str, SnapshotRef] | None:
        """Return scope and reference of a snapshot that can still be downloaded."""
        table = SYSTEM.snapshot
        query = sa.select(table.c.scope_id).where(table.c.id == id_, table.c.created > self._clock() - _KEPT_MS)
        scope = connection.execute(query).scalar()
        if scope is None:
            return None
        row = connection.execute(sa.select(table).where(table.c.id == id_)).mappings().one()
        if row["state"] != "ready" or not self._is_there(row):
            return None
        return scope, SnapshotRef(id=id_, at_seq=row["at_seq"], size=row["bytes"], sha256=bytes(row["sha256"]))

    def _is_there(self, row: sa.RowMapping) -> bool:
        """Whether the file is there in its size. What is inside was looked at when it was made, or at our start."""
        try:
            return self.path(bytes(row["id"])).stat().st_size == int(row["bytes"])
        except OSError:
            return False

    def refresh(self) -> list[str]:
        """Build what is missing or 20 % behind, clear what is old; return the scopes built. Raises DatabaseBusy."""
        self._drop_damaged()
        self._clear()
        built = []
        for scope in self._due():
            id_ = self._claim(scope)
            if id_ is not None and self._build(scope, id_):
                built.append(scope)
        return built

    def _due(self) -> list[str]:
        table = SYSTEM.scope
        with self._store.read() as connection:
            large = connection.execute(sa.select(table).where(table.c.n > self._min_rows)).mappings().all()
            have = self.offers(connection, [row["id"] for row in large])
        return [
            row["id"]
            for row in large
            if row["id"] not in have or row["head"] - have[row["id"]].at_seq > max(row["n"] // 5, 1)
        ]

    def _claim(self, scope: str) -> bytes | None:
        """Say that this process builds it; None if another one does."""
        table, now, id_ = SYSTEM.snapshot, self._clock(), self._rng(16)

        def work(connection: sa.Connection) -> bytes | None:
            scopes = SYSTEM.scope
            connection.execute(sa.select(scopes.c.id).where(scopes.c.id == scope).with_for_update()).first()
            busy = sa.select(table.c.id).where(
                table.c.scope_id == scope, table.c.state == "building", table.c.created > now - _BUILDING_MS
            )
            if connection.execute(busy).first() is not None:
                return None
            values = {"id": id_, "scope_id": scope, "at_seq": 0, "n": 0, "xsum": 0, "bytes": 0, "sha256": b""}
            connection.execute(table.insert().values(**values, state="building", created=now))
            return id_

        return self._store.write(work)

    def _build(self, scope: str, id_: bytes) -> bool:
        """Write the file and make it known. False: its rows differ from the sums, the disk is full, or we stop."""
        table, path = SYSTEM.snapshot, self.path(id_)
        try:
            values = self._write(scope, path)
        except OSError as error:
            _log.warning("snapshot could not be written", scope=scope, error=type(error).__name__)
            values = None
        if values is None:
            self._store.write(lambda cx: cx.execute(table.delete().where(table.c.id == id_)))
            for left in (path.with_suffix(".new"), path):
                with suppress(OSError):
                    left.unlink(missing_ok=True)
            return False
        self._store.write(lambda cx: cx.execute(table.update().where(table.c.id == id_).values(**values)))
        self._checked.add(id_)
        _log.info("snapshot ready", scope=scope, rows=values["n"], bytes=values["bytes"])
        return True

    def _write(self, scope: str, path: Path) -> dict[str, Any] | None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if shutil.disk_usage(self._folder).free < _SPARE_BYTES:
            _log.warning("too little space on the disk for snapshots", scope=scope)
            return None
        temporary, known = path.with_suffix(".new"), SYSTEM.scope
        with temporary.open("wb") as stream, self._store.read() as connection:
            file = _File(stream, hashlib.sha256())
            info = connection.execute(sa.select(known).where(known.c.id == scope)).mappings().one()
            for frames in _contents(connection, scope, file):
                if self._stopping:
                    return None
                file.add(frames)
                time.sleep(0.001)  # the requests of people come first
            if (file.n, file.xsum) != (info["n"], info["xsum"]):
                _log.error("the scope's rows differ from its sums: run deskside admin verify", scope=scope)
                return None
            file.add([frame(SnapEnd(at_seq=info["head"], n=file.n, xsum=file.xsum))])
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sums = {"at_seq": info["head"], "n": file.n, "xsum": file.xsum}
        return {**sums, "bytes": file.size, "sha256": file.digest.digest(), "state": "ready"}

    def _drop_damaged(self) -> None:
        """Forget files that are not what was written: each process reads each of them once."""
        table = SYSTEM.snapshot
        with self._store.read() as connection:
            rows = connection.execute(sa.select(table).where(table.c.state == "ready")).mappings().all()
        for row in rows:
            id_ = bytes(row["id"])
            if id_ in self._checked or self._stopping:
                continue
            if self._is_there(row) and _digest(self.path(id_)) == bytes(row["sha256"]):
                self._checked.add(id_)
                continue
            _log.warning("snapshot is damaged", scope=row["scope_id"])
            self._store.write(lambda cx, gone=id_: cx.execute(table.delete().where(table.c.id == gone)))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults

    def _clear(self) -> None:
        """Drop snapshots that are old, dead, or older than the one before the newest, and files without a row."""
        table, now = SYSTEM.snapshot, self._clock()

        def work(connection: sa.Connection) -> set[str]:
            dead = sa.and_(table.c.state == "building", table.c.created <= now - _BUILDING_MS)
            connection.execute(table.delete().where(sa.or_(table.c.created <= now - _KEPT_MS, dead)))
            rows = connection.execute(sa.select(table.c.id, table.c.scope_id).order_by(table.c.created.desc())).all()
            kept: dict[str, list[bytes]] = {}
            for row in rows:
                kept.setdefault(row.scope_id, []).append(bytes(row.id))
            old = [id_ for ids in kept.values() for id_ in ids[2:]]
            connection.execute(table.delete().where(table.c.id.in_(old)))
            return {id_.hex() for ids in kept.values() for id_ in ids[:2]}

        keep = self._store.write(work)
        if self._folder.is_dir():
            for file in self._folder.iterdir():
                if file.stem not in keep:
                    with suppress(OSError):
                        file.unlink()


def _digest(path: Path) -> bytes:
    """Return the SHA-256 of a file, empty when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b""


def _contents(connection: sa.Connection, scope: str, file: _File) -> Iterator[list[bytes]]:
    """Yield the frames of each zstd frame and count their rows into the sums."""
    entities = SCOPE_KINDS[scope.partition(":")[0]]
    if TICKET not in entities:
        for entity in entities:
            yield from _all(connection, scope, entity, file)
        return
    children = [e for e in entities if e is not TICKET]
    table = ENTITY_TABLES[TICKET.number]
    live = sa.and_(table.c.scope_id == scope, table.c.deleted == sa.false())
    ids = [bytes(i) for i in connection.execute(sa.select(table.c.id).where(live).order_by(*_recent(table))).scalars()]
    start = 0
    while start < len(ids):
        group = ids[start : start + (_GROUP if start else _FIRST_GROUP)]
        start += len(group)
        out: list[bytes] = []
        for entity in children:
            column = _parent(entity)
            if column is not None:
                out += _frames(connection, scope, entity, column.in_(group), file, by_id=True)
        out += _frames(connection, scope, TICKET, table.c.id.in_(group), file, by_id=True)
        yield out
    for entity in children:
        column = _parent(entity)
        rest = column.not_in(sa.select(table.c.id).where(live)) if column is not None else None
        lone = sa.true() if column is None else sa.or_(column.is_(None), rest)  # type: ignore[arg-type]  # set with it
        yield _frames(connection, scope, entity, lone, file)


def _recent(table: sa.Table) -> tuple[sa.ColumnElement[Any], ...]:
    return (sa.func.coalesce(table.c.last_at, table.c.created_at, 0).desc(), table.c.id)


def _parent(entity: Entity) -> sa.ColumnElement[Any] | None:
    """Return the column that names a row's ticket."""
    table = ENTITY_TABLES[entity.number]
    name = entity.parent if entity.home is Home.TICKET else "subject"
    return table.c[name] if name is not None and name in table.c else None


def _all(connection: sa.Connection, scope: str, entity: Entity, file: _File) -> Iterator[list[bytes]]:
    """Yield an entity's rows in pieces by seq."""
    table, after = ENTITY_TABLES[entity.number], 0
    while True:
        live = sa.and_(table.c.scope_id == scope, table.c.deleted == sa.false(), table.c.seq > after)
        last = sa.select(table.c.seq).where(live).order_by(table.c.seq).limit(_REST).subquery()
        to = connection.execute(sa.select(sa.func.max(last.c.seq))).scalar()
        if to is None:
            return
        yield _frames(connection, scope, entity, sa.and_(table.c.seq > after, table.c.seq <= to), file)
        after = to


def _frames(
    connection: sa.Connection,
    scope: str,
    entity: Entity,
    where: sa.ColumnElement[bool],
    file: _File,
    *,
    by_id: bool = False,
) -> list[bytes]:
    """Return the live rows of a scope for which `where` holds. `by_id`: a few, found by the index of their ids."""
    table = ENTITY_TABLES[entity.number]
    # without statistics SQLite would read the whole scope by its index, for every group again
    own = table.c.scope_id.concat("") if by_id else table.c.scope_id
    query = SELECTS[entity.number].where(own == scope, table.c.deleted == sa.false(), where)
    out, batch, size = list[bytes](), list[list[Any]](), 0
    for found in sorted(connection.execute(query), key=lambda row: int(row[1])):
        row = list(found)
        row[4] = {} if row[4] == "{}" else json.loads(row[4])
        file.n += 1
        file.xsum = add_sum(file.xsum, row_hash(entity.number, bytes(row[0]), row[1]))
        more = weight(row)
        if batch and size + more > BATCH_BYTES:
            out.append(frame(Rows(scope=scope, type=entity.number, cols=list(entity.columns), rows=batch)))
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        out.append(frame(Rows(scope=scope, type=entity.number, cols=list(entity.columns), rows=batch)))
    return out
