# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's database: one writer at a time, snapshots for readers, and foreign errors turned into our own.

SQLite writes through one connection under a lock (BEGIN IMMEDIATE, WAL); PostgreSQL through a pool at READ COMMITTED.
A read is one snapshot: a WAL read transaction, or REPEATABLE READ READ ONLY.
"""

from __future__ import annotations

import random
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from app.domain.errors import StoreUnavailable
from sync.server.migrations import migrate
from sync.server.timelines import Timelines

__all__ = ["SERIOUS", "DatabaseBusy", "Store", "sqlite_url"]

T = TypeVar("T")

_TRIES = 4
_POOL, _OVERFLOW = 16, 8
# a process that is frozen, or whose machine lost its power, in the middle of a transaction holds rows that others need
_STANDSTILL_MS = 60_000
# a database that has gone without a word: by itself the system waits for a quarter of an hour. The address may say else
_LINE = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 30, "keepalives_interval": 10}
_CHECKED_BYTES = 64 << 20  # a larger file is not read through at start
_MIGRATION_LOCK = 0x6465736B73696465  # "deskside"
_RETRY = frozenset({"40001", "40P01", "23505"})  # serialization, deadlock, two writers inserted the same new row


_TROUBLE_S = 15.0
_SQLSTATES = {"53100": "disk_full", "XX001": "damaged", "XX002": "damaged", "25006": "read_only"}
_SQLITE_WORDS = (
    ("is full", "disk_full"), ("malformed", "damaged"), ("not a database", "damaged"), ("readonly", "read_only"),
    ("read-only", "read_only"), ("I/O error", "disk_error"), ("locked", "locked"),
)  # fmt: skip
# what does not pass by itself: a person must do something
SERIOUS = frozenset({"disk_full", "damaged", "read_only", "disk_error"})


class DatabaseBusy(Exception):
    """The database did not answer or could not commit. Nothing was written; the client is told to come back.

    `reason` is one word for the log: one of `SERIOUS`, or locked, unreachable and the like.
    """

    def __init__(self, reason: str = "unreachable") -> None:
        super().__init__(reason)
        self.reason = reason


def sqlite_url(folder: Path) -> str:
    """Return the URL of the embedded database in a data folder."""
    return sa.URL.create("sqlite+pysqlite", database=str(folder / "server.db")).render_as_string()


class Store:
    """One database. Methods block and may be called from any thread but the event loop's."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._one_writer: AbstractContextManager[object] = threading.Lock() if self.is_sqlite else nullcontext()
        self._write_engine = engine.execution_options(begin="BEGIN IMMEDIATE")
        reading = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._read_engine = engine.execution_options(**reading)
        self._timelines: Timelines | None = None
        self._together = threading.local()
        self._trouble: tuple[str, float] | None = None

    @classmethod
    def open(cls, url: str) -> Store:
        """Connect and migrate.

        Raises StoreUnavailable: bad_database_url, database_unreachable, store_too_new, store_damaged, disk_full or
        folder_unwritable.
        """
        engine = _engine(url)
        try:
            store = cls(engine)
            store._check()
            with store._one_writer, store._write_engine.begin() as connection:
                if not store.is_sqlite:  # several processes may start at once
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                migrate(connection)
        except (SQLAlchemyError, StoreUnavailable) as error:
            engine.dispose()
            if isinstance(error, StoreUnavailable):
                raise
            raise _unavailable(error) from error
        return store

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @property
    def trouble(self) -> str | None:
        """What kept the database from working a moment ago, if it is one of `SERIOUS`."""
        trouble = self._trouble
        return trouble[0] if trouble is not None and trouble[1] + _TROUBLE_S > time.monotonic() else None

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            with _mapped():
                yield
        except DatabaseBusy as busy:
            if busy.reason in SERIOUS:
                self._trouble = (busy.reason, time.monotonic())
            raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One snapshot. Raises DatabaseBusy."""
        common = self._common()
        if common is not None:  # what this thread has written and not committed yet is to be seen
            yield common
            return
        try:
            with self._watched(), self._reader() as connection:
                self._same_timeline(connection)
                with connection.begin():
                    yield connection
        except _Retry as lost:  # a standby that reads and takes over what the first has written at the same time
            raise DatabaseBusy("interrupted") from lost

    def follow_timelines(self, follow: Callable[[sa.Connection], object]) -> None:
        """From now on run `follow` before anything else when another cluster or timeline answers."""

        def work() -> None:
            with self._write_engine.begin() as connection:
                follow(connection)

        if not self.is_sqlite:
            self._timelines = Timelines(self._engine, work)

    def _same_timeline(self, connection: sa.Connection) -> None:
        if self._timelines is not None:
            self._timelines.check(connection)

    def _reader(self) -> sa.Connection:
        """Take a connection, but none that died in the pool: unlike a write, a read cannot be run again."""
        for _ in range(_POOL + _OVERFLOW):
            connection = self._read_engine.connect()
            if self.is_sqlite or not _has_died(connection):
                return connection
            connection.invalidate()
            connection.close()
        return self._read_engine.connect()

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in one transaction and commit.

        Deadlocks and lost races run `work` again, so it must keep its effects in the connection and its result.
        Raises DatabaseBusy when the database cannot; any other exception of `work` rolls back and passes.
        """
        common = self._common()
        if common is not None:
            with self._watched(), common.begin_nested():
                return _at_work(work, common)
        for attempt in range(_TRIES):
            try:
                with self._watched(), self._one_writer, self._write_engine.connect() as connection:
                    self._same_timeline(connection)
                    with connection.begin():
                        return _at_work(work, connection)
            except _Retry as lost:
                if attempt == _TRIES - 1:
                    if isinstance(lost.error, IntegrityError):
                        raise lost.error from lost  # not a race but a bug of the work
                    raise DatabaseBusy("gave up after lost races") from lost
                time.sleep(random.uniform(0.002, 0.02) * (attempt + 1))  # noqa: S311 - spreads retries, no secret
        raise DatabaseBusy("unreachable")

    def together(self, works: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """Run works whose writes are committed at once, with one wait for the disk; each has its result or its error.

        An error of one leaves the others alone. Raises DatabaseBusy when nothing of it was kept. The works may write
        and read here and nowhere else: what they do outside is not taken back. SQLite only.
        """
        try:
            with self._watched(), self._one_writer, self._write_engine.connect() as connection, connection.begin():
                self._together.connection = connection
                try:
                    return [_tried(work) for work in works]
                finally:
                    self._together.connection = None
        except _Retry as lost:
            raise DatabaseBusy("interrupted") from lost

    def _common(self) -> sa.Connection | None:
        """Return the transaction that this thread's writes are gathered in."""
        found: sa.Connection | None = getattr(self._together, "connection", None)
        return found

    def _check(self) -> None:
        database = self._engine.url.database
        if not self.is_sqlite or not database or not Path(database).exists():
            return
        if Path(database).stat().st_size <= _CHECKED_BYTES:
            with self._engine.connect() as connection:
                if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
                    raise StoreUnavailable("store_damaged", path=database)


def _has_died(connection: sa.Connection) -> bool:
    """Tell, without asking the server, whether it closed the line: on an idle one there is nothing to read."""
    raw = connection.connection.driver_connection
    if raw is None or raw.closed:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([raw.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _at_work(work: Callable[[sa.Connection], T], connection: sa.Connection) -> T:
    """Run work; a connection that died since it was used last is none of its faults. Nothing was committed yet."""
    try:
        return work(connection)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _Retry(error) from error
        raise


def _tried(work: Callable[[], T]) -> T | Exception:
    """Return what a work made, or its error; of a database that cannot, all that share the transaction hear."""
    try:
        return work()
    except (DatabaseBusy, _Retry):  # it may have taken back the whole transaction
        raise
    except Exception as error:  # noqa: BLE001 - carried to whoever asked for this work
        return error


class _Retry(Exception):
    """A lost race: the same work may well succeed now."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _mapped() -> Iterator[None]:
    """Let data and programming errors pass (they are the caller's), turn operational ones into our own."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _RETRY:
            raise _Retry(error) from error
        if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError):
            raise DatabaseBusy(_reason(error)) from error
        if _is_damaged(error):
            raise DatabaseBusy("damaged") from error
        raise
    except sa.exc.TimeoutError as error:
        raise DatabaseBusy("no free connection") from error


def _reason(error: DBAPIError) -> str:
    known = _SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "")
    if known is not None:
        return known
    text = str(error.orig) if isinstance(error.orig, sqlite3.Error) else ""
    return next((word for part, word in _SQLITE_WORDS if part in text), "unreachable")


def _is_damaged(error: DBAPIError) -> bool:
    return type(error.orig) is sqlite3.DatabaseError


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(parsed)
        if parsed.drivername != "postgresql+psycopg":
            raise StoreUnavailable("bad_database_url")
        return _postgresql_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StoreUnavailable("bad_database_url") from error


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    line = {name: value for name, value in _LINE.items() if name not in url.query}
    engine = sa.create_engine(
        url, pool_size=_POOL, max_overflow=_OVERFLOW, pool_pre_ping=False, connect_args=line
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _connected(connection: DBAPIConnection, _record: object) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {_STANDSTILL_MS}")
        connection.commit()

    return engine


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise StoreUnavailable("bad_database_url")
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise StoreUnavailable("folder_unwritable", path=str(folder))
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"),
        pool_size=12,
        max_overflow=8,
        connect_args={"check_same_thread": False, "timeout": 15},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, so that readers and the writer begin differently
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-32000"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _unavailable(error: SQLAlchemyError) -> StoreUnavailable:
    text = str(getattr(error, "orig", error))
    if "unable to open" in text or "readonly" in text:
        return StoreUnavailable("folder_unwritable")
    if "disk is full" in text or "No space" in text:
        return StoreUnavailable("disk_full")
    if "malformed" in text or "not a database" in text or "file is encrypted" in text:
        return StoreUnavailable("store_damaged")
    if "locked" in text:
        return StoreUnavailable("store_in_use")
    return StoreUnavailable("database_unreachable")
