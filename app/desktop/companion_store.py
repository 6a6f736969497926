# SPDX-License-Identifier: GPL-3.0-or-later
"""companion.db: the customer's rows, what was written here and not yet accepted, and the records of sessions."""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlcipher3 import dbapi2 as sqlcipher  # type: ignore[import-untyped]  # it ships no types

from app.desktop.companion_files import FILE_TABLES, WrittenFiles
from app.domain.attachments import Attachment
from app.domain.errors import StoreUnavailable

__all__ = ["ALARM", "CompanionStore", "SessionEntryRow", "WrittenItem", "open_companion_store"]

_VERSION: Final = 2
_FILES_SINCE: Final = 2
ALARM: Final = "alarm"  # a kind of what was written that no person wrote
_WRITTEN: Final = (
    "SELECT *, (SELECT count(*) FROM upload WHERE item = written.id) FROM written WHERE kind != ? ORDER BY written, id"
)
_TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE written (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, ticket TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
  written INTEGER NOT NULL, state TEXT NOT NULL, number INTEGER, code TEXT NOT NULL DEFAULT '');
CREATE TABLE entry (
  sid TEXT NOT NULL, ticket TEXT NOT NULL, n INTEGER NOT NULL, hash TEXT NOT NULL, body BLOB NOT NULL,
  sent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (sid, hash));
CREATE TABLE receipt (sid TEXT PRIMARY KEY, ticket TEXT NOT NULL, body BLOB NOT NULL, at INTEGER NOT NULL);
CREATE TABLE invitation (iid TEXT PRIMARY KEY, until INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class WrittenItem:
    """A request or message written here. `body` is the wire message as JSON; `state` is waiting, sent or refused.

    `files`: so many that go with it are not at the server.
    """

    id: str
    kind: str
    ticket: str
    subject: str
    body: bytes
    written: int
    state: str = "waiting"
    number: int | None = None
    code: str = ""
    files: int = 0


@dataclass(frozen=True, slots=True)
class SessionEntryRow:
    """One entry of a session's chain; `body` is the wire message as JSON."""

    sid: str
    ticket: str
    n: int
    hash: str
    body: bytes


def open_companion_store(path: Path, key: bytes) -> tuple[CompanionStore, Path | None]:
    """Open or make the file. A damaged one is set aside and a new one begun; its new place is the second value.

    `key` is 32 bytes. Raises StoreUnavailable: store_wrong_key, store_too_new, store_in_use, disk_full.
    """
    try:
        return CompanionStore(path, key), None
    except StoreUnavailable as error:
        if error.code != "store_damaged":
            raise
    kept = path.with_name(f"{path.stem}.broken-{int(time.time())}{path.suffix}")
    path.replace(kept)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    return CompanionStore(path, key), kept


class CompanionStore(WrittenFiles):
    """All methods block on the disk and raise StoreUnavailable; any thread but the GUI's. One process at a time."""

    def __init__(self, path: Path, key: bytes) -> None:
        super().__init__()
        self._path = path
        self._lock = threading.Lock()
        self._check_key_mark(key)
        with self._mapped():
            self._db = sqlcipher.connect(str(path), timeout=0.3, isolation_level=None, check_same_thread=False)
        try:
            with self._mapped():
                self._prepare(key)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._lock:
            self._db.close()

    # --- small values ----------------------------------------------------------------------------------------

    def get(self, name: str) -> str | None:
        """Return a small value."""
        found = self._all("SELECT value FROM meta WHERE key = ?", name)
        return str(found[0][0]) if found else None

    def put(self, name: str, value: str) -> None:
        """Keep a small value."""
        self._run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", name, value)

    # --- what was written here -------------------------------------------------------------------------------

    def add_written(self, item: WrittenItem, files: Sequence[Attachment] = ()) -> None:
        """Keep what a person wrote and the files that go with it, all or nothing; a repeat of an id changes nothing."""
        values = (
            item.id, item.kind, item.ticket, item.subject, item.body, item.written, item.state, item.number, item.code,
        )  # fmt: skip
        named = [(item.id, f.sha256.hex(), n, f.filename, f.size_bytes) for n, f in enumerate(files)]
        with self._lock, self._mapped(), self._transaction():
            self._db.execute("INSERT OR IGNORE INTO written VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._db.executemany("INSERT OR IGNORE INTO upload VALUES (?, ?, ?, ?, ?, 0)", named)

    def written(self) -> list[WrittenItem]:
        """Return everything that a person wrote, oldest first."""
        return [WrittenItem(*row) for row in self._all(_WRITTEN, ALARM)]

    def waiting(self) -> list[WrittenItem]:
        """Return what the server does not have yet, alarms included, oldest first."""
        found = self._all("SELECT * FROM written WHERE state = 'waiting' ORDER BY written, id")
        return [WrittenItem(*row) for row in found]

    def add_alarm(self, item: WrittenItem, most: int) -> None:
        """Keep what the program itself has to tell the server, unless so many wait already."""
        if sum(each.kind == ALARM for each in self.waiting()) < most:
            self.add_written(item)

    def settle(self, item: str, state: str, number: int | None = None, code: str = "") -> None:
        """Note what the server said about an item; what goes with one that it took is owed from then on."""
        with self._lock, self._mapped(), self._transaction():
            values = (state, number, code, item)
            self._db.execute("UPDATE written SET state = ?, number = ?, code = ? WHERE id = ?", values)
            if state == "sent":
                self._db.execute("UPDATE upload SET owed = 1 WHERE item = ?", (item,))
            elif state == "refused":
                self._db.execute("DELETE FROM upload WHERE item = ?", (item,))
        self._run("DELETE FROM written WHERE id = ? AND kind = ? AND state != 'waiting'", item, ALARM)

    def forget_written(self, items: list[str]) -> None:
        """Drop items that the server now shows itself; not those of which it lacks a file."""
        for item in items:
            self._run(
                "DELETE FROM written WHERE id = ? AND state = 'sent' "
                "AND NOT EXISTS (SELECT 1 FROM upload WHERE item = written.id)", item,
            )  # fmt: skip

    # --- sessions --------------------------------------------------------------------------------------------

    def add_entry(self, entry: SessionEntryRow) -> None:
        """Keep an entry of a chain until the server has it."""
        self._run(
            "INSERT OR IGNORE INTO entry (sid, ticket, n, hash, body) VALUES (?, ?, ?, ?, ?)",
            entry.sid, entry.ticket, entry.n, entry.hash, entry.body,
        )  # fmt: skip

    def unsent_entries(self) -> list[SessionEntryRow]:
        """Return entries the server has not confirmed, in order of their sessions."""
        rows = self._all("SELECT sid, ticket, n, hash, body FROM entry WHERE sent = 0 ORDER BY sid, n")
        return [SessionEntryRow(*row) for row in rows]

    def entries_sent(self, sid: str, hashes: list[str]) -> None:
        """Note that the server has these."""
        for digest in hashes:
            self._run("UPDATE entry SET sent = 1 WHERE sid = ? AND hash = ?", sid, digest)

    def save_receipt(self, sid: str, ticket: str, body: bytes, at: int) -> None:
        """Keep a receipt; the later one of a session wins."""
        self._run("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?)", sid, ticket, body, at)

    def receipt(self, sid: str) -> bytes | None:
        """Return a session's receipt."""
        found = self._all("SELECT body FROM receipt WHERE sid = ?", sid)
        return bytes(found[0][0]) if found else None

    def invitations(self) -> dict[str, int]:
        """Return which invitations were opened, and until when that is remembered (UTC ms)."""
        return {str(iid): int(until) for iid, until in self._all("SELECT iid, until FROM invitation")}

    def save_invitations(self, seen: dict[str, int]) -> None:
        """Replace what is remembered of invitations."""
        with self._lock, self._mapped(), self._transaction():
            self._db.execute("DELETE FROM invitation")
            self._db.executemany("INSERT INTO invitation VALUES (?, ?)", list(seen.items()))

    # --- inside ----------------------------------------------------------------------------------------------

    def _check_key_mark(self, key: bytes) -> None:
        """A mark of the key beside the file tells a wrong key from a damaged file, which SQLCipher cannot."""
        mark = hashlib.sha256(b"deskside-companion-key" + key).hexdigest()
        place = self._path.with_suffix(".key-id")
        with self._mapped():
            if not self._path.exists():
                place.write_text(mark)
            elif place.exists() and place.read_text().strip() != mark:
                raise StoreUnavailable("store_wrong_key", path=str(self._path))

    def _prepare(self, key: bytes) -> None:
        self._db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreUnavailable("store_too_new", path=str(self._path))
        self._db.execute("PRAGMA synchronous = FULL")
        if version < _FILES_SINCE:  # what was uploaded gives its room on the disk back
            self._db.execute("PRAGMA auto_vacuum = FULL")
            if version:
                self._db.execute("VACUUM")
        with self._transaction():
            for statement in _tables_since(version):
                self._db.execute(statement)
            if version < _VERSION:
                self._db.execute(f"PRAGMA user_version = {_VERSION}")
        bad = self._db.execute("PRAGMA cipher_integrity_check").fetchone()
        if bad is not None:
            raise StoreUnavailable("store_damaged", path=str(self._path))

    def _run(self, sql: str, *values: object) -> None:
        with self._lock, self._mapped(), self._transaction():
            self._db.execute(sql, values)

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._mapped():
            return [tuple(row) for row in self._db.execute(sql, values).fetchall()]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except sqlcipher.Error as error:
            raise StoreUnavailable(_word(str(error)), path=str(self._path)) from error
        except OSError as error:
            word = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "store_unavailable"
            raise StoreUnavailable(word, path=str(self._path)) from error


def _tables_since(version: int) -> list[str]:
    missing = (_TABLES if version == 0 else "") + (FILE_TABLES if version < _FILES_SINCE else "")
    return [statement for statement in missing.split(";") if statement.strip()]


def _word(text: str) -> str:
    low = text.lower()
    if "locked" in low or "busy" in low:
        return "store_in_use"
    if "full" in low:
        return "disk_full"
    if "not a database" in low or "malformed" in low or "corrupt" in low or "no such table" in low:
        return "store_damaged"
    return "store_unavailable"
