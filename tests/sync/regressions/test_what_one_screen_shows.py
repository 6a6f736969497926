# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories of the simulator about what one screen shows for a while, told again without it."""

from __future__ import annotations

import random
from typing import Any

import pytest

import app.store.replica
from app.domain.changes import AnyChange, MemberSet, Row, TicketDelete, TicketMerge, TicketMove, TicketUnmerge, TimeAdd
from app.domain.entities import MEMBERSHIP, MESSAGE, NOTE, TICKET, TIME_ENTRY
from app.domain.ids import new_id
from app.domain.ports import Identity
from app.store.rebuild import Rebuilder
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


def save_while_news_arrives(client: Client, change: AnyChange) -> None:
    """Save a change while a pull with other people's news is under way; it is not sent before the window looks."""

    def save(request: Request) -> bool:
        if isinstance(request, Pull) and not client.line.down:
            client.profile.commits.commit(change)
            client.line.down = True
        return False

    client.line.lose = save
    client.sync()
    client.profile.after_checkpoint()
    assert client.replica.state().lmid_seen < client.replica.last_mid()


def tags_of(client: Client, ticket: bytes) -> list[object]:
    """The tags that are shown at a ticket."""
    with client.profile.readers().read() as tx:
        found = ShownRows(Shown(tx)).find(MEMBERSHIP.number, "subject", ticket)
    return [row.values["member"] for row in found if row.values["kind"] == "tag" and row.values["present"]]


def time_entry(client: Client, entry: bytes) -> Row:
    """An entry of time as it is shown now."""
    with client.profile.readers().read() as tx:
        row = ShownRows(Shown(tx)).get(TIME_ENTRY.number, entry)
    assert row is not None
    return row


def two_tickets(kim: Client, lee: Client) -> tuple[bytes, bytes]:
    """Two tickets that both people have, and of which the one who reads them has no images left."""
    source, target = lee.new_ticket("source"), lee.new_ticket("target")
    lee.sync()
    kim.sync()
    return source, target


def test_a_tag_that_a_colleague_gave_a_ticket_goes_along_with_the_merge_that_waits_here(
    kim: Client, lee: Client
) -> None:
    """A tag changes no ticket: nothing but the tag itself says that the merge takes more along than it did."""
    source, target = two_tickets(kim, lee)
    tag = new_id()
    lee.do(MemberSet(new_id(), source, "tag", tag))
    lee.sync()
    save_while_news_arrives(kim, TicketMerge(new_id(), source, target))
    assert tags_of(kim, target) == [tag]


def test_a_tag_that_a_colleague_took_off_does_not_go_along_with_the_merge_that_waits_here(
    kim: Client, lee: Client
) -> None:
    """The tag was there when the merge was saved."""
    source, target = two_tickets(kim, lee)
    tag = new_id()
    lee.do(MemberSet(new_id(), source, "tag", tag))
    lee.sync()
    kim.sync()
    lee.do(MemberSet(new_id(), source, "tag", tag, present=False))
    lee.sync()
    save_while_news_arrives(kim, TicketMerge(new_id(), source, target))
    assert tags_of(kim, target) == []


def test_time_that_a_colleague_spent_goes_along_with_the_merge_that_waits_here(kim: Client, lee: Client) -> None:
    """Time changes no ticket either."""
    source, target = two_tickets(kim, lee)
    entry = new_id()
    lee.do(TimeAdd(new_id(), entry, source, 5))
    lee.sync()
    save_while_news_arrives(kim, TicketMerge(new_id(), source, target))
    assert time_entry(kim, entry).values["ticket"] == target


def test_time_that_a_colleague_spent_on_a_merged_ticket_goes_back_with_the_merge_that_is_undone_here(
    kim: Client, lee: Client
) -> None:
    source, target = two_tickets(kim, lee)
    lee.do(TicketMerge(new_id(), source, target))
    lee.sync()
    kim.sync()
    entry = new_id()
    lee.do(TimeAdd(new_id(), entry, source, 5))
    lee.sync()
    save_while_news_arrives(kim, TicketUnmerge(new_id(), source))
    assert time_entry(kim, entry).values["ticket"] == source


@pytest.mark.parametrize("way", ["deleted", "moved"])
def test_time_that_a_colleague_spent_is_where_the_ticket_is_that_was_deleted_or_moved_here(
    desk: Desk, kim: Client, lee: Client, way: str
) -> None:
    source, _ = two_tickets(kim, lee)
    entry, south = new_id(), desk.team("남부")
    lee.do(TimeAdd(new_id(), entry, source, 5))
    lee.sync()
    gone = TicketDelete(new_id(), source) if way == "deleted" else TicketMove(new_id(), source, south)
    save_while_news_arrives(kim, gone)
    shown = time_entry(kim, entry)
    assert shown.deleted if way == "deleted" else shown.scope == f"team:{south.hex()}"


@pytest.mark.parametrize("news", [True, False])
def test_what_a_change_took_along_already_is_not_replayed_after_every_checkpoint(
    kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch, news: bool
) -> None:
    """Neither once a rebuild took news along, nor when there was none since the change was saved."""
    source, target = two_tickets(kim, lee)
    lee.do(TimeAdd(new_id(), new_id(), source, 5))
    lee.sync()
    if news:
        save_while_news_arrives(kim, TicketMerge(new_id(), source, target))
    else:
        kim.sync()
        kim.profile.commits.commit(TicketMerge(new_id(), source, target))
    replayed: list[int] = []
    replay = Rebuilder._replay

    def counted(self: Rebuilder, found: Any, rows: ShownRows, identity: Identity, mid: int) -> Any:
        replayed.append(mid)
        return replay(self, found, rows, identity, mid)

    monkeypatch.setattr(Rebuilder, "_replay", counted)
    with kim.replica._file.write() as tx:
        tx.run("UPDATE meta SET v = v + 1 WHERE k = 'checkpoint_no'")
    kim.profile.after_checkpoint()
    assert replayed == []
