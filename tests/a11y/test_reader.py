# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario: an agent and a customer who see nothing work through a screen reader, on the real programs from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.entry.demo_server import DemoServer
from tests.a11y import stage
from tests.a11y.ears import BUTTON, LIST, RADIO, Person, asked, check_number, ticket_number
from tests.fakes.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.x11]

_REPLY, _NOTE = "안녕하세요. 화면을 함께 보면서 확인하겠습니다.", "지난주와 같은 증상입니다."
_WORD = "전표"


@pytest.mark.ux("UX-63")
def test_a_screen_reader_client_finds_the_inbox_answers_a_ticket_and_in_the_companion_refuses_allows_picks_and_stops(
    tmp_path: Path, server: DemoServer
) -> None:
    """A screen-reader client finds the inbox, opens a ticket, reads the conversation, writes and sends a reply; in the
    Companion it refuses and allows a request, picks the number and stops.
    """
    number = ticket_number(server)
    with stage.two_people(tmp_path, server) as (agent, customer):
        _begin(agent, customer, server)
        _open(agent, number)
        _write(agent)
        _refuse(agent, customer, number)
        _share(agent, customer)
        _look_back(agent, server, number)


def _begin(agent: Person, customer: Person, server: DemoServer) -> None:
    agent.writes("Server", server.url)
    agent.writes("Login", "agent1")
    agent.writes("Password", server.password, "password text")
    agent.presses("Sign in")
    customer.presses("They are the same, connect")
    customer.hears("Ask for help", BUTTON)
    agent.hears("Tickets", LIST)
    agent.hears("Status: Everything you did has reached the server.")


def _open(agent: Person, number: int) -> None:
    agent.puts_keyboard("Tickets", LIST)
    agent.goes_to_line(f"#{number},")
    agent.keys("Return")
    agent.hears(f"#{number}", "frame")
    agent.hears("Message, 손민지")
    conversation = agent.reads("Conversation")
    assert any(words.startswith("Internal note, not visible to the customer") for words in conversation)
    assert any("전표 입력에서 거래처를 고르면" in words for words in conversation)


def _write(agent: Person) -> None:
    """Reply and note; the reply goes some seconds later, and says so when it has."""
    agent.presses("Write reply")
    agent.writes("Reply to", _REPLY)
    agent.presses("Send to")
    agent.no_longer("Send to", BUTTON)
    agent.presses("Write internal note")
    agent.writes("Internal note", _NOTE)
    agent.presses("Save note")
    agent.no_longer("Save note", BUTTON)


def _refuse(agent: Person, customer: Person, number: int) -> None:
    agent.presses("Ask to see the screen")
    customer.hears("Did somebody you do not know call you")
    customer.presses("I have read this")
    assert "김지우" in customer.hears("김지우, Nuribom Support")
    assert f"#{number}" in customer.hears("Your ticket")
    customer.hears("NOT included: control")
    customer.presses("Don't allow")
    customer.no_longer("Allow looking")
    agent.is_told("did not allow looking")


def _share(agent: Person, customer: Person) -> None:
    agent.presses("Ask again")
    customer.presses("Whole screen", RADIO)
    customer.presses("Allow looking")
    number = check_number(agent)
    customer.presses("Number " + " ".join(number))
    agent.presses("손민지 chose this number")
    agent.hears("verified")
    agent.hears("Customer's screen, 1600 by 1000")
    assert agent.described("Customer's screen") == "You may: look"
    agent.hears("nobody else watches")
    customer.hears("nobody else watches")
    customer.hears("김지우 is LOOKING AT")
    customer.presses("Stop sharing")
    customer.no_longer("Stop sharing")
    customer.hears("Session ended", "dialog")
    agent.is_told("ended the session")


def _look_back(agent: Person, server: DemoServer, number: int) -> None:
    """What the session left on the ticket; another state and back; and the ticket found by a word in it."""
    agent.presses("Close")
    assert any("The consent receipt was saved on the ticket" in words for words in agent.reads("Conversation"))
    agent.puts_keyboard("Conversation")
    agent.keys("e")
    agent.hears("State: Solved")
    agent.presses("Undo")
    agent.hears("State: Open")
    agent.keys("s")
    agent.hears("Change state", "dialog")
    agent.writes("Change state", "Waiting for")
    agent.keys("Return")
    agent.no_longer("Change state", "dialog")
    agent.hears("State: Waiting for customer")
    agent.presses("Undo")
    agent.hears("State: Open")
    agent.writes("Search", _WORD)
    agent.hears(f"Search: {_WORD}")
    assert any(f"#{number}," in line for line in agent.lines())
    wait_until(lambda: asked(server, "SELECT 1 FROM message WHERE body = ?", _REPLY), 60)
    wait_until(lambda: asked(server, "SELECT 1 FROM note WHERE body = ?", _NOTE), 60)
