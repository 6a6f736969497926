# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens pending.db at the window's start: checked, copied aside, mended from the copy when damaged; kept always."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.errors import StoreUnavailable
from app.store.cipher import Database, file_uri, may_be_damage, open_raw, our_errors
from app.store.replica_file import remove_database
from app.store.salvage import salvage
from app.store.schema import PENDING_VERSION, pending_ddl


@dataclass(frozen=True, slots=True)
class Opened:
    """How the file was found. `found` is ok, created or restored; `salvaged` counts rows read from the damaged file."""

    found: str
    salvaged: int = 0
    kept_as: Path | None = None


def pending_path(folder: Path) -> Path:
    """Return where a profile keeps what people typed."""
    return folder / "pending.db"


def copy_path(folder: Path) -> Path:
    """Return where the last good copy lies."""
    return folder / "pending.copy.db"


def connect_writer(path: Path, key: bytes) -> Any:
    """Return the writer's connection: what it commits is on disk."""
    raw = open_raw(file_uri(path, "rw"), key, cache_kib=8_192)
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA fullfsync=ON")  # macOS: through the drive's own cache; nothing elsewhere
    return raw


def connect_reader(path: Path, key: bytes) -> Any:
    """Return a connection that cannot write and does not create the file."""
    raw = open_raw(file_uri(path, "rw"), key, cache_kib=8_192)
    raw.execute("PRAGMA query_only=ON")
    return raw


def key_check(key: bytes) -> bytes:
    """Return a word that tells a wrong key from a damaged file, and nothing about the key."""
    return hmac.new(key, b"deskside profile key check", hashlib.sha256).hexdigest()[:32].encode()


def check_key(folder: Path, key: bytes) -> None:
    """Raise StoreUnavailable("store_wrong_key") unless the profile was made with this key."""
    path = folder / "key.check"
    if not path.exists():
        return
    if not hmac.compare_digest(path.read_bytes().strip(), key_check(key)):
        raise StoreUnavailable("store_wrong_key")


def prepare(folder: Path, key: bytes) -> Opened:
    """Make pending.db ready to be written. The caller holds ui.lock.

    Raises StoreUnavailable: store_wrong_key, store_too_new (both leave every file untouched), disk_full,
    store_damaged or, without a copy, store_damaged_no_copy when neither can be read.
    """
    check_key(folder, key)
    path = pending_path(folder)
    if not path.exists():
        if copy_path(folder).exists():
            return _restore(folder, key)
        _create(path, key)
        (folder / "key.check").write_bytes(key_check(key))
        _copy_aside(folder, path, key)  # so that damage in the first days, too, has something to be mended from
        return Opened("created")
    try:
        with our_errors():
            check(path, key)
    except StoreUnavailable as error:
        if not may_be_damage(error):
            raise
        return _restore(folder, key)
    with our_errors():
        _migrate(folder, path, key)
        _copy_aside(folder, path, key)
    return Opened("ok")


def _create(path: Path, key: bytes) -> None:
    fresh = path.with_suffix(".new")
    remove_database(fresh)
    with our_errors():
        raw = open_raw(file_uri(fresh, "rwc"), key)
        try:
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("BEGIN IMMEDIATE")
            for statement in pending_ddl():
                raw.execute(statement)
            raw.execute(f"PRAGMA user_version={PENDING_VERSION}")
            raw.executemany(
                "INSERT INTO meta VALUES(?, ?)",
                [
                    ("pair_id", secrets.token_bytes(16)),
                    ("socket_token", secrets.token_bytes(32)),
                    ("next_mid", 1),
                    ("next_provisional", 1),
                ],
            )
            raw.execute("COMMIT")
        finally:
            raw.close()
    fresh.rename(path)


def check(path: Path, key: bytes) -> None:
    """Raise StoreUnavailable unless every page of a file can be read and this program knows its version."""
    raw = connect_writer(path, key)
    try:
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            # no table was ever in it: what a power cut leaves of a file. Taken as sound it would replace the good copy
            raise StoreUnavailable("store_damaged", path=str(path))
        if version > PENDING_VERSION:
            raise StoreUnavailable("store_too_new", found=version, known=PENDING_VERSION)
        broken = raw.execute("PRAGMA cipher_integrity_check").fetchall()
        sound = [row[0] for row in raw.execute("PRAGMA integrity_check(1)").fetchall()]
        if broken or sound != ["ok"]:
            raise StoreUnavailable("store_damaged", detail=str((broken or sound)[0]))
    finally:
        raw.close()


def _migrate(folder: Path, path: Path, key: bytes) -> None:
    """Bring an older file up to date: tables and columns are only ever added. Worked on a copy, then moved in place."""
    raw = connect_writer(path, key)
    try:
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    if version == PENDING_VERSION:
        return
    fresh = folder / "pending.new"
    remove_database(fresh)
    shutil.copyfile(path, fresh)
    raw = connect_writer(fresh, key)
    try:
        raw.execute("BEGIN IMMEDIATE")
        add_missing(raw, pending_ddl())
        raw.execute(f"PRAGMA user_version={PENDING_VERSION}")
        raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    fresh.replace(path)


def add_missing(raw: Any, ddl: Sequence[str]) -> None:
    """Add the tables, indexes and columns of `ddl` that a file does not have yet."""
    there = {name for (name,) in raw.execute("SELECT name FROM main.sqlite_master").fetchall()}
    model = open_raw("file::memory:", None)
    try:
        for statement in ddl:
            model.execute(statement)
        for name, kind, sql in model.execute("SELECT name, type, sql FROM sqlite_master").fetchall():
            if sql is None or name.startswith("fts_"):
                continue
            if name not in there:
                raw.execute(sql)
            elif kind == "table" and not sql.startswith("CREATE VIRTUAL"):
                have = {row[1] for row in raw.execute(f"PRAGMA table_info({name})").fetchall()}
                for column in model.execute(f"PRAGMA table_info({name})").fetchall():
                    if column[1] not in have:
                        raw.execute(f'ALTER TABLE {name} ADD COLUMN "{column[1]}" {column[2]}')
    finally:
        model.close()


def _copy_aside(folder: Path, path: Path, key: bytes) -> None:
    """Keep a copy of a file that was just found sound. Nobody else writes it: we hold the lock."""
    raw = connect_writer(path, key)
    try:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    fresh = folder / "pending.copy.new"
    try:
        shutil.copyfile(path, fresh)
        fresh.replace(copy_path(folder))
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreUnavailable("disk_full", detail=str(error)) from error


def _restore(folder: Path, key: bytes) -> Opened:
    """Put the last good copy in place and add what can be read of the damaged file, row by row."""
    path, copy = pending_path(folder), copy_path(folder)
    if not copy.exists():
        raise StoreUnavailable("store_damaged_no_copy", path=str(path))
    with our_errors():
        check(copy, key)
    kept = folder / time.strftime("pending.damaged-%Y%m%d-%H%M%S.db", time.gmtime())
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    fresh = folder / "pending.new"
    remove_database(fresh)
    shutil.copyfile(copy, fresh)
    with our_errors():
        salvaged = salvage(kept, copy, fresh, key) if kept.exists() else 0
    fresh.rename(path)
    with our_errors():
        _migrate(folder, path, key)  # the copy may be of the program before an update
    return Opened("restored", salvaged, kept)


def open_writer(folder: Path, key: bytes) -> Database:
    """Return the window's database of pending.db; call `prepare` first."""
    return Database(lambda: connect_writer(pending_path(folder), key), keep=1)


class _Followed(Database):
    """Reads whatever file has the name now: a window that starts may put another one there, migrated or mended."""

    def __init__(self, path: Path, key: bytes) -> None:
        super().__init__(lambda: connect_reader(path, key), keep=2)
        self._path = path
        self._inode: int | None = None
        self._of_now: set[Any] = set()  # the connections to the file that was there when last looked at

    def _take(self) -> Any:
        try:
            inode: int | None = os.stat(self._path).st_ino  # noqa: PTH116 - one call, each transaction makes it
        except OSError:
            inode = None
        with self._lock:
            old: list[Any] = []
            if inode != self._inode:
                old, self._idle, self._inode = self._idle, [], inode
                self._of_now.clear()
        for raw in old:
            raw.close()
        raw = super()._take()
        with self._lock:
            self._of_now.add(raw)
        return raw

    def _give_back(self, raw: Any) -> None:
        if raw in self._of_now:
            super()._give_back(raw)
        else:
            raw.close()


def open_reader(folder: Path, key: bytes) -> Database:
    """Return the worker's database of pending.db."""
    return _Followed(pending_path(folder), key)
