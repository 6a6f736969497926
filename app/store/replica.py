# SPDX-License-Identifier: GPL-3.0-or-later
"""replica.db, the server's state as of the last checkpoint: written only here, only by the worker. Disposable.

Fulfils `ReplicaPort`. Nothing in this file was typed by a person; a damaged, foreign or outdated one is set aside
and loaded again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from app.domain.replica import (
    Applied,
    Checkpoint,
    ExitPage,
    OutboxEntry,
    ReplicaState,
    RowPage,
    ScopeState,
    Segment,
    SnapshotPart,
)
from app.store import replica_pages
from app.store.cipher import Database, Session
from app.store.replica_file import (
    connect,
    connect_folder,
    merge_index,
    open_file,
    remove_database,
    replica_path,
    set_aside,
)
from app.store.replica_log import LogFolder
from app.store.replica_ready import joined, make_ready
from app.store.replica_rows import MAX_NAMED_IDS, RowWriter
from app.store.replica_scopes import is_old_news, read_scopes
from app.store.replica_sound import SoundMark
from app.store.replica_tray import Tray, needs_a_person
from app.store.tray_kept import read_record

__all__ = [
    "HashTools",
    "ReplicaStore",
    "needs_a_person",
    "open_replica",
    "remove_database",
    "replica_path",
    "set_aside",
]

_GUARD_TICKETS, _GUARD_SHARE = 200, 0.3
_MERGED_ROWS = 300  # a step of merging writes about as much of the log


class HashTools(Protocol):
    """How row versions are summed, handed in by app.entry."""

    def row_hash(self, type_: int, id_: bytes, seq: int) -> int:
        """Return the hash of a row's version."""
        ...

    def add_sum(self, total: int, delta: int) -> int:
        """Add modulo 2^64, signed."""
        ...


def open_replica(
    folder: Path, key: bytes, pending: Database, hashes: HashTools, now_ms: Callable[[], int],
    mark: SoundMark | None = None,
) -> tuple[ReplicaStore, bool]:  # fmt: skip
    """Open or create a profile's replica; the second value says that an unusable one was set aside.

    It is read whole to see that it is sound, unless `mark` says that it lies as a clean end left it.

    The caller holds worker.lock. Raises StoreUnavailable.
    """
    path = replica_path(folder)
    with pending.read() as tx:
        pair_id = tx.value("SELECT v FROM meta WHERE k = 'pair_id'") or secrets.token_bytes(16)
    trusted = mark is not None and mark.take()
    aside = open_file(path, key, pair_id, read_record(pending), whole=not trusted)
    if mark is not None and not trusted:
        mark.was_read()
    return ReplicaStore(path, key, pending, hashes, now_ms), aside


@dataclass(slots=True)
class _Work:
    """What one transaction has done so far."""

    rows: RowWriter
    scopes: dict[str, ScopeState]
    named: set[bytes] = field(default_factory=set)

    def change(self, scope: str, **values: Any) -> None:
        """Change what is known of a scope."""
        self.scopes[scope] = replace(self.scopes.get(scope, ScopeState(scope)), **values)


class ReplicaStore:
    """The worker's files, for the sync engine. Methods block; one thread at a time."""

    def __init__(self, path: Path, key: bytes, pending: Database, hashes: HashTools, now_ms: Callable[[], int]) -> None:
        self._file = Database(lambda: connect(path, key), keep=2)
        self._log = LogFolder(lambda: connect_folder(path, key))
        self._pending = pending
        self._hashes = hashes
        self._now_ms = now_ms
        self._unmerged = True  # as far as is known

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._log.close()
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
            before = tx.value("SELECT v FROM meta WHERE k = 'device_id'")
            if before == device:
                return
            if before is not None:
                tx.run("DELETE FROM meta WHERE k = 'foreign'")
            tx.run("INSERT OR REPLACE INTO meta VALUES('device_id', ?), ('lmid_seen', 0)", (device,))
            tx.run("DELETE FROM waiting")

    # --- the engine's port ------------------------------------------------------------------------------------------

    def ready(self, page: RowPage) -> RowPage:
        """Return a page with the work done that needs no file. Any thread, also while another one writes."""
        return replace(page, ready=make_ready(page, self._hashes.row_hash))

    def state(self) -> ReplicaState:
        """Return where the replica stands."""
        with self._file.read() as tx:
            meta = dict(tx.all("SELECT k, v FROM meta"))
            scopes = read_scopes(tx)
        return ReplicaState(
            meta.get("device_id") or b"", meta.get("epoch"), int(meta.get("lmid_seen") or 0),
            int(meta.get("checkpoint_no") or 0), scopes, bool(meta.get("foreign")),
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

    def set_scopes(
        self, epoch: bytes | None, add: Mapping[str, int], resync: Sequence[str], drop: Sequence[str]
    ) -> Applied:
        """Take up new scopes, mark others to be loaded again, remove dropped ones with their rows."""
        with self._file.write() as tx:
            work = self._work(tx)
            if epoch is not None:
                tx.run("INSERT OR REPLACE INTO meta VALUES('epoch', ?)", (epoch,))
            for scope, prio in add.items():
                work.change(scope, prio=prio)
            replica_pages.forget(tx, resync)
            for scope in resync:
                # nothing held yet: a plain first load; else old rows stay in view until the new ones are complete.
                # Deleted rows do not count in n, but in a first load they would win over those of a restored server
                held = work.scopes.get(scope)
                fresh = "resync" if held is not None and (held.n or held.cursor or held.snapshot) else "loading"
                cursor = held.cursor if held is not None and fresh == "resync" else 0
                work.change(scope, state=fresh, cursor=cursor, kept=0, snapshot=None, snap_offset=0)
            self._drop(tx, work, drop)
            self._finish(tx, work)
            return self._applied(work)

    def load(self, segments: Sequence[Segment]) -> Applied:
        """Store rows of scopes in their first load."""
        pages = joined([page for segment in segments for page in segment.pages])
        exits = [page for segment in segments for page in segment.exits]
        with self._file.write() as tx:
            work = self._work(tx)
            self._put(work, [Segment("", 0, 0, pages, exits)])
            for segment in segments:
                work.change(segment.scope, cursor=segment.end)
            self._finish(tx, work)
        return self._written(work)

    def keep(self, segments: Sequence[Segment]) -> None:
        """Store pages that a later checkpoint will apply."""
        with self._file.write() as tx:
            replica_pages.keep(tx, segments)

    def keep_snapshot(self, part: SnapshotPart) -> Applied:
        """Store a piece of a snapshot; rows of a scope in its first load show at once."""
        with self._file.write() as tx:
            work = self._work(tx)
            first = work.scopes[part.scope].state == "loading"
            if work.scopes[part.scope].snapshot not in (None, part.snapshot):
                replica_pages.forget(tx, [part.scope])
            if first:
                self._put(work, [Segment(part.scope, 0, 0, joined(part.pages))])
            replica_pages.keep_part(tx, part, rows_too=not first)
            work.change(part.scope, snapshot=part.snapshot, snap_offset=part.start + len(part.raw))
            self._finish(tx, work)
        return self._written(work)

    def end_snapshot(self, scope: str, sha256: bytes, at_seq: int) -> bool:
        """Check a whole snapshot's bytes; then its rows count as held up to `at_seq`, else they are forgotten."""
        with self._file.write() as tx:
            sound = replica_pages.is_sound(tx, scope, sha256)
            work = self._work(tx)
            loading = work.scopes[scope].state == "loading"
            if sound and not loading:
                replica_pages.parts_to_pages(tx, scope, at_seq)
                tx.run("DELETE FROM snap_part WHERE scope_id = ?", (scope,))
            else:
                replica_pages.forget(tx, [scope])
            if loading:
                # rows of a bad file are here already: the checksums of the scope decide about them
                work.change(scope, cursor=at_seq if sound else 0, state="loading" if sound else "resync")
            work.change(scope, snapshot=None, snap_offset=0)
            self._finish(tx, work)
            return sound

    def apply(self, checkpoint: Checkpoint) -> Applied:
        """Apply a checkpoint; with `differing` or `guard` in the answer nothing was written."""
        try:
            with self._file.write() as tx:
                applied = self._apply(tx, checkpoint)
        except _RolledBack as rolled_back:
            return rolled_back.applied
        self._log.wrote(applied.rows)
        return applied

    def _apply(self, tx: Session, checkpoint: Checkpoint) -> Applied:
        work = self._work(tx, checkpoint)
        if is_old_news(tx, work.scopes, checkpoint):
            return Applied()
        self._put(work, replica_pages.stored(tx, checkpoint.cursors))
        self._put(work, checkpoint.segments)
        work.rows.end_whole()
        work.rows.flush()
        self._sum(work, checkpoint.whole)
        if not checkpoint.unguarded:
            _guard(tx, work.rows)
        self._compare(work, checkpoint)
        replica_pages.forget(tx, checkpoint.cursors)
        for scope, to in checkpoint.cursors.items():
            held = work.scopes[scope]
            n, xsum = checkpoint.sums.get(scope, (held.n, held.xsum))
            work.change(scope, cursor=to, n=n, xsum=xsum, state="live", snapshot=None, snap_offset=0)
        tx.run("INSERT OR REPLACE INTO meta VALUES('epoch', ?)", (checkpoint.epoch,))
        moved = Tray(tx, self._pending, self._now_ms()).settle(checkpoint, work.scopes)
        self._drop(tx, work, checkpoint.drop)
        self._finish(tx, work)
        applied = self._applied(work)
        return Applied(applied.types, applied.ids, rows=applied.rows, lmid_moved=moved)

    # --- parts of a transaction -------------------------------------------------------------------------------------

    def _work(self, tx: Session, checkpoint: Checkpoint | None = None) -> _Work:
        whole = checkpoint.whole if checkpoint is not None else frozenset[str]()
        scopes, old = read_scopes(tx), frozenset[str]()
        if checkpoint is not None and checkpoint.new_epoch:
            # rows of a first load came after the restored server was greeted
            old = frozenset(scope for scope, held in scopes.items() if held.state != "loading")
        return _Work(RowWriter(tx, self._hashes.row_hash, whole, old), scopes)

    def _put(self, work: _Work, segments: Iterable[Segment]) -> None:
        """Write segments: exits last, so that a put in one scope beats an exit from another."""
        exits: list[ExitPage] = []
        for segment in segments:
            for page in segment.pages:
                work.rows.put(page)
            exits += segment.exits
        for exit_page in exits:
            work.rows.leave(exit_page, lambda to: to is not None and (to in work.scopes or to.endswith(":arc")))

    def _sum(self, work: _Work, whole: frozenset[str] = frozenset()) -> None:
        """Add what the writer counted to the scopes' sums; scopes sent from the beginning are counted anew."""
        for scope, (n, delta) in work.rows.take_sums().items():
            held = work.scopes.get(scope)
            if held is not None and scope not in whole:
                work.change(scope, n=held.n + n, xsum=self._hashes.add_sum(held.xsum, delta))
        for scope in whole:
            n, total = work.rows.count(scope)
            work.change(scope, n=n, xsum=self._hashes.add_sum(0, total))

    def _compare(self, work: _Work, checkpoint: Checkpoint) -> None:
        """Roll back unless the sums are the server's."""
        differing = {
            scope
            for scope, expected in checkpoint.sums.items()
            if scope in checkpoint.cursors and (work.scopes[scope].n, work.scopes[scope].xsum) != expected
        }
        if differing - checkpoint.trusted:
            raise _RolledBack(Applied(differing=tuple(sorted(differing - checkpoint.trusted))))

    def _drop(self, tx: Session, work: _Work, drop: Sequence[str]) -> None:
        """A dropped scope is exits for all its rows; what is pending on them is kept where a person finds it."""
        gone = [scope for scope in drop if scope in work.scopes]
        if not gone:
            return
        Tray(tx, self._pending, self._now_ms()).orphan(gone)
        replica_pages.forget(tx, gone)
        for scope in gone:
            work.rows.remove_scope(scope)
            work.scopes.pop(scope)
            tx.run("DELETE FROM scope_state WHERE id = ?", (scope,))

    def _finish(self, tx: Session, work: _Work) -> None:
        """Write index, scopes and the checkpoint number."""
        work.rows.flush()
        self._sum(work)
        now = self._now_ms()
        tx.many(
            "INSERT OR REPLACE INTO scope_state(id, cursor, n, xsum, prio, state, snapshot_id, snap_offset, "
            "checked_at) VALUES(?,?,?,?,?,?,?,?,?)",
            [
                (s.id, s.cursor, s.n, s.xsum, s.prio, s.state, s.snapshot, s.snap_offset, now)
                for s in work.scopes.values()
            ],
        )
        number = int(tx.value("SELECT v FROM meta WHERE k = 'checkpoint_no'") or 0)
        tx.run("INSERT OR REPLACE INTO meta VALUES('checkpoint_no', ?)", (number + 1,))

    def _applied(self, work: _Work) -> Applied:
        ids = work.rows.touched if len(work.rows.touched) <= MAX_NAMED_IDS else set()
        return Applied(frozenset(work.rows.types), frozenset(ids), rows=work.rows.written)

    def _written(self, work: _Work) -> Applied:
        """Return what a transaction brought that has been committed."""
        self._log.wrote(work.rows.written)
        return self._applied(work)

    # --- maintenance ------------------------------------------------------------------------------------------------

    def tidy(self) -> bool:
        """Do a little of what a first load left for later, about 20 ms; False when nothing is left."""
        if not self._unmerged:
            return False
        with self._file.write() as tx:
            self._unmerged = merge_index(tx)
        self._log.wrote(_MERGED_ROWS)
        if not self._unmerged:
            with self._file.plain() as session:
                session.run("PRAGMA shrink_memory")  # what a load needed, quiet days do not
        return self._unmerged


class _RolledBack(Exception):
    """Rolls a checkpoint back; `applied` says why."""

    def __init__(self, applied: Applied) -> None:
        super().__init__(applied)
        self.applied = applied


def _guard(tx: Session, rows: RowWriter) -> None:
    """Roll back what would take most of a person's tickets away without anybody having said so."""
    lost = len(rows.lost_tickets)
    if lost <= _GUARD_TICKETS:
        return
    before = int(tx.value("SELECT count(*) FROM ticket WHERE deleted = 0")) + lost - len(rows.new_tickets)
    if lost > before * _GUARD_SHARE:
        raise _RolledBack(Applied(guard=(lost, before)))
