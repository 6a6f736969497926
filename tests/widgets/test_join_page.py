# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers without the Companion: the agent gets an address for a browser, and sees that one joined by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.domain.assist import EndReason, EntryType, Phase
from app.domain.invitation import BROWSER_MODE, COMPANION_MODE
from app.domain.links import InviteLink
from app.domain.session_facts import session_facts
from app.entry.agent_page import JoinPage
from app.entry.agent_sessions import SessionDesk
from app.entry.session_parts import make_session_host
from remote_assist.texts import entry_text
from tests.fakes.link import FakeLink
from tests.fakes.queries import FakeQueries
from tests.remote_assist.world import World, private_key
from tests.widgets.test_remote import ORDER, info
from widgets.foundation import Theme
from widgets.remote.flow import SessionFlow
from widgets.remote.invite import InviteWindow
from widgets.remote.session_window import SessionWindow
from widgets.remote.words import proof_text

PAGE = "https://help.example/join#00.11"
INVITE = InviteLink(bytes(range(16)), bytes(32)).to_text()


def test_with_a_page_the_invitation_has_a_link_for_the_companion_and_one_for_a_browser(
    qtbot: QtBot, theme: Theme
) -> None:
    """Each can be copied, and what a browser cannot do is said before it is sent."""
    window = InviteWindow(theme, ORDER)
    qtbot.addWidget(window)
    shown = info(Phase.INVITED)
    assert shown.invited is not None
    window.show()
    window.show_info(shown)
    assert not window.page.isVisible()
    assert not window.copy_page.isVisible()
    window.show_info(replace(shown, invited=replace(shown.invited, page=PAGE)))
    assert window.page.isVisible()
    assert "does not protect against that server" in window.page_words.text()
    window.copy_page.click()
    assert window.copy_page.accessibleName() != window.copy_link.accessibleName()


def test_the_agent_sees_that_the_customer_is_in_a_browser(qtbot: QtBot, theme: Theme) -> None:
    """In the invitation while the customer reads, and in the session window all the time."""
    browser = replace(info(Phase.VERIFIED), browser=True)
    assert proof_text(browser).startswith("Joined with a browser")
    window = SessionWindow(theme, ORDER)
    qtbot.addWidget(window)
    window.show_info(browser)
    assert "joined with a browser" in window.alone.text()
    window.show_info(info(Phase.VERIFIED))
    assert window.alone.text() == "nobody else watches"


def test_a_page_is_offered_only_where_the_server_has_one_and_a_browser_would_trust_it() -> None:
    """Without encryption a browser has no cryptography, except for pages of its own computer."""
    page = JoinPage()

    def modes() -> list[str]:
        return list(page.modes)

    page.server = lambda: "https://help.example:8443"
    assert modes() == [COMPANION_MODE]
    assert page.address(INVITE) == ""
    page.learn({"join_page": True})
    assert modes() == [COMPANION_MODE, BROWSER_MODE]
    assert page.address(INVITE) == f"https://help.example:8443/join#{bytes(range(16)).hex()}.{'A' * 43}"
    page.server = lambda: "http://help.example"
    assert modes() == [COMPANION_MODE]
    page.server = lambda: "http://127.0.0.1:8080"
    assert modes() == [COMPANION_MODE, BROWSER_MODE]
    page.learn({})
    assert modes() == [COMPANION_MODE]


def test_the_record_says_that_a_browser_tab_was_shown() -> None:
    """A kind of its own: neither a window nor a whole screen."""
    assert "a browser tab" in entry_text(EntryType.CONSENT, "customer", {"target_kind": "tab"})
    plain = '{"by": "customer", "target_kind": "tab"}'
    assert session_facts(plain)["target"] == "tab"


class LateLink(FakeLink):
    """A server whose answers a test gives."""

    answer: Callable[[int, bytes], None]

    def call(self, method: str, path: str, body: bytes, then: Callable[[int, bytes], None]) -> None:
        """Remember who waits."""
        super().call(method, path, body, then)
        self.answer = then


def test_a_server_that_refuses_an_invitation_is_asked_anew_what_it_wants(theme: Theme, qtbot: QtBot) -> None:
    """It was started again without the page, or with a new key: the invitation is made anew by its new answer."""
    link, queries = LateLink(), FakeQueries()
    desk = SessionDesk(link, lambda _change: None, queries.details, lambda parent: make_session_host("agent", parent))
    desk.use_key(private_key("agent device"))
    desk._identity, desk._valid_until = World().agent_end._identity, 1 << 60
    window = QWidget()
    qtbot.addWidget(window)
    flow = SessionFlow(theme, ORDER, window)
    desk.start(ORDER, flow)
    link.answer(400, b'{"code":"invitation"}')
    assert [path for _method, path, _body in link.calls] == ["/session/v1/invitations", "/session/v1/certificate"]
    assert not desk.sessions[0].over
    link.answer(503, b"")
    assert desk.sessions[0].info.view.reason is EndReason.NOT_REGISTERED
    desk.shut_down()
