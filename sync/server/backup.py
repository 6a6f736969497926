# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: one file with database, keys and attachments, made while the server runs; and putting one back.

A restore goes back in time, so it begins a new epoch: devices send again what the backup does not know, and load again
what it knows differently.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import sqlalchemy as sa

from app.domain.errors import StoreUnavailable, WorldError
from app.domain.signed import b64
from sync.server import pg_tools
from sync.server.epochs import begin_epoch
from sync.server.keys import ServerKeys
from sync.server.sealed_blobs import HEAD_BYTES
from sync.server.store import Store, sqlite_url

__all__ = ["Backup", "back_up", "has_server", "restore"]

_FORMAT = 1
_KEYS = ("organisation.key", "server.key")
_SQLITE, _DUMP, _INFO = "server.db", "database.dump", "deskside-backup.json"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup file came to."""

    path: Path
    size: int
    attachments: int


def back_up(data: Path, database: str | None, target: Path, now: int) -> Backup:
    """Write a backup of a server's data folder (and PostgreSQL, if it has one); the server may run.

    Raises WorldError: no_server, backup_unwritable, disk_full, no_pg_tools, pg_tool_failed; StoreUnavailable:
    keys_missing, when the folder's keys are not the database's, which nobody could restore.
    """
    live = _embedded(data, database)
    if not has_server(data, database):
        raise WorldError("no_server", path=str(data))
    if not live and _is_strange(data, str(database)):
        raise StoreUnavailable("keys_missing")
    if target.exists() and not target.is_file():  # a device would be replaced by a file of its name
        raise WorldError("backup_unwritable", path=str(target))
    temporary = target.with_name(target.name + ".new")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.absolute().parent) as name:
            work = Path(name)
            image = _copy_sqlite(live, work) if live else _dump(str(database), work)
            count = _pack(temporary, data, image, now, _attachments(data / "blobs"))
        temporary.replace(target)
        _settle(target.absolute().parent)
        return Backup(target, target.stat().st_size, count)
    except OSError as error:
        raise WorldError(_code(error, "backup_unwritable"), path=str(target)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def has_server(data: Path, database: str | None) -> bool:
    """Whether there is a server's data folder. Raises StoreUnavailable("bad_database_url")."""
    live = _embedded(data, database)
    return _has_keys(data) and (live is None or live.is_file())


def _has_keys(data: Path) -> bool:
    return all((data / name).is_file() for name in _KEYS)


def _is_strange(data: Path, database: str) -> bool:
    """Whether the folder's organisation key is another one than the database's, as far as both can be read."""
    with suppress(StoreUnavailable):
        return pg_tools.organisation_key(database) not in (None, b64(ServerKeys.load(data).organisation_public))
    return False


def _holds_keys(data: Path, database: str) -> bool:
    return _has_keys(data) and not _is_strange(data, database)


def restore(
    data: Path, database: str | None, source: Path, now: int, rng: Callable[[int], bytes], *, force: bool = False
) -> Path | None:
    """Put a backup back into a data folder whose server is stopped; return where the former database was kept.

    Attachments come first, because they can only add; the database is replaced in one step when everything that it
    needs is there; keys last, for with the wrong ones no server starts. `force` replaces a PostgreSQL database whose
    keys are not in the folder.
    Raises WorldError: bad_backup, backup_unreadable, backup_other_kind, disk_full, folder_unwritable, no_pg_tools,
    pg_tool_failed, folder_without_keys; StoreUnavailable: store_in_use and what opening the database raises. The
    former database is untouched then, unless its successor is in place already and the keys are not.
    """
    live = _embedded(data, database)
    if not (live or force or _holds_keys(data, str(database))) and pg_tools.is_founded(str(database)):
        raise WorldError("folder_without_keys", path=str(data))
    with _reading(source) as archive:
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as name:
                work = Path(name)
                image = _unpack(archive, work, _SQLITE if live else _DUMP)
                _put_blobs(archive, data)
                former: Path | None = None
                if live:
                    former = _put_sqlite(live, image, now, rng)
                else:
                    former = _put_postgresql(str(database), data, image, now, rng)
                _put_keys(data, work, now)
        except OSError as error:
            raise WorldError(_code(error, "folder_unwritable"), path=str(data)) from error
    shutil.rmtree(data / "snapshots", ignore_errors=True)
    return former


@contextmanager
def _reading(source: Path) -> Iterator[zipfile.ZipFile]:
    """Open a backup. Raises WorldError: bad_backup also for what turns out to be none while it is read."""
    try:
        archive = zipfile.ZipFile(source)
    except OSError as error:
        raise WorldError("backup_unreadable", path=str(source)) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise WorldError("bad_backup", path=str(source)) from error
    with archive:
        try:
            yield archive
        except (zipfile.BadZipFile, EOFError, NotImplementedError, KeyError, ValueError, TypeError) as error:
            raise WorldError("bad_backup", path=str(source)) from error


def _embedded(data: Path, database: str | None) -> Path | None:
    """Return the file of an embedded database, None for PostgreSQL. Raises StoreUnavailable("bad_database_url")."""
    if database is None:
        return data / _SQLITE
    try:
        url = sa.make_url(database)
    except sa.exc.ArgumentError as error:
        raise StoreUnavailable("bad_database_url") from error
    if url.drivername == "postgresql+psycopg":
        return None
    if url.get_backend_name() != "sqlite" or not url.database:
        raise StoreUnavailable("bad_database_url")
    return Path(url.database)


def _code(error: OSError, other: str) -> str:
    return "disk_full" if error.errno == 28 else other


# --- writing -----------------------------------------------------------------------------------------------------


def _copy_sqlite(source: Path, work: Path) -> Path:
    """Copy by SQLite's own backup, in one step: it reads one moment, keeps no writer waiting, and always ends.

    In several steps it would begin again with every commit in between.
    """
    target = work / _SQLITE
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=15)) as live,
            closing(sqlite3.connect(target)) as to,
        ):
            live.backup(to)
            to.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise OSError(28, "no space for the copy") from error
        raise StoreUnavailable("store_damaged", path=str(source)) from error
    except sqlite3.Error as error:
        raise StoreUnavailable("store_damaged", path=str(source)) from error
    return target


def _dump(database: str, work: Path) -> Path:
    target = work / _DUMP
    pg_tools.dump(database, target)
    return target


def _attachments(folder: Path) -> list[Path]:
    return sorted(folder.glob("??/" + "?" * 64))


def _pack(target: Path, data: Path, image: Path, now: int, attachments: Sequence[Path]) -> int:
    count = 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        # a file of before 1980, by a clock that was wrong, is no reason to have no backup
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
            archive.writestr(_INFO, json.dumps({"format": _FORMAT, "at": now, "database": image.name}))
            archive.write(image, image.name)
            for name in _KEYS:
                archive.write(data / name, f"keys/{name}")
            for file in attachments:
                with suppress(FileNotFoundError):  # nothing names it any more, and the server has cleared it up
                    archive.write(file, f"blobs/{file.parent.name}/{file.name}", zipfile.ZIP_STORED)
                    count += 1
        stream.flush()
        os.fsync(stream.fileno())
    return count


# --- reading -----------------------------------------------------------------------------------------------------


def _unpack(archive: zipfile.ZipFile, work: Path, wanted: str) -> Path:
    """Return the database's image, checked, in a folder of our own."""
    info = json.loads(archive.read(_INFO))
    if info["format"] != _FORMAT:
        raise WorldError("bad_backup", path=archive.filename or "")
    if info["database"] != wanted:
        raise WorldError("backup_other_kind")
    (work / "keys").mkdir()
    for name in (wanted, *(f"keys/{key}" for key in _KEYS)):
        with archive.open(name) as packed, (work / name).open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
    ServerKeys.load(work / "keys")
    return work / wanted


def _put_sqlite(live: Path, image: Path, now: int, rng: Callable[[int], bytes]) -> Path | None:
    """Check the image, begin its new epoch, and only then put it in the place of the former database, in one step."""
    former = None
    store = Store.open(sqlite_url(image.parent))
    try:
        store.write(lambda cx: begin_epoch(cx, rng(16), now, "restore"))
    finally:
        store.close()
    if live.exists():
        _check_unused(live)
        former = _free_name(live.with_name(f"{live.name}.before-{now}"))
        _second_name(live, former)
        log = live.with_name(live.name + "-wal")
        if log.exists():  # of a database that could not be opened; it must not be read into the restored one
            log.replace(former.with_name(former.name + "-wal"))
        live.with_name(live.name + "-shm").unlink(missing_ok=True)
    image.replace(live)
    _settle(live.parent)
    return former


def _put_postgresql(database: str, data: Path, image: Path, now: int, rng: Callable[[int], bytes]) -> Path | None:
    """Replace the tables, and begin the new epoch at once: whatever fails after it, the old timeline is over."""
    former = _keep_postgresql(database, data, image.parent / "former", now)
    try:
        pg_tools.load(database, image)
    except StoreUnavailable as error:
        if former is not None and error.code == "store_in_use":  # nothing was replaced
            former.unlink()
        raise
    store = Store.open(database)
    try:
        store.write(lambda cx: begin_epoch(cx, rng(16), now, "restore"))
    finally:
        store.close()
    return former


def _keep_postgresql(database: str, data: Path, work: Path, now: int) -> Path | None:
    """Keep what is about to be replaced as a backup without attachments, which stay where they are anyway.

    Where its keys are not, it can be no backup: then the dump alone is kept.
    """
    if not pg_tools.has_tables(database):
        return None
    work.mkdir()
    try:
        image = _dump(database, work)
    except WorldError as error:
        if error.code != "pg_tool_failed":
            raise
        return None  # it is damaged: the reason for the restore
    if not _holds_keys(data, database):
        former = _free_name(data / f"postgresql.before-{now}.dump")
        image.chmod(0o600)
        return image.replace(former)
    former = _free_name(data / f"postgresql.before-{now}.zip")
    _pack(former, data, image, now, ())
    image.unlink()
    return former


def _second_name(file: Path, other: Path) -> None:
    try:
        os.link(file, other)
    except OSError:  # not every file system has links
        shutil.copy2(file, other)


def _settle(folder: Path) -> None:
    """Let new names survive a power cut."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _check_unused(path: Path) -> None:
    """Leaving WAL needs the file alone: a running server is noticed, and all of its writes are in the file after."""
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        raise StoreUnavailable("store_in_use") from error
    except sqlite3.DatabaseError:
        return  # it is damaged: the reason for the restore


def _put_keys(data: Path, work: Path, now: int) -> None:
    for name in _KEYS:
        file, packed = data / name, work / "keys" / name
        if file.exists() and file.read_bytes() != packed.read_bytes():
            file.replace(_free_name(data / f"{name}.before-{now}"))
        packed.chmod(0o600)
        packed.replace(file)


def _put_blobs(archive: zipfile.ZipFile, data: Path) -> None:
    for info in archive.infolist():
        parts = PurePosixPath(info.filename).parts
        if len(parts) != 3 or parts[0] != "blobs" or len(parts[2]) != 64 or not parts[2].startswith(parts[1]):
            continue
        if not set(parts[2]) <= set("0123456789abcdef"):
            continue
        target = data / "blobs" / parts[1] / parts[2]
        if not _is_same(archive, info, target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _put_blob(archive, info, target)


def _is_same(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> bool:
    """Whether the file is there already: of its size, and sealed with the same random start, if it is sealed."""
    try:
        with target.open("rb") as file, archive.open(info) as packed:
            size = os.fstat(file.fileno()).st_size
            return size == info.file_size and file.read(HEAD_BYTES) == packed.read(HEAD_BYTES)
    except OSError:
        return False


def _put_blob(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    temporary = target.with_suffix(".new")
    try:
        with archive.open(info) as packed, temporary.open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free
