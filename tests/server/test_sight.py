# SPDX-License-Identifier: GPL-3.0-or-later
"""A Companion shows its own customer's words and answers: nothing that another customer wrote, sent or was told."""

from __future__ import annotations

import json
from typing import Any

from app.domain import changes as c
from sync.customer_protocol import NewMessage
from sync.server.blobs import Blobs
from tests.server.test_blobs import CONTENT, attach, get, send, stored  # noqa: F401 - a fixture
from tests.server.test_customers import request
from tests.server.world import Agent, Companion, World, row_id

SECRET = "자꾸"


def shown(companion: Companion) -> dict[str, list[tuple[str, str]]]:
    """What the Companion's first window holds: of each ticket its words and who wrote them."""
    home: dict[str, Any] = json.loads(companion.get("/customer/v1/home").text)
    return {t["id"]: [(m["author"], m["body"]) for m in t.get("messages", [])] for t in home["tickets"]}


def said(agent: Agent, ticket: bytes, body: str) -> None:
    """Support answers, a second after whatever was before."""
    agent.world.clock.forward(1)
    assert agent.do(agent.reply(ticket, body)) == ("ok", None)
    agent.world.clock.forward(1)


def give(agent: Agent, ticket: bytes, customer: bytes) -> None:
    """An agent finds that the request is another customer's."""
    assert agent.do(c.TicketSet(agent.fresh(), ticket, {"customer": customer})) == ("ok", None)


def asked(world: World, n: int = 1, customer: bytes | None = None) -> tuple[Companion, bytes]:
    """A customer asks for help with a Companion: the Companion and the ticket."""
    companion = world.companion(customer)
    answer = companion.post("/customer/v1/request", request(n))
    assert answer.status_code == 200, answer.text
    return companion, bytes.fromhex(answer.json()["id"])


def test_a_ticket_that_was_given_shows_nothing_of_the_first_customer(world: World) -> None:
    """Neither their words nor the answers to them; what is said since is read, and given back all is there again."""
    kim = world.agent()
    first, ticket = asked(world)
    said(kim, ticket, "For the first one")
    give(kim, ticket, world.other_customer)
    other = world.companion(world.other_customer)
    assert shown(other) == {ticket.hex(): []}
    said(kim, ticket, "For the other one")
    words = NewMessage(id=row_id(9).hex(), ticket=ticket.hex(), body="Mine")
    assert other.post("/customer/v1/message", words).status_code == 200
    assert [body for _, body in shown(other)[ticket.hex()]] == ["For the other one", "Mine"]
    assert shown(first) == {}
    world.clock.forward(1)
    give(kim, ticket, world.customer)
    assert [body for _, body in shown(first)[ticket.hex()]] == [SECRET, "For the first one"]


def test_what_is_split_off_a_given_ticket_stays_hidden(world: World) -> None:
    """The new ticket is the second customer's from its start, but its words were not said to them."""
    kim = world.agent()
    _, ticket = asked(world)
    said(kim, ticket, "For the first one")
    give(kim, ticket, world.other_customer)
    kim.pull()
    messages = tuple(bytes(row["id"]) for row in kim.copy.of(2) if row["ticket"] == ticket)
    assert len(messages) == 2
    split = c.TicketSplit(kim.fresh(), ticket, kim.fresh(), messages, "Split off", "")
    assert kim.do(split) == ("ok", None)
    assert set(map(tuple, shown(world.companion(world.other_customer)).values())) == {()}


def test_a_merge_of_two_customers_tickets_shows_each_their_own(world: World) -> None:
    """What the first wrote and was answered is not in the second's Companion, nor what they write there later."""
    kim = world.agent()
    first, source = asked(world)
    second, target = asked(world, 2, world.other_customer)
    said(kim, source, "For the first one")
    assert kim.do(c.TicketMerge(kim.fresh(), source, target)) == ("ok", None)
    later = NewMessage(id=row_id(9).hex(), ticket=source.hex(), body="Later words of the first")
    assert first.post("/customer/v1/message", later).status_code == 200
    said(kim, target, "For the second one")
    assert [body for _, body in shown(second)[target.hex()]] == [SECRET, "For the second one"]
    assert kim.do(c.TicketUnmerge(kim.fresh(), source)) == ("ok", None)
    assert "For the first one" in [body for _, body in shown(first)[source.hex()]]


def test_two_records_of_one_person_read_all_of_both(world: World) -> None:
    """Their tickets were one person's all the time, whichever record they stood under."""
    kim = world.agent()
    _, source = asked(world)
    said(kim, source, "For the first record")
    second, target = asked(world, 2, world.other_customer)
    give(kim, source, world.other_customer)
    assert kim.do(c.CustomerMerge(kim.fresh(), world.customer, world.other_customer, {})) == ("ok", None)
    assert [body for _, body in shown(second)[source.hex()]] == [SECRET, "For the first record"]
    assert kim.do(c.TicketMerge(kim.fresh(), source, target)) == ("ok", None)
    assert [body for _, body in shown(second)[target.hex()]] == [SECRET, SECRET, "For the first record"]


def test_attachments_of_another_customer_do_not_open(world: World, stored: Blobs) -> None:  # noqa: F811  # the fixture of that name
    """Their hash alone opens nothing, though the ticket is the reader's now; its writer still has them."""
    kim = world.agent()
    first, ticket = asked(world)
    other = world.companion(world.other_customer)
    send(first, 0, CONTENT)
    attach(world, kim, ticket)
    assert get(kim).status_code == 200
    give(kim, ticket, world.other_customer)
    assert get(other).status_code == 404
    assert get(first).status_code == 200
