# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario: an agent does the main job without a mouse: real programs, a real display, real key events."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from app.entry.demo_server import DemoServer
from tests.a11y import stage
from tests.a11y.ears import BUTTON, LIST, Reader, asked, check_number, ticket_number
from tests.a11y.stage import Desk
from tests.fakes.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.x11]

_REPLY, _NOTE = "We will look at it together.", "Same fault as last week."
_TABS_AT_MOST = 40
_OWNERS = "SELECT count(*) FROM ticket WHERE owner = (SELECT id FROM user WHERE login = 'agent1') AND deleted = 0"


def test_an_agent_without_a_mouse_goes_from_search_to_the_end_of_a_session(tmp_path: Path, server: DemoServer) -> None:
    """Search, open, read, reply, note, state, many at once, undo, ask for the screen, compare the number, end."""
    stage.need(stage.missing("dbus-daemon", "openbox", "xdotool") or stage.missing_reader())
    number = ticket_number(server)
    with ExitStack() as stack:
        desk = stack.enter_context(stage.desk(tmp_path, spoken=True))
        part = stack.enter_context(desk.reader())
        words = ("companion", "--enrol", server.enrolment_link)
        customer = Reader(part, stack.enter_context(desk.program("companion", *words)).pid)
        customer.presses("They are the same, connect")
        customer.hears("Ask for help", BUTTON)
        agent = Reader(part, stack.enter_context(desk.program("agent")).pid)
        _sign_in(desk, agent, server)
        _open(desk, agent, number)
        _write(desk, agent, server)
        _set_state(desk, agent)
        _take_two_and_undo(desk, agent, server)
        _open(desk, agent, number)
        _session(desk, agent, customer)


def _sign_in(desk: Desk, agent: Reader, server: DemoServer) -> None:
    agent.has_keyboard("Server")
    for text, key in ((server.url, "Tab"), ("agent1", "Tab"), (server.password, "Return")):
        desk.types(text)
        desk.keys(key)
    agent.hears("Tickets", LIST)
    agent.hears("Everything you did has reached the server.")


def _open(desk: Desk, agent: Reader, number: int) -> None:
    """Search, go into the list, open, and be in the conversation."""
    desk.keys("ctrl+f")
    agent.has_keyboard("Search")
    desk.types(f"#{number}")
    agent.hears(f"Search: #{number}")
    desk.keys("Return", "Home", "Return")
    agent.hears(f"#{number}", "frame")
    agent.has_keyboard("Conversation")


def _write(desk: Desk, agent: Reader, server: DemoServer) -> None:
    desk.keys("r")
    agent.has_keyboard("Reply to")
    desk.types(_REPLY)
    desk.keys("ctrl+Return")
    agent.no_longer("Send to", BUTTON)
    wait_until(lambda: asked(server, "SELECT 1 FROM message WHERE body = ?", _REPLY), 40)
    agent.has_keyboard("Conversation")
    desk.keys("n")
    agent.has_keyboard("Internal note")
    desk.types(_NOTE)
    desk.keys("ctrl+Return")
    agent.no_longer("Save note", BUTTON)
    wait_until(lambda: asked(server, "SELECT 1 FROM note WHERE body = ?", _NOTE), 40)


def _set_state(desk: Desk, agent: Reader) -> None:
    agent.has_keyboard("Conversation")
    desk.keys("s")
    agent.has_keyboard("")
    desk.types("internal")
    desk.keys("Return")
    agent.hears("State: Waiting internally")


def _take_two_and_undo(desk: Desk, agent: Reader, server: DemoServer) -> None:
    before = asked(server, _OWNERS)[0][0]
    desk.keys("ctrl+2")
    agent.hears("Unassigned", "label")
    desk.keys("Home", "j", "x", "i")
    wait_until(lambda: asked(server, _OWNERS)[0][0] == before + 2, 40)
    desk.keys("ctrl+z")
    wait_until(lambda: asked(server, _OWNERS)[0][0] == before, 40)


def _session(desk: Desk, agent: Reader, customer: Reader) -> None:
    desk.keys("ctrl+shift+s")
    customer.can_press("I have read this")
    customer.presses("I have read this")
    customer.hears("Allow looking", BUTTON)
    customer.presses("Whole screen", "radio button")
    customer.can_press("Allow looking")
    customer.presses("Allow looking")
    customer.presses("Number " + " ".join(check_number(agent)))
    wanted = "손민지 chose this number"
    for _press in range(_TABS_AT_MOST):
        if agent.keyboard().startswith(wanted):
            break
        desk.keys("Tab")
    agent.has_keyboard(wanted)
    desk.keys("space")
    agent.hears("verified")
    desk.keys("ctrl+shift+End")
    customer.no_longer("Stop sharing")
    agent.hears("Ended")
