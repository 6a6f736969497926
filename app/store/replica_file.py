# SPDX-License-Identifier: GPL-3.0-or-later
"""The file replica.db itself: made, checked, set aside when it cannot be used. Written only by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.domain.errors import StoreUnavailable
from app.store.cipher import Session, file_uri, may_be_damage, open_raw, our_errors
from app.store.schema import fingerprint, replica_ddl
from app.store.tray_kept import OldTray, Record, put_back, read_rows

KEPT_FACTS = ("known", "refresh_token", "renumber")  # the worker's own: a new replica need not ask a person again
_CACHE_KIB = 98_304  # the indexes of a million rows do not fit, but the parts that a first load writes at a time do
_LOG_PAGES = 49_152  # of the write-ahead log when a commit folds back what its own thread has not, and it begins anew
# The index's own settings. Room for its words between two flushes: twice as fast as the default. While a first load
# adds one segment a transaction nothing is merged; `merge_index` does it afterwards, little by little
_LOAD_SETTINGS = {"hashsize": 32 << 20, "automerge": 0, "crisismerge": 1_000}
_LIVE_SETTINGS = {"automerge": 4, "crisismerge": 16}
_MERGE_PAGES = 100
_FOLD_WAIT_MS = 300


def replica_path(folder: Path) -> Path:
    """Return where a profile keeps its replica."""
    return folder / "replica.db"


def connect_folder(path: Path, key: bytes) -> Any:
    """Return a connection that only folds the log back: it needs no room for pages."""
    raw = open_raw(file_uri(path, "rw"), key, cache_kib=64)
    raw.execute("PRAGMA synchronous=NORMAL")
    return raw


def fold_log(path: Path, key: bytes) -> None:
    """Fold the whole log back into the file, unless somebody reads just now. Never raises StoreUnavailable."""
    with suppress(StoreUnavailable), our_errors():
        raw = connect_folder(path, key)
        try:
            raw.execute(f"PRAGMA busy_timeout={_FOLD_WAIT_MS}")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.close()


def connect(path: Path, key: bytes) -> Any:
    raw = open_raw(file_uri(path, "rw"), key, cache_kib=_CACHE_KIB)
    raw.execute("PRAGMA synchronous=NORMAL")  # losing the last transactions only repeats work
    # one transaction may be as large as a checkpoint; a WAL that grew is cut back afterwards
    raw.execute("PRAGMA journal_size_limit=67108864")
    raw.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    return raw


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the folder. `foreign`: it belongs to another pending.db. `facts` and `tray` survive a new file."""

    usable: bool
    foreign: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    tray: OldTray = field(default_factory=OldTray)


def create(path: Path, key: bytes, pair_id: bytes, found: Found, record: Record) -> None:
    """Make a replica with nothing but the tray under another name and move it into place whole.

    So no reader sees half of it, and none sees it without what waits for the person.
    """
    fresh = path.with_suffix(".new")
    remove_database(fresh)
    raw = open_raw(file_uri(fresh, "rwc"), key)
    try:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("BEGIN IMMEDIATE")
        for statement in replica_ddl():
            raw.execute(statement)
        raw.executemany("INSERT INTO fts(fts, rank) VALUES(?, ?)", list(_LOAD_SETTINGS.items()))
        own: dict[str, Any] = {"schema": fingerprint(), "pair_id": pair_id, "index_unmerged": 1}
        if found.foreign:
            own["foreign"] = 1
        raw.executemany("INSERT INTO meta VALUES(?, ?)", [*own.items(), *found.facts.items()])
        put_back(raw, found.tray, record)
        raw.execute("COMMIT")
    finally:
        raw.close()
    remove_database(path)
    fresh.rename(path)


def merge_index(tx: Session) -> bool:
    """Merge a little of what a first load left in many pieces; False when nothing is left to merge.

    Search finds everything before, too: it only asks more pieces.
    """
    if tx.value("SELECT v FROM meta WHERE k = 'index_unmerged'") is None:
        return False
    before = tx.raw.total_changes
    tx.run("INSERT INTO fts(fts, rank) VALUES('merge', ?)", (_MERGE_PAGES,))
    if tx.raw.total_changes - before >= 2:  # what FTS5 documents as "some work was done"
        return True
    for setting in _LIVE_SETTINGS.items():
        tx.run("INSERT INTO fts(fts, rank) VALUES(?, ?)", setting)
    tx.run("DELETE FROM meta WHERE k = 'index_unmerged'")
    return False


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


def inspect(path: Path, key: bytes, pair_id: bytes, *, whole: bool = True) -> Found:
    """Look at an existing file, all of it if `whole`. Raises StoreUnavailable for what a new file would not mend."""
    tray = OldTray()
    try:
        with our_errors():
            raw = connect(path, key)
            try:
                tray.meta = dict(raw.execute("SELECT k, v FROM meta").fetchall())
                tray.rows += read_rows(raw)
                sound = bool(tray.meta)
                if sound and whole:
                    sound = raw.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
                tray.sound = sound
            finally:
                raw.close()
    except StoreUnavailable as error:
        if error.code != "store_wrong_key" and not may_be_damage(error):
            raise
        sound = False
    meta = tray.meta
    foreign = meta.get("pair_id") not in (None, pair_id)
    facts = {} if foreign else {k: meta[k] for k in KEPT_FACTS if meta.get(k) is not None}
    usable = sound and not foreign and meta.get("schema") == fingerprint()
    return Found(usable, foreign, facts, OldTray() if foreign else tray)


def open_file(path: Path, key: bytes, pair_id: bytes, record: Record, *, whole: bool = True) -> bool:
    """Make sure that a usable replica is there; returns whether an unusable one was set aside. `whole`: read all of it.

    What waits for the person is in a new one from the beginning: from the old one, and from `record`.

    Raises StoreUnavailable.
    """
    with our_errors():
        if not path.exists():
            create(path, key, pair_id, Found(usable=False), record)
            return False
        found = inspect(path, key, pair_id, whole=whole)
        if found.usable:
            return False
        set_aside(path)
        create(path, key, pair_id, found, record)
        return True
