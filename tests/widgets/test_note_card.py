# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the organisation wants a reason, no invitation leaves without one; of a bad invitation the agent reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config.policy import Policy
from app.config.settings import REQUIRE_NOTE
from app.domain.assist import EndReason, Phase
from app.domain.entities import NOTE
from app.entry.agent_note import is_note_missing
from sync.server.schema import ENTITY_TABLES, SYSTEM
from tests.widgets.test_proof_card import Seat
from widgets.foundation import Theme


class Desk(Seat):
    """A seat whose last proof is new; a reason is wanted by the computer's policy, or by the server."""

    def ask(self, *, by: str) -> None:
        """Begin anew under the policy."""
        self.store.write(lambda cx: cx.execute(SYSTEM.device.update().values(proved_at=self.world.clock.ms)))
        self.world.parts.sessions._require_note = by != "policy"
        if by == "certificate":
            self.desk.forget_certificate()
        self.desk._policy = lambda: Policy({REQUIRE_NOTE.key: by == "policy"})
        self.flow.start(self.desk)

    def notes(self) -> list[str]:
        """Internal notes at the server."""
        with self.store.read() as cx:
            return list(cx.execute(sa.select(ENTITY_TABLES[NOTE.number].c.body)).scalars())


@pytest.fixture
def desk(tmp_path: Path, theme: Theme, qtbot: QtBot) -> Iterator[Desk]:
    """A desk without an invitation yet."""
    made = Desk(tmp_path, theme, qtbot)
    yield made
    made.close()


@pytest.mark.parametrize("by", ["policy", "certificate", "refusal"])
def test_an_invitation_waits_for_its_reason_which_then_stands_on_the_ticket(desk: Desk, by: str) -> None:
    """By keys alone; an empty field says what is missing, and nothing was registered before."""
    desk.ask(by=by)
    window = desk.window
    assert window.why.isVisible()
    assert not window.who.isVisible()
    assert window.code_card.isHidden()
    assert window.focusWidget() is window.why.field
    QTest.keyClick(window.why.field, Qt.Key.Key_Return)
    assert window.why.problem.text.text() == "Please fill in: Reason."
    assert desk.registered() == 0
    QTest.keyClicks(window.why.field, "look at the driver together")
    assert not window.why.problem.isVisible()
    QTest.keyClick(window.why.field, Qt.Key.Key_Return)
    assert desk.registered() == 1
    assert not window.why.isVisible()
    assert window.code_card.isVisible()
    assert desk.notes() == ["Reason for screen sharing: look at the driver together"]


def test_escape_invites_nobody(desk: Desk) -> None:
    """Who does not say why goes away again, and the ticket stays as it was."""
    desk.ask(by="policy")
    QTest.keyClick(desk.window, Qt.Key.Key_Escape)
    assert desk.flow._info is not None
    assert desk.flow._info.view.reason is EndReason.CANCELLED
    assert (desk.registered(), desk.notes()) == (0, [])


def test_where_nobody_wants_a_reason_nobody_is_asked(desk: Desk) -> None:
    """The invitation leaves at once and no note is written."""
    desk.ask(by="nobody")
    desk.world.parts.sessions._require_note = False
    desk.desk.forget_certificate()
    desk.desk.wants_note = False
    desk.flow.start(desk.desk)
    assert not desk.window.why.isVisible()
    assert desk.registered() == 1
    assert not desk.notes()


def test_the_agent_reads_that_a_refused_invitation_could_not_be_used(desk: Desk) -> None:
    """The server tells its end; the window says so, in the same words for every cause, and offers to ask again."""
    desk.ask(by="policy")
    QTest.keyClicks(desk.window.why.field, "why")
    QTest.keyClick(desk.window.why.field, Qt.Key.Key_Return)
    with desk.store.read() as cx:
        sid = bytes(cx.execute(sa.select(SYSTEM.session.c.sid)).scalar_one())
        iid = bytes(cx.execute(sa.select(SYSTEM.session.c.iid)).scalar_one())
    companion = desk.world.companion()
    body = {"id": "ab" * 16, "at": desk.world.clock(), "iid": iid.hex(), "why": "certificate"}
    assert desk.world.client.post("/customer/v1/alarm", json=body, headers=companion.bearer).status_code == 200
    with desk.store.read() as cx:
        reason = str(cx.execute(sa.select(SYSTEM.session.c.state)).scalar_one())
    desk.desk.on_ended(sid, reason)
    assert desk.flow._info is not None
    assert desk.flow._info.view.phase is Phase.ENDED
    assert desk.window.problem.text.text().startswith("The invitation could not be used on the customer's computer.")
    assert desk.window.again.isVisible()


def test_only_the_servers_own_words_ask_for_a_reason() -> None:
    """Whatever else an answer holds is no such refusal."""
    assert is_note_missing(409, b'{"code":"note_missing"}')
    for status, body in ((409, b'{"code":"ticket"}'), (403, b'{"code":"note_missing"}'), (409, b"[1]"), (409, b"\xff")):
        assert not is_note_missing(status, body)
