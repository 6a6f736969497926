# SPDX-License-Identifier: GPL-3.0-or-later
"""blobs.db: what the worker knows of attachments beside their content. Written only by it; losing it loses no word.

It says what the server has, which row let an attachment in, what a person asked for and why something failed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.attachments import Attachment, load_attachments
from app.domain.entities import LIVE, MESSAGE, NOTE, STATE, TICKET
from app.domain.errors import StoreUnavailable
from app.store.cipher import Database, Session, file_uri, may_be_damage, open_raw, our_errors
from app.store.pending_file import connect_reader
from app.store.replica_file import remove_database, replica_path
from app.store.schema import TABLES

__all__ = ["BlobIndex", "Known", "Named", "index_path", "newest_named", "still_named"]

_VERSION = 1
_DDL = (
    "CREATE TABLE blob(sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, type INTEGER, row BLOB, asked INTEGER, "
    "sent INTEGER, epoch BLOB, code TEXT NOT NULL DEFAULT '') WITHOUT ROWID"
)
_TICKETS = 500
_MANY = 400


@dataclass(frozen=True, slots=True)
class Known:
    """One attachment: the row that named it, when it was asked for and when the server had it, in Unix ms."""

    sha256: bytes
    size: int
    type: int | None
    row: bytes | None
    asked: int | None
    sent: int | None
    epoch: bytes | None
    code: str


@dataclass(frozen=True, slots=True)
class Named:
    """An attachment and a row that names it."""

    attachment: Attachment
    type: int
    row: bytes


def index_path(profile: Path) -> Path:
    """Return where the file lies."""
    return profile / "blobs.db"


class BlobIndex:
    """The file, for its one writer. Methods block; any thread."""

    def __init__(self, profile: Path, key: bytes) -> None:
        """Open or make it; a damaged one is made anew. Raises StoreUnavailable."""
        path = index_path(profile)
        try:
            with our_errors():
                _prepare(path, key)
        except StoreUnavailable as error:
            if not may_be_damage(error):
                raise
            remove_database(path)
            with our_errors():
                _prepare(path, key)
        self._file = Database(lambda: _connect(path, key), keep=1)

    def all(self) -> dict[bytes, Known]:
        """Return everything."""
        with self._file.read() as tx:
            found = tx.all("SELECT sha256, size, type, row, asked, sent, epoch, code FROM blob")
        return {row[0]: Known(*row) for row in found}

    def ask(self, named: Named, at: int) -> None:
        """Note that a person wants it."""
        mark, size = named.attachment.sha256, named.attachment.size_bytes
        self._put("INSERT OR IGNORE INTO blob(sha256, size) VALUES(?, ?)", (mark, size))
        self._put(
            "UPDATE blob SET asked = ?, type = ?, row = ?, code = '' WHERE sha256 = ?",
            (at, named.type, named.row, mark),
        )

    def came(self, named: Named) -> None:
        """Note that its content is here, and by which row."""
        mark, size = named.attachment.sha256, named.attachment.size_bytes
        self._put("INSERT OR IGNORE INTO blob(sha256, size) VALUES(?, ?)", (mark, size))
        self._put(
            "UPDATE blob SET asked = NULL, type = ?, row = ?, code = '' WHERE sha256 = ?",
            (named.type, named.row, mark),
        )

    def sent(self, sha256: bytes, size: int, at: int, epoch: bytes) -> None:
        """Note that the server of this epoch has it."""
        self._put("INSERT OR IGNORE INTO blob(sha256, size) VALUES(?, ?)", (sha256, size))
        self._put("UPDATE blob SET sent = ?, epoch = ?, code = '' WHERE sha256 = ?", (at, epoch, sha256))

    def failed(self, sha256: bytes, size: int, code: str) -> None:
        """Note why it did not go or come."""
        self._put("INSERT OR IGNORE INTO blob(sha256, size) VALUES(?, ?)", (sha256, size))
        self._put("UPDATE blob SET code = ? WHERE sha256 = ?", (code, sha256))

    def gone(self, sha256: bytes) -> None:
        """Forget an attachment that was removed from this computer."""
        self._put("DELETE FROM blob WHERE sha256 = ?", (sha256,))

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.close()

    def _put(self, sql: str, args: Sequence[Any]) -> None:
        with self._file.write() as tx:
            tx.run(sql, args)


def _connect(path: Path, key: bytes) -> Any:
    raw = open_raw(file_uri(path, "rwc"), key, cache_kib=1_024)
    raw.execute("PRAGMA synchronous=NORMAL")
    return raw


def _prepare(path: Path, key: bytes) -> None:
    raw = _connect(path, key)
    try:
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        if version == _VERSION:
            raw.execute("SELECT count(*) FROM blob").fetchone()
            return
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("DROP TABLE IF EXISTS blob")
        raw.execute(_DDL)
        raw.execute(f"PRAGMA user_version={_VERSION}")
    finally:
        raw.close()


@contextlib.contextmanager
def _replica(profile: Path, key: bytes) -> Iterator[Session | None]:
    """Read the replica as it is now; None while there is none. Raises StoreUnavailable."""
    path = replica_path(profile)
    if not path.exists():
        yield None
        return
    database = Database(lambda: connect_reader(path, key), keep=0)
    try:
        with database.read() as tx:
            yield tx
    finally:
        database.close()


def newest_named(profile: Path, key: bytes, me: bytes) -> list[Named]:
    """Return what live tickets name: one's own tickets first, then the newest activity. Raises StoreUnavailable."""
    live = ", ".join(f"'{category.value}'" for category in sorted(LIVE))
    with _replica(profile, key) as tx:
        if tx is None:
            return []
        tickets = tx.all(
            f"SELECT t.id FROM {TABLES[TICKET.number].name} t JOIN {TABLES[STATE.number].name} s ON s.id = t.state "
            f"WHERE t.deleted = 0 AND s.category IN ({live}) ORDER BY (t.owner IS ?) DESC, t.last_at DESC LIMIT ?",
            (me, _TICKETS),
        )
        place = {ticket: number for number, (ticket,) in enumerate(tickets)}
        found: list[tuple[int, bytes, Named]] = []
        for entity in (MESSAGE, NOTE):
            for ids in _parts(list(place)):
                marks = ", ".join("?" * len(ids))
                rows = tx.all(
                    f"SELECT ticket, id, attachments FROM {TABLES[entity.number].name} WHERE ticket IN ({marks}) "
                    "AND deleted = 0 AND attachments IS NOT NULL",
                    ids,
                )
                for ticket, id_, raw in rows:
                    named = [Named(a, entity.number, id_) for a in load_attachments(raw) if a.sha256]
                    found += [(-place[ticket], id_, each) for each in named]
    # ids begin with their time: the newest message of a ticket comes first
    return [named for _, _, named in sorted(found, key=lambda f: (f[0], f[1]), reverse=True)]


def still_named(profile: Path, key: bytes, known: Sequence[Known]) -> set[bytes]:
    """Return which of these the row that let them in still names. Raises StoreUnavailable."""
    out: set[bytes] = set()
    with _replica(profile, key) as tx:
        for each in known if tx is not None else ():
            if tx is None or each.type not in (MESSAGE.number, NOTE.number) or each.row is None:
                continue
            table = TABLES[each.type].name
            raw = tx.value(f"SELECT attachments FROM {table} WHERE id = ? AND deleted = 0", (each.row,))
            if each.sha256.hex() in str(raw or ""):
                out.add(each.sha256)
    return out


def _parts(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(ids), _MANY):
        yield ids[start : start + _MANY]
