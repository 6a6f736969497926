# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer begins with a browser and goes on with the Companion, on one ticket: real server, programs and Chromium.

Nothing of the first session is carried over: the customer is asked anew, and the number is another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import chromium, xvfb
from tests.fakes.chromium import Page
from tests.fakes.wait import wait_until
from tests.journeys.stage import Stage, has

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
]
_PATIENCE_S = 90  # nothing here is about speed, and the machine may be busy


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("moving"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The customer's browser, on a display of its own."""
    with (
        xvfb.own_display(1280, 800) as display,
        chromium.browser(tmp_path / "profile", display, "--window-size=900,760", "--window-position=0,0") as found,
    ):
        yield found


def _record(stage: Stage, sid: str) -> tuple[set[bytes], list[str]]:
    """The tickets on which the server keeps this session's record, and what it says, in order."""
    with sqlite3.connect(f"file:{stage.server.database}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT ticket FROM session_record WHERE sid = ?", (bytes.fromhex(sid),)).fetchall()
    return {bytes(row[0]) for row in rows}, stage.record_of(sid)


def _has_ended(stage: Stage, sid: str) -> bool:
    return "end" in _record(stage, sid)[1]


def test_a_session_begun_in_a_browser_goes_on_in_the_companion_with_a_consent_and_a_number_of_its_own(
    stage: Stage, page: Page
) -> None:
    """The same ticket has both; the browser shows nothing more, and its link opens nothing again."""
    agent = stage.agent
    stage.companion.stop()  # the program is not open while the customer takes the browser

    agent.order("invite")
    address = agent.order("browser_address")["address"]
    page.open(address)
    page.press("I have read this")
    page.press("Allow looking")
    first = agent.order("joined_with")
    assert first["browser"] is True
    told = agent.order("wait_number")["number"]
    page.press(told)
    agent.order("confirm_number")
    agent.order("sees_live")

    # support asks to go on with the Companion: this session ends on both sides before another is asked for
    agent.order("end_session")
    wait_until(lambda: "Support ended it." in page.text(), _PATIENCE_S)
    assert page.run("document.getElementById('bar').hidden")
    assert agent.order("session", over=True, look_s=0.5)["frames_since"] == 0

    customer = stage.restart("companion")
    customer.order("resume")
    agent.order("invite")
    asked = customer.order("wait_prompt", path=str(stage.folder / "prompt.png"))["prompt"]
    seen_before_consent = agent.order("session")["frames"]
    assert seen_before_consent == 0, "the yes in the browser is no yes in the Companion"
    customer.order("allow")
    second = agent.order("joined_with")
    assert second["browser"] is False
    assert second["sid"] != first["sid"]
    number = agent.order("wait_number")["number"]
    assert has([agent.order("session")["phase"]], "unverified"), "compared anew, whatever was compared in the browser"
    customer.order("pick_number", number=number)
    agent.order("confirm_number")
    agent.order("sees_live")

    # the browser is out of it: its page stays ended, and the link it came by is used up
    assert page.run("document.getElementById('bar').hidden")
    page.open("about:blank")
    page.open(address)
    wait_until(lambda: "refused, because it is not a valid one" in page.text(), _PATIENCE_S)
    agent.order("sees_live")

    customer.order("press_stop")
    over = agent.order("session", over=True, look_s=0.5)
    assert (over["reason"], over["by"], over["frames_since"]) == ("stopped", "customer", 0)
    for sid in (first["sid"], second["sid"]):
        agent.order("thread", sid=sid, wants="session.end")
        wait_until(partial(_has_ended, stage, sid), _PATIENCE_S)
        tickets, kinds = _record(stage, sid)
        assert tickets == {bytes.fromhex(stage.server.ticket)}
        assert [kinds.count(each) for each in ("joined", "consent", "sas", "end")] == [1, 1, 1, 1]
    assert asked["ticket"] in agent.order("open", ticket=stage.server.ticket)["label"]
