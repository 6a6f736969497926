# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that is read again takes from memory only the messages that are as they were."""

from __future__ import annotations

from app.store import kept_messages
from tests.sync.desk import Client


def test_what_became_of_a_message_shows_when_its_page_is_read_again(kim: Client, lee: Client) -> None:
    """Unsent, sent, and then with another text from the server: never what memory holds of it."""
    ticket = kim.new_ticket(body="first")
    kim.sync()
    assert kim.bodies(ticket) == ["first"]
    reply = kim.reply(ticket, "second")

    def waits() -> list[bool]:
        details = kim.profile.queries.details(ticket)
        assert details is not None
        return [item.pending for item in details.items if not item.event]

    assert kim.bodies(ticket) == ["first", "second"]
    assert waits() == [False, True]
    kim.sync()
    assert waits() == [False, False]
    with kim.replica._file.write() as tx:  # as a pull writes a row that changed
        tx.run("UPDATE message SET body = 'another second', seq = seq + 1 WHERE id = ?", (reply,))
    assert kim.bodies(ticket) == ["first", "another second"]
    lee.sync()
    lee.reply(ticket, "third")
    lee.sync()
    kim.sync()
    assert kim.bodies(ticket) == ["first", "another second", "third"]


def test_only_the_messages_of_a_few_tickets_stay_in_memory(kim: Client) -> None:
    """Going through many tickets does not let the window grow."""
    tickets = [kim.new_ticket(body=f"text {n}") for n in range(kept_messages.TICKETS + 2)]
    kim.sync()
    for n, ticket in enumerate(tickets):
        assert kim.bodies(ticket) == [f"text {n}"]
    readers, kept = kim.profile.readers(), kim.profile.queries.kept
    assert [bool(kept.get(readers, ticket)) for ticket in tickets] == [False, False, True, True]
    kim.profile.reopen()
    assert not kept.get(kim.profile.readers(), tickets[-1])
