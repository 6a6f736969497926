# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's reason for a request: optional, for that request, by keys alone; the customer reads the agent's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.domain.assist import WHY_MAX, AskState, Phase, Scope, ScopeAsk
from app.entry.companion_talk import CompanionTalk
from remote_assist.actions import AskScope
from tests.widgets.test_remote import Stage, info
from widgets.companion.files import FileRequest
from widgets.companion.permission import PermissionWindow
from widgets.foundation import PlainLabel, Theme
from widgets.remote.session_window import SessionWindow

SCOPES = (
    Scope.POINTER, Scope.CONTROL, Scope.DIAGNOSTICS, Scope.RECORDING, Scope.FILES_TO_AGENT, Scope.FILES_TO_CUSTOMER,
    Scope.CLIPBOARD_TO_AGENT, Scope.CLIPBOARD_TO_CUSTOMER,
)  # fmt: skip
WHO = ("Kim Jiwoo", "Hanbit Support")


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Iterator[Stage]:
    """A session that is verified, in front."""
    made = Stage(qtbot, theme)
    made.live(Phase.VERIFIED)
    yield made
    made.flow.close()


def show(stage: Stage, state: AskState = AskState.POSSIBLE) -> SessionWindow:
    """Everything stands like this."""
    base = info(Phase.VERIFIED)
    asks = tuple(ScopeAsk(scope, state) for scope in SCOPES)
    stage.flow.show_session(replace(base, view=replace(base.view, asks=asks)))
    assert stage.flow.session is not None
    return stage.flow.session


@pytest.mark.parametrize(
    ("press", "asked"),
    [
        (lambda w: QTest.keyClick(w.picture, Qt.Key.Key_P), "request pointer"),
        (lambda w: QTest.keyClick(w.picture, Qt.Key.Key_C), "request control"),
        (lambda w: QTest.keyClick(w.picture, Qt.Key.Key_I), "request diagnostics"),
        (lambda w: QTest.keyClick(w.picture, Qt.Key.Key_G), "request files.to_agent"),
        (lambda w: QTest.keyClick(w.picture, Qt.Key.Key_R), "record"),
        (lambda w: w.tools.recording.still.click(), "still"),
        (lambda w: w.files.offered.emit([Path("driver.pdf")]), "offer driver.pdf"),
    ],
)
def test_what_is_written_goes_with_the_next_request_and_not_with_the_one_after(
    stage: Stage, qtbot: QtBot, press: Callable[[SessionWindow], object], asked: str
) -> None:
    """By keys alone: Y, the words, Enter, and the key of the request."""
    window = show(stage)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.picture.setFocus()
    QTest.keyClick(window.picture, Qt.Key.Key_Y)
    assert window.tools.reason.hasFocus()
    QTest.keyClicks(window.tools.reason, "to   pick the driver")
    QTest.keyClick(window.tools.reason, Qt.Key.Key_Return)
    assert window.picture.hasFocus()
    assert stage.desk.controls.did == []
    press(window)
    press(window)
    assert stage.desk.controls.did == [f"{asked}: to pick the driver", asked]


def test_letters_in_the_field_are_letters_and_escape_keeps_them(stage: Stage, qtbot: QtBot) -> None:
    """C and R ask for nothing while somebody writes; there is room for as much as the question shows."""
    window = show(stage)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    field = window.tools.reason
    field.setFocus()
    QTest.keyClicks(field, "crisp")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert (field.text(), field.hasFocus(), stage.desk.controls.did) == ("crisp", False, [])
    field.setText("x" * 1000)
    assert len(field.take()) == WHY_MAX


def test_no_reason_is_used_up_where_nothing_is_asked(stage: Stage) -> None:
    """Recording that is allowed already asks nobody; the field goes when there is nothing to ask for."""
    window = show(stage)
    window.tools.reason.setText("later")
    show(stage, AskState.GRANTED)
    window.tools.recording.film.click()
    assert stage.desk.controls.did == ["record"]
    assert window.tools.reason.text() == "later"
    window.tools.reason.clear()
    show(stage, AskState.WAITING)
    assert window.tools.reason.isHidden()


def test_the_window_for_texts_has_a_reason_of_its_own(stage: Stage) -> None:
    """For a text that is given as for one that is asked for."""
    clips = show(stage).talk.clips
    clips.text.setPlainText("7K-4410")
    clips.reason.setText("the serial number")
    clips.give.click()
    clips.reason.setText("the error text")
    clips.ask.click()
    clips.ask.click()
    assert stage.desk.controls.did == [
        "clip 7K-4410: the serial number", "request clipboard.to_agent: the error text", "request clipboard.to_agent"
    ]  # fmt: skip


def test_every_question_shows_the_reason_as_the_agents_own_words(theme: Theme, qtbot: QtBot) -> None:
    """Never as words of the program; without one there is no such line."""
    parent = QWidget()
    qtbot.addWidget(parent)
    talk = CompanionTalk(theme, lambda: 0, parent)
    for why in ("to see the error", ""):
        windows = [PermissionWindow(theme, scope, WHO, why, 120_000, lambda: 0) for scope in SCOPES[:4]]
        clip = talk.window_for(AskScope(Scope.CLIPBOARD_TO_AGENT, why, 120_000), WHO)
        assert clip is not None
        for window in (*windows, clip, FileRequest(theme, WHO, why, 120_000, lambda: 0)):
            qtbot.addWidget(window)
            said = [label.text() for label in window.findChildren(PlainLabel)]
            assert ("Kim Jiwoo writes: “to see the error”" in said) is bool(why)
            assert any("writes:" in text for text in said) is bool(why)
