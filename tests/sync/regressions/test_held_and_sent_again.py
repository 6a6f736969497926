# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that is held for its author already, and is sent again under a new number once the ticket is out of reach.

The simulator found it. The server may not carry it out, but it has not been refused either: it waits, and once.
"""

from __future__ import annotations

import random

from app.domain.changes import NoteAdd, ReplyDiscard, ReplyRelease, TicketDelete
from app.domain.ids import new_id
from sync.server.devices import Devices
from tests.sync.desk import Client, Desk


def tray(client: Client) -> list[tuple[str, str]]:
    """What stands in Needs you: kind and words."""
    return [(item.kind.value, item.body) for item in client.profile.needs_you.entries()]


def numbered_anew_without_the_team(desk: Desk, client: Client) -> None:
    """The administrator takes the person out of the team; then the computer's files are put back from a copy."""
    Devices(desk.store, random.randbytes).set_team(desk.clock(), "kim", "북부", member=False)
    client.new_device(0)
    assert client.sync()


def hold_a_reply(kim: Client, lee: Client, words: str) -> bytes:
    """Let a reply meet news and wait; return its ticket."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    lee.reply(ticket, "schon erledigt")
    lee.sync()
    kim.reply(ticket, words)
    assert kim.sync()
    assert tray(kim) == [("stale_reply", words)]
    return ticket


def test_a_held_reply_that_is_sent_again_from_a_lost_team_waits_once(desk: Desk, kim: Client, lee: Client) -> None:
    hold_a_reply(kim, lee, "nur einmal")
    numbered_anew_without_the_team(desk, kim)
    assert tray(kim) == [("stale_reply", "nur einmal")]


def test_the_first_words_of_a_reply_that_waits_with_other_words_do_not_come_back_as_refused(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """They are the same reply, which waits already as its author wants it now."""
    ticket = hold_a_reply(kim, lee, "erste Fassung")
    lee.reply(ticket, "noch etwas")
    lee.sync()
    kim.do(ReplyRelease(new_id(), kim.profile.needs_you.entries()[0].id, 2, "zweite Fassung"))
    assert kim.sync()
    numbered_anew_without_the_team(desk, kim)
    assert ("stale_reply", "zweite Fassung") in tray(kim)
    assert "erste Fassung" not in [words for _, words in tray(kim)]


def test_a_discarded_reply_does_not_come_back_as_a_refused_one(desk: Desk, kim: Client, lee: Client) -> None:
    """What a person decided stays; only that the decision itself was sent again is told."""
    hold_a_reply(kim, lee, "doch nicht")
    kim.do(ReplyDiscard(new_id(), kim.profile.needs_you.entries()[0].id))
    assert kim.sync()
    assert tray(kim) == []
    numbered_anew_without_the_team(desk, kim)
    assert "doch nicht" not in [words for _, words in tray(kim)]


def test_a_note_on_a_deleted_ticket_of_a_lost_team_waits_once(desk: Desk, kim: Client, lee: Client) -> None:
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    lee.do(TicketDelete(new_id(), ticket))
    lee.sync()
    kim.note(ticket, "nur einmal")
    assert kim.sync()
    numbered_anew_without_the_team(desk, kim)
    assert tray(kim) == [("deleted", "nur einmal")]


def test_another_change_that_uses_the_event_of_a_held_one_is_refused_and_kept(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """Nothing that was typed may hide behind what only looks like it."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    lee.do(TicketDelete(new_id(), ticket))
    lee.sync()
    event = new_id()
    kim.do(NoteAdd(event, new_id(), ticket, "eins"))
    kim.do(NoteAdd(event, new_id(), ticket, "zwei"))
    Devices(desk.store, random.randbytes).set_team(desk.clock(), "kim", "북부", member=False)
    assert kim.sync()
    assert sorted(words for _, words in tray(kim)) == ["eins", "zwei"]
