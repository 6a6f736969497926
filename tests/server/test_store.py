# SPDX-License-Identifier: GPL-3.0-or-later
"""The database: what a start finds, what races do, and that nothing half-done stays."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from app.domain.changes import TicketSet
from app.domain.entities import MESSAGE
from app.domain.errors import StoreUnavailable
from sync.protocol import Push, PushAnswer
from sync.server.apply import Applier
from sync.server.bootstrap import prepare
from sync.server.bulk import scope_errors
from sync.server.core import ServerCore
from sync.server.keys import ServerKeys
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, METADATA, SYSTEM
from sync.server.store import DatabaseBusy, Store, sqlite_url
from sync.server.tokens import AGENT, Grant
from tests.server.world import CountingRandom, World


def code_of(url: str) -> str:
    """What opening a database is refused with."""
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(url)
    return refused.value.code


def test_migrations_make_exactly_the_tables_of_the_program(store: Store) -> None:
    """A field added to the registry without a migration fails here."""
    with store.read() as cx:
        assert compare_metadata(MigrationContext.configure(cx), METADATA) == []


def test_a_database_of_a_newer_program_is_left_alone(store: Store) -> None:
    """`store_too_new`; nothing is changed."""
    store.write(lambda cx: cx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    url = store._engine.url.render_as_string(hide_password=False)
    assert code_of(url) == "store_too_new"


def test_a_damaged_file_a_missing_folder_and_bad_addresses_are_told_apart(tmp_path: Path) -> None:
    """Each with its own word."""
    (tmp_path / "server.db").write_bytes(b"this is no database" * 1000)
    assert code_of(sqlite_url(tmp_path)) == "store_damaged"
    assert code_of(sqlite_url(tmp_path / "missing")) == "folder_unwritable"
    for url in ("nonsense", "mysql://x/y", "postgresql+psycopg2://x/y", "sqlite://", "http://x"):
        assert code_of(url) == "bad_database_url", url
    assert code_of("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2") == "database_unreachable"


def test_pages_damaged_inside_are_noticed_at_start(tmp_path: Path) -> None:
    """A file that opens but is broken inside does not go into service."""
    Store.open(sqlite_url(tmp_path)).close()
    path = tmp_path / "server.db"
    with sqlite3.connect(path) as cx:
        cx.execute("PRAGMA journal_mode=DELETE")
    cx.close()
    raw = bytearray(path.read_bytes())
    raw[8192:16384] = b"\xff" * 8192
    path.write_bytes(raw)
    assert code_of(sqlite_url(tmp_path)) == "store_damaged"


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    """Mode 0600; a database of another organisation key is refused."""
    first = ServerKeys.load(tmp_path)
    assert ServerKeys.load(tmp_path).organisation_public == first.organisation_public
    assert {p.stat().st_mode & 0o777 for p in tmp_path.glob("*.key")} == {0o600}
    store = Store.open(sqlite_url(tmp_path))
    prepare(store, first, 1, CountingRandom())
    other = ServerKeys.of(b"1" * 32, b"2" * 32)
    with pytest.raises(StoreUnavailable, match="keys_missing"):
        prepare(store, other, 1, CountingRandom())
    store.close()
    (tmp_path / "organisation.key").write_text("damaged")
    with pytest.raises(StoreUnavailable, match="keys_damaged"):
        ServerKeys.load(tmp_path)


def test_two_overlapping_pushes_of_one_device_apply_each_change_once(world: World) -> None:
    """The second waits for the first and then sees dups."""
    kim = world.agent()
    ticket = kim.ticket()
    muts = [kim.mutation(kim.reply(ticket, f"{n}")) for n in range(8)]
    core = ServerCore(world.store, CountingRandom())
    who = Grant(AGENT, kim.id, kim.device, 0)
    answers: list[PushAnswer] = []

    def push(count: int) -> None:
        answers.append(core.push(world.clock(), who, Push(device=kim.device, epoch=kim.epoch, muts=muts[:count])))

    together(lambda: push(5), lambda: push(8), lambda: push(8))
    assert max(a.lmid for a in answers) == 9
    assert sum(r.st == "ok" for a in answers for r in a.results) == 8
    kim.pull()
    assert sorted(m["msg_no"] for m in kim.copy.of(MESSAGE.number)) == list(range(1, 10))


def test_many_agents_on_one_team_leave_no_hole_and_right_sums(world: World) -> None:
    """Each seq is given once and seen once; message numbers are dense though everybody writes at once."""
    agents = [world.agent(login) for login in ("kim", "lee", "kim", "lee")]
    ticket = agents[0].ticket()
    core = ServerCore(world.store, CountingRandom())

    def write(n: int) -> Callable[[], None]:
        agent = agents[n]
        who = Grant(AGENT, agent.id, agent.device, 0)
        muts = [agent.mutation(agent.heard(ticket, f"{n}/{i}")) for i in range(6)]

        def run() -> None:
            for mutation in muts:
                result = core.push(world.clock(), who, Push(device=agent.device, epoch=agent.epoch, muts=[mutation]))
                assert result.results[0].st == "ok"

        return run

    together(*(write(n) for n in range(4)))
    agents[0].pull()
    assert sorted(m["msg_no"] for m in agents[0].copy.of(MESSAGE.number)) == list(range(1, 26))
    with world.store.read() as cx:
        assert scope_errors(cx) == []


def test_a_crash_in_the_middle_leaves_nothing_and_the_same_push_is_applied_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, sums, results and lmid are one transaction; an operational failure is 503, never `rejected`."""
    kim = world.agent()
    ticket = kim.ticket()
    mutation = kim.mutation(kim.reply(ticket))
    real = TxRows.flush

    def broken(self: TxRows, now: int) -> dict[str, int]:
        real(self, now)
        raise DatabaseBusy("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(TxRows, "flush", broken)
        answer = kim.push_raw([mutation])
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "busy", "2")
    with world.store.read() as cx:
        assert scope_errors(cx) == []
    assert [r.st for r in kim.push(mutation).results] == ["ok"]


def test_a_change_that_the_database_refuses_is_rejected_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a value slips through our own checks, the others of the same push are applied one by one."""
    from sync.server import rows as rows_module

    kim = world.agent()
    ticket = kim.ticket()
    monkeypatch.setattr(rows_module, "_check_values", lambda _row: None)
    real_record = rows_module._record

    def record(row, seq, now):  # type: ignore[no-untyped-def]  # a fault in front of the database
        made = real_record(row, seq, now)
        return made | {"rev": None} if row.values.get("body") == "bad" else made

    monkeypatch.setattr(rows_module, "_record", record)
    answer = kim.push(*[kim.mutation(kim.reply(ticket, body)) for body in ("a", "bad", "b")])
    assert [(r.st, r.code) for r in answer.results] == [("ok", None), ("rejected", "error"), ("ok", None)]
    kim.pull()
    assert [m["body"] for m in kim.copy.of(MESSAGE.number)][1:] == ["a", "b"]


def test_a_bug_in_a_change_does_not_stop_the_device(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rejected: error`; the next mid is applied."""
    kim = world.agent()
    ticket = kim.ticket()
    real = Applier.apply

    def broken(self, change, base, ctx):  # type: ignore[no-untyped-def]  # a bug planted before the real one
        if isinstance(change, TicketSet):
            raise ZeroDivisionError
        return real(self, change, base, ctx)

    monkeypatch.setattr(Applier, "apply", broken)
    answer = kim.push(kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 4})), kim.mutation(kim.reply(ticket)))
    assert [(r.st, r.code) for r in answer.results] == [("rejected", "error"), ("ok", None)]


def test_sums_that_do_not_fit_are_found(desk: World) -> None:
    """`deskside admin verify` names the scope."""
    desk.agent().ticket()
    message = ENTITY_TABLES[MESSAGE.number]
    desk.store.write(lambda cx: cx.execute(message.delete()))
    with desk.store.read() as cx:
        assert len(scope_errors(cx)) == 1


def test_readers_see_one_moment(world: World) -> None:
    """A snapshot opened before a commit does not see it, on both databases."""
    kim = world.agent()
    ticket = kim.ticket()
    head = sa.select(sa.func.sum(SYSTEM.scope.c.head))
    with world.store.read() as cx:
        before = cx.execute(head).scalar()
        kim.do(kim.reply(ticket))
        assert cx.execute(head).scalar() == before
    with world.store.read() as cx:
        assert cx.execute(head).scalar() != before


def together(*works: Callable[[], None]) -> None:
    """Run works at the same time and raise what one of them raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
