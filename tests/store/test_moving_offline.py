# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging, splitting, moving, deleting and settling without a network: shown at once, and the same after syncing."""

from __future__ import annotations

from app.domain import changes as c
from app.domain.entities import MESSAGE, TICKET
from app.domain.ids import TicketId, new_id
from tests.sync.desk import Client, Desk


def shown(client: Client, ticket: bytes) -> list[tuple[int, str]]:
    """Messages of a ticket as the window shows them."""
    details = client.profile.queries.details(TicketId(ticket))
    return [] if details is None else [(i.msg_no, i.body) for i in details.items if i.msg_no]


def test_a_merge_shows_at_once_and_stays_when_the_server_confirms(kim: Client, lee: Client) -> None:
    """Both conversations in one, in the same order before and after; the colleague sees the same."""
    one, two = kim.new_ticket(body="하나"), kim.new_ticket(body="둘")
    kim.reply(one, "답")
    kim.sync()
    kim.line.down = True
    kim.do(c.TicketMerge(new_id(), one, two))
    kim.note(one, "합친 뒤의 메모")
    before = shown(kim, two)
    assert [body for _, body in before] == ["둘", "하나", "답"]
    assert shown(kim, one) == []
    kim.line.down = False
    kim.sync()
    lee.sync()
    assert shown(kim, two) == shown(lee, two) == before
    kim.do(c.TicketUnmerge(new_id(), one))
    kim.sync()
    assert [body for _, body in shown(kim, one)] == ["하나", "답"]


def test_a_message_that_came_meanwhile_is_merged_too(kim: Client, lee: Client, desk: Desk) -> None:
    """The preview is made anew over what the server has."""
    one, two = kim.new_ticket(body="하나"), kim.new_ticket(body="둘")
    kim.sync()
    lee.sync()
    kim.line.down = True
    kim.do(c.TicketMerge(new_id(), one, two))
    lee.reply(one, "동료의 답")
    lee.sync()
    kim.line.down = False
    kim.sync()
    assert sorted(body for _, body in shown(kim, two)) == ["동료의 답", "둘", "하나"]
    homes = {row["scope_id"] for row in desk.rows(MESSAGE.number)}
    assert len(homes) == 1


def test_a_split_and_a_delete_show_at_once_and_can_be_undone(kim: Client) -> None:
    """The new ticket has its provisional number; the deleted one is gone from sight until it is restored."""
    ticket = kim.new_ticket()
    reply = kim.reply(ticket, "다른 이야기")
    kim.sync()
    kim.line.down = True
    new = TicketId(new_id())
    done = kim.profile.commits.commit(c.TicketSplit(new_id(), ticket, new, (reply,), "나눔", "~K7-4"))
    assert [body for _, body in shown(kim, new)] == ["다른 이야기"]
    assert kim.profile.queries.rows([new])[new].label == "~K7-4"
    kim.do(c.TicketDelete(new_id(), ticket))
    assert kim.profile.queries.details(ticket) is None
    kim.do(c.TicketRestore(new_id(), ticket))
    assert done.undo is not None
    kim.do(done.undo)
    assert len(shown(kim, ticket)) == 2
    kim.line.down = False
    kim.sync()
    assert len(shown(kim, ticket)) == 2


def test_a_ticket_moved_to_a_team_one_does_not_see_leaves_this_computer(kim: Client, desk: Desk) -> None:
    """Only after the server confirmed it."""
    ticket = kim.new_ticket()
    kim.note(ticket, "메모")
    kim.sync()
    kim.line.down = True
    kim.do(c.TicketMove(new_id(), ticket, desk.team("남부")))
    assert kim.profile.queries.details(ticket) is not None
    kim.line.down = False
    kim.sync()
    kim.sync()
    assert kim.profile.queries.details(ticket) is None
    moved = {row["scope_id"] for row in desk.rows(TICKET.number) if row["id"] == ticket}
    assert moved == {f"team:{desk.team('남부').hex()}"}


def test_a_reply_written_on_an_old_view_is_held_and_released_from_here(kim: Client, lee: Client) -> None:
    """The base entries of the reply are recorded when it is saved; the row comes with the next pull."""
    ticket = kim.new_ticket()
    kim.sync()
    lee.sync()
    lee.reply(ticket, "먼저")
    lee.sync()
    message = new_id()
    kim.do(c.MessageAdd(new_id(), message, ticket, "늦은 답", seen_seq=1))
    kim.sync()
    assert [body for _, body in shown(kim, ticket)] == ["도와주세요", "먼저"]
    with kim.profile.readers().read() as tx:
        ((conflict,),) = tx.all("SELECT id FROM main.conflict WHERE status = 'open'")
    kim.do(c.ReplyRelease(new_id(), conflict, 2, "알고 쓴 답"))
    assert shown(kim, ticket)[-1][1] == "알고 쓴 답"
    kim.sync()
    lee.sync()
    assert shown(lee, ticket)[-1] == (3, "알고 쓴 답")


def test_a_delete_knows_what_its_author_saw(kim: Client, lee: Client) -> None:
    """A note of a colleague that was not on screen keeps the ticket; one's own unsent work does not."""
    ticket, other = kim.new_ticket(), kim.new_ticket()
    kim.sync()
    lee.sync()
    kim.line.down = True
    kim.note(other, "내 메모")
    kim.do(c.TicketDelete(new_id(), other))
    kim.do(c.TicketDelete(new_id(), ticket))
    lee.note(ticket, "동료의 메모")
    lee.sync()
    kim.line.down = False
    kim.sync()
    lee.sync()
    assert kim.profile.queries.details(other) is None
    assert lee.profile.queries.details(ticket) is not None
