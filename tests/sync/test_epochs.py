# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that came back from a backup: what it lost is sent again and shows all the while."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import app.store.replica
from app.domain.changes import TicketMove
from app.domain.entities import NOTE, TICKET, customer_scope
from app.domain.ids import TicketId, new_id
from app.store.shown import Shown, ShownRows
from sync.protocol import (
    Push,
)
from sync.server.devices import Devices
from sync.server.epochs import begin_epoch
from tests.sync.desk import Client, Desk
from tests.sync.restoring import back_up, restore

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
    back_up(tmp_path / "server", backup)
    kim.note(ticket, "nach der Sicherung")
    kim.sync()
    assert kim.profile.numbers().waiting == 0
    _let_a_minute_pass(kim)
    restore(desk, backup)
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
    back_up(tmp_path / "server", backup)
    kim.note(ticket, "verloren und wieder da")
    kim.sync()
    _let_a_minute_pass(kim)
    restore(desk, backup)
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


@pytest.mark.parametrize("member", [True, False], ids=["still a member", "not a member then"])
def test_a_ticket_that_went_ahead_to_a_team_whose_first_load_a_restore_broke_off_is_where_it_was(
    desk: Desk, kim: Client, lee: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, member: bool
) -> None:
    """Nobody is asked whether it may go, no sum differs: its old team is loaded again too, for it lacks the ticket."""
    monkeypatch.setattr(app.store.replica, "_GUARD_TICKETS", 0)
    devices, backup = Devices(desk.store, random.randbytes), tmp_path / "backup.db"
    ticket, south = kim.new_ticket(), desk.team("남부")
    kim.sync()
    lee.sync()
    if member:
        devices.set_team(desk.clock(), "kim", "남부", member=True)
    back_up(tmp_path / "server", backup)
    lee.do(TicketMove(new_id(), ticket, south))
    lee.core.answer_guard(apply=True)
    lee.sync()
    kim.sync()  # the ticket's leaving waits for an answer
    devices.set_team(desk.clock(), "kim", "남부", member=True)
    kim.core.rehello()
    kim.sync()
    assert _scope_shown(kim, ticket) == f"team:{south.hex()}"
    restore(desk, backup)
    kim.core.sync_now()
    assert kim.sync()
    assert kim.core.guard is None
    assert _scope_shown(kim, ticket) == f"team:{desk.team('북부').hex()}"
    assert kim.core.counters.differing == []


def _scope_shown(client: Client, ticket: bytes) -> str | None:
    with client.profile.readers().read() as tx:
        row = ShownRows(Shown(tx)).get(TICKET.number, ticket)
    return None if row is None else row.scope
