# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories of the simulator about what one screen shows for a while, told again without it."""

from __future__ import annotations

import random

import pytest

import app.store.replica
from app.domain.changes import Row, TicketMove
from app.domain.entities import MESSAGE, NOTE, TICKET
from app.domain.ids import new_id
from app.store.shown import Shown, ShownRows
from sync.engine import Request
from sync.protocol import Pull
from sync.server.devices import Devices
from tests.sync.desk import Client, Desk


def ticket_at(client: Client, ticket: bytes) -> Row | None:
    """The ticket as it is shown now."""
    with client.profile.readers().read() as tx:
        return ShownRows(Shown(tx)).get(TICKET.number, ticket)


def first_load_is_here_again(client: Client) -> None:
    """The replica was lost: rows are here again before any word about which changes are confirmed."""
    with client.replica._file.write() as tx:
        tx.run("UPDATE meta SET v = 0 WHERE k = 'lmid_seen'")
        tx.run("UPDATE meta SET v = v + 1 WHERE k = 'checkpoint_no'")
    client.profile.after_checkpoint()


def test_an_own_reply_does_not_vanish_for_a_list_that_began_before_it_came_back_from_the_server(kim: Client) -> None:
    """The list has looked at replica.db already and looks at pending.db only after the images were made anew."""
    ticket = kim.new_ticket()
    kim.sync()
    with kim.profile.readers().read() as slow:
        slow.all("SELECT k FROM main.meta")
        reply = kim.reply(ticket)
        kim.sync()
        kim.note(ticket)
        first_load_is_here_again(kim)
        assert ShownRows(Shown(slow)).get(MESSAGE.number, reply) is not None


def test_an_image_that_stays_for_slow_lists_hides_nothing_that_the_server_says_later(kim: Client) -> None:
    """It is a copy of the server's row, and is made anew with it."""
    ticket = kim.new_ticket("before")
    kim.sync()
    first_load_is_here_again(kim)
    with kim.replica._file.write() as tx:
        tx.run("UPDATE ticket SET subject = 'after', seq = seq + 10, rev = rev + 1 WHERE id = ?", (ticket,))
    first_load_is_here_again(kim)
    row = ticket_at(kim, ticket)
    assert row is not None
    assert row.values["subject"] == "after"


def test_a_state_that_may_not_follow_any_more_gives_way_at_once_and_the_note_beside_it_stays(
    kim: Client, lee: Client
) -> None:
    """The server will refuse it by the same rule; what else waits for the ticket shows over the newest state."""
    ticket = kim.new_ticket()
    kim.sync()
    lee.sync()
    lee.set(ticket, state=lee.state("held_for_incident"))
    lee.sync()
    notes: list[bytes] = []

    def save_meanwhile(request: Request) -> bool:
        if isinstance(request, Pull) and not notes:
            notes.append(kim.note(ticket))
            kim.set(ticket, state=kim.state("waiting_internal"))
            kim.line.down = True
        return False

    kim.line.lose = save_meanwhile
    kim.sync()
    kim.profile.after_checkpoint()
    assert kim.replica.state().lmid_seen < kim.replica.last_mid()
    with kim.profile.readers().read() as tx:
        rows = ShownRows(Shown(tx))
        row, note = rows.get(TICKET.number, ticket), rows.get(NOTE.number, notes[0])
    assert row is not None
    assert note is not None
    assert row.values["state"] == kim.state("held_for_incident")


def test_a_ticket_that_came_with_a_team_which_was_withdrawn_before_it_was_loaded_is_gone_and_nothing_is_loaded_again(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the newest word that was here it was in a team that may not be seen: its older version must not come back."""
    monkeypatch.setattr(app.store.replica, "_GUARD_TICKETS", 0)
    ticket = kim.new_ticket()
    kim.sync()
    lee.sync()
    lee.do(TicketMove(new_id(), ticket, desk.team("남부")))
    lee.core.answer_guard(apply=True)
    lee.sync()
    kim.sync()
    assert kim.core.guard is not None  # the ticket's leaving waits for an answer
    devices, south = Devices(desk.store, random.randbytes), f"team:{desk.team('남부').hex()}"
    devices.set_team(desk.clock(), "kim", "남부", member=True)
    kim.core.rehello()
    kim.sync()
    came = ticket_at(kim, ticket)
    assert kim.replica.state().scopes[south].state == "loading"
    assert came is not None
    assert came.scope == south
    devices.set_team(desk.clock(), "kim", "남부", member=False)
    kim.core.rehello()
    kim.sync()
    assert ticket_at(kim, ticket) is None
    kim.core.answer_guard(apply=True)
    assert kim.sync()
    assert ticket_at(kim, ticket) is None
    assert all(scope.state == "live" for scope in kim.replica.state().scopes.values())
    assert kim.core.counters.differing == []
