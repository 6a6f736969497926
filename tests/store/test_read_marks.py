# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person has not read, over real files and a real server: private, the same on all devices, offline too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.changes import MessageAdd, TicketSet
from app.domain.changes_reading import ReadMark, read_mark_id
from app.domain.entities import READ_MARK
from app.domain.errors import Refused
from app.domain.ids import TicketId, UserId, new_id
from app.domain.ports import TicketRow, ViewKey
from app.services.reading import Reading
from tests.sync.desk import Client, Desk


@pytest.fixture
def home(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    """Kim's second computer."""
    client = Client(desk, tmp_path / "home")
    client.sync()
    yield client
    client.close()


def row(client: Client, ticket: TicketId) -> TicketRow:
    return client.profile.queries.rows([ticket])[ticket]


def reading(client: Client) -> Reading:
    return Reading(client.profile.commits, client.me)


def read(client: Client, ticket: TicketId) -> None:
    reading(client).saw(row(client, ticket), 0)
    client.core.committed()


def unread(client: Client) -> set[TicketId]:
    """By the search, which must say the same as the rows."""
    found = set(client.profile.queries.ids(ViewKey.ALL, text="is:unread"))
    rows = client.profile.queries.rows(client.profile.queries.ids(ViewKey.ALL))
    assert found == {ticket for ticket, line in rows.items() if line.unread}
    return found


def customer_writes(client: Client, ticket: TicketId) -> None:
    client.do(MessageAdd(new_id(), new_id(), ticket, "그래도 안 됩니다", inbound=True))


def test_a_ticket_is_unread_until_it_was_read_and_again_when_the_customer_writes(kim: Client) -> None:
    ticket, other = kim.new_ticket(), kim.new_ticket()
    assert unread(kim) == {ticket, other}
    read(kim, ticket)
    assert unread(kim) == {other}  # the own mark counts before the server has it
    kim.sync()
    assert unread(kim) == {other}
    customer_writes(kim, ticket)
    assert unread(kim) == {ticket, other}
    kim.reply(other)
    assert unread(kim) == {ticket}  # somebody has answered what one never opened


def test_a_mark_is_the_persons_own_on_every_computer_and_nobody_elses(kim: Client, lee: Client, home: Client) -> None:
    ticket = kim.new_ticket()
    kim.sync()
    read(kim, ticket)
    for client in (kim, home, lee):
        client.sync()
    assert unread(kim) == unread(home) == set()
    assert unread(lee) == {ticket}
    assert [mark["seen_no"] for mark in kim.desk.rows(READ_MARK.number)] == [1]


def test_of_two_computers_the_one_that_read_further_counts_whichever_is_heard_last(kim: Client, home: Client) -> None:
    ticket = kim.new_ticket()
    kim.sync()
    home.sync()
    read(home, ticket)  # read offline, up to the first message
    customer_writes(kim, ticket)
    read(kim, ticket)
    kim.sync()
    home.sync()
    home.sync()
    kim.sync()
    assert unread(kim) == unread(home) == set()


def test_a_ticket_can_be_marked_as_unread_and_that_is_undone(kim: Client) -> None:
    ticket, answered = kim.new_ticket(), kim.new_ticket()
    read(kim, ticket)
    kim.reply(answered)
    done = reading(kim).mark_unread([row(kim, ticket), row(kim, answered)])
    assert unread(kim) == {ticket, answered}
    for change in done.undo:
        kim.do(change)
    assert unread(kim) == set()
    kim.sync()
    assert unread(kim) == set()


def test_reading_waits_for_nobody_and_stands_in_no_list_of_what_waits(kim: Client) -> None:
    ticket = kim.new_ticket()
    kim.sync()
    read(kim, ticket)
    assert kim.profile.queries.outbox() == []
    assert kim.profile.numbers().waiting == 0
    assert not row(kim, ticket).pending


def test_the_badge_counts_ones_own_open_tickets_that_were_not_read(kim: Client, lee: Client) -> None:
    mine, hers = kim.new_ticket(), kim.new_ticket()
    kim.do(TicketSet(new_id(), mine, {"owner": kim.me}))
    kim.do(TicketSet(new_id(), hers, {"owner": lee.me}))
    assert kim.profile.notices.unread() == 1
    read(kim, mine)
    assert kim.profile.notices.unread() == 0


def test_nobody_marks_for_another_person(kim: Client, lee: Client) -> None:
    ticket = kim.new_ticket()
    with pytest.raises(Refused, match="not_yours"):
        kim.do(ReadMark(new_id(), read_mark_id(lee.me, ticket), ticket, 1))
    assert UserId(lee.me) != kim.me


def test_a_mark_on_a_ticket_that_is_not_there_any_more_is_nobodys_trouble(kim: Client) -> None:
    gone = new_id()
    kim.do(ReadMark(new_id(), read_mark_id(kim.me, gone), gone, 3))
    kim.sync()
    assert kim.profile.numbers().needs_you == 0
