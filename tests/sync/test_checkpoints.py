# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints against the rules: lost scopes, rows and exits, the guard."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.domain.entities import NOTE, TICKET
from app.domain.ids import TicketId, new_id
from app.domain.ports import ViewKey
from app.domain.replica import Checkpoint, ExitPage, RowPage, Segment
from app.entry.sync_codec import Hashes
from app.store.replica import ReplicaStore
from sync.protocol import (
    Push,
)
from sync.server.schema import SYSTEM
from tests.sync.desk import Client, Desk
from tests.sync.looks import guard, lose, scope_north, tickets_here, tray

# --- lost scopes ------------------------------------------------------------------------------------------------------


def test_a_lost_team_takes_its_tickets_and_leaves_unsent_work_in_the_tray(desk: Desk, kim: Client, lee: Client) -> None:
    """What may no longer be seen disappears in one step; the unsent reply is kept, and still sent once."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.reply(ticket, "noch nicht gesendet")
    kim.line.lose = lambda request: isinstance(request, Push)
    lose(desk, kim)
    kim.core.reset()
    kim.core._wish.push = False
    hello = kim.core.next(desk.clock())
    assert hello is not None
    kim._exchange(hello)
    assert list(kim.profile.queries.ids(ViewKey.ALL)) == []
    assert kim.profile.queries.details(TicketId(ticket)) is None
    assert tray(kim) == [(1, "orphaned", "scope", True)]
    kim.line.lose = lambda _: False
    assert kim.sync()
    assert tray(kim) == [(1, "orphaned", "scope", True)]
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
    lose(desk, kim)
    assert kim.sync()
    assert tray(kim) == []
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

    def indexed(self) -> set[bytes]:
        with self.store._file.read() as tx:
            return {id_ for (id_,) in tx.all("SELECT id FROM fts_doc WHERE type = ?", (TICKET.number,))}

    def found(self, word: str) -> int:
        with self.store._file.read() as tx:
            return int(tx.value("SELECT count(*) FROM fts WHERE fts MATCH ?", (word,)))

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


def test_the_search_index_forgets_the_words_of_what_left(rows: Rows) -> None:
    """An exit, a deletion and a scope loaded again take the words with the rows: nobody finds what they may not see."""
    ids = [new_id() for _ in range(4)]
    rows.apply({"team:a": 9}, [rows.page("team:a", id_, seq) for seq, id_ in enumerate(ids, 1)], [])
    assert rows.indexed() == set(ids)
    rows.apply({"team:a": 20}, [], [ExitPage("team:a", [(10, TICKET.number, ids[0], None)])])
    rows.apply({"team:a": 21}, [rows.page("team:a", ids[1], 21, rev=2, deleted=True)], [])
    assert rows.indexed() == set(ids[2:])
    rows.store.set_scopes(None, {}, ["team:a"], ())
    rows.apply({"team:a": 21}, [rows.page("team:a", ids[3], 4)], [], whole=frozenset({"team:a"}))
    assert rows.indexed() == {ids[3]}
    assert rows.found("seq") == 1


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


@pytest.mark.parametrize("loads_first", [False, True])
def test_after_a_restore_an_old_snapshot_takes_no_ticket_back_from_its_new_team(rows: Rows, loads_first: bool) -> None:
    """What was here before counts for nothing then; what the restored server itself sent does, in whatever order."""
    id_ = new_id()
    left = [ExitPage("team:b", [(9, TICKET.number, id_, "team:a")])]
    if loads_first:  # the new team is in its first load: its rows are here before the joint checkpoint
        rows.store.load([Segment("team:a", 0, 3, [rows.page("team:a", id_, 3, rev=4)])])
        pages = [rows.page("team:b", id_, 5, rev=3)]
    else:
        rows.apply({"team:b": 40}, [rows.page("team:b", id_, 40, rev=9)], [])  # of before: the server forgot it
        pages = [rows.page("team:a", id_, 3, rev=4), rows.page("team:b", id_, 5, rev=3)]
    whole = frozenset({"team:b"} if loads_first else {"team:a", "team:b"})
    rows.apply({"team:a": 3, "team:b": 9}, pages, left, whole=whole, new_epoch=True)
    assert rows.held(id_) == ("team:a", 3)
    state = rows.store.state().scopes
    assert (state["team:a"].n, state["team:b"].n) == (1, 0)


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


@pytest.mark.parametrize("page_first", [True, False])
def test_tickets_that_moved_and_were_deleted_there_count_as_gone(rows: Rows, page_first: bool) -> None:
    """A move to another team here is no loss, but what was deleted after it is, whichever is heard of first."""
    ids = [new_id() for _ in range(300)]
    cols: list[list[object]] = [[id_, seq, False, 1, {}, "x"] for seq, id_ in enumerate(ids, 1)]
    rows.apply({"team:a": 300}, [RowPage("team:a", TICKET.number, ["subject"], cols)], [])
    exits = [ExitPage("team:a", [(301 + n, TICKET.number, id_, "team:b") for n, id_ in enumerate(ids[:201])])]
    dead: list[list[object]] = [[id_, seq, True, 3, {}, "x"] for seq, id_ in enumerate(ids[:201], 1)]
    page = Segment("team:b", 0, 0, [RowPage("team:b", TICKET.number, ["subject"], dead)])
    left = Segment("team:a", 0, 0, (), exits)
    segments = [page, left] if page_first else [left, page]
    answer = rows.store.apply(Checkpoint(b"e" * 16, 0, {"team:a": 600, "team:b": 300}, {}, segments))
    assert answer.guard == (201, 300)


def test_tickets_that_come_back_to_life_do_not_hide_how_many_go(rows: Rows) -> None:
    """The share is of the tickets that were here before the checkpoint, also when it restores deleted ones."""
    old, others = [new_id() for _ in range(300)], [new_id() for _ in range(600)]
    cols: list[list[object]] = [[id_, seq, True, 1, {}, "x"] for seq, id_ in enumerate(old, 1)]
    cols += [[id_, seq, False, 1, {}, "x"] for seq, id_ in enumerate(others, 301)]
    rows.apply({"team:a": 900}, [RowPage("team:a", TICKET.number, ["subject"], cols)], [])
    back: list[list[object]] = [[id_, seq, False, 2, {}, "x"] for seq, id_ in enumerate(old, 901)]
    exits = [ExitPage("team:a", [(1301 + n, TICKET.number, id_, None) for n, id_ in enumerate(others[:201])])]
    answer = rows.apply({"team:a": 1600}, [RowPage("team:a", TICKET.number, ["subject"], back)], exits)
    assert getattr(answer, "guard", None) == (201, 600)


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
    assert guard(kim) is None
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
        head = cx.execute(sa.select(scope.c.head).where(scope.c.id == scope_north(desk))).scalar_one()
    for n, ticket in enumerate(tickets, 1):
        desk.spoil(TICKET.number, ticket, seq=head + n, **table)
    hashes = Hashes()
    with desk.store.read() as cx:
        held = cx.execute(sa.select(scope).where(scope.c.id == scope_north(desk))).mappings().one()
    sums = held["xsum"]
    rows = {row["id"]: row for row in tickets_here(kim)}
    for ticket in tickets:
        sums = hashes.add_sum(sums, -hashes.row_hash(TICKET.number, ticket, rows[ticket]["seq"]))  # type: ignore[arg-type]  # a number
    values = {"head": head + count, "n": held["n"] - count, "xsum": sums}
    desk.store.write(lambda cx: cx.execute(scope.update().where(scope.c.id == scope_north(desk)).values(**values)))


def test_an_open_guard_question_is_not_a_stuck_queue(desk: Desk, kim: Client, lee: Client) -> None:
    """Nothing is confirmed while a person is asked: that is the question's doing, not the server's."""
    _delete_behind_the_protocol(desk, kim, lee, 210)
    kim.sync()
    assert guard(kim) == (210, 210)
    assert kim.profile.numbers().waiting == 1
    for minutes in range(1, 9):
        desk.clock.ms += 60_000
        kim.sync()
        assert not kim.core.stuck, minutes
    kim.core.answer_guard(apply=True)
    kim.sync()
    assert kim.profile.numbers().waiting == 0
