# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts longer than the server takes are refused before they are saved; whatever is saved arrives, or is held whole."""

from __future__ import annotations

import pytest

from app.config.i18n import set_language
from app.domain.changes import MAX_BODY_BYTES, MessageAdd, TicketMove
from app.domain.errors import Refused
from app.domain.ids import TicketId, new_id
from app.domain.needs import NeedKind
from app.domain.ports import Draft, DraftKind
from app.services.messages import error_text
from tests.sync.desk import Client, Desk

LONGEST = MAX_BODY_BYTES - 100


def exchange(client: Client) -> None:
    """Send what was written and get what others did."""
    client.core.committed()
    client.core.rehello()
    assert client.sync()


@pytest.mark.parametrize("body", ["x" * 900_000, "가" * 300_000, '"\n' * 250_000])
def test_what_the_server_would_refuse_is_refused_before_it_is_saved(kim: Client, body: str) -> None:
    """Nothing waits, no later change hangs on it, and the sentence says what to do; the draft still has the text."""
    set_language("en")
    ticket = kim.new_ticket()
    exchange(kim)
    kim.profile.commits.save_draft(Draft(ticket, DraftKind.NOTE, body))
    for write in (kim.note, kim.reply):
        with pytest.raises(Refused) as caught:
            write(ticket, body)
        assert caught.value.code == "text_too_long"
        assert "Shorten it" in error_text(caught.value)
    with pytest.raises(Refused, match="text_too_long"):
        kim.new_ticket(body=body)
    assert kim.profile.numbers().waiting == 0
    draft = kim.profile.commits.draft(ticket, DraftKind.NOTE)
    assert draft is not None
    assert draft.body == body


def test_the_longest_text_arrives_with_what_follows_it(kim: Client, lee: Client, desk: Desk) -> None:
    """Also after its ticket was moved on."""
    body = "x" * LONGEST
    ticket = kim.new_ticket(body=body)
    kim.note(ticket, "가" * (LONGEST // 3))
    kim.reply(ticket, body)
    exchange(kim)
    kim.do(TicketMove(new_id(), ticket, desk.team("남부")))
    exchange(kim)
    assert list(kim.profile.needs_you.entries()) == []
    assert kim.profile.numbers().waiting == 0


def test_a_long_reply_full_of_line_ends_is_held_whole_when_it_is_stale(kim: Client, lee: Client) -> None:
    """Its author gets it back to the last sign; it is not refused for the form in which it is kept."""
    ticket = kim.new_ticket()
    exchange(kim)
    exchange(lee)
    lee.do(MessageAdd(new_id(), new_id(), ticket, "schon beantwortet", seen_seq=1))
    exchange(lee)
    body = '"\n' * (LONGEST // 4)
    kim.do(MessageAdd(new_id(), new_id(), TicketId(ticket), body, seen_seq=1))
    exchange(kim)
    exchange(kim)
    [item] = kim.profile.needs_you.entries()
    assert (item.kind, item.body) == (NeedKind.STALE_REPLY, body)
