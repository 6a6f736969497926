# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk and a damaged database under a running server: clients wait, the log says why, and it goes on after."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from structlog.testing import capture_logs

from app.domain.entities import MESSAGE, NOTE
from sync.server import store as module
from sync.server.bulk import scope_errors
from sync.server.store import DatabaseBusy, Store, sqlite_url
from tests.server.test_backup import Run, data, opened, people, run, set_passwords
from tests.server.world import World

__all__ = ["data", "run"]  # fixtures


@pytest.fixture
def embedded(tmp_path: Path, blank: Path) -> Iterator[World]:
    """A server on SQLite."""
    shutil.copy(blank, tmp_path)
    store = Store.open(sqlite_url(tmp_path))
    made = World(store)
    with made.client:
        yield made
    store.close()


def no_room(world: World, pages: int | None) -> None:
    """Let the database grow no more, as on a full disk; None: there is room again."""
    world.store._engine.dispose()

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages or 1 << 30}").close()

    event.listen(world.store._engine, "connect", limit)


def test_a_full_disk_keeps_people_waiting_and_nothing_half_written(embedded: World) -> None:
    """503 with a time to come back; reading goes on; the log and /ready say why; room again, and all is applied."""
    world = embedded
    kim = world.agent()
    ticket = kim.ticket()
    muts = [kim.mutation(kim.note(ticket, "x" * 50_000)) for _ in range(8)]
    with world.store.read() as cx:
        pages = int(cx.exec_driver_sql("PRAGMA page_count").scalar_one())
    no_room(world, pages + 20)
    with capture_logs() as told:
        answer = kim.push_raw(muts)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (503, "busy", "disk_full")
    assert int(answer.headers["retry-after"]) >= 30
    assert ("error", "disk_full") in {(line["log_level"], line.get("reason")) for line in told}
    ready = world.client.get("/ready")
    assert (ready.status_code, ready.json()["database"]) == (503, "disk_full")
    kim.pull()
    assert kim.copy.of(NOTE.number) == []
    with world.store.read() as cx:
        assert scope_errors(cx) == []
    no_room(world, None)
    assert [r.st for r in kim.push(*muts).results] == ["ok"] * 8
    kim.pull()
    assert len(kim.copy.of(NOTE.number)) == 8


def test_ready_again_when_the_trouble_is_over(embedded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer that stopped asking would never let anybody try: the word is forgotten by itself."""
    embedded.store._trouble = ("disk_full", time.monotonic())
    assert embedded.client.get("/ready").status_code == 503
    monkeypatch.setattr(module, "_TROUBLE_S", 0.0)
    assert embedded.client.get("/ready").status_code == 200


def test_a_database_damaged_while_it_is_used_is_told_and_put_back_from_the_backup(
    data: Path, run: Run, tmp_path: Path
) -> None:
    """Devices wait; the log and /ready say `damaged`; the next start refuses; after the restore everything goes on."""
    people(run)
    world = opened(data)
    set_passwords(world)
    with world.client:
        kim = world.agent("kim")
        ticket = kim.ticket()
        assert run("backup", str(tmp_path / "night"))[0] == 0
        after = kim.mutation(kim.note(ticket, "after the backup"))
        assert kim.push(after).results[0].st == "ok"
        world.store._engine.dispose()
        damage(data / "server.db", MESSAGE.name)
        with capture_logs() as told:
            assert pulled(kim) in (503, 0)
            note = kim.mutation(kim.reply(ticket, "meanwhile"))
            assert kim.push_raw([note]).status_code == 503
        assert ("error", "damaged") in {(line["log_level"], line.get("reason")) for line in told}
        ready = world.client.get("/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, "damaged")
    code, said = run("device", "list")
    assert (code, "damaged" in said) == (2, True)
    assert run("restore", str(tmp_path / "night"))[0] == 0
    world = opened(data)
    with world.client:
        kim.world = world
        kim.hello(lmid_seen=2)
        assert [r.st for r in kim.push(after, note).results] == ["ok", "ok"]
        kim.pull()
        assert {"after the backup"} == {row["body"] for row in kim.copy.of(NOTE.number)}
    assert run("verify")[0] == 0


def pulled(agent: Any) -> int:
    """Pull everything anew; the status, 0 if the answer broke off."""
    try:
        return int(agent.pull_raw(scopes=dict.fromkeys(agent.copy.cursors, 0)).status_code)
    except Exception:  # noqa: BLE001 - the test client hands the server's own error on
        return 0


def damage(file: Path, table: str) -> None:
    """Overwrite the pages of a table and its indexes."""
    with closing(sqlite3.connect(file)) as cx:
        cx.execute("PRAGMA journal_mode=DELETE")
        size = cx.execute("PRAGMA page_size").fetchone()[0]
        roots = [row[0] for row in cx.execute("SELECT rootpage FROM sqlite_schema WHERE tbl_name = ?", (table,))]
    raw = bytearray(file.read_bytes())
    for root in roots:
        raw[(root - 1) * size : root * size] = b"\xff" * size
    file.write_bytes(raw)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.errors.DiskFull(), "disk_full"), (psycopg.errors.DataCorrupted(), "damaged"),
        (psycopg.errors.IndexCorrupted(), "damaged"), (psycopg.errors.ReadOnlySqlTransaction(), "read_only"),
        (psycopg.OperationalError("server closed the connection"), "unreachable"),
        (psycopg.errors.TooManyConnections(), "unreachable"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_each_trouble_of_postgresql_has_its_word(error: psycopg.Error, reason: str) -> None:
    """As the driver tells it."""
    with pytest.raises(DatabaseBusy) as busy, module._mapped():
        raise sa.exc.DBAPIError.instance("SELECT 1", None, error, psycopg.Error, dialect=_dialect())
    assert busy.value.reason == reason


def _dialect() -> Any:
    return sa.create_engine("postgresql+psycopg://u@127.0.0.1:1/d").dialect
