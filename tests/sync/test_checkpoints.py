# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints against the rules: lost scopes, epochs, the guard, device ids, stuck queues, repairs that resume."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.changes import ConflictResolve, TicketDelete
from app.domain.entities import NOTE, TICKET, customer_scope, team_scope
from app.domain.ids import TicketId, new_id
from app.domain.ports import ViewKey
from app.domain.replica import Checkpoint, ExitPage, RowPage, Segment
from app.entry.sync_codec import Hashes
from app.store.replica import ReplicaStore, remove_database
from sync.protocol import (
    Begin,
    HelloAnswer,
    Limits,
    Mark,
    Problem,
    ProtocolError,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    SchemaRange,
    SnapEnd,
)
from sync.protocol import (
    Rows as RowsFrame,
)
from sync.server.epochs import begin_epoch
from sync.server.schema import SYSTEM
from tests.sync.desk import Client, Desk

NORTH = "북부"


def _scope(desk: Desk) -> str:
    return team_scope(desk.team(NORTH))


def _lose(desk: Desk, client: Client) -> None:
    table = SYSTEM.scope_access
    where = (table.c.account_id == client.me) & (table.c.scope_id == _scope(desk))
    desk.store.write(lambda cx: cx.execute(table.delete().where(where)))


def _tray(client: Client) -> list[tuple[int, str, str, bool]]:
    with client.profile.readers().read() as tx:
        return tx.all("SELECT mid, kind, reason, content IS NOT NULL FROM main.needs_you ORDER BY mid")


# --- lost scopes ------------------------------------------------------------------------------------------------------


def test_a_lost_team_takes_its_tickets_and_leaves_unsent_work_in_the_tray(desk: Desk, kim: Client, lee: Client) -> None:
    """What may no longer be seen disappears in one step; the unsent reply is kept, and still sent once."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.reply(ticket, "noch nicht gesendet")
    kim.line.lose = lambda request: isinstance(request, Push)
    _lose(desk, kim)
    kim.core.reset()
    kim.core._wish.push = False
    hello = kim.core.next(desk.clock())
    assert hello is not None
    kim._exchange(hello)
    assert list(kim.profile.queries.ids(ViewKey.ALL)) == []
    assert kim.profile.queries.details(TicketId(ticket)) is None
    assert _tray(kim) == [(1, "orphaned", "scope", True)]
    kim.line.lose = lambda _: False
    assert kim.sync()
    assert _tray(kim) == [(1, "orphaned", "scope", True)]
    assert kim.core.state.lmid_seen == 1
    assert kim.profile.numbers().waiting == 0


def test_an_orphan_that_was_accepted_after_all_leaves_the_tray(desk: Desk, kim: Client, lee: Client) -> None:
    """The reply had arrived before the team was lost: nothing needs the person."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket, "angekommen")
    kim.line.lose = lambda request: isinstance(request, Push)
    assert not kim.sync()
    kim.line.lose = lambda _: False
    _lose(desk, kim)
    assert kim.sync()
    assert _tray(kim) == []
    assert len(desk.rows(NOTE.number)) == 1


# --- rows, exits, revisions -------------------------------------------------------------------------------------------


class Rows:
    """Pages for a store without a server."""

    def __init__(self, store: ReplicaStore) -> None:
        self.store = store
        self.hashes = Hashes()

    def page(self, scope: str, id_: bytes, seq: int, rev: int = 1, *, deleted: bool = False) -> RowPage:
        return RowPage(scope, TICKET.number, ["subject"], [[id_, seq, deleted, rev, {}, f"seq {seq}"]])

    def apply(self, cursors: dict[str, int], pages: list[RowPage], exits: list[ExitPage], **more: object) -> object:
        segments = [Segment(p.scope, 0, 0, [p]) for p in pages] + [Segment(e.scope, 0, 0, (), [e]) for e in exits]
        return self.store.apply(
            Checkpoint(b"e" * 16, 0, cursors, {}, segments, **more)  # type: ignore[arg-type]  # keyword arguments
        )

    def held(self, id_: bytes) -> tuple[str, int] | None:
        with self.store._file.read() as tx:
            return tx.one("SELECT scope_id, seq FROM ticket WHERE id = ?", (id_,))


@pytest.fixture
def rows(kim: Client) -> Rows:
    kim.replica.set_scopes(None, {"team:a": 2, "team:b": 2}, (), ())
    return Rows(kim.replica)


def test_a_row_that_left_and_came_back_stays(rows: Rows) -> None:
    """Within a scope the higher seq wins, whether it is a row or an exit."""
    id_ = new_id()
    rows.apply({"team:a": 30}, [rows.page("team:a", id_, 20)], [ExitPage("team:a", [(10, TICKET.number, id_, None)])])
    assert rows.held(id_) == ("team:a", 20)
    rows.apply({"team:a": 40}, [], [ExitPage("team:a", [(31, TICKET.number, id_, None)])])
    assert rows.held(id_) is None


def test_a_put_in_one_scope_beats_an_exit_from_another_and_an_old_put_changes_nothing(rows: Rows) -> None:
    """A ticket that moved is in its new team; an old page of the team it left does not bring it back."""
    id_ = new_id()
    rows.apply({"team:a": 5}, [rows.page("team:a", id_, 5, rev=3)], [])
    moved = [rows.page("team:b", id_, 2, rev=4), rows.page("team:a", id_, 4, rev=2)]
    rows.apply({"team:a": 9, "team:b": 2}, moved, [ExitPage("team:a", [(9, TICKET.number, id_, "team:b")])])
    assert rows.held(id_) == ("team:b", 2)
    rows.apply({"team:a": 9}, [rows.page("team:a", id_, 5, rev=3)], [])
    assert rows.held(id_) == ("team:b", 2)
    state = rows.store.state().scopes
    assert (state["team:a"].n, state["team:b"].n) == (0, 1)
    assert state["team:a"].xsum == 0


def test_a_scope_loaded_again_replaces_whatever_was_here(rows: Rows) -> None:
    """Even a row whose seq went wrong upwards gives way, and rows that were not sent go."""
    kept, gone = new_id(), new_id()
    rows.apply({"team:a": 9}, [rows.page("team:a", kept, 999), rows.page("team:a", gone, 8)], [])
    rows.store.set_scopes(None, {}, ["team:a"], ())
    rows.apply({"team:a": 9}, [rows.page("team:a", kept, 7)], [], whole=frozenset({"team:a"}))
    assert (rows.held(kept), rows.held(gone)) == (("team:a", 7), None)
    assert rows.store.state().scopes["team:a"].n == 1


# --- guard ------------------------------------------------------------------------------------------------------------


def test_a_checkpoint_that_would_take_most_tickets_waits_for_a_person(rows: Rows) -> None:
    """More than 30 % and more than 200 tickets: nothing is written until somebody agrees."""
    ids = [new_id() for _ in range(300)]
    cols: list[list[object]] = [[id_, seq, False, 1, {}, "x"] for seq, id_ in enumerate(ids, 1)]
    rows.apply({"team:a": 300}, [RowPage("team:a", TICKET.number, ["subject"], cols)], [])
    exits = [ExitPage("team:a", [(301 + n, TICKET.number, id_, None) for n, id_ in enumerate(ids[:201])])]
    answer = rows.apply({"team:a": 600}, [], exits)
    assert getattr(answer, "guard", None) == (201, 300)
    assert rows.held(ids[0]) is not None
    rows.apply({"team:a": 600}, [], exits, unguarded=True)
    assert rows.held(ids[0]) is None


def test_tickets_that_go_to_the_archive_or_another_team_here_do_not_count(rows: Rows) -> None:
    """Filing old tickets away is no surprise."""
    ids = [new_id() for _ in range(300)]
    cols: list[list[object]] = [[id_, seq, False, 1, {}, "x"] for seq, id_ in enumerate(ids, 1)]
    rows.apply({"team:a": 300}, [RowPage("team:a", TICKET.number, ["subject"], cols)], [])
    exits = [ExitPage("team:a", [(301 + n, TICKET.number, id_, "team:a:arc") for n, id_ in enumerate(ids)])]
    assert getattr(rows.apply({"team:a": 600}, [], exits), "guard", 0) is None
    assert rows.held(ids[0]) is None


def test_the_guard_stops_pulling_but_not_pushing_and_an_answer_goes_on(desk: Desk, kim: Client, lee: Client) -> None:
    """While a person is asked, own work still reaches the server; Apply lets the checkpoint through."""
    _delete_behind_the_protocol(desk, kim, lee, 210)
    kim.sync()
    assert kim.core.guard == (210, 210)
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 211
    assert len(desk.rows(TICKET.number)) == 211
    kim.core.answer_guard(apply=False)
    kim.sync()
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 211
    kim.core.answer_guard(apply=True)
    kim.sync()
    assert _guard(kim) is None
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 1


def _delete_behind_the_protocol(desk: Desk, kim: Client, lee: Client, count: int) -> None:
    """Let the server say that many tickets are gone, while work waits on Kim's computer."""
    tickets = [lee.new_ticket(f"문의 {n}") for n in range(count)]
    lee.sync()
    kim.sync()
    kim.new_ticket("trotzdem gesendet")
    table = {"deleted": True}
    scope = SYSTEM.scope
    with desk.store.read() as cx:
        head = cx.execute(sa.select(scope.c.head).where(scope.c.id == _scope(desk))).scalar_one()
    for n, ticket in enumerate(tickets, 1):
        desk.spoil(TICKET.number, ticket, seq=head + n, **table)
    hashes = Hashes()
    with desk.store.read() as cx:
        held = cx.execute(sa.select(scope).where(scope.c.id == _scope(desk))).mappings().one()
    sums = held["xsum"]
    rows = {row["id"]: row for row in kim_rows(kim)}
    for ticket in tickets:
        sums = hashes.add_sum(sums, -hashes.row_hash(TICKET.number, ticket, rows[ticket]["seq"]))  # type: ignore[arg-type]  # a number
    values = {"head": head + count, "n": held["n"] - count, "xsum": sums}
    desk.store.write(lambda cx: cx.execute(scope.update().where(scope.c.id == _scope(desk)).values(**values)))


def test_an_open_guard_question_is_not_a_stuck_queue(desk: Desk, kim: Client, lee: Client) -> None:
    """Nothing is confirmed while a person is asked: that is the question's doing, not the server's."""
    _delete_behind_the_protocol(desk, kim, lee, 210)
    kim.sync()
    assert _guard(kim) == (210, 210)
    assert kim.profile.numbers().waiting == 1
    for minutes in range(1, 9):
        desk.clock.ms += 60_000
        kim.sync()
        assert not kim.core.stuck, minutes
    kim.core.answer_guard(apply=True)
    kim.sync()
    assert kim.profile.numbers().waiting == 0


def _guard(client: Client) -> tuple[int, int] | None:
    return client.core.guard


def _keep_above(client: Client) -> int | None:
    return client.core.keep_above


def kim_rows(client: Client) -> list[dict[str, object]]:
    with client.replica._file.read() as tx:
        return [{"id": id_, "seq": seq} for id_, seq in tx.all("SELECT id, seq FROM ticket")]


# --- epochs -----------------------------------------------------------------------------------------------------------


def test_a_server_restored_from_a_backup_gets_the_lost_work_again(
    desk: Desk, kim: Client, lee: Client, tmp_path: Path
) -> None:
    """Work that only the client still has is pending again and goes out once more; nothing is there twice."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket, "vor der Sicherung")
    kim.sync()
    backup = tmp_path / "backup.db"
    _back_up(tmp_path / "server", backup)
    kim.note(ticket, "nach der Sicherung")
    kim.sync()
    assert kim.profile.numbers().waiting == 0
    _let_a_minute_pass(kim)
    _restore(desk, backup)
    pushes: list[bool] = []
    kim.line.lose = lambda request: pushes.append(isinstance(request, Push)) or False  # type: ignore[func-returns-value]  # notes
    kim.core.sync_now()
    assert kim.sync()
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert sorted(str(row["body"]) for row in desk.rows(NOTE.number)) == ["nach der Sicherung", "vor der Sicherung"]
    assert kim.bodies(TicketId(ticket))[1:] == ["vor der Sicherung", "nach der Sicherung"]
    assert {s.state for s in kim.core.state.scopes.values()} == {"live"}


def test_work_lost_by_the_server_shows_all_the_while(desk: Desk, kim: Client, lee: Client, tmp_path: Path) -> None:
    """The joint checkpoint makes it pending again, and its image is made anew though it had been removed."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    backup = tmp_path / "backup.db"
    _back_up(tmp_path / "server", backup)
    kim.note(ticket, "verloren und wieder da")
    kim.sync()
    _let_a_minute_pass(kim)
    _restore(desk, backup)
    kim.line.lose = lambda request: isinstance(request, Push)
    kim.core.sync_now()
    assert not kim.sync()
    kim.profile.after_checkpoint()
    assert kim.profile.numbers().waiting == 1
    assert "verloren und wieder da" in kim.bodies(TicketId(ticket))
    assert len(desk.rows(NOTE.number)) == 1  # it arrived; only the answer was lost
    kim.line.lose = lambda _: False
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0


def _let_a_minute_pass(client: Client) -> None:
    client.profile.after_checkpoint()
    client.desk.clock.ms += 61_000
    client.profile.after_checkpoint()


def _back_up(folder: Path, backup: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "server.db")) as raw:
        raw.execute("VACUUM INTO ?", (str(backup),))


def _restore(desk: Desk, backup: Path) -> None:
    """Put every row of a backup in the place of what is there, and begin a new epoch."""
    with contextlib.closing(sqlite3.connect(backup.with_name("server") / "server.db", isolation_level=None)) as raw:
        raw.execute("ATTACH DATABASE ? AS old", (str(backup),))
        raw.execute("BEGIN IMMEDIATE")
        for (name,) in raw.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if not name.startswith("sqlite_"):
                raw.execute(f"DELETE FROM main.{name}")  # noqa: S608 - names of our own tables
                raw.execute(f"INSERT INTO main.{name} SELECT * FROM old.{name}")  # noqa: S608 - as above
        raw.execute("COMMIT")
    desk.store.write(lambda cx: begin_epoch(cx, new_id(), desk.clock(), "restored"))


def test_a_scope_whose_rows_were_all_deleted_comes_back_with_a_restored_server(desk: Desk, kim: Client) -> None:
    """Nothing counts of it, and yet the deleted row of before must not hide the one that is there again."""
    scope = customer_scope(desk.customer)
    here = kim.core.state.scopes[scope].n
    assert here == (2 if customer_scope(desk.other) == scope else 1)  # ids are chance, and eight scopes are few
    with kim.replica._file.write() as tx:  # as the server was before the restore: deleted, later than all it has now
        tx.run("UPDATE customer SET deleted = 1, seq = 90, rev = 9 WHERE scope_id = ?", (scope,))
        tx.run("UPDATE scope_state SET n = 0, xsum = 0, cursor = 90 WHERE id = ?", (scope,))
    desk.store.write(lambda cx: begin_epoch(cx, new_id(), desk.clock(), "restored"))
    kim.restart_worker()
    assert kim.sync()
    assert kim.sync()
    held = kim.core.state.scopes[scope]
    assert (held.state, held.n) == ("live", here)


# --- device ids -------------------------------------------------------------------------------------------------------


def _hello(client: Client, **more: object) -> HelloAnswer:
    values: dict[str, object] = {
        "epoch": client.core.state.epoch, "proto": 1, "schema": SchemaRange(min=1, cur=1), "server_ms": 0, "lmid": 0,
        "lmid_hash": None, "drop": [], "limits": Limits(), "scopes": [], **more,
    }  # fmt: skip
    return HelloAnswer(**values)  # type: ignore[arg-type]  # keyword arguments of a test


def test_a_server_that_knows_other_work_of_this_device_makes_it_take_a_new_id(kim: Client, lee: Client) -> None:
    """A copied profile: more mutations than were made here, or another one under the same number."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    kim.core.on_hello(_hello(kim, lmid=2), 0)
    assert kim.core.keep_above == 0
    kim.core.keep_above = None
    kim.core.on_hello(_hello(kim, lmid=1, lmid_hash=b"anothers"), 0)
    assert _keep_above(kim) == 0
    assert kim.core.next(0) is None


@pytest.mark.parametrize("problem", [Problem(code="fork", mid=1), Problem(code="gap", expected=1)], ids=["fork", "gap"])
def test_a_queue_that_cannot_go_on_makes_it_take_a_new_id(kim: Client, lee: Client, problem: Problem) -> None:
    """Another mutation under this number, or a number that is not here any more."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    with kim.profile._writer.write() as tx:
        tx.run("UPDATE outbox SET mid = 7")
        tx.run("UPDATE meta SET v = 8 WHERE k = 'next_mid'")
    assert kim.core.on_problem(409, problem, None).kind == "device"
    assert kim.core.keep_above == 0


def test_a_replica_of_another_profile_is_set_aside_and_costs_a_new_device_id(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """One of the two files came from elsewhere."""
    kim.replica.close()
    kim.profile.reopen()
    kim.profile._readers.close()
    remove_database(kim.folder / "replica.db")
    (kim.folder / "replica.db").write_bytes((lee.folder / "replica.db").read_bytes())
    kim.open_worker()
    assert kim.aside
    assert kim.core.state.foreign


def test_work_typed_after_the_window_s_file_came_from_a_backup_shows_and_goes_out(
    desk: Desk, kim: Client, tmp_path: Path
) -> None:
    """The file would give numbers anew that the replica says are confirmed: such work was hidden and never sent."""
    ticket = kim.new_ticket()
    kim.sync()
    kim.profile.close()
    shutil.copyfile(kim.folder / "pending.db", tmp_path / "pending.db")
    kim.restart_window()
    for body in ("first", "second"):
        kim.note(ticket, body)
    kim.sync()
    kim.replica.close()
    kim.profile.close()
    shutil.copyfile(tmp_path / "pending.db", kim.folder / "pending.db")
    kim.restart_window()
    kim.open_worker()
    for body in ("third", "fourth"):
        kim.note(ticket, body)
    assert kim.bodies(ticket)[1:] == ["first", "second", "third", "fourth"]
    assert kim.profile.numbers().waiting == 2
    assert kim.sync()
    assert kim.core.keep_above is None
    assert kim.profile.numbers().waiting == 0
    assert {str(row["body"]) for row in desk.rows(NOTE.number)} == {"first", "second", "third", "fourth"}


def test_a_new_device_id_sends_everything_once_and_keeps_edits_that_build_on_each_other(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """Confirmed work is not sent again; the rest goes out in order and does not conflict with itself."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket, "bestätigt")
    kim.set(ticket, priority=2)
    kim.sync()
    kim.set(ticket, priority=3)
    kim.set(ticket, priority=4)
    kim.note(ticket, "offen")
    kim.new_device(keep_above=2)
    assert kim.profile.numbers().waiting == 3
    assert kim.profile.queries.rows([TicketId(ticket)])[TicketId(ticket)].priority == 4
    assert kim.bodies(TicketId(ticket))[1:] == ["bestätigt", "offen"]
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert kim.core.state.lmid_seen == 3
    assert _tray(kim) == []
    assert sorted(str(r["body"]) for r in desk.rows(NOTE.number)) == ["bestätigt", "offen"]
    lee.sync()
    assert lee.profile.queries.rows([TicketId(ticket)])[TicketId(ticket)].priority == 4
    assert not kim.profile.renumber(kim.grant.device, "ZZ", 0)


def test_what_the_server_had_already_is_recognised_after_a_new_device_id(desk: Desk, kim: Client, lee: Client) -> None:
    """Everything is sent again under the new id; rows exist once."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket, "einmal")
    kim.reply(ticket, "auch einmal")
    kim.sync()
    kim.new_device(keep_above=0)
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert len(desk.rows(NOTE.number)) == 1
    assert kim.bodies(TicketId(ticket))[1:] == ["einmal", "auch einmal"]


def test_a_new_device_id_keeps_what_a_decision_and_a_deletion_rest_on(desk: Desk, kim: Client, lee: Client) -> None:
    """A choice in the tray, and a deletion, that build on own edits hold under the new id too."""
    first, second = lee.new_ticket("eins"), lee.new_ticket("zwei")
    lee.sync()
    kim.sync()
    kim.reply(first, "gelöst")
    lee_state, kim_state = lee.state("waiting_customer"), kim.state("solved")
    kim.sync()
    lee.sync()
    lee.set(first, state=lee_state)
    kim.set(first, state=kim_state)
    kim.set(second, priority=4)
    lee.sync()
    kim.sync()
    kim.sync()
    [item] = kim.profile.needs_you.entries()
    kim.set(first, state=kim.state("open"))
    kim.do(ConflictResolve(new_id(), item.id, "mine"))
    kim.set(second, priority=3)
    kim.do(TicketDelete(new_id(), second))
    kim.new_device(keep_above=kim.core.state.lmid_seen)
    assert kim.sync()
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert kim.profile.needs_you.number() == 0
    assert _tray(kim) == [] or all(kind == "held" for _, kind, _, _ in _tray(kim))
    lee.sync()
    assert lee.profile.queries.rows([first])[first].state == kim_state
    assert second not in lee.profile.queries.ids(ViewKey.ALL)


# --- stuck ------------------------------------------------------------------------------------------------------------


def test_a_queue_that_does_not_move_starts_over_once_and_then_says_so(kim: Client, lee: Client) -> None:
    """Three answered pushes without progress: first from the files again, the second time people are told."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    for round_ in range(2):
        assert not kim.core.stuck
        for _ in range(3):
            kim.core.on_push(PushAnswer(lmid=0, results=[], heads={}))
        assert kim.core.next(kim.desk.clock()).__class__.__name__ == "Hello", round_
    assert kim.core.stuck
    assert kim.core.diagnostics()["last_mid"] == 1
    assert kim.sync()
    assert not kim.core.stuck


def test_two_minutes_online_without_progress_are_too_long(kim: Client, lee: Client) -> None:
    """Time without a server does not count."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    kim.core.rehello()
    kim.core.next(kim.desk.clock() + 500_000)
    assert kim.core._stall._times == 0
    now = kim.desk.clock()
    kim.core.on_hello(_hello(kim), now)
    kim.core.next(now + 121_000)
    kim.core.on_hello(_hello(kim), now + 121_000)
    kim.core.next(now + 242_000)
    assert kim.core.stuck


# --- repairs that resume ----------------------------------------------------------------------------------------------


def test_a_long_pull_that_is_killed_goes_on_from_the_stored_pages(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is not asked for again, and shows only with the checkpoint."""
    monkeypatch.setattr("sync.server.pull.WINDOW", 20)
    for n in range(60):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    _, asked = _cut_often(kim)
    assert kim.sync()
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 60
    assert kim.core.counters.differing == []
    assert asked == sorted(asked)
    assert len(set(asked)) > 3
    with kim.replica._file.read() as tx:
        assert tx.value("SELECT count(*) FROM page") == 0


def _cut_often(client: Client) -> tuple[str, list[int]]:
    scope, asked = _scope(client.desk), []

    def watch(request: object) -> bool:
        if isinstance(request, Pull):
            asked.append(request.scopes.get(scope, 0))
        return False

    client.line.lose = watch
    for cut in (6, 9, 12, 15):
        client.line.cut_after_frames = cut
        client.sync()
        asked.append(client.core.state.scopes[scope].held)
        client.restart_worker()
    return scope, [a for a in asked if a]


def test_a_scope_loaded_again_survives_kills_and_shows_the_old_rows_meanwhile(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rows stay in view until the new ones are complete."""
    monkeypatch.setattr("sync.server.pull.WINDOW", 20)
    for n in range(60):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    kim.sync()
    kim.replica.set_scopes(None, {}, [_scope(desk)], ())
    kim.restart_worker()
    rng = random.Random(4)
    for _ in range(6):
        kim.line.cut_after_frames = rng.randint(3, 14)
        kim.sync()
        assert len(kim.profile.queries.ids(ViewKey.ALL)) == 60
        kim.restart_worker()
    assert kim.core.state.scopes[_scope(desk)].held > 0
    kim.line.cut_after_frames = None
    assert kim.sync()
    assert kim.core.state.scopes[_scope(desk)].state == "live"
    assert kim.core.counters.differing == []


def test_a_scope_that_differs_again_after_a_full_load_is_taken_as_it_is(desk: Desk, kim: Client, lee: Client) -> None:
    """A server whose sums are wrong must not keep anybody loading for ever."""
    lee.new_ticket()
    lee.sync()
    table = SYSTEM.scope
    where = table.c.id == _scope(desk)
    desk.store.write(lambda cx: cx.execute(table.update().where(where).values(xsum=table.c.xsum + 1)))
    for _ in range(3):
        assert kim.sync()
    assert kim.core.state.scopes[_scope(desk)].state == "live"
    assert kim.core.counters.differing.count(_scope(desk)) <= 2
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 1


def test_frames_that_have_no_place_are_refused(kim: Client) -> None:
    """Another epoch, a scope that was not asked for, a row that is none: an error of the protocol, nothing written."""
    scope = _scope(kim.desk)
    begin = Begin(snap=b"s" * 16, epoch=kim.core.state.epoch or b"", lmid=0, server_ms=0, heads={})
    bad: list[PullFrame] = [
        Begin(snap=b"s" * 16, epoch=b"another one.....", lmid=0, server_ms=0, heads={}),
        RowsFrame(scope="team:not asked", type=TICKET.number, cols=[], rows=[]),
        RowsFrame(scope=scope, type=TICKET.number, cols=["subject"], rows=[[b"short", 1, False, 1, {}, "x"]]),
        RowsFrame(scope=scope, type=TICKET.number, cols=["subject"], rows=[[new_id(), 1, False, 1, {}]]),
        Mark(scope=scope, to=-1),
        SnapEnd(at_seq=1, n=1, xsum=1),
    ]
    for frame in bad:
        kim.core.reset()
        while not isinstance(request := kim.core.next(kim.desk.clock()), Pull):
            assert request is not None
            kim._exchange(request)
        if not isinstance(frame, Begin):
            kim.core.on_frame(begin)
        with pytest.raises(ProtocolError):
            kim.core.on_frame(frame)
    kim.core.on_cut()
    assert kim.sync()
