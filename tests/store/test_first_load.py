# SPDX-License-Identifier: GPL-3.0-or-later
"""What a first load does faster than a checkpoint comes to the same in the end."""

from __future__ import annotations

import pytest

from app.domain.ids import new_id
from app.domain.replica import RowPage
from app.store.cipher import Session, open_raw
from app.store.replica_ready import joined, make_ready
from sync.protocol import row_hash
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
