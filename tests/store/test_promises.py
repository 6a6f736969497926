# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises over real files and a real server: alarms also offline, found by search, counted in one's own report."""

from __future__ import annotations

from collections import Counter

import pytest

from app.domain.changes import MessageAdd, PromiseAdd, PromiseWithdraw, TicketSet
from app.domain.ids import TicketId, new_id
from app.domain.notices import NoticeKind
from app.domain.own_work import WorkKind
from app.domain.promises import Standing, standings
from tests.sync.desk import Client, Desk

MINUTE = 60_000


@pytest.fixture
def ticket(kim: Client, lee: Client) -> bytes:
    """One of Kim's, known to both."""
    made = kim.new_ticket()
    kim.do(TicketSet(new_id(), made, {"owner": kim.me}))
    kim.sync()
    lee.sync()
    for client in (kim, lee):
        client.profile.notices.settle(client.profile.notices.collect(loaded=True))
    return made


def _promise(client: Client, ticket: bytes, minutes: int, *, waits: bool = False) -> bytes:
    id_ = new_id()
    client.do(PromiseAdd(new_id(), id_, ticket, client.desk.clock() + minutes * MINUTE, "교환품 발송", waits))
    return id_


def _alarms(client: Client) -> list[NoticeKind]:
    events = client.profile.notices.collect(loaded=True)
    client.profile.notices.settle(events)
    return [e.kind for e in events if e.kind in (NoticeKind.PROMISE, NoticeKind.PROMISE_DUE)]


def _came_to(client: Client, ticket: bytes) -> list[Standing]:
    details = client.profile.queries.details(TicketId(ticket))
    assert details is not None
    return [what for _each, what in standings(details.related.promises, client.desk.clock())]


@pytest.mark.ux("UX-55")
def test_a_promise_rings_half_an_hour_before_and_when_it_is_due_offline_too(
    desk: Desk, kim: Client, lee: Client, ticket: bytes
) -> None:
    """Once each, after a restart too; not before, not for a colleague who has nothing to do with it."""
    _promise(kim, ticket, 60)
    assert _alarms(kim) == []
    desk.clock.ms += 30 * MINUTE  # nothing was synced since
    assert _alarms(kim) == [NoticeKind.PROMISE]
    kim.restart_window()
    assert _alarms(kim) == []
    desk.clock.ms += 30 * MINUTE
    assert _alarms(kim) == [NoticeKind.PROMISE_DUE]
    desk.clock.ms += 30 * MINUTE
    assert _alarms(kim) == []
    kim.sync()
    lee.sync()
    assert _alarms(lee) == []
    assert _came_to(kim, ticket) == _came_to(lee, ticket) == [Standing.BROKEN]


def test_a_kept_promise_rings_no_more_and_both_computers_and_the_server_say_so(
    desk: Desk, kim: Client, lee: Client, ticket: bytes
) -> None:
    """Lee keeps what Kim promised; Kim's own reply that tells the time does not keep it."""
    _promise(kim, ticket, 60, waits=True)
    kim.reply(ticket, "15시까지 답변드리겠습니다.")
    kim.sync()
    lee.sync()
    assert _came_to(kim, ticket) == _came_to(lee, ticket) == [Standing.OPEN]
    desk.clock.ms += 20 * MINUTE
    lee.reply(ticket, "처리했습니다.")
    assert _came_to(lee, ticket) == [Standing.KEPT]
    lee.sync()
    kim.sync()
    desk.clock.ms += 60 * MINUTE
    assert _came_to(kim, ticket) == [Standing.KEPT]
    assert _alarms(kim) == []


def test_a_reply_that_leaves_this_computer_too_late_breaks_the_promise(desk: Desk, kim: Client, ticket: bytes) -> None:
    """What counts is when the customer could read it, not when it was typed."""
    _promise(kim, ticket, 30)
    kim.reply(ticket, "지하에서 쓴 답변")
    assert _came_to(kim, ticket) == [Standing.KEPT]  # as it stands here
    desk.clock.ms += 40 * MINUTE
    kim.sync()
    assert _came_to(kim, ticket) == [Standing.BROKEN]


def test_ones_own_report_counts_kept_and_broken_promises_and_broken_ones_for_ever(
    desk: Desk, kim: Client, lee: Client, ticket: bytes
) -> None:
    """One kept, one broken, one replaced, one ahead: the late answer and a merge change no figure; Lee has none."""
    start = desk.clock()
    _promise(kim, ticket, 10)
    desk.clock.ms += MINUTE
    _promise(kim, ticket, 200, waits=True)
    kim.reply(ticket, "조금 더 걸립니다.")  # replaced
    kim.sync()
    second, third = kim.new_ticket(), kim.new_ticket()
    _promise(kim, second, 20)
    _promise(kim, third, 20)
    desk.clock.ms += 10 * MINUTE
    kim.reply(second, "됐습니다.")
    kim.sync()
    desk.clock.ms += 20 * MINUTE
    kim.reply(third, "늦었습니다.")
    kim.sync()
    kim.do(MessageAdd(new_id(), new_id(), third, "통화", channel="phone", occurred_at=desk.clock() - 15 * MINUTE))
    kim.sync()
    lee.sync()
    counted = Counter(deed.kind for deed in kim.profile.own_work.own_work(start))
    assert (counted[WorkKind.KEPT], counted[WorkKind.BROKEN]) == (1, 1)
    assert not {WorkKind.KEPT, WorkKind.BROKEN} & {d.kind for d in lee.profile.own_work.own_work(start)}


def test_tickets_with_a_promise_are_found_before_and_after_sync(kim: Client, ticket: bytes) -> None:
    """`has:promise` and 포함:약속; one that was taken back is not there."""
    search = kim.profile.queries.search
    assert not search("has:promise")
    promise = _promise(kim, ticket, 60, waits=True)
    assert [hit.row.id for hit in search("포함:약속")] == [ticket]
    kim.sync()
    assert [hit.row.id for hit in search("has:promise")] == [ticket]
    kim.do(PromiseWithdraw(new_id(), promise, ticket))
    kim.sync()
    assert not search("has:promise")


def test_who_follows_up_a_complaint_is_told_when_it_is_due(desk: Desk, kim: Client, lee: Client, ticket: bytes) -> None:
    """Once, whoever owns the ticket, also when it is solved."""
    at = desk.clock() + 60 * MINUTE
    plan = {"root_cause": "product", "follow_up": "planned", "follow_up_at": at, "follow_up_owner": lee.me}
    kim.do(TicketSet(new_id(), ticket, plan))
    kim.sync()
    lee.sync()
    told = [e.kind for client in (kim, lee) for e in client.profile.notices.collect(loaded=True)]
    assert NoticeKind.FOLLOW_UP not in told
    desk.clock.ms = at
    for client, wanted in ((lee, 1), (lee, 0), (kim, 0)):
        events = client.profile.notices.collect(loaded=True)
        client.profile.notices.settle(events)
        assert [e.kind for e in events].count(NoticeKind.FOLLOW_UP) == wanted
