# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core finds nothing on the page for customers who join with a browser, from the warning to the end of a session.

The states that need no session are looked at with the portal's pages.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.assist import EndReason, Phase, Scope
from remote_assist.actions import Receipt, SasNumber
from tests.fakes import chromium, xvfb
from tests.fakes.chromium import Page
from tests.fakes.wait import wait_until
from tests.remote_assist.join_world import AgentDesk
from tests.remote_assist.test_join_journey import desk as desk  # a fixture
from tests.remote_assist.test_join_journey import page as page  # a fixture
from tests.server.test_portal_axe import AXE, findings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: make peers brings it"),
]


class Looks:
    """Looks at one page in each state that it comes to, in both languages, one of them in dark."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.found: list[str] = []
        self.seen: list[str] = []

    def at(self, state: str, ready: Callable[[], object]) -> None:
        """Wait until a state is there, and look."""
        wait_until(ready, 60)
        for dark in (False, True):
            self.found += findings(self._page, f"{state} {self._page.run('document.documentElement.lang')}", dark=dark)
            self._page.run("document.getElementById('language').click()")
        self.seen.append(state)

    def says(self, words: str) -> Callable[[], object]:
        """What tells that the page says this."""
        return lambda: words in self._page.text()


def test_axe_finds_nothing_from_the_warning_over_questions_chat_and_pause_to_the_receipt(
    desk: AgentDesk, page: Page
) -> None:
    """One session with everything that a customer with a browser may meet."""
    looks = Looks(page)
    page.open(desk.invite())
    looks.at("warning", looks.says("Before you share your screen"))
    page.press("I have read this")
    looks.at("request", looks.says("Allow looking"))
    page.press("Allow looking")
    desk.until(lambda: desk.end.view.phase is Phase.UNVERIFIED and desk.frames and desk.side.of(SasNumber))
    number = desk.side.last(SasNumber).number
    looks.at("number", looks.says(number))
    page.press(number)
    desk.perform(desk.end.confirm_sas_same(True))
    desk.until(lambda: desk.end.view.phase is Phase.VERIFIED)
    looks.at("live", looks.says(f"verified {number}"))

    desk.perform(desk.end.request(Scope.POINTER, "die Schaltfläche"))
    looks.at("asked", looks.says("Allow pointing"))
    page.press("Allow pointing")
    desk.until(lambda: Scope.POINTER in desk.end.view.grants)
    looks.at("pointing", looks.says("pointing ✕"))

    desk.perform(desk.end.say_chat("<b>안녕하세요</b>"))
    looks.at("chat-asked", looks.says("writes to you. Show it on this page?"))
    page.press("Show the chat")
    looks.at("chat", looks.says("<b>안녕하세요</b>"))
    page.press("Pause")
    desk.until(lambda: desk.end.view.paused)
    looks.at("paused", looks.says("Resume"))

    page.run("document.getElementById('stop').click()")
    desk.until(lambda: desk.side.of(Receipt))
    looks.at("ended", looks.says("You stopped it."))
    assert "\n".join(looks.found) == ""
    assert len(looks.seen) == 10


def test_axe_finds_nothing_where_a_customer_refuses_and_in_a_browser_that_cannot_share(
    desk: AgentDesk, page: Page
) -> None:
    """The ends without a picture say what was, and what to do, to everybody."""
    looks = Looks(page)
    page.open(desk.invite())
    page.press("Something is odd, do not share")
    desk.until(lambda: desk.end.view.phase is Phase.ENDED)
    assert desk.end.view.reason is EndReason.REFUSED
    looks.at("refused", lambda: page.run("document.querySelector('dl') !== null"))
    page.call(
        "Page.addScriptToEvaluateOnNewDocument",
        source="Object.defineProperty(MediaDevices.prototype, 'getDisplayMedia', { value: undefined });",
    )
    page.open("about:blank")
    page.open(f"{desk.url}/join")
    looks.at("unsupported", lambda: page.run("document.querySelector('.notice.danger') !== null"))
    assert "\n".join(looks.found) == ""
    assert desk.frames == 0
