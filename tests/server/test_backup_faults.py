# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups while people work, on odd machines, cut short, damaged; restores onto nothing, half done, and too new."""

from __future__ import annotations

import os
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.entities import NOTE
from app.entry import admin
from app.entry.server_lock import alone
from sync.server import backup, pg_tools
from sync.server.migrations import REVISIONS
from sync.server.schema import SYSTEM
from sync.server.store import Store, sqlite_url
from tests.server.test_backup import Run, data, database, opened, people, run, set_passwords
from tests.server.test_blobs import CONTENT, SHA, attach, get, look, send
from tests.server.world import row_id

__all__ = ["data", "database", "run"]  # fixtures


def where(database: str | None) -> tuple[str, ...]:
    """The options that name a database."""
    return ("--database", database) if database else ()


def counted(url: str, table: sa.Table) -> int:
    """Rows of a table in a database that no server runs on."""
    store = Store.open(url)
    with store.read() as cx:
        found = cx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    store.close()
    return int(found)


def epochs(data: Path, database: str | None) -> int:
    """How many timelines the database has seen."""
    return counted(database or sqlite_url(data), SYSTEM.epoch)


def test_a_backup_ends_though_people_never_stop_writing(data: Path, run: Run, tmp_path: Path) -> None:
    """It is one moment of the database, and does not begin again with every commit."""
    people(run)
    path, stop, done = data / "server.db", threading.Event(), threading.Event()
    with closing(sqlite3.connect(path)) as cx:
        cx.execute("CREATE TABLE ballast(x)")
        cx.executemany("INSERT INTO ballast VALUES(zeroblob(100000))", [()] * 700)
        cx.commit()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as cx:
            for n in range(3000):
                cx.execute("INSERT INTO ballast VALUES(?)", (n,))
                if stop.wait(0.001):
                    return
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    file = tmp_path / "night"
    code, said = run("backup", str(file))
    ended_first = not done.is_set()
    stop.set()
    writer.join(30)
    assert (code, ended_first) == (0, True), said
    with zipfile.ZipFile(file) as archive:
        (tmp_path / "image.db").write_bytes(archive.read("server.db"))
    with closing(sqlite3.connect(tmp_path / "image.db")) as cx:
        assert cx.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        numbers = [row[0] for row in cx.execute("SELECT x FROM ballast WHERE typeof(x) = 'integer' ORDER BY x")]
    assert numbers == list(range(len(numbers)))


def test_a_backup_onto_a_fresh_machine_is_the_whole_server(
    data: Path, run: Run, tmp_path: Path, database: str | None, postgresql: Callable[[], str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Another folder, another database: people sign in, devices go on, attachments open, the check finds nothing."""
    people(run, *where(database))
    world = opened(data, database)
    set_passwords(world)
    file = tmp_path / "night"
    with world.client:
        kim = world.agent("kim")
        ticket = kim.ticket()
        assert send(kim, 0, CONTENT).status_code == 204
        attach(world, kim, ticket)
        kim.do(kim.note(ticket, "before the night"))
        assert run(*where(database), "backup", str(file))[0] == 0
    fresh = tmp_path / "another machine" / "srv"
    empty = postgresql() if database else None
    command = ["--data", str(fresh), *where(empty)]
    assert admin.main([*command, "restore", str(file)]) == 0
    assert admin.main([*command, "verify"]) == 0
    assert admin.main([*command, "restore", str(file)]) == 0  # again is no harm
    capsys.readouterr()
    world = opened(fresh, empty)
    with world.client:
        kim.world = world
        kim.hello(lmid_seen=2)
        kim.pull()
        assert "before the night" in {row["body"] for row in kim.copy.of(NOTE.number)}
        assert kim.do(kim.note(ticket, "after it")) == ("ok", None)
        assert get(kim).content == CONTENT
        assert world.agent("park").tokens.account is not None


def test_an_attachment_sent_after_the_backup_is_asked_for_again(
    data: Path, run: Run, tmp_path: Path, database: str | None
) -> None:
    """The server does not know it any more, says so, and takes it once more though its file lies there still."""
    people(run, *where(database))
    world = opened(data, database)
    set_passwords(world)
    file = tmp_path / "night"
    with world.client:
        kim, park = world.agent("kim"), world.agent("park")
        ticket = row_id(1001)
        kim.push(kim.mutation(kim.create_change(ticket)))
        assert run(*where(database), "backup", str(file))[0] == 0
        assert send(kim, 0, CONTENT).status_code == 204
        attach(world, kim, ticket)
    assert run(*where(database), "restore", str(file))[0] == 0
    world = opened(data, database)
    with world.client:
        kim.world = park.world = world
        kim.hello(lmid_seen=1)
        attach(world, kim, ticket)
        assert look(kim)[0] == 404
        assert send(kim, 0, CONTENT).status_code == 204
        assert get(kim).content == CONTENT
        assert get(park).status_code == 404


def test_a_damaged_attachment_in_the_backup_leaves_everything_as_it_was(
    data: Path, run: Run, tmp_path: Path, database: str | None
) -> None:
    """The word “nothing was changed” is true: the database is replaced only when all the rest is in place."""
    people(run, *where(database))
    blob = data / "blobs" / "ab" / ("ab" + "0" * 62)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"picture" * 1000)
    file = tmp_path / "night"
    assert run(*where(database), "backup", str(file))[0] == 0
    raw = bytearray(file.read_bytes())
    at = raw.index(b"picture" * 1000)
    raw[at] ^= 1
    file.write_bytes(raw)
    blob.unlink()
    before = epochs(data, database)
    code, said = run(*where(database), "restore", str(file))
    assert (code, "Nothing was changed" in said) == (2, True)
    assert epochs(data, database) == before
    assert list(blob.parent.iterdir()) == []


def test_a_full_disk_among_the_attachments_leaves_the_database_as_it_was(
    data: Path, run: Run, tmp_path: Path, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come first, because they can only add."""
    people(run, *where(database))
    file = tmp_path / "night"
    assert run(*where(database), "backup", str(file))[0] == 0
    before = epochs(data, database)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_put_blobs", full)
    code, said = run(*where(database), "restore", str(file))
    assert (code, "full" in said) == (2, True)
    assert epochs(data, database) == before


def test_a_restore_cut_off_at_its_last_step_leaves_one_of_the_two_databases(
    data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At no moment is there none: a server started on an empty folder would tell every device to forget all."""
    people(run)
    file = tmp_path / "night"
    assert run("backup", str(file))[0] == 0
    people_then = counted(sqlite_url(data), SYSTEM.account)
    real, live = Path.replace, data / "server.db"

    def cut(self: Path, target: Path) -> Path:
        assert live.exists() or Path(target) == live
        if Path(target) == live:
            raise KeyboardInterrupt  # as a power cut: nothing after it runs
        made: Path = real(self, target)
        assert live.exists()
        return made

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            run("restore", str(file))
    assert counted(sqlite_url(data), SYSTEM.account) == people_then
    assert epochs(data, None) == 1
    assert run("restore", str(file))[0] == 0
    assert epochs(data, None) == 2


def test_the_log_of_a_damaged_database_is_not_read_into_the_restored_one(data: Path, run: Run, tmp_path: Path) -> None:
    """What had not been written back stays beside the former database, or is gone; nothing of it comes back."""
    people(run)
    file = tmp_path / "night"
    assert run("backup", str(file))[0] == 0
    people_then = counted(sqlite_url(data), SYSTEM.account)
    store = Store.open(sqlite_url(data))
    store.write(lambda cx: cx.execute(SYSTEM.account.delete()))
    log = (data / "server.db-wal").read_bytes()
    store.close()
    raw = bytearray((data / "server.db").read_bytes())
    raw[:100] = b"x" * 100
    (data / "server.db").write_bytes(raw)
    (data / "server.db-wal").write_bytes(log)
    code, said = run("restore", str(file))
    assert code == 0, said
    assert len(log) > 0
    assert not (data / "server.db-wal").exists()
    assert counted(sqlite_url(data), SYSTEM.account) == people_then
    assert run("verify")[0] == 0


def test_a_restore_waits_for_no_server_and_lets_none_start(data: Path, run: Run, tmp_path: Path) -> None:
    """A server that has just begun to start holds the folder already."""
    people(run)
    file = tmp_path / "night"
    assert run("backup", str(file))[0] == 0
    with alone(data, None):
        code, said = run("restore", str(file))
    assert (code, "holds the database" in said) == (2, True)
    assert run("restore", str(file))[0] == 0


def test_what_a_newer_program_added_is_gone_after_the_way_back(
    data: Path, run: Run, tmp_path: Path, postgresql: Callable[[], str], database: str | None
) -> None:
    """A table made after the backup would stop the next upgrade, which makes it again."""
    people(run, *where(database))
    file = tmp_path / "night"
    assert run(*where(database), "backup", str(file))[0] == 0
    store = Store.open(database or sqlite_url(data))
    store.write(lambda cx: cx.exec_driver_sql("CREATE TABLE of_a_newer_program(x INTEGER)"))
    store.close()
    assert run(*where(database), "restore", str(file))[0] == 0
    store = Store.open(database or sqlite_url(data))
    with store.read() as cx:
        assert "of_a_newer_program" not in sa.inspect(cx).get_table_names()
    store.close()


def test_a_backup_of_a_newer_program_is_left_alone(data: Path, run: Run, tmp_path: Path, database: str | None) -> None:
    """Told before anything is replaced, not after."""
    people(run, *where(database))
    store = Store.open(database or sqlite_url(data))
    store.write(lambda cx: cx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    file = tmp_path / "night"
    assert run(*where(database), "backup", str(file))[0] == 0
    back = sa.text("UPDATE alembic_version SET version_num = :now").bindparams(now=REVISIONS[-1][0])
    store.write(lambda cx: cx.execute(back))
    store.close()
    before = epochs(data, database)
    code, said = run(*where(database), "restore", str(file))
    assert (code, "newer Deskside (revision 9999)" in said) == (2, True), said
    assert epochs(data, database) == before


def test_attachments_that_go_while_they_are_packed_and_old_ones_stop_no_backup(
    data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server clears up meanwhile; a clock was wrong when a file was written."""
    people(run)
    blobs = [data / "blobs" / f"a{n}" / f"a{n}{'0' * 62}" for n in range(2)]
    for blob in blobs:
        blob.parent.mkdir(parents=True)
        blob.write_bytes(b"x")
        os.utime(blob, (0, 0))
    real = backup._attachments

    def vanish(folder: Path) -> list[Path]:
        found = list(real(folder))
        found[0].unlink()
        return found

    monkeypatch.setattr(backup, "_attachments", vanish)
    code, said = run("backup", str(tmp_path / "night"))
    assert (code, "1 attachment" in said) == (0, True), said


def test_a_folder_with_odd_letters_is_backed_up_and_restored(
    tmp_path: Path, run: Run, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names that mean something in addresses."""
    people(run)
    odd = tmp_path / "50%20 a#b?c=고객"
    data.rename(odd)
    for command in ("backup", "restore"):
        assert admin.main(["--data", str(odd), command, str(odd / "night ä")]) == 0, capsys.readouterr().err


def test_each_thing_that_is_not_there_is_named(
    tmp_path: Path, run: Run, data: Path, database: str | None, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A folder that is no server's, a backup that is a folder, a place that cannot be written: each its own words."""
    people(run, *where(database))
    (tmp_path / "empty").mkdir()

    def told(folder: Path, *arguments: str) -> str:
        assert admin.main(["--data", str(folder), *where(database), *arguments]) == 2
        return capsys.readouterr().err

    monkeypatch.setenv("LANGUAGE", "en")
    assert "no server" in told(tmp_path / "empty", "backup", str(tmp_path / "b"))
    assert "no server" in told(tmp_path / "missing", "backup", str(tmp_path / "b"))
    assert not (tmp_path / "missing").exists()
    assert "cannot be read" in told(data, "restore", str(tmp_path / "empty"))
    assert "cannot be read" in told(data, "restore", str(tmp_path / "missing"))
    assert "cannot be written" in told(data, "backup", str(tmp_path / "empty"))


def test_every_part_of_a_postgresql_address_reaches_its_programs() -> None:
    """Several hosts, a socket's folder, TLS files, and the password never on the command line."""
    url = "postgresql+psycopg://u%20x:p%40ss@/db%20x?host=a:1&host=b:2&target_session_attrs=read-write&sslcert=/c%20d"
    conninfo, environment = pg_tools.conninfo(url)
    assert "p@ss" not in conninfo
    assert environment == {"PGPASSWORD": "p@ss"}
    found = dict(part.split("=", 1) for part in conninfo.replace("\\ ", " ").replace("'", "").split(" ") if "=" in part)
    assert (found["host"], found["port"], found["target_session_attrs"]) == ("a,b", "1,2", "read-write")
    for part in ("user='u x'", "dbname='db x'", "sslcert='/c d'"):
        assert part in conninfo
    assert "host=/run/pg" in pg_tools.conninfo("postgresql+psycopg://u@/db?host=/run/pg")[0]


def test_the_check_finds_attachments_that_are_gone_or_cut(
    data: Path, run: Run, tmp_path: Path, database: str | None
) -> None:
    """A row says that they are there; the folder says otherwise."""
    people(run, *where(database))
    world = opened(data, database)
    set_passwords(world)
    with world.client:
        kim = world.agent("kim")
        assert send(kim, 0, CONTENT).status_code == 204
        assert run(*where(database), "verify")[0] == 0
        path = data / "blobs" / SHA.hexdigest()[:2] / SHA.hexdigest()
        path.write_bytes(CONTENT[:-1])
        code, said = run(*where(database), "verify")
        assert (code, SHA.hexdigest() in said) == (1, True), said
        path.unlink()
        code, said = run(*where(database), "verify", language="ko")
        assert (code, SHA.hexdigest() in said) == (1, True), said
        world.store.write(lambda cx: cx.execute(SYSTEM.blob.delete()))
