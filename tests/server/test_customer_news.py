# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer's Companion hears at once that something of the customer's own requests moved, and nobody else's does."""

from __future__ import annotations

import pytest

from app.domain.entities import TICKET
from sync.protocol import Poke, Presence
from sync.server import parts
from sync.server.customer_news import CustomerNews
from sync.server.store import DatabaseBusy, Store
from tests.fakes.wait import wait_until
from tests.server.test_live import live
from tests.server.world import World

LOOK = Poke(heads={})


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself looks at nothing: the test does."""
    monkeypatch.setattr(parts, "_CUSTOMERS_S", 3600)
    monkeypatch.setattr(parts, "_HEADS_S", 3600)


@pytest.mark.usefixtures("still")
def test_an_answer_is_hinted_to_the_companion_of_that_customer_alone(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It carries neither heads nor content: each asks for what there is. A busy database loses none."""
    kim, mine, theirs = desk.agent(), desk.companion(), desk.companion(desk.other_customer)
    ticket = kim.ticket()
    call = desk.client.blocking_portal.call
    with live(desk, mine.access) as line, live(desk, theirs.access) as stranger:
        news = CustomerNews(desk.parts.hub, desk.parts.jobs, desk.parts.store)
        assert call(news.listen)
        assert kim.do(kim.reply(ticket))[0] == "ok"
        wait_until(lambda: news.is_stirred)
        with monkeypatch.context() as patched:
            patched.setattr(Store, "read", _busy)
            with pytest.raises(DatabaseBusy):
                call(news.look)
        call(news.look)
        assert line.sync(hints=True) == [LOOK]
        call(news.look)
        assert (line.sync(hints=True), stranger.sync(hints=True)) == ([], [])
        kim.do(kim.note(ticket))
        kim.do(kim.reply(ticket))
        wait_until(lambda: news.is_stirred)
        call(news.look)
        assert (line.sync(hints=True), stranger.sync(hints=True)) == ([LOOK], [])


def test_a_server_with_a_companion_hints_by_itself(desk: World) -> None:
    """Whoever connects first is told to look once, and hears of an answer without anybody asking."""
    kim, mine = desk.agent(), desk.companion()
    ticket = kim.ticket()
    with live(desk, mine.access) as line, live(desk, kim.tokens.access) as desk_of_kim:
        assert line.next(hints=True) == LOOK
        desk_of_kim.send(Presence(type=TICKET.number, id=ticket, state="reading"))  # who reads there is no news
        desk_of_kim.next()
        assert kim.do(kim.reply(ticket))[0] == "ok"
        assert line.next(hints=True) == LOOK


def _busy(_store: Store) -> None:
    raise DatabaseBusy("test")
