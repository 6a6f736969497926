# SPDX-License-Identifier: GPL-3.0-or-later
"""Before an invitation the agent shows again who invites: in place, by keyboard alone, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import select

from app.domain.assist import EndReason, Phase, SessionView
from app.domain.entities import TICKET
from app.domain.ids import CustomerId, TicketId
from app.domain.ports import TicketDetails
from app.entry.agent_proof import ways_wanted
from app.entry.agent_sessions import SessionDesk
from app.entry.session_parts import make_session_host
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store, sqlite_url
from tests.fakes.link import FakeLink
from tests.fakes.queries import FakeQueries
from tests.server.world import PASSWORD, Agent, World
from tests.widgets.test_remote import ORDER
from widgets.foundation import Theme
from widgets.remote.flow import SessionFlow
from widgets.remote.invite import InviteWindow
from widgets.remote.ports import ProofAsk, SessionInfo

REFUSAL = b'{"code":"proof_too_old","detail":"password browser"}'


class ServerLink(FakeLink):
    """The way to a real server, without the worker between: its answers come at once, or when `hold` ends."""

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        self.agent = agent

    def call(self, method: str, path: str, body: bytes, then: Callable[[int, bytes], None]) -> None:
        """Call it."""
        super().call(method, path, body, then)
        headers = {**self.agent.bearer, "content-type": "application/json"}
        answer = self.agent.world.client.request(method, path, content=body, headers=headers)
        then(answer.status_code, answer.content)

    def prove(self, password: str | None, then: Callable[[str | None, int], None], page: Callable[[str], None]) -> None:
        """Prove it."""
        super().prove(password, then, page)
        answer = self.agent.world.client.post("/auth/v1/proof", json={"password": password}, headers=self.agent.bearer)
        code = answer.json()["code"] if answer.content else None
        then(code, int(answer.headers.get("retry-after", 0)))


class Seat:
    """An agent with an open ticket at a real server, whose last proof is a day old."""

    def __init__(self, folder: Path, theme: Theme, qtbot: QtBot) -> None:
        self.store = Store.open(sqlite_url(folder))
        self.world = World(self.store)
        self.world.clock.ms = int(time.time() * 1000)  # the agent's end looks at this computer's
        self.world.client.__enter__()
        agent = self.world.agent()
        details = FakeQueries().details(ORDER.ticket)
        assert details is not None
        assert details.customer is not None
        id_ = agent.ticket()
        ticket = ENTITY_TABLES[TICKET.number]
        with self.store.read() as cx:
            known = cx.execute(select(ticket.c.number, ticket.c.subject).where(ticket.c.id == id_)).one()
        row = replace(details.row, id=TicketId(id_), number=known.number, subject=known.subject)
        self.details: TicketDetails = replace(
            details, row=row, customer=replace(details.customer, id=CustomerId(self.world.customer))
        )
        self.link = ServerLink(agent)
        self.desk = SessionDesk(
            self.link, lambda _change: None, lambda _id: self.details, lambda parent: make_session_host("agent", parent)
        )
        self.desk.use_key(Ed25519PrivateKey.generate())
        day_ago = self.world.clock.ms - 86_400_000
        self.store.write(lambda cx: cx.execute(SYSTEM.device.update().values(proved_at=day_ago)))
        window = QWidget()
        qtbot.addWidget(window)
        self.flow = SessionFlow(theme, ORDER, window)
        self.flow.start(self.desk)
        assert self.flow.invitation is not None
        self.window: InviteWindow = self.flow.invitation

    def registered(self) -> int:
        """How many invitations the server holds."""
        with self.store.read() as cx:
            return len(cx.execute(SYSTEM.session.select()).all())

    def close(self) -> None:
        """End everything."""
        self.flow.close()
        self.desk.shut_down()
        self.world.client.__exit__(None, None, None)
        self.store.close()


@pytest.fixture
def seat(tmp_path: Path, theme: Theme, qtbot: QtBot) -> Iterator[Seat]:
    made = Seat(tmp_path, theme, qtbot)
    yield made
    made.close()


def test_the_window_asks_for_the_password_in_place_and_then_the_invitation_goes_on(seat: Seat) -> None:
    """A wrong one stays there to be mended, and nobody was invited by it; Enter is enough."""
    who = seat.window.who
    assert who.isVisible()
    assert not seat.window.words.isVisible()
    assert who.focusWidget() is who.field or seat.window.focusWidget() is who.field
    assert who.field.accessibleName() == "Password"
    QTest.keyClicks(who.field, "guess")
    QTest.keyClick(who.field, Qt.Key.Key_Return)
    assert who.problem.text.text().startswith("This is not your password.")
    assert who.field.accessibleDescription() == who.problem.text.text()
    assert who.field.text() == "guess"
    assert seat.registered() == 0
    assert who.field.selectedText()  # typing replaces it
    QTest.keyClicks(who.field, PASSWORD)
    QTest.keyClick(who.field, Qt.Key.Key_Return)
    assert seat.registered() == 1
    assert not who.isVisible()
    assert who.field.text() == ""
    assert seat.window.code.isVisible()
    assert seat.desk.sessions[0].info.invited is not None


def test_who_tried_too_often_is_told_how_long_to_wait(seat: Seat) -> None:
    """What was typed stays; the button sleeps until it may be tried again."""
    who = seat.window.who
    for _ in range(6):
        who.field.setText("guess")
        QTest.keyClick(who.field, Qt.Key.Key_Return)
    assert "You can try again in 5:0" in who.problem.text.text()
    assert not who.submit.isEnabled()
    assert who.field.text() == "guess"
    assert len(seat.link.proofs) == 6
    QTest.keyClick(who.field, Qt.Key.Key_Return)
    assert len(seat.link.proofs) == 6


def test_an_invitation_that_waits_for_a_proof_can_be_given_up(seat: Seat) -> None:
    """Nothing was registered and nobody was asked; the ticket says nothing."""
    seat.window.cancel.click()
    assert seat.desk.sessions[0].info.view.reason is EndReason.CANCELLED
    assert seat.registered() == 0
    assert not seat.flow.is_running()


def test_a_server_that_is_away_keeps_the_password_in_the_field(seat: Seat) -> None:
    """The line broke while it was being checked."""
    prove = FakeLink.prove
    seat.link.prove = lambda *a: prove(seat.link, *a)  # type: ignore[method-assign]  # this one link asks again
    who = seat.window.who
    QTest.keyClicks(who.field, PASSWORD)
    who.submit.click()
    assert not who.submit.isEnabled()
    seat.link.proofs[-1][1]("no_presence", 0)
    assert "no connection" in who.problem.text.text()
    assert who.field.text() == PASSWORD
    assert who.submit.isEnabled()


def test_in_the_browser_the_window_waits_says_where_to_go_and_can_stop(theme: Theme, qtbot: QtBot) -> None:
    """Who has no password here proves it at the provider; without a browser the address can be opened by hand."""
    window = InviteWindow(theme, ORDER)
    qtbot.addWidget(window)
    window.show()
    asks = ProofAsk(password=False, browser=True)
    info = SessionInfo(not_yet(), "#1", "Minsu Park", proof_ask=asks)
    window.show_info(info)
    who = window.who
    assert not who.field.isVisible()
    with qtbot.waitSignal(who.browser_asked):
        who.browser.click()
    window.show_info(replace(info, proof_ask=replace(asks, in_browser=True, page="https://login.example/a")))
    assert "https://login.example/a" in who.problem.text.text()
    with qtbot.waitSignal(who.browser_stopped):
        who.browser.click()
    window.show_info(replace(info, proof_ask=replace(asks, problem="oidc_other_person")))
    assert who.problem.text.text().startswith("Somebody else signed in")


def not_yet() -> SessionView:
    """A session that nobody was invited to yet."""
    return SessionView(Phase.INVITED)


@pytest.mark.parametrize(
    ("status", "body", "asks"),
    [
        (403, REFUSAL, ProofAsk(password=True, browser=True)),
        (403, b'{"code":"proof_too_old"}', ProofAsk(password=False, browser=False)),
        (403, b'{"code":"scope"}', None), (400, REFUSAL, None), (403, b"<html>", None), (0, b"", None),
    ],
)  # fmt: skip
def test_only_this_refusal_asks_for_a_proof(status: int, body: bytes, asks: ProofAsk | None) -> None:
    """Every other one ends the invitation, as it did."""
    assert ways_wanted(status, body) == asks
