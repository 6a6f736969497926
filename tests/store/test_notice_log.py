# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth a notice, from real files: found once, settled for good, over restarts and a replica made anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.domain.changes import MessageAdd, NoteAdd, TicketSet
from app.domain.entities import TICKET
from app.domain.ids import new_id
from app.domain.notices import NoticeEvent, NoticeKind
from tests.sync.desk import Client, Desk


def _told(client: Client) -> list[tuple[NoticeKind, str]]:
    """Tell all that waits, as the desktop would; return it."""
    events = client.profile.notices.collect(loaded=True)
    client.profile.notices.settle(events)
    return [(event.kind, event.who) for event in events]


def _written_by_the_customer(author: Client, ticket: bytes, text: str) -> None:
    """A call that a colleague wrote down."""
    author.do(MessageAdd(new_id(), new_id(), ticket, text, inbound=True))


@pytest.fixture
def ticket(kim: Client, lee: Client) -> bytes:
    """One of Kim's, known to both; what was there before the first start gives no notice."""
    made = kim.new_ticket()
    kim.do(TicketSet(new_id(), made, {"owner": kim.me}))
    kim.sync()
    lee.sync()
    assert kim.profile.notices.collect(loaded=False) == []
    assert _told(kim) == []
    assert _told(lee) == []
    return made


@pytest.mark.ux("UX-55")
def test_a_message_on_my_ticket_is_found_once_and_never_again(kim: Client, lee: Client, ticket: bytes) -> None:
    """Not on the next look, not after a restart, and not by who does not own the ticket."""
    _written_by_the_customer(lee, ticket, "<b>두 번째</b> 페이지에서 멈춥니다")
    lee.sync()
    kim.sync()
    found: Sequence[NoticeEvent] = kim.profile.notices.collect(loaded=True)
    assert [(e.kind, e.who, e.text, e.mine) for e in found] == [
        (NoticeKind.MESSAGE, "한예린", "<b>두 번째</b> 페이지에서 멈춥니다", True)
    ]
    assert found[0].label.startswith("#")
    assert kim.profile.notices.collect(loaded=True) == found  # not told yet
    kim.profile.notices.settle(found)
    assert _told(kim) == []
    assert _told(lee) == []
    kim.restart_window()
    assert _told(kim) == []


def test_what_comes_late_is_told_although_newer_events_were(
    desk: Desk, kim: Client, lee: Client, ticket: bytes, tmp_path: Path
) -> None:
    """Ids are kept, not a time: Lee wrote a call down without a line, before the one that Kim has heard of."""
    laptop = Client(desk, tmp_path / "again", "lee")  # Lee's other computer
    laptop.sync()
    _written_by_the_customer(lee, ticket, "처음")
    kim.desk.clock.ms += 3_600_000
    _written_by_the_customer(laptop, ticket, "다음")
    laptop.sync()
    kim.sync()
    assert _told(kim) == [(NoticeKind.MESSAGE, "한예린")]
    lee.sync()
    kim.sync()
    assert _told(kim) == [(NoticeKind.MESSAGE, "한예린")]
    laptop.close()


def test_a_ticket_that_a_colleague_gives_me_is_one_event_and_its_old_messages_are_none(
    kim: Client, lee: Client, ticket: bytes
) -> None:
    """What the customer writes afterwards counts; what one writes down or takes oneself is no news."""
    _written_by_the_customer(kim, ticket, "전화")
    kim.sync()
    assert _told(kim) == []
    kim.do(TicketSet(new_id(), ticket, {"owner": lee.me}))
    kim.sync()
    lee.sync()
    assert _told(lee) == [(NoticeKind.ASSIGNED, "김지우")]
    _written_by_the_customer(kim, ticket, "새 글")
    kim.sync()
    lee.sync()
    assert _told(lee) == [(NoticeKind.MESSAGE, "한예린")]
    assert _told(kim) == []
    kim.do(TicketSet(new_id(), ticket, {"owner": kim.me}))
    assert _told(kim) == []


def test_a_mention_counts_in_any_ticket_and_a_snooze_that_ends_in_mine(kim: Client, lee: Client, ticket: bytes) -> None:
    """Each once; who mentions oneself hears nothing."""
    other = lee.new_ticket()
    lee.do(NoteAdd(new_id(), new_id(), other, "김지우 님, 한번 봐 주세요", mentions=(kim.me, lee.me)))
    until = kim.desk.clock() + 60_000
    kim.do(TicketSet(new_id(), ticket, {"snooze_until": until}))
    lee.sync()
    kim.sync()
    assert _told(kim) == [(NoticeKind.MENTION, "이서준")]
    assert _told(lee) == []
    kim.desk.clock.ms = until
    assert _told(kim) == [(NoticeKind.SNOOZE, "한예린")]
    assert _told(kim) == []
    kim.restart_window()
    assert _told(kim) == []


def test_nothing_that_was_there_before_the_first_start_is_news_even_when_it_comes_slowly(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """A first load brings thousands of rows; only when all are here does what follows count."""
    made = lee.new_ticket()
    lee.do(TicketSet(new_id(), made, {"owner": kim.me}))
    lee.sync()
    kim.sync()
    assert kim.profile.notices.collect(loaded=False) == []
    assert kim.profile.notices.collect(loaded=True) == []
    _written_by_the_customer(lee, made, "새 글")
    lee.sync()
    kim.sync()
    assert _told(kim) == [(NoticeKind.MESSAGE, "한예린")]


def test_old_work_that_comes_to_a_computer_later_is_no_storm_of_notices(kim: Client, lee: Client) -> None:
    """Tickets given to Kim long ago, by a colleague whose line was down: there, and silent; what is new is told."""
    made = [lee.new_ticket() for _n in range(5)]
    for each in made:
        lee.do(TicketSet(new_id(), each, {"owner": kim.me}))
        _written_by_the_customer(lee, each, "오래된 글")
    kim.desk.clock.ms += 3 * 3_600_000
    kim.new_ticket()
    kim.sync()
    assert _told(kim) == []
    lee.sync()
    kim.sync()
    assert _told(kim) == []
    _written_by_the_customer(lee, made[0], "새 글")
    lee.sync()
    kim.sync()
    assert _told(kim) == [(NoticeKind.MESSAGE, "한예린")]


def test_a_target_that_comes_near_and_is_missed_is_told_once_each(desk: Desk, kim: Client, lee: Client) -> None:
    """By time alone: no row changes, and nobody writes."""
    ticket = lee.new_ticket()
    lee.do(TicketSet(new_id(), ticket, {"owner": kim.me}))
    lee.sync()
    warn, due = desk.clock() + 60_000, desk.clock() + 120_000
    desk.spoil(TICKET.number, ticket, next_warn=warn, next_due=due, due_target="first")
    kim.sync()
    assert _told(kim) == []
    desk.clock.ms = warn
    assert _told(kim) == [(NoticeKind.SLA, "한예린")]
    assert _told(kim) == []
    desk.clock.ms = due
    assert _told(kim) == [(NoticeKind.LATE, "한예린")]
    kim.restart_window()
    assert _told(kim) == []
