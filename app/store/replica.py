# SPDX-License-Identifier: GPL-3.0-or-later
"""replica.db, the server's state as of the last checkpoint: written only here, only by the worker. Disposable.

Fulfils `ReplicaPort`. Nothing in this file was typed by a person; a damaged, foreign or outdated one is set aside
and loaded again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from app.domain.entities import TICKET
from app.domain.errors import StoreUnavailable
from app.domain.ids import derived_id
from app.domain.replica import (
    Applied,
    Checkpoint,
    ExitPage,
    MutationResult,
    OutboxEntry,
    ReplicaState,
    RowPage,
    ScopeState,
)
from app.store.cipher import Database, Session, file_uri, open_raw, our_errors
from app.store.replica_rows import RowWriter
from app.store.schema import fingerprint, replica_ddl

__all__ = ["HashTools", "ReplicaStore", "open_replica"]

_LOAD_HASH_BYTES = 32 << 20  # room for the index's words between two flushes: twice as fast as the default
MAX_NAMED_IDS = 500


class HashTools(Protocol):
    """How row versions are summed, handed in by app.entry."""

    def row_hash(self, type_: int, id_: bytes, seq: int) -> int:
        """Return the hash of a row's version."""
        ...

    def add_sum(self, total: int, delta: int) -> int:
        """Add modulo 2^64, signed."""
        ...


def replica_path(folder: Path) -> Path:
    """Return where a profile keeps its replica."""
    return folder / "replica.db"


def _connect(path: Path, key: bytes) -> Any:
    raw = open_raw(file_uri(path, "rw"), key, cache_kib=65_536)
    raw.execute("PRAGMA synchronous=NORMAL")
    # one transaction may be as large as a checkpoint; a WAL that grew is cut back afterwards
    raw.execute("PRAGMA journal_size_limit=67108864")
    return raw


def _create(path: Path, key: bytes, pair_id: bytes) -> None:
    """Make an empty replica under another name and move it into place whole, so that no reader sees half of it."""
    fresh = path.with_suffix(".new")
    remove_database(fresh)
    raw = open_raw(file_uri(fresh, "rwc"), key)
    try:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("BEGIN IMMEDIATE")
        for statement in replica_ddl():
            raw.execute(statement)
        raw.execute("INSERT INTO fts(fts, rank) VALUES('hashsize', ?)", (_LOAD_HASH_BYTES,))
        raw.execute("INSERT INTO meta VALUES('schema', ?), ('pair_id', ?)", (fingerprint(), pair_id))
        raw.execute("COMMIT")
    finally:
        raw.close()
    remove_database(path)
    fresh.rename(path)


def remove_database(path: Path) -> None:
    """Remove a database file with its log files."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Keep one damaged file for whoever wants to look at it, out of the way."""
    aside = path.with_name(path.name + ".damaged")
    remove_database(aside)
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))


def _usable(path: Path, key: bytes, pair_id: bytes) -> bool:
    try:
        with our_errors():
            raw = _connect(path, key)
            try:
                meta = dict(raw.execute("SELECT k, v FROM meta WHERE k IN ('schema', 'pair_id')").fetchall())
                sound = raw.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok" if meta else False
            finally:
                raw.close()
    except StoreUnavailable as error:
        if error.code in ("store_damaged", "store_wrong_key"):
            return False
        raise
    return sound and meta.get("schema") == fingerprint() and meta.get("pair_id") == pair_id


def open_replica(
    folder: Path, key: bytes, pending: Database, hashes: HashTools, now_ms: Callable[[], int]
) -> tuple[ReplicaStore, bool]:
    """Open or create a profile's replica; the second value says that an unusable one was set aside.

    The caller holds worker.lock. Raises StoreUnavailable.
    """
    path = replica_path(folder)
    with pending.read() as tx:
        pair_id = tx.value("SELECT v FROM meta WHERE k = 'pair_id'") or secrets.token_bytes(16)
    aside = False
    with our_errors():
        if path.exists() and not _usable(path, key, pair_id):
            set_aside(path)
            aside = True
        if not path.exists():
            _create(path, key, pair_id)
    return ReplicaStore(path, key, pending, hashes, now_ms), aside


@dataclass(slots=True)
class _Work:
    """What one transaction has done so far."""

    rows: RowWriter
    scopes: dict[str, ScopeState]
    named: set[bytes] = field(default_factory=set)


class ReplicaStore:
    """The worker's files, for the sync engine. Methods block; one thread at a time."""

    def __init__(self, path: Path, key: bytes, pending: Database, hashes: HashTools, now_ms: Callable[[], int]) -> None:
        self._file = Database(lambda: _connect(path, key), keep=2)
        self._pending = pending
        self._hashes = hashes
        self._now_ms = now_ms

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.close()

    # --- meta -------------------------------------------------------------------------------------------------------

    def meta(self, key: str) -> Any:
        """Return one of the worker's own facts, or None."""
        with self._file.read() as tx:
            return tx.value("SELECT v FROM meta WHERE k = ?", (key,))

    def set_meta(self, key: str, value: object) -> None:
        """Store one of the worker's own facts; None removes it."""
        with self._file.write() as tx:
            if value is None:
                tx.run("DELETE FROM meta WHERE k = ?", (key,))
            else:
                tx.run("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))

    def use_device(self, device: bytes) -> None:
        """Name the device whose mutations are counted; counters of another one start at 0."""
        with self._file.write() as tx:
            if tx.value("SELECT v FROM meta WHERE k = 'device_id'") == device:
                return
            tx.run("INSERT OR REPLACE INTO meta VALUES('device_id', ?), ('lmid_seen', 0)", (device,))
            tx.run("DELETE FROM waiting")

    # --- the engine's port ------------------------------------------------------------------------------------------

    def state(self) -> ReplicaState:
        """Return where the replica stands."""
        with self._file.read() as tx:
            meta = dict(tx.all("SELECT k, v FROM meta"))
            scopes = _scopes(tx)
        return ReplicaState(
            meta.get("device_id") or b"", meta.get("epoch"), int(meta.get("lmid_seen") or 0),
            int(meta.get("checkpoint_no") or 0), scopes,
        )  # fmt: skip

    def outbox(self, above: int, limit: int, max_bytes: int) -> Sequence[OutboxEntry]:
        """Return mutations with mid > `above` in order."""
        out: list[OutboxEntry] = []
        size = 0
        with self._pending.read() as tx:
            rows = tx.all(
                "SELECT mid, name, v, hlc, hash, args, base, created FROM outbox WHERE mid > ? ORDER BY mid LIMIT ?",
                (above, limit),
            )
        for mid, name, version, hlc, hashed, args, base, created in rows:
            size += len(args) + len(base) + 64
            if out and size > max_bytes:
                break
            entries = msgspec.msgpack.decode(base, type=dict[str, tuple[int, int]])
            out.append(OutboxEntry(mid, name, version, hlc, hashed, args, entries, created))
        return out

    def last_sync(self) -> int | None:
        """Return when a checkpoint was last written, in Unix ms, or None."""
        with self._file.read() as tx:
            at = tx.value("SELECT max(checked_at) FROM scope_state WHERE state = 'live'")
        return None if at is None else int(at)

    def last_mid(self) -> int:
        """Return the highest mid ever given here, or 0."""
        with self._pending.read() as tx:
            return int(tx.value("SELECT v FROM meta WHERE k = 'next_mid'") or 1) - 1

    def set_scopes(self, epoch: bytes, add: Mapping[str, int], resync: Sequence[str], drop: Sequence[str]) -> Applied:
        """Take up new scopes, mark others to be loaded again, remove dropped ones with their rows."""
        with self._file.write() as tx:
            work = self._work(tx)
            tx.run("INSERT OR REPLACE INTO meta VALUES('epoch', ?)", (epoch,))
            for scope, prio in add.items():
                state = work.scopes.get(scope, ScopeState(scope))
                work.scopes[scope] = ScopeState(scope, state.cursor, state.n, state.xsum, prio, state.state)
            for scope in resync:
                old = work.scopes.get(scope, ScopeState(scope))
                # nothing held yet: a plain first load; else old rows stay in view until the new ones are complete
                fresh = "resync" if old.n else "loading"
                work.scopes[scope] = ScopeState(scope, 0, old.n, old.xsum, old.prio, fresh)
            for scope in drop:
                work.rows.remove_scope(scope)
                work.scopes.pop(scope, None)
                tx.run("DELETE FROM scope_state WHERE id = ?", (scope,))
            self._finish(tx, work)
            return self._applied(work)

    def load(self, pages: Sequence[RowPage], exits: Sequence[ExitPage], marks: Mapping[str, int]) -> Applied:
        """Store rows of scopes in their first load."""
        with self._file.write() as tx:
            work = self._work(tx)
            self._put(work, pages, exits)
            for scope, to in marks.items():
                held = work.scopes[scope]
                work.scopes[scope] = ScopeState(scope, to, held.n, held.xsum, held.prio, held.state)
            self._finish(tx, work)
            return self._applied(work)

    def apply(self, checkpoint: Checkpoint) -> Applied:
        """Apply a checkpoint; on differing sums nothing is written and `differing` names the scopes."""
        try:
            with self._file.write() as tx:
                return self._apply(tx, checkpoint)
        except _Differing as differing:
            return Applied(differing=differing.scopes)

    def _apply(self, tx: Session, checkpoint: Checkpoint) -> Applied:
        work = self._work(tx)
        if _is_old_news(tx, work.scopes, checkpoint):
            return Applied()
        self._put(work, checkpoint.pages, checkpoint.exits, checkpoint.whole)
        for scope in checkpoint.whole:
            sent = {row[0] for page in checkpoint.pages if page.scope == scope for row in page.rows}
            work.rows.remove_others(scope, sent)
        self._sum(work)
        for scope in checkpoint.whole:
            held = work.scopes[scope]
            n, total = work.rows.count(scope)
            xsum = self._hashes.add_sum(0, total)
            work.scopes[scope] = ScopeState(scope, held.cursor, n, xsum, held.prio, held.state)
        differing = [
            scope
            for scope, expected in checkpoint.sums.items()
            if (work.scopes[scope].n, work.scopes[scope].xsum) != expected
        ]
        if set(differing) - checkpoint.trusted:
            raise _Differing(tuple(sorted(set(differing) - checkpoint.trusted)))
        for scope, to in checkpoint.cursors.items():
            held = work.scopes[scope]
            n, xsum = checkpoint.sums.get(scope, (held.n, held.xsum))
            work.scopes[scope] = ScopeState(scope, to, n, xsum, held.prio, "live")
        moved = self._settle(tx, work, checkpoint)
        self._finish(tx, work)
        applied = self._applied(work)
        return Applied(applied.types, applied.ids, rows=applied.rows, lmid_moved=moved)

    # --- parts of a transaction -------------------------------------------------------------------------------------

    def _work(self, tx: Session) -> _Work:
        return _Work(RowWriter(tx, self._hashes.row_hash), _scopes(tx))

    def _put(
        self,
        work: _Work,
        pages: Iterable[RowPage],
        exits: Iterable[ExitPage],
        whole: frozenset[str] = frozenset(),
    ) -> None:
        for page in pages:
            work.rows.put(page, again=page.scope in whole)
        for exit_page in exits:
            work.rows.leave(exit_page)

    def _sum(self, work: _Work) -> None:
        """Add what the writer counted to the scopes' sums."""
        for scope, (n, delta) in work.rows.take_sums().items():
            held = work.scopes.get(scope)
            if held is not None:
                total = self._hashes.add_sum(held.xsum, delta)
                work.scopes[scope] = ScopeState(scope, held.cursor, held.n + n, total, held.prio, held.state)

    def _finish(self, tx: Session, work: _Work) -> None:
        """Write index, scopes and the checkpoint number."""
        work.rows.flush()
        self._sum(work)
        now = self._now_ms()
        tx.many(
            "INSERT OR REPLACE INTO scope_state(id, cursor, n, xsum, prio, state, checked_at) VALUES(?,?,?,?,?,?,?)",
            [(s.id, s.cursor, s.n, s.xsum, s.prio, s.state, now) for s in work.scopes.values()],
        )
        number = int(tx.value("SELECT v FROM meta WHERE k = 'checkpoint_no'") or 0)
        tx.run("INSERT OR REPLACE INTO meta VALUES('checkpoint_no', ?)", (number + 1,))

    def _settle(self, tx: Session, work: _Work, checkpoint: Checkpoint) -> bool:
        """Move lmid, remember results that need a person, and mids whose rows are not all here yet."""
        tx.run("INSERT OR REPLACE INTO meta VALUES('epoch', ?)", (checkpoint.epoch,))
        seen = int(tx.value("SELECT v FROM meta WHERE k = 'lmid_seen'") or 0)
        live = {s.id for s in work.scopes.values() if s.state == "live"}
        refused = {r.mid for r in checkpoint.results if r.st in ("rejected", "conflict")}
        self._needs_you(tx, checkpoint.results)
        if checkpoint.lmid > seen:
            tx.run("INSERT OR REPLACE INTO meta VALUES('lmid_seen', ?)", (checkpoint.lmid,))
            with self._pending.read() as other:
                fresh = other.all("SELECT mid, scopes FROM outbox WHERE mid > ? AND mid <= ?", (seen, checkpoint.lmid))
            tx.many(
                "INSERT OR REPLACE INTO waiting(mid, scopes) VALUES(?, ?)",
                [(m, s) for m, s in fresh if m not in refused and not set(json.loads(s)) <= live],
            )
        held = tx.all("SELECT mid, scopes FROM waiting")
        # a scope that is not on this device at all will never become live
        done = [(mid,) for mid, scopes in held if set(json.loads(scopes)) & set(work.scopes) <= live]
        tx.many("DELETE FROM waiting WHERE mid = ?", done)
        return checkpoint.lmid > seen

    def _needs_you(self, tx: Session, results: Sequence[MutationResult]) -> None:
        wanted = {r.mid: r for r in results if needs_a_person(r)}
        if not wanted:
            return
        device = tx.value("SELECT v FROM meta WHERE k = 'device_id'")
        marks = ", ".join("?" * len(wanted))
        with self._pending.read() as other:
            held = {
                row[0]: row[1:]
                for row in other.all(
                    f"SELECT mid, name, v, args, ticket FROM outbox WHERE mid IN ({marks})", list(wanted)
                )
            }
        now = self._now_ms()
        for mid, result in wanted.items():
            name, version, args, ticket = held.get(mid, (None, None, None, None))
            data = json.dumps(result.data, default=str, ensure_ascii=False) if result.data else None
            tx.run(
                "INSERT OR REPLACE INTO needs_you(id, mid, kind, type, entity_id, reason, name, v, content, data, "
                "created) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                (
                    derived_id(device, "needs", str(mid)), mid, result.st, TICKET.number, ticket, result.code, name,
                    version, args, data, now,
                ),
            )  # fmt: skip

    def _applied(self, work: _Work) -> Applied:
        ids = work.rows.touched if len(work.rows.touched) <= MAX_NAMED_IDS else set()
        return Applied(frozenset(work.rows.types), frozenset(ids), rows=work.rows.written)

    # --- maintenance ------------------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Fold the write-ahead log back after a large load."""
        with self._file.plain() as session:
            session.run("PRAGMA wal_checkpoint(PASSIVE)")


class _Differing(Exception):
    """Rolls a checkpoint back."""

    def __init__(self, scopes: tuple[str, ...]) -> None:
        super().__init__(scopes)
        self.scopes = scopes


def needs_a_person(result: MutationResult) -> bool:
    """Whether a result goes to the tray: refusals, and conflicts that no rule settled."""
    if result.st == "rejected":
        return True
    if result.st != "conflict":
        return False
    fields = (result.data or {}).get("fields")
    if not isinstance(fields, list) or not fields:
        return True
    return any(not isinstance(entry, dict) or entry.get("open", True) for entry in fields)


def _is_old_news(tx: Session, scopes: Mapping[str, ScopeState], checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint says nothing that is not here already; then nothing is written and nobody is woken."""
    if checkpoint.pages or checkpoint.exits or checkpoint.results or checkpoint.whole:
        return False
    if checkpoint.lmid > int(tx.value("SELECT v FROM meta WHERE k = 'lmid_seen'") or 0):
        return False
    held = ((scopes[s], to, checkpoint.sums.get(s)) for s, to in checkpoint.cursors.items())
    return all(s.state == "live" and s.cursor == to and sums == (s.n, s.xsum) for s, to, sums in held)


def _scopes(tx: Session) -> dict[str, ScopeState]:
    rows = tx.all("SELECT id, cursor, n, xsum, prio, state FROM scope_state")
    return {row[0]: ScopeState(*row) for row in rows}
