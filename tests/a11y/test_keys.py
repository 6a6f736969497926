# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario: an agent and a customer work without a mouse: real programs, a real display each, real key events alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.entry.demo_server import DemoServer
from tests.a11y import stage
from tests.a11y.ears import BUTTON, Person, asked, check_number, ticket_number
from tests.fakes.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.x11]

_REPLY, _NOTE = "We will look at it together.", "Same fault as last week."
_WORD = "전표"


@pytest.mark.ux("UX-29")
def test_an_agent_and_a_customer_without_a_mouse_go_from_signing_in_to_the_end_of_a_session(
    tmp_path: Path, server: DemoServer
) -> None:
    """Sign in, find, read, reply, note; a session refused, then allowed and stopped; state, undo, search: by keys."""
    number = ticket_number(server)
    with stage.two_people(tmp_path, server, letters=_WORD) as (agent, customer):
        _begin(agent, customer, server)
        _open(agent, number)
        _write(agent)
        _refuse(agent, customer)
        _share(agent, customer)
        _look_back(agent, server, number)


def _begin(agent: Person, customer: Person, server: DemoServer) -> None:
    customer.tabs_to("They are the same, connect")
    customer.keys("space")
    agent.has_keyboard("Server")
    for text, key in ((server.url, "Tab"), ("agent1", "Tab"), (server.password, "Return")):
        agent.types(text)
        agent.keys(key)
    customer.hears("Ask for help", BUTTON)
    agent.has_keyboard("Tickets")
    agent.hears("Status: Everything you did has reached the server.")


def _open(agent: Person, number: int) -> None:
    agent.goes_to_line(f"#{number},")
    agent.keys("Return")
    agent.hears(f"#{number}", "frame")
    agent.has_keyboard("Conversation")
    agent.hears("Message, 손민지")


def _write(agent: Person) -> None:
    agent.keys("r")
    agent.has_keyboard("Reply to")
    agent.types(_REPLY)
    agent.keys("ctrl+Return")
    agent.has_keyboard("Write")
    agent.keys("n")
    agent.has_keyboard("Internal note")
    agent.types(_NOTE)
    agent.keys("ctrl+Return")
    agent.has_keyboard("Write")
    agent.hears("Internal note, not visible to the customer, 김지우")


def _refuse(agent: Person, customer: Person) -> None:
    agent.keys("ctrl+shift+s")
    customer.has_keyboard("Something is odd, do not share")
    customer.can_press("I have read this")
    customer.tabs_to("I have read this")
    customer.keys("space")
    customer.has_keyboard("Don't allow")
    customer.keys("space")
    customer.no_longer("Allow looking")
    agent.is_told("did not allow looking")


def _share(agent: Person, customer: Person) -> None:
    agent.tabs_to("Ask again")
    agent.keys("space")
    customer.has_keyboard("Don't allow")
    customer.can_press("Allow looking")
    customer.tabs_to("Whole screen")
    customer.hears_chosen("Whole screen")
    customer.can_press("Allow looking")
    customer.tabs_to("Allow looking")
    customer.keys("space")
    number = check_number(agent)
    customer.tabs_to("Number " + " ".join(number))
    customer.keys("space")
    agent.tabs_to("손민지 chose this number")
    agent.keys("space")
    agent.is_told("verified")
    agent.tabs_to("Customer's screen, 1600 by 1000")
    assert agent.described("Customer's screen") == "You may: look"
    agent.hears("nobody else watches")
    customer.keys("ctrl+alt+End")
    customer.no_longer("Stop sharing")
    customer.hears("Session ended", "dialog")
    agent.is_told("ended the session")


def _look_back(agent: Person, server: DemoServer, number: int) -> None:
    agent.tabs_to("Close")
    agent.keys("space")
    agent.no_longer("Customer's screen")
    agent.has_keyboard("Write")
    assert any("The consent receipt was saved on the ticket" in words for words in agent.reads("Conversation"))
    agent.keys("e")
    agent.hears("State: Solved")
    agent.keys("ctrl+z")
    agent.hears("State: Open")
    agent.keys("ctrl+f")
    agent.has_keyboard("Search")
    agent.types(_WORD)
    agent.hears(f"Search: {_WORD}")
    agent.keys("Return")
    agent.has_keyboard("Tickets")
    agent.goes_to_line(f"#{number},")
    wait_until(lambda: asked(server, "SELECT 1 FROM message WHERE body = ?", _REPLY), 60)
    wait_until(lambda: asked(server, "SELECT 1 FROM note WHERE body = ?", _NOTE), 60)
