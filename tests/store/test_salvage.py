# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad page in pending.db, wherever it lies, costs at most the rows it holds: the rest of what was typed is back."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from app.store.cipher import file_uri, open_raw
from app.store.pending_file import connect_writer, copy_path, pending_path, prepare
from app.store.salvage import OUTBOX_COLUMNS, salvage
from tests.sync.desk import KEY

_PAGE = 4096
_TYPED = list(range(1, 7))


def _type(raw: Any) -> None:
    """Six changes, none of which is in the copy."""
    for mid in _TYPED:
        row = (mid, "note.add", 1, b"args", b"base", b"hash", mid, b"touched", "[]", None, mid)
        raw.execute(f"INSERT INTO outbox({OUTBOX_COLUMNS}) VALUES({', '.join('?' * len(row))})", row)
    raw.execute("UPDATE meta SET v = ? WHERE k = 'next_mid'", (len(_TYPED) + 1,))


def _type_more(raw: Any, mids: Iterable[int]) -> None:
    raw.execute("BEGIN")
    raw.executemany(
        "INSERT INTO outbox SELECT ?, name, v, zeroblob(700), base, hash, hlc, touched, scopes, ticket, created, NULL "
        "FROM outbox LIMIT 1",
        [(mid,) for mid in mids],
    )
    raw.execute("COMMIT")


def _damage(path: Path, page: int) -> None:
    """The first page loses its first bytes too, which every other page needs to be read."""
    with path.open("r+b") as file:
        file.seek((page - 1) * _PAGE)
        file.write(b"\xa5" * (_PAGE if page == 1 else 64))


def _mids(path: Path) -> list[int]:
    raw = open_raw(file_uri(path, "rw"), KEY)
    try:
        return [mid for (mid,) in raw.execute("SELECT mid FROM outbox ORDER BY mid").fetchall()]
    finally:
        raw.close()


def _root(path: Path, table: str) -> int:
    raw = open_raw(file_uri(path, "rw"), KEY)
    try:
        return int(raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0])
    finally:
        raw.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed profile whose copy is older than what was typed."""
    made = tmp_path / "profile"
    made.mkdir()
    prepare(made, KEY)
    raw = connect_writer(pending_path(made), KEY)
    _type(raw)
    raw.close()
    return made


def _salvaged(work: Path, damaged: Path, copy: Path) -> list[int]:
    fresh = work / "fresh.db"
    fresh.unlink(missing_ok=True)
    shutil.copyfile(copy, fresh)
    salvage(damaged, copy, fresh, KEY)
    return _mids(fresh)


def test_one_bad_page_anywhere_costs_only_its_own_rows(folder: Path, tmp_path: Path) -> None:
    """Header, list of tables, indexes, words: whichever page is bad, the six changes are back."""
    whole, bad, copy = pending_path(folder), tmp_path / "bad.db", copy_path(folder)
    own = _root(whole, "outbox")
    pages = whole.stat().st_size // _PAGE
    costly = {}
    for page in range(1, pages + 1):
        shutil.copyfile(whole, bad)
        _damage(bad, page)
        mids = _salvaged(tmp_path, bad, copy)
        if mids != _TYPED and page != own:
            costly[page] = mids
    assert pages > 50
    assert costly == {}


def test_a_window_that_was_killed_and_a_bad_first_page_cost_nothing(folder: Path, tmp_path: Path) -> None:
    """What was typed last lies in the log beside the file only."""
    raw = connect_writer(pending_path(folder), KEY)
    crashed = tmp_path / "crashed"
    try:
        raw.execute("UPDATE meta SET v = 8 WHERE k = 'next_mid'")
        _type_more(raw, [7])
        shutil.copytree(folder, crashed)
    finally:
        raw.close()
    assert pending_path(crashed).with_name("pending.db-wal").stat().st_size > 0
    _damage(pending_path(crashed), 1)
    opened = prepare(crashed, KEY)
    assert opened.found == "restored"
    assert _mids(pending_path(crashed)) == [*_TYPED, 7]


def test_much_typed_since_the_copy_is_back_when_the_first_page_was_damaged(folder: Path) -> None:
    """The file is longer than the copy, whose first page knows of fewer pages."""
    path = pending_path(folder)
    raw = connect_writer(path, KEY)
    _type_more(raw, range(7, 150))
    raw.execute("DELETE FROM outbox WHERE mid > 6")  # sent: the copy has pages that are free
    raw.close()
    assert prepare(folder, KEY).found == "ok"
    raw = connect_writer(path, KEY)
    _type_more(raw, range(150, 450))
    raw.close()
    assert path.stat().st_size > copy_path(folder).stat().st_size + 20 * _PAGE
    _damage(path, 1)
    assert prepare(folder, KEY).found == "restored"
    assert _mids(path) == [*_TYPED, *range(150, 450)]


def test_a_file_that_was_cut_short_gives_back_what_is_in_its_rest(folder: Path) -> None:
    """The end of the list of tables was in the part that is gone."""
    path = pending_path(folder)
    with path.open("r+b") as file:
        file.truncate(20 * _PAGE + 100)
    assert prepare(folder, KEY).found == "restored"
    assert _mids(path) == _TYPED


@pytest.mark.parametrize("page", [1, 27])
def test_the_window_opens_with_everything_after_the_header_or_the_list_of_tables_was_damaged(
    folder: Path, page: int
) -> None:
    """Nothing but the damaged file itself is left beside the mended one."""
    _damage(pending_path(folder), page)
    opened = prepare(folder, KEY)
    assert opened.found == "restored"
    assert opened.kept_as is not None
    assert _mids(pending_path(folder)) == _TYPED
    left = {p.name for p in folder.iterdir()} - {"key.check"}
    assert left <= {"pending.db", "pending.copy.db", opened.kept_as.name}


def test_pages_of_another_file_are_never_mixed_in(folder: Path, tmp_path: Path) -> None:
    """A copy of another profile with the same key has another salt: none of its pages fits, its rows are kept."""
    other = tmp_path / "other"
    other.mkdir()
    prepare(other, KEY)
    bad = tmp_path / "bad.db"
    shutil.copyfile(pending_path(folder), bad)
    _damage(bad, _root(bad, "outbox"))
    assert _salvaged(tmp_path, bad, copy_path(other)) == []
    shutil.copyfile(pending_path(folder), bad)
    _damage(bad, _root(bad, "draft"))
    assert _salvaged(tmp_path, bad, copy_path(other)) == _TYPED


def test_a_row_that_makes_no_sense_is_left_out_and_the_others_are_back(folder: Path, tmp_path: Path) -> None:
    """Pages of two ages side by side can hold such rows; the window opens all the same."""
    bad = tmp_path / "bad.db"
    shutil.copyfile(pending_path(folder), bad)
    raw = connect_writer(bad, KEY)
    raw.execute("PRAGMA writable_schema=ON")
    raw.execute("UPDATE sqlite_master SET sql = replace(sql, 'args BLOB NOT NULL', 'args BLOB') WHERE name = 'outbox'")
    raw.close()
    raw = connect_writer(bad, KEY)
    raw.execute("UPDATE outbox SET args = NULL WHERE mid = 3")
    raw.close()
    assert _salvaged(tmp_path, bad, copy_path(folder)) == [1, 2, 4, 5, 6]
