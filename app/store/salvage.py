# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what can be read of a damaged pending.db, row by row: one bad page costs its own rows.

The page at the root of a table's tree is the exception: it costs what was written since the file was copied aside.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.store.cipher import RowRefused, file_uri, open_raw, translate, unsound
from app.store.replica_file import remove_database

# those of the first version: a file from before an update is salvaged too
OUTBOX_COLUMNS = "mid, name, v, args, base, hash, hlc, touched, scopes, ticket, created"
_PAGE_BYTES, _SALT_BYTES = 4096, 16
_PAGE_NUMBER = re.compile(r"page (\d+)")
_SALVAGED = ("outbox", "over_key", "draft", "needs_you_done", "needs_you_kept", "ui_state", "blob_new", "notice")
_ASKED = 5_000  # how many of the newest mutations are asked for one by one


class _Source:
    """Connections to a damaged file. After one bad page a connection reads nothing more: each failure opens anew."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        self._raw: Any = None

    def rows(self, sql: str, args: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield rows until the end or the first bad page."""
        try:
            if self._raw is None:
                self._raw = open_raw(file_uri(self._path, "rw"), self._key, look=False)
            yield from self._raw.execute(sql, args)
        except Exception as error:
            if translate(error) is None:
                raise
            self.close()

    def tables(self) -> frozenset[str]:
        """Names of the tables that can be asked; none if the list of them cannot be read to its end."""
        found = frozenset(str(name) for (name,) in self.rows("SELECT name FROM sqlite_master"))
        return found if "meta" in found and list(self.rows("SELECT count(*) FROM meta")) else frozenset()

    def close(self) -> None:
        """Close the connection. Idempotent."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()


def salvage(damaged: Path, copy: Path, fresh: Path, key: bytes) -> int:
    """Add what can be read of a damaged file to a fresh one; returns how many rows. `copy` is an older, sound state."""
    source = _Source(damaged, key)
    mended = damaged.with_suffix(".mended")
    try:
        if not source.tables():
            source.close()
            _mend(mended, damaged, copy, key)
            source = _Source(mended, key)
        there = source.tables()
        return _add(source, there, fresh, key) if there else 0
    finally:
        source.close()
        remove_database(mended)


def _add(source: _Source, there: frozenset[str], fresh: Path, key: bytes) -> int:
    target = open_raw(file_uri(fresh, "rw"), key)
    count = 0
    try:
        target.execute("BEGIN IMMEDIATE")
        overlays = target.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'over\\_%' ESCAPE '\\' "
            "AND name <> 'over_key'"
        ).fetchall()
        for table in there.intersection((*_SALVAGED, *(name for (name,) in overlays))):
            count += _salvage_table(source, target, table)
        given = max((int(v) for (v,) in source.rows("SELECT v FROM meta WHERE k = 'next_mid'")), default=1)
        count += _salvage_missing(source, target, given)
        top = target.execute("SELECT coalesce(max(mid), 0) + 1 FROM outbox").fetchone()[0]
        held = target.execute("SELECT v FROM meta WHERE k = 'next_mid'").fetchone()[0]
        target.execute("UPDATE meta SET v = ? WHERE k = 'next_mid'", (max(top, held, given),))
        target.execute("COMMIT")
    finally:
        target.close()
    return count


def _salvage_table(source: _Source, target: Any, table: str) -> int:
    """Copy the rows that can be read, from both ends, so that one bad page costs only its own rows."""
    have = target.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    sql = target.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    known = {row[1] for row in source.rows(f"PRAGMA table_info({table})")}
    names = [row[1] for row in target.execute(f"PRAGMA table_info({table})").fetchall() if row[1] in known]
    columns = ", ".join(f'"{name}"' for name in names)
    for order in ("",) if "WITHOUT ROWID" in sql else (" ORDER BY rowid", " ORDER BY rowid DESC"):
        for row in source.rows(f"SELECT {columns} FROM {table}{order}"):
            _insert(target, f"INSERT OR REPLACE INTO {table}({columns})", row)
    now = target.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return int(now - have)


def _salvage_missing(source: _Source, target: Any, given: int) -> int:
    """Ask for each missing mutation by its number: a bad page ends a scan, but not the next question."""
    held = {mid for (mid,) in target.execute("SELECT mid FROM outbox").fetchall()}
    count = 0
    for mid in range(max(1, given - _ASKED), given):
        if mid not in held:
            for row in source.rows(f"SELECT {OUTBOX_COLUMNS} FROM outbox WHERE mid = ?", (mid,)):
                count += _insert(target, f"INSERT INTO outbox({OUTBOX_COLUMNS})", row)
    return count


def _insert(target: Any, into: str, row: tuple[Any, ...]) -> bool:
    """Add a row unless it is none of this table: pages of two ages side by side can hold such ones."""
    try:
        target.execute(f"{into} VALUES({', '.join('?' * len(row))})", row)
    except RowRefused:
        return False
    return True


def _mend(out: Path, damaged: Path, copy: Path, key: bytes) -> None:
    """Write to `out` the damaged file with its bad pages taken from the copy: the same key, salt and places.

    The list of tables fills many pages and never changes between two starts; a page of rows is merely as old as
    the copy, whose rows are in the fresh file already. A copy of another file has another salt: nothing is taken.
    """
    remove_database(out)
    for suffix in ("", "-wal"):
        part = damaged.with_name(damaged.name + suffix)
        if part.exists():
            shutil.copyfile(part, out.with_name(out.name + suffix))
    bad = _bad_pages(out, key)
    if _page(out, 1)[:_SALT_BYTES] != _page(copy, 1)[:_SALT_BYTES]:
        own = _page(out, 1)
        _put(out, 1, _page(copy, 1))
        with_salt = _bad_pages(out, key)
        if len(with_salt) >= len(bad):  # the salt that was there opens more: it is the copy that is another file's
            _put(out, 1, own)
            return
        bad = [1, *with_salt]
    there, sound = (-(-path.stat().st_size // _PAGE_BYTES) for path in (out, copy))
    for number in {*bad, *range(there + 1, sound + 1)}:
        page = _page(copy, number)
        if len(page) == _PAGE_BYTES:
            _put(out, number, page)
    if 1 in bad and there > sound:
        _lengthen(out, copy, there, key)


def _lengthen(out: Path, copy: Path, pages: int, key: bytes) -> None:
    """Give a file whose first page is the copy's one that knows of all its pages: those beyond would not be read.

    The page is sealed, so the driver writes it: into a copy of the copy that is made as long.
    """
    grown = copy.with_suffix(".grown")
    remove_database(grown)
    try:
        shutil.copyfile(copy, grown)
        raw = open_raw(file_uri(grown, "rw"), key)
        try:
            held, free = (raw.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count"))
            size = (pages - held + free + 4) * _PAGE_BYTES  # free pages are filled first
            raw.execute("INSERT INTO meta VALUES('salvage', zeroblob(?))", (size,))
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()
        _put(out, 1, _page(grown, 1))
        with out.open("r+b") as file:
            file.truncate(max(grown.stat().st_size, out.stat().st_size))
    finally:
        remove_database(grown)


def _page(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek((number - 1) * _PAGE_BYTES)
        return file.read(_PAGE_BYTES)


def _put(path: Path, number: int, page: bytes) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * _PAGE_BYTES)
        file.write(page)


def _bad_pages(path: Path, key: bytes) -> list[int]:
    try:
        found = unsound(path, key)
    except Exception as error:
        if translate(error) is None:
            raise
        return []
    numbers = [_PAGE_NUMBER.search(line) for line in found]
    return [int(match.group(1)) for match in numbers if match]
