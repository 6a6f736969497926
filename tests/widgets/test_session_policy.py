# SPDX-License-Identifier: GPL-3.0-or-later
"""What policy forbids in sessions, in words at both ends: before the yes, on the bar, in the agent's window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.config.policy import Policy
from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from app.domain.documents import SignedDocument
from app.domain.masking import MaskRule
from app.domain.ports import ItemKind, ThreadItem
from app.entry.agent_sessions import SessionDesk
from app.entry.session_parts import make_session_host
from app.services.texts import scope_kinds
from app.services.texts_sessions import session_line
from tests.fakes.link import FakeLink
from tests.fakes.queries import FakeQueries
from tests.remote_assist.world import World
from tests.widgets import scenes_companion as scenes
from tests.widgets.test_remote import ORDER, Stage, info
from widgets.companion.bar import SharingBar
from widgets.companion.masks import MaskWindow
from widgets.companion.request import RequestWindow
from widgets.foundation import PlainLabel, Theme
from widgets.remote.flow import SessionFlow
from widgets.remote.session_window import SessionWindow

FILES = (Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT)


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Iterator[Stage]:
    """A session that is verified."""
    made = Stage(qtbot, theme)
    made.live(Phase.VERIFIED)
    yield made
    made.flow.close()


def forbid(stage: Stage, *scopes: Scope, by: str = "customer") -> SessionWindow:
    """Show a session in which these are forbidden and recording is not."""
    asks = tuple(ScopeAsk(scope, AskState.FORBIDDEN, by=by) for scope in scopes)
    base = info(Phase.VERIFIED)
    view = replace(base.view, asks=(*asks, ScopeAsk(Scope.RECORDING, AskState.POSSIBLE)))
    stage.flow.show_session(replace(base, view=view))
    assert stage.flow.session is not None
    return stage.flow.session


@pytest.mark.parametrize(("by", "whose"), [("customer", "on Minsu Park's computer"), ("agent", "of your organisation")])
def test_the_agent_reads_what_is_forbidden_and_by_whom_and_has_no_button_for_it(
    stage: Stage, by: str, whose: str
) -> None:
    """Words instead of a button that cannot be pressed; the others are there."""
    window = forbid(stage, Scope.CONTROL, *FILES, by=by)
    assert window.tools.words.text() == f"Policy {whose} forbids in sessions: mouse and keyboard, files."
    assert window.tools.ask[Scope.CONTROL].isHidden()
    assert window.files.send.isHidden()
    assert window.files.ask.isHidden()
    assert window.tools.recording.film.isVisible()


def test_the_key_for_control_says_why_nothing_is_asked(stage: Stage) -> None:
    """Whoever works by keys hears it too."""
    window = forbid(stage, Scope.CONTROL)
    window.picture.setFocus()
    QTest.keyClick(window, Qt.Key.Key_C)
    assert window.notice.isVisible()
    assert "forbids in sessions: mouse and keyboard" in window.notice.text.text()
    assert not [done for done in stage.desk.controls.did if "request" in done]


def test_the_customer_reads_before_the_yes_what_nobody_can_ask_for(theme: Theme, qtbot: QtBot) -> None:
    """And without policy nothing is said about one."""
    texts = []
    for forbidden in ((Scope.CONTROL, Scope.RECORDING), ()):
        prompt = replace(scenes.sample_prompt(), forbidden=forbidden)
        window = RequestWindow(theme, prompt, lambda: 0, lambda: None)
        qtbot.addWidget(window)
        texts.append("\n".join(label.text() for label in window.findChildren(PlainLabel)))
    assert "Policy on this computer forbids in every session: mouse and keyboard, recording." in texts[0]
    assert "olicy" not in texts[1]


def test_the_bar_says_something_in_passing_and_then_again_who_looks(theme: Theme, qtbot: QtBot) -> None:
    """What is told does not stay in the way of what matters."""
    bar = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(bar)
    bar.show_sharing("Notes", paused=False, lost=False, number="", live=True)
    bar.say("Kim Jiwoo asked for control.")
    assert bar.what.text() == "Kim Jiwoo asked for control."
    bar._silence.timeout.emit()
    assert bar.what.text() == "Kim Jiwoo is LOOKING AT “Notes”"


def test_the_tickets_history_tells_policy_from_a_persons_no() -> None:
    """As the entry says it."""
    data: dict[str, object] = {"by": "system", "scopes": ["control"], "policy": True, "sid": "1"}
    item = ThreadItem(
        b"1" * 16, ItemKind.EVENT, 1, "customer", b"a" * 16, "Minsu Park", "", event="session.refusal", data=data
    )
    words = session_line(item, [item], "Minsu Park")
    assert words is not None
    assert words[0] == (
        "Asked for in the session, but policy of the customer's organisation forbids it: mouse and keyboard"
    )


def test_kinds_are_named_once_whichever_way_they_go() -> None:
    """As the administrator switches them."""
    assert scope_kinds([*FILES, Scope.CLIPBOARD_TO_AGENT]) == "clipboard, files"
    assert scope_kinds(Policy().forbidden) == ""


def test_an_agent_whose_policy_allows_no_sharing_reads_so_and_invites_nobody(theme: Theme, qtbot: QtBot) -> None:
    """Before any window opens and before the server hears of it."""
    link, queries = FakeLink(), FakeQueries()
    desk = SessionDesk(
        link, lambda _change: None, queries.details, lambda parent: make_session_host("agent", parent),
        policy=lambda: Policy({"session.enabled": False}),
    )  # fmt: skip
    window = QWidget()
    qtbot.addWidget(window)
    flow = SessionFlow(theme, ORDER, window)
    with qtbot.waitSignal(flow.failed) as told:
        flow.start(desk)
    assert "allows no screen sharing" in told.args[0]
    assert flow.invitation is None
    assert not link.calls


def test_the_customer_reads_which_windows_policy_keeps_back_and_cannot_drop_them(theme: Theme, qtbot: QtBot) -> None:
    """In the request, and in the window in which parts are hidden."""
    prompt = replace(scenes.sample_prompt(), hidden=("payroll", "급여"))
    request = RequestWindow(theme, prompt, lambda: 0, lambda: None)
    qtbot.addWidget(request)
    assert any("payroll, 급여" in label.text() for label in request.findChildren(PlainLabel))
    window = MaskWindow(theme, [], [MaskRule("mail")], can_follow=True, fixed=[MaskRule("payroll")])
    qtbot.addWidget(window)
    assert window.by_policy.text().endswith(": payroll")
    window.rule_list.setCurrentRow(0)
    window.drop_rule.click()
    assert window.rules() == ()
    assert window.by_policy.text().endswith(": payroll")


def test_the_agents_policy_keeps_scopes_out_of_the_invitation_that_the_desk_makes(theme: Theme, qtbot: QtBot) -> None:
    """It is read when a session begins, so that a policy of this morning counts."""
    world, link, queries = World(), FakeLink(), FakeQueries()
    policies = [Policy({"session.allow_files": False}), Policy()]
    desk = SessionDesk(
        link, lambda _change: None, queries.details, lambda parent: make_session_host("agent", parent),
        policy=lambda: policies.pop(0),
    )  # fmt: skip
    desk._identity, desk._valid_until = world.agent_end._identity, 1 << 60
    window = QWidget()
    qtbot.addWidget(window)
    flow = SessionFlow(theme, ORDER, window)
    offered = []
    for _ in range(2):
        desk.start(ORDER, flow)
        body = json.loads(next(body for _m, path, body in reversed(link.calls) if path.endswith("/invitations")))
        signed = SignedDocument.from_parts(body["invitation"], body["signature"])
        offered.append(set(json.loads(signed.document)["scopes_max"]))
    assert offered[1] - offered[0] == set(FILES)
    desk.shut_down()
