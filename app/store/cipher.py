# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted SQLite files: connections, pools, transactions, and SQLite's errors in the words of the domain.

The one module that knows the driver. A raw key is used, so opening costs well under a millisecond.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlcipher3.dbapi2 as driver  # type: ignore[import-untyped]  # the package ships no annotations

from app.domain.errors import StoreUnavailable

KEY_BYTES = 32
RowRefused = driver.IntegrityError  # the table does not take such a row
# The driver asks its registry for an adapter of every bytes and None it binds; finding one that does nothing at once
# makes bulk writes a fifth faster than finding none after three look-ups.
driver.register_adapter(bytes, bytes)
driver.register_adapter(type(None), {}.get)

_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_IOERR, _SQLITE_CORRUPT = 5, 6, 10, 11
_SQLITE_FULL, _SQLITE_CANTOPEN, _SQLITE_NOTADB, _SQLITE_READONLY = 13, 14, 26, 8
_CODES = {
    _SQLITE_BUSY: "store_in_use",
    _SQLITE_LOCKED: "store_in_use",
    _SQLITE_CORRUPT: "store_damaged",
    _SQLITE_NOTADB: "store_damaged",
    _SQLITE_FULL: "disk_full",
    _SQLITE_CANTOPEN: "store_unavailable",
    _SQLITE_READONLY: "store_unavailable",
}
_AT_ONCE = (512, 64, 8, 1)  # rows of one statement; few sizes, so that each is prepared once
_WORDS_AT_ONCE = 4096  # a transaction of a first load in two or three calls
_IOERR_ON_WRITE = {778, 1034, 1290, 1546}  # write, fsync, dir_fsync, truncate: the disk is full or gone


def translate(error: Exception) -> StoreUnavailable | None:
    """Return the world's error behind a driver error, or None when it is a bug of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code in _IOERR_ON_WRITE or code == _SQLITE_IOERR:  # without a detail: what SQLCipher makes of a failed write
        return StoreUnavailable("disk_full", sqlite=code)
    if code & 0xFF == _SQLITE_IOERR:
        return StoreUnavailable("store_damaged", sqlite=code)
    known = _CODES.get(code & 0xFF)
    return StoreUnavailable(known, sqlite=code) if known else None


def may_be_damage(error: StoreUnavailable) -> bool:
    """Whether a file that was just being opened may be damaged; an I/O error without a detail says so there."""
    return error.code == "store_damaged" or error.details.get("sqlite") == _SQLITE_IOERR


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn driver errors of the block into StoreUnavailable; bugs pass unchanged."""
    try:
        yield
    except driver.Error as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error


def file_uri(path: Path, mode: str) -> str:
    """Return SQLite's URI of a file; `mode` is ro, rw or rwc."""
    return f"file:{quote(str(path))}?mode={mode}"


def key_literal(key: bytes) -> str:
    """Return a raw key as SQLCipher wants it in a pragma. Never to be logged."""
    if len(key) != KEY_BYTES:
        raise ValueError("a database key has 32 bytes")
    return f"\"x'{key.hex()}'\""


def open_raw(uri: str, key: bytes | None, *, cache_kib: int = 16_384, look: bool = True) -> Any:
    """Return a driver connection in autocommit mode, unlocked with the key. Raises driver errors."""
    connection = driver.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        connection.execute("PRAGMA cipher_log_level=NONE")  # else a wrong key is written to stderr
        if key is not None:
            connection.execute(f"PRAGMA key={key_literal(key)}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        connection.execute("PRAGMA busy_timeout=5000")
        if look:
            connection.execute("SELECT count(*) FROM main.sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def unsound(path: Path, key: bytes) -> list[str]:
    """Return what is wrong with the pages of a file, each by itself, whatever else is damaged. Raises driver errors."""
    connection = driver.connect(file_uri(path, "rw"), uri=True, isolation_level=None)
    try:  # nothing that reads the header or the list of tables comes before the check: they may be what is bad
        connection.execute("PRAGMA cipher_log_level=NONE")
        connection.execute(f"PRAGMA key={key_literal(key)}")
        return [str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check").fetchall()]
    finally:
        connection.close()


class Session:
    """One transaction: the statements a repository may run. Not to be kept after the block that gave it."""

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def all(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return every row."""
        rows: list[tuple[Any, ...]] = self.raw.execute(sql, args).fetchall()
        return rows

    def cursor(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """Return the rows one after the other, for so many that they should not be here at once."""
        return self.raw.execute(sql, args)

    def one(self, sql: str, args: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row or None."""
        row: tuple[Any, ...] | None = self.raw.execute(sql, args).fetchone()
        return row

    def value(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, or None."""
        row = self.one(sql, args)
        return row[0] if row else None

    def run(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Run a statement and return the number of rows it changed."""
        count: int = self.raw.execute(sql, args).rowcount
        return count

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        self.raw.executemany(sql, rows)

    def insert(self, into: str, width: int, rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows of `width` values; `into` is the statement up to VALUES.

        Hundreds go in with one call, during which other threads of the interpreter run; one at a time they would
        wait for each other at every row.
        """
        start = 0
        for size in _AT_ONCE:
            if size == 1:
                self.raw.executemany(_insert_sql(into, width, 1), rows[start:])
                return
            while len(rows) - start >= size:
                values = list(chain.from_iterable(rows[start : start + size]))
                self.raw.execute(_insert_sql(into, width, size), values)
                start += size

    def insert_words(self, into: str, width: int, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows into a full-text index in few calls, because it ends a segment with each; `into` as above.

        No row begins with None: the statements, of few sizes, are filled up with such rows.
        """
        for start in range(0, len(rows), _WORDS_AT_ONCE):
            part = rows[start : start + _WORDS_AT_ONCE]
            size = 1 << (len(part) - 1).bit_length()
            values = [*chain.from_iterable(part), *(None,) * ((size - len(part)) * width)]
            self.raw.execute(_filled_up_sql(into, width, size), values)


@cache
def _insert_sql(into: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{into} VALUES{', '.join([row] * count)}"


@cache
def _filled_up_sql(into: str, width: int, count: int) -> str:
    rows = ", ".join([f"({', '.join('?' * width)})"] * count)
    return f"{into} SELECT * FROM (VALUES{rows}) WHERE column1 IS NOT NULL"


class Database:
    """A few connections to one file (with what is attached to it). Any thread; a transaction stays in one."""

    def __init__(self, connect: Callable[[], Any], *, keep: int = 3) -> None:
        """`keep` connections stay open between transactions; as many as are needed at once are made."""
        self._connect = connect
        self._keep = keep
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One read transaction: what it sees does not change while it runs. Raises StoreUnavailable."""
        with self._transaction("BEGIN", "ROLLBACK") as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One write transaction, on disk when the block ends well. Raises StoreUnavailable."""
        with self._transaction("BEGIN IMMEDIATE", "COMMIT") as session:
            yield session

    @contextmanager
    def plain(self) -> Iterator[Session]:
        """A connection without a transaction, for pragmas."""
        with our_errors():
            raw = self._take()
            try:
                yield Session(raw)
            except BaseException:
                raw.close()  # whatever state it is in, the next one starts clean
                raise
            self._give_back(raw)

    def _take(self) -> Any:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, raw: Any) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < self._keep:
                self._idle.append(raw)
                return
        raw.close()

    @contextmanager
    def _transaction(self, begin: str, end: str) -> Iterator[Session]:
        with self.plain() as session:
            session.run(begin)
            yield session
            session.run(end)

    def close(self) -> None:
        """Close the connections that are idle; the others close when their transaction ends. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for raw in idle:
            raw.close()
