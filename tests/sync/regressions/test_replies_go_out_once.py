# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that were held, edited and sent, and are then sent again by a computer whose files came from a backup."""

from __future__ import annotations

import pytest

from app.domain.changes import ReplyRelease, TicketMerge, TicketSplit
from app.domain.entities import MESSAGE
from app.domain.ids import TicketId, new_id
from sync.engine import ClientCore
from sync.protocol import PushAnswer
from tests.sync.desk import Client, Desk


def replies(desk: Desk) -> list[str]:
    """What customers were told."""
    return sorted(str(row["body"]) for row in desk.rows(MESSAGE.number) if row["direction"] == "out")


def waiting(client: Client) -> list[str]:
    """What stands in Needs you."""
    return [item.body for item in client.profile.needs_you.entries()]


def release(client: Client, ticket: bytes, body: str) -> None:
    """Send the only held reply after all, in other words."""
    [item] = client.profile.needs_you.entries()
    details = client.profile.queries.details(TicketId(ticket))
    assert details is not None
    client.do(ReplyRelease(new_id(), item.id, details.seen_seq, body, details.seen_id))
    assert client.sync()


def held_for_an_incident(kim: Client, lee: Client) -> TicketId:
    """Kim's reply is held; Lee has everything go on again."""
    ticket = kim.new_ticket()
    kim.sync()
    lee.sync()
    kim.reply(ticket, "as typed first")
    lee.set(ticket, state=lee.state("held_for_incident"))
    assert lee.sync()
    lee.set(ticket, state=lee.state("open"))
    kim.sync()
    assert waiting(kim) == ["as typed first"]
    lee.sync()
    kim.sync()
    return ticket


def test_a_reply_that_was_edited_and_sent_does_not_go_out_as_it_was_typed_first(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """Nothing holds it any more when it is sent again: the customer would get both."""
    ticket = held_for_an_incident(kim, lee)
    release(kim, ticket, "as edited")
    assert replies(desk) == ["as edited"]
    lee.sync()
    [message] = [row["id"] for row in desk.rows(MESSAGE.number) if row["body"] == "as edited"]
    assert isinstance(message, bytes)
    lee.do(TicketSplit(new_id(), ticket, new_id(), (message,), "elsewhere"))
    assert lee.sync()
    kim.new_device(keep_above=0)
    assert kim.sync()
    assert replies(desk) == ["as edited"]
    assert waiting(kim) == []


def test_a_reply_that_was_edited_and_sent_is_known_where_its_ticket_was_merged(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there already, like one that was sent as it was: no answer says that it waits."""
    source, target = kim.new_ticket("one"), kim.new_ticket("two")
    kim.sync()
    lee.sync()
    kim.reply(source, "as typed first")
    lee.do(TicketMerge(new_id(), source, target))
    assert lee.sync()
    kim.sync()
    release(kim, target, "as edited")
    answers: list[PushAnswer] = []
    on_push = ClientCore.on_push

    def hear(core: ClientCore, answer: PushAnswer) -> None:
        answers.append(answer)
        on_push(core, answer)

    monkeypatch.setattr(ClientCore, "on_push", hear)
    kim.new_device(keep_above=0)
    assert kim.sync()
    assert {(result.st, result.code) for result in answers[0].results} == {("ok", None)}
    assert replies(desk) == ["as edited"]


def test_a_reply_that_was_edited_and_held_once_more_waits_once(desk: Desk, kim: Client, lee: Client) -> None:
    """Its first words are sent again: they are the same reply, which waits already as its author wants it now."""
    ticket = kim.new_ticket()
    kim.sync()
    lee.sync()
    kim.reply(ticket, "as typed first")
    lee.reply(ticket, "news")
    assert lee.sync()
    kim.sync()
    lee.reply(ticket, "more news")
    assert lee.sync()
    release(kim, ticket, "as edited")
    assert waiting(kim) == ["as edited"]
    kim.new_device(keep_above=0)
    assert kim.sync()
    assert waiting(kim) == ["as edited"]
    release(kim, ticket, "as sent")
    kim.new_device(keep_above=0)
    assert kim.sync()
    assert waiting(kim) == []
    assert replies(desk) == ["as sent", "more news", "news"]
