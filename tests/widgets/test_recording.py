# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording in both windows: by mouse and by key, what it says, and one click of the customer that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from app.domain.recording import RecordingState
from tests.fakes.link import FakeSessions
from tests.fakes.wait import wait_until
from tests.widgets.test_remote import Stage, info
from widgets.companion.bar import SharingBar
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme
from widgets.remote.session_window import SessionWindow


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("ko")


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Iterator[Stage]:
    made = Stage(qtbot, theme)
    yield made
    made.flow.close()


def window(stage: Stage, ask: AskState, state: RecordingState = RecordingState(), **more: object) -> SessionWindow:  # noqa: B008  # a value
    """A session in which recording stands like this."""
    if stage.flow.session is None:
        stage.live(Phase.VERIFIED)
    grants = (Scope.VIEW, Scope.RECORDING) if ask is AskState.GRANTED else (Scope.VIEW,)
    said = info(Phase.VERIFIED, asks=(ScopeAsk(Scope.RECORDING, ask),), **more)
    stage.flow.show_session(replace(said, view=replace(said.view, grants=grants), recording=state))
    assert stage.flow.session is not None
    return stage.flow.session


def press(shown: SessionWindow, key: Qt.Key) -> None:
    """Press a key in the window, once it listens."""
    shown.activateWindow()
    wait_until(lambda: QApplication.processEvents() or shown.isActiveWindow())
    QTest.keyClick(shown, key)


def did(stage: Stage) -> list[str]:
    assert isinstance(stage.desk, FakeSessions)
    return stage.desk.controls.did


@pytest.mark.ux("UX-53")
def test_r_and_s_ask_and_then_record(stage: Stage) -> None:
    """One key asks and, once it is allowed, the same key begins and ends; the other keeps a picture."""
    shown = window(stage, AskState.POSSIBLE)
    assert (shown.tools.recording.film.text().strip(), shown.tools.recording.still.text().strip()) == (
        "Ask to record", "Ask to keep a picture",
    )  # fmt: skip
    press(shown, Qt.Key.Key_R)
    press(shown, Qt.Key.Key_S)
    window(stage, AskState.GRANTED, RecordingState(True, 1, parts=1, stills=1))
    assert (shown.tools.recording.film.text().strip(), shown.tools.recording.still.text().strip()) == (
        "Stop recording", "Keep picture (1 kept)",
    )  # fmt: skip
    press(shown, Qt.Key.Key_R)
    window(stage, AskState.GRANTED, RecordingState(parts=1))
    shown.tools.recording.film.click()
    shown.tools.recording.still.click()
    assert did(stage) == ["record", "still", "stop recording", "record", "still"]


@pytest.mark.ux("UX-49", "UX-53")
def test_rec_shows_exactly_while_it_runs(stage: Stage) -> None:
    """The agent's window says REC from the first picture kept to the last."""
    shown = window(stage, AskState.GRANTED)
    assert not shown.rec.isVisible()
    window(stage, AskState.GRANTED, RecordingState(True, 1, parts=1))
    assert shown.rec.isVisible()
    assert shown.rec.text() == "REC"
    window(stage, AskState.POSSIBLE)
    assert not shown.rec.isVisible()


@pytest.mark.parametrize("ask", [AskState.WAITING, AskState.REFUSED, AskState.TOO_OFTEN])
def test_nothing_is_asked_twice(stage: Stage, ask: AskState) -> None:
    """While the customer thinks or after a no, neither button nor key does anything."""
    shown = window(stage, ask)
    press(shown, Qt.Key.Key_R)
    shown.registry.run("session.still")
    assert not shown.tools.recording.film.isEnabled()
    assert not shown.tools.recording.still.isEnabled()
    assert did(stage) == []


def test_before_the_check_number_it_does_not_show(stage: Stage) -> None:
    """What cannot be asked for is not offered."""
    shown = window(stage, AskState.NOT_NOW)
    press(shown, Qt.Key.Key_R)
    assert not shown.tools.recording.isVisible()
    assert did(stage) == []


def test_no_picture_is_kept_while_it_is_paused(stage: Stage) -> None:
    """What is held is not shown; stopping is always possible."""
    shown = window(stage, AskState.GRANTED, RecordingState(True, 1, parts=1), paused=True)
    assert not shown.tools.recording.still.isEnabled()
    assert shown.tools.recording.film.isEnabled()


@pytest.mark.parametrize(
    ("code", "said"), [("disk_full", "disk is full"), ("too_long", "as long as"), ("x", "written")]
)
def test_what_ended_it_is_said(stage: Stage, code: str, said: str) -> None:
    """A recording that ended by itself says why, and that the rest goes to the ticket."""
    shown = window(stage, AskState.GRANTED, RecordingState(problem=code))
    assert said in shown.notice.text.text()
    assert "goes to the ticket" in shown.notice.text.text()


@pytest.mark.ux("UX-34", "UX-36", "UX-53")
def test_the_question_says_what_is_kept_and_escape_is_a_no(qtbot: QtBot, theme: Theme) -> None:
    """Film and pictures, where they go, what stays out, and that no program can promise more; the safe button waits."""
    question = PermissionWindow(theme, Scope.RECORDING, ("Kim", "Hanbit"), "", 120_000, lambda: 0)
    qtbot.addWidget(question)
    question.show()
    texts = " ".join(label.text() for label in question.findChildren(type(question.question)))
    for words in ("record what you share", "a film, or single pictures", "stored with your request", "NOT included",
                  "no program can prevent"):  # fmt: skip
        assert words in texts
    answers: list[bool] = []
    question.answered.connect(answers.append)
    QTest.keyClick(question, Qt.Key.Key_Escape)
    assert answers == [False]


@pytest.mark.ux("UX-36", "UX-49", "UX-53")
def test_the_bar_says_rec_and_one_click_takes_it_back(qtbot: QtBot, theme: Theme) -> None:
    """While it is allowed the customer sees REC; the button is the way to end it."""
    bar = SharingBar(theme, "Kim", "Hanbit")
    bar.setWindowFlags(Qt.WindowType.Widget)
    qtbot.addWidget(bar)
    bar.show_sharing("Desk", paused=False, lost=False, number="", live=True, grants=(Scope.VIEW, Scope.RECORDING))
    button = bar.given[Scope.RECORDING]
    assert (button.text().strip(), button.accessibleName()) == ("REC", "Take back: recording")
    taken: list[Scope] = []
    bar.revoked.connect(taken.append)
    button.click()
    assert taken == [Scope.RECORDING]
    bar.end()
