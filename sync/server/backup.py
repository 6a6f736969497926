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
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import sqlalchemy as sa

from app.domain.errors import StoreUnavailable, WorldError
from sync.server.epochs import begin_epoch
from sync.server.keys import ServerKeys
from sync.server.store import Store, sqlite_url

__all__ = ["Backup", "back_up", "restore"]

_FORMAT = 1
_KEYS = ("organisation.key", "server.key")
_SQLITE, _DUMP, _INFO = "server.db", "database.dump", "deskside-backup.json"
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_TOOL_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup file came to."""

    path: Path
    size: int
    attachments: int


def back_up(data: Path, database: str | None, target: Path, now: int) -> Backup:
    """Write a backup of a server's data folder (and PostgreSQL, if it has one); the server may run.

    Raises WorldError: backup_unwritable, disk_full, no_pg_tools, pg_tool_failed; StoreUnavailable.
    """
    temporary = target.with_name(target.name + ".new")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.absolute().parent) as name:
            work = Path(name)
            image = _dump(database, work) if database else _copy_sqlite(data / "server.db", work)
            count = _pack(temporary, data, image, now)
        temporary.replace(target)
        return Backup(target, target.stat().st_size, count)
    except OSError as error:
        raise WorldError(_code(error, "backup_unwritable"), path=str(target)) from error
    finally:
        temporary.unlink(missing_ok=True)


def restore(data: Path, database: str | None, source: Path, now: int, rng: Callable[[int], bytes]) -> Path | None:
    """Put a backup back into a data folder whose server is stopped; return where the former database was kept.

    Raises WorldError: bad_backup, backup_other_kind, disk_full, folder_unwritable, no_pg_tools, pg_tool_failed;
    StoreUnavailable: store_in_use and what opening the database raises. Then the former data are untouched.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with zipfile.ZipFile(source) as archive, tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as name:
            work = Path(name)
            image = _unpack(archive, work, database)
            former = None
            if database:
                _load_dump(database, image)
                _new_epoch(database, now, rng)  # at once: whatever fails after it, the old timeline is over
            else:
                former = _put_sqlite(data, image, now, rng)
            _put_keys(data, work, now)
            _put_blobs(archive, data)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, KeyError, ValueError) as error:
        raise WorldError("bad_backup", path=str(source)) from error
    except FileNotFoundError as error:
        raise WorldError("bad_backup", path=str(source)) from error
    except OSError as error:
        raise WorldError(_code(error, "folder_unwritable"), path=str(data)) from error
    shutil.rmtree(data / "snapshots", ignore_errors=True)
    return former


def _code(error: OSError, other: str) -> str:
    return "disk_full" if error.errno == 28 else other


# --- writing -----------------------------------------------------------------------------------------------------


def _copy_sqlite(source: Path, work: Path) -> Path:
    """Copy by SQLite's own backup: a consistent image, whatever the server writes meanwhile."""
    if not source.exists():
        raise StoreUnavailable("folder_unwritable", path=str(source))
    target = work / _SQLITE
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(target)) as to,
        ):
            live.backup(to, pages=4096, sleep=0.005)
            to.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreUnavailable("store_damaged", path=str(source)) from error
    return target


def _dump(database: str, work: Path) -> Path:
    target = work / _DUMP
    _tool("pg_dump", database, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
    return target


def _pack(target: Path, data: Path, image: Path, now: int) -> int:
    count = 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(_INFO, json.dumps({"format": _FORMAT, "at": now, "database": image.name}))
            archive.write(image, image.name)
            for name in _KEYS:
                archive.write(data / name, f"keys/{name}")
            for file in sorted((data / "blobs").glob("??/*")):
                archive.write(file, f"blobs/{file.parent.name}/{file.name}", zipfile.ZIP_STORED)
                count += 1
        stream.flush()
        os.fsync(stream.fileno())
    return count


# --- reading -----------------------------------------------------------------------------------------------------


def _unpack(archive: zipfile.ZipFile, work: Path, database: str | None) -> Path:
    """Return the database's image, checked, in a folder of our own."""
    info = json.loads(archive.read(_INFO))
    if info["format"] != _FORMAT:
        raise WorldError("bad_backup", path=archive.filename or "")
    wanted = _DUMP if database else _SQLITE
    if info["database"] != wanted:
        raise WorldError("backup_other_kind")
    (work / "keys").mkdir()
    for name in (wanted, *(f"keys/{key}" for key in _KEYS)):
        with archive.open(name) as packed, (work / name).open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
    ServerKeys.load(work / "keys")
    return work / wanted


def _put_sqlite(data: Path, image: Path, now: int, rng: Callable[[int], bytes]) -> Path | None:
    """Check the image, begin its new epoch, and only then put it in the place of the former database."""
    live, former = data / "server.db", None
    store = Store.open(sqlite_url(image.parent))
    try:
        store.write(lambda cx: begin_epoch(cx, rng(16), now, "restore"))
    finally:
        store.close()
    if live.exists():
        _check_unused(live)
        former = _free_name(data / f"server.db.before-{now}")
        live.replace(former)
        for left in ("-wal", "-shm"):
            live.with_name(live.name + left).unlink(missing_ok=True)
    image.replace(live)
    return former


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
        if not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = target.with_suffix(".new")
            with archive.open(info) as packed, temporary.open("wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
            temporary.replace(target)


def _free_name(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _load_dump(database: str, image: Path) -> None:
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if connection.exec_driver_sql(others).scalar():
                raise StoreUnavailable("store_in_use")
    except sa.exc.SQLAlchemyError as error:
        raise StoreUnavailable("database_unreachable") from error
    finally:
        engine.dispose()
    _tool("pg_restore", database, "--clean", "--if-exists", "--no-owner", "--no-privileges", "--exit-on-error",
          "--single-transaction", "--dbname", _environment(database)["PGDATABASE"], str(image))  # fmt: skip


def _new_epoch(database: str, now: int, rng: Callable[[int], bytes]) -> None:
    store = Store.open(database)
    try:
        store.write(lambda cx: begin_epoch(cx, rng(16), now, "restore"))
    finally:
        store.close()


def _tool(name: str, database: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password goes through the environment, not the command line."""
    program = shutil.which(name)
    if program is None:
        raise WorldError("no_pg_tools", name=name)
    environment = {**os.environ, **_environment(database)}
    done = subprocess.run(
        [program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TOOL_S,
        check=False,
    )
    if done.returncode != 0:
        raise WorldError("pg_tool_failed", name=name, detail=done.stderr.strip()[-400:])


def _environment(database: str) -> Mapping[str, str]:
    url = sa.make_url(database)
    query = {key: str(value) for key, value in url.query.items()}
    found = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": str(url.port) if url.port else query.get("port"),
        "PGUSER": url.username or query.get("user"),
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database or "",
        "PGSSLMODE": query.get("sslmode"),
        "PGSSLROOTCERT": query.get("sslrootcert"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}
