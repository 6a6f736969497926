# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario: an agent and a customer who see nothing work through a screen reader, on the real programs from outside."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from app.entry.demo_server import DemoServer
from tests.a11y import stage
from tests.a11y.ears import BUTTON, LIST, Reader, asked, check_number, ticket_number
from tests.fakes.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.x11]

_REPLY = "안녕하세요. 화면을 함께 보면서 확인하겠습니다."


def test_who_hears_instead_of_seeing_answers_a_ticket_and_shows_a_screen(tmp_path: Path, server: DemoServer) -> None:
    """Inbox, ticket, conversation, reply; then one request is refused, one allowed, the number picked, all stopped."""
    stage.need(stage.missing("dbus-daemon", "openbox") or stage.missing_reader())
    number = ticket_number(server)
    with ExitStack() as stack:
        desk = stack.enter_context(stage.desk(tmp_path, spoken=True))
        part = stack.enter_context(desk.reader())
        agent = Reader(part, stack.enter_context(desk.program("agent")).pid)
        words = ("companion", "--enrol", server.enrolment_link)
        customer = Reader(part, stack.enter_context(desk.program("companion", *words)).pid)
        customer.presses("They are the same, connect")
        customer.hears("Ask for help", BUTTON)
        _sign_in(agent, server)
        agent.hears("Everything you did has reached the server.")
        _answer(agent, number)
        wait_until(lambda: asked(server, "SELECT 1 FROM message WHERE body = ?", _REPLY), 40)
        _refuse(agent, customer, number)
        _share(agent, customer)


def _sign_in(agent: Reader, server: DemoServer) -> None:
    agent.hears("Sign in to Deskside")
    agent.writes("Server", server.url)
    agent.writes("Login", "agent1")
    agent.writes("Password", server.password, "password text")
    agent.presses("Sign in")
    agent.hears("Tickets", LIST)


def _answer(agent: Reader, number: int) -> None:
    agent.goes_to_line(f"#{number},")
    agent.hears(f"#{number}", "frame")
    agent.hears("Message, 손민지")
    conversation = agent.reads("Conversation")
    assert any(words.startswith("Internal note, not visible to the customer") for words in conversation)
    assert any("전표 입력에서 거래처를 고르면" in words for words in conversation)
    agent.presses("Write reply")
    agent.writes("Reply to", _REPLY)
    agent.presses("Send to")
    agent.no_longer("Send to", BUTTON)


def _refuse(agent: Reader, customer: Reader, number: int) -> None:
    agent.presses("Ask to see the screen")
    customer.hears("Did somebody you do not know call you")
    customer.can_press("I have read this")
    customer.presses("I have read this")
    assert "김지우" in customer.hears("김지우, Nuribom Support")
    assert f"#{number}" in customer.hears("Your ticket")
    customer.hears("NOT included: control")
    customer.presses("Don't allow")
    customer.no_longer("Allow looking")
    agent.hears("Ask again", BUTTON)


def _share(agent: Reader, customer: Reader) -> None:
    agent.presses("Ask again")
    customer.hears("Allow looking", BUTTON)
    customer.presses("Whole screen", "radio button")
    customer.can_press("Allow looking")
    customer.presses("Allow looking")
    agent.hears("Read aloud to")
    customer.presses("Number " + " ".join(check_number(agent)))
    agent.presses("손민지 chose this number")
    agent.hears("verified")
    customer.presses("Stop sharing")
    customer.no_longer("Stop sharing")
    agent.hears("Ended")
