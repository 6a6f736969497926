# SPDX-License-Identifier: GPL-3.0-or-later
"""One's own replies and solved tickets, from the real files: what waits counts, what others did does not."""

from __future__ import annotations

from collections import Counter

from app.domain.changes import TicketSet
from app.domain.ids import new_id
from app.domain.own_work import WorkKind
from tests.sync.desk import Client


def test_what_one_did_oneself_is_counted_whether_it_was_sent_or_not(kim: Client, lee: Client) -> None:
    """Two replies, one ticket solved; Lee's reply is Lee's."""
    start = kim.desk.clock()
    ticket = kim.new_ticket()
    kim.reply(ticket, "하나")
    kim.sync()
    lee.sync()
    lee.reply(ticket, "이서준의 답변")
    lee.sync()
    kim.sync()
    kim.reply(ticket, "둘")
    kim.do(TicketSet(new_id(), ticket, {"state": kim.state("solved")}))
    counted = Counter(deed.kind for deed in kim.profile.own_work.own_work(start))
    assert counted == {WorkKind.REPLY: 2, WorkKind.SOLVED: 1}
    kim.sync()
    lee.sync()
    assert Counter(deed.kind for deed in kim.profile.own_work.own_work(start)) == counted
    assert Counter(deed.kind for deed in lee.profile.own_work.own_work(start)) == {WorkKind.REPLY: 1}
    assert kim.profile.own_work.own_work(kim.desk.clock()) == []
