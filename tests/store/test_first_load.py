# SPDX-License-Identifier: GPL-3.0-or-later
"""What a first load does faster than a checkpoint comes to the same in the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import StoreUnavailable
from app.domain.ids import new_id
from app.domain.replica import RowPage
from app.store.cipher import Session, file_uri, open_raw
from app.store.replica_log import LogFolder
from app.store.replica_ready import joined, make_ready
from sync.protocol import row_hash
from tests.fakes.wait import wait_until
from tests.sync.desk import Client


def _segments(kim: Client) -> int:
    with kim.profile.readers().read() as tx:
        return int(tx.value("SELECT count(DISTINCT segid) FROM main.fts_idx"))


def _config(kim: Client) -> dict[str, int]:
    with kim.profile.readers().read() as tx:
        return dict(tx.all("SELECT k, v FROM main.fts_config"))


def _found(kim: Client) -> set[bytes]:
    return {hit.row.id for hit in kim.profile.queries.search("건조기")}


def test_search_finds_everything_before_and_after_the_index_is_merged(kim: Client) -> None:
    """The pieces that a load leaves are merged little by little; a change meanwhile is found, too."""
    tickets = []
    for number in range(7):
        tickets.append(kim.new_ticket(f"건조기 고장 {number}"))
        kim.sync()
    assert _segments(kim) >= 7
    assert set(tickets) <= _found(kim)
    steps = 0
    while kim.replica.tidy():
        steps += 1
    assert steps > 0
    assert _segments(kim) < 7
    assert set(tickets) <= _found(kim)
    assert _config(kim)["automerge"] == 4
    late = kim.new_ticket("건조기 소음")
    kim.sync()
    assert late in _found(kim)
    kim.restart_worker()
    assert not kim.replica.tidy()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1100])
def test_any_number_of_rows_goes_in_whole(count: int) -> None:
    """Also those that fill no statement."""
    raw = open_raw(":memory:", None)
    raw.execute("CREATE TABLE t(a, b, c)")
    rows = [(n, str(n), None if n % 3 else bytes([n % 256])) for n in range(count)]
    Session(raw).insert("INSERT INTO t(a, b, c)", 3, rows)
    assert raw.execute("SELECT * FROM t ORDER BY a").fetchall() == rows
    raw.close()


@pytest.mark.parametrize("count", [0, 1, 7, 512, 3000, 4096, 4097])
def test_words_of_one_transaction_make_few_pieces(count: int) -> None:
    """Thousands of pieces would have to be merged in the middle of a load; each text is found by its own word."""
    raw = open_raw(":memory:", None)
    raw.execute("CREATE VIRTUAL TABLE f USING fts5(body, cjk, content='', contentless_delete=1)")
    raw.execute("BEGIN")
    Session(raw).insert_words("INSERT INTO f(rowid, body, cjk)", 3, [(n, f"word{n} all", None) for n in range(count)])
    raw.execute("COMMIT")
    assert raw.execute("SELECT count(*) FROM f WHERE f MATCH 'all'").fetchone() == (count,)
    for n in range(0, count, 500):
        assert raw.execute("SELECT rowid FROM f WHERE f MATCH ?", (f"word{n}",)).fetchall() == [(n,)]
    assert raw.execute("SELECT count(DISTINCT id >> 37) FROM f_data WHERE id >> 37").fetchone()[0] == -(-count // 4096)
    raw.close()


def test_pages_put_together_are_what_they_were() -> None:
    """Rows keep their order within an entity, and two pages with one id are not taken for new rows."""
    one, two, three = new_id(), new_id(), new_id()
    cols = ["name", "colour", "retired", "created_at", "created_by"]

    def page(type_: int, scope: str, *rows: tuple[bytes, int]) -> RowPage:
        made = RowPage(scope, type_, cols, [[i, seq, False, 1, {}, "긴급", None, None, 5, None] for i, seq in rows])
        return RowPage(scope, type_, cols, made.rows, make_ready(made, row_hash))

    pages = joined([page(6, "ref", (one, 1)), page(6, "team:a", (three, 9)), page(6, "ref", (two, 2), (one, 3))])
    assert [(p.scope, [(row[0], row[1]) for row in p.rows]) for p in pages] == [
        ("ref", [(one, 1), (two, 2), (one, 3)]),
        ("team:a", [(three, 9)]),
    ]
    whole = make_ready(RowPage("ref", 6, cols, pages[0].rows), row_hash)
    assert pages[0].ready == whole
    assert whole is not None
    assert not whole.is_plain
    assert whole.n == 3


def _log_file(tmp_path: Path, log_pages: int) -> tuple[Path, Callable[[], Any], Any]:
    """Return an encrypted file, a way to open it, and its writer, which folds its log back after so many pages."""
    path = tmp_path / "big.db"
    key = bytes(32)
    writer = open_raw(file_uri(path, "rwc"), key)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute(f"PRAGMA wal_autocheckpoint={log_pages}")
    writer.execute("CREATE TABLE t(n INTEGER PRIMARY KEY, words TEXT)")
    return path, lambda: open_raw(file_uri(path, "rw"), key, cache_kib=64), writer


def _write(writer: Any, first: int) -> None:
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO t VALUES(?, ?)", [(first + n, "건조기 " * 100) for n in range(1_000)])
    writer.execute("COMMIT")


def test_what_a_load_has_stored_reaches_the_file_while_it_stores_more(tmp_path: Path) -> None:
    """The log is folded back beside the writer, in the middle of its next transaction; nothing of either is lost."""
    path, connect, writer = _log_file(tmp_path, log_pages=1_000_000)
    log = LogFolder(connect)
    _write(writer, 0)
    before = path.stat().st_size
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO t VALUES(5000, 'meanwhile')")
    log.wrote(12_000)
    wait_until(lambda: path.stat().st_size > before + 500_000)
    writer.execute("COMMIT")
    log.close()
    copy = tmp_path / "after-a-crash.db"  # what a computer has that lost power now: the files as they are
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    writer.close()
    again = open_raw(file_uri(copy, "rw"), bytes(32))
    assert again.execute("SELECT count(*) FROM t").fetchone() == (1_001,)
    assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    again.close()


def test_the_log_of_a_load_begins_anew_when_it_is_full(tmp_path: Path) -> None:
    """However much is stored, the log does not take the size of the file."""
    path, connect, writer = _log_file(tmp_path, log_pages=600)
    log = LogFolder(connect)
    for turn in range(20):
        _write(writer, turn * 1_000)
        log.wrote(12_000)
    log.close()
    assert path.with_name("big.db-wal").stat().st_size < path.stat().st_size / 2
    writer.close()


def test_a_load_goes_on_when_its_log_cannot_be_folded_beside_it(tmp_path: Path) -> None:
    """The writer does it at its next commit, or says what is wrong; quiet days start no thread at all."""
    _, _, writer = _log_file(tmp_path, log_pages=600)
    asked: list[str] = []

    def broken() -> Any:
        asked.append("opened")
        raise StoreUnavailable("disk_full")

    log = LogFolder(broken)
    log.wrote(11_000)
    assert not asked
    log.wrote(1_000)
    _write(writer, 0)
    log.close()
    log.close()
    assert asked == ["opened"]
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (1_000,)
    writer.close()
