# SPDX-License-Identifier: GPL-3.0-or-later
"""When a computer has to take a new device id, and what becomes of its unsent work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.domain.changes import ConflictResolve, TicketDelete
from app.domain.entities import NOTE
from app.domain.ids import TicketId, new_id
from app.domain.ports import ViewKey
from app.store.replica import remove_database
from sync.protocol import (
    Problem,
)
from tests.sync.desk import Client, Desk
from tests.sync.looks import hello, keep_above, lose, tray

# --- device ids -------------------------------------------------------------------------------------------------------


def test_a_server_that_knows_other_work_of_this_device_makes_it_take_a_new_id(kim: Client, lee: Client) -> None:
    """A copied profile: more mutations than were made here, or another one under the same number."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    kim.core.on_hello(hello(kim, lmid=2), 0)
    assert kim.core.keep_above == 0
    kim.core.keep_above = None
    kim.core.on_hello(hello(kim, lmid=1, lmid_hash=b"anothers"), 0)
    assert keep_above(kim) == 0
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
    assert tray(kim) == []
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
    assert tray(kim) == [] or all(kind == "held" for _, kind, _, _ in tray(kim))
    lee.sync()
    assert lee.profile.queries.rows([first])[first].state == kim_state
    assert second not in lee.profile.queries.ids(ViewKey.ALL)


def test_a_computer_that_is_back_under_its_old_id_and_lost_a_team_meanwhile_needs_nobody(
    desk: Desk, kim: Client, lee: Client, tmp_path: Path
) -> None:
    """Under the old id nothing counts as confirmed before the first pull, and the hello takes the team away first."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket, "längst dort")
    kim.sync()
    old = kim.grant
    kim.profile.close()
    shutil.copyfile(kim.folder / "pending.db", tmp_path / "pending.db")
    kim.restart_window()
    kim.new_device(keep_above=1)
    kim.replica.close()
    kim.profile.close()
    shutil.copyfile(tmp_path / "pending.db", kim.folder / "pending.db")
    kim.restart_window()
    kim.grant = old
    kim.open_worker()
    lose(desk, kim)
    assert kim.core.state.lmid_seen == 0
    assert kim.sync()
    assert kim.sync()
    assert tray(kim) == []
    assert kim.profile.numbers().waiting == 0
    assert kim.core.state.lmid_seen == 1
    assert len(desk.rows(NOTE.number)) == 1
