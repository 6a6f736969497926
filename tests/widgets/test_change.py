# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharing something else: the bar's button, the window with its preview, and what the agent and the ticket say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.assist import Notice, TargetChoice
from app.domain.ports import ItemKind, ThreadItem
from app.services.texts_sessions import session_line
from tests.widgets import scenes_companion as scenes
from widgets.companion.bar import SharingBar
from widgets.companion.change import ChangeWindow
from widgets.foundation import PlainLabel, Theme
from widgets.remote.words import notice_text


def opened(theme: Theme, qtbot: QtBot) -> tuple[ChangeWindow, list[int]]:
    """The window in front, with its preview, and its clock."""
    clock, image = [0], scenes.sample_desktop()
    window = ChangeWindow(theme, scenes.sample_prompt(), lambda: clock[0], lambda: image, "“Notes”")
    qtbot.addWidget(window)
    window.show_targets((TargetChoice("screen:0", "screen", "DP-1", (0, 0, 1920, 1080)),))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window, clock


@pytest.mark.parametrize(
    "deed", [lambda w: QTest.keyClick(w, Qt.Key.Key_Escape), lambda w: w.close(), lambda w: w.no.click()]
)
def test_what_is_shared_stays_in_every_way_but_one(
    theme: Theme, qtbot: QtBot, deed: Callable[[ChangeWindow], object]
) -> None:
    """The button that keeps it has the focus; Escape and the cross do the same."""
    window, _clock = opened(theme, qtbot)
    assert window.no.hasFocus()
    with qtbot.waitSignal(window.refused), qtbot.assertNotEmitted(window.allowed):
        deed(window)


def test_the_window_says_how_long_the_session_still_waits_for_a_choice(theme: Theme, qtbot: QtBot) -> None:
    """And that nobody sees anything meanwhile."""
    window, clock = opened(theme, qtbot)
    assert "nothing while you choose." in window.time.text()
    assert "ends in" not in window.time.text()
    window.rests_until(300_000)
    assert window.time.text().endswith("sees nothing now. Without a choice sharing ends in 5:00.")
    clock[0] = 240_500
    window._count()
    assert window.time.text().endswith("sharing ends in 1:00.")


def test_sharing_it_needs_a_preview_a_second_and_a_press_that_is_not_enter(theme: Theme, qtbot: QtBot) -> None:
    """As at the beginning; Space on the button is enough for who works by keys."""
    window, clock = opened(theme, qtbot)
    clock[0] = 2_000
    window._count()
    assert not window.yes.isEnabled()
    window.picture_arrived()
    assert window.yes.isEnabled()
    window.yes.setFocus()
    with qtbot.assertNotEmitted(window.allowed):
        QTest.keyClick(window.yes, Qt.Key.Key_Return)
    with qtbot.waitSignal(window.allowed):
        QTest.keyClick(window.yes, Qt.Key.Key_Space)


def test_the_window_says_what_is_shared_now_and_that_nobody_sees_the_choice(theme: Theme, qtbot: QtBot) -> None:
    """In words of its own: nothing about a first request, no time that runs."""
    window, _clock = opened(theme, qtbot)
    said = "\n".join(label.text() for label in window.findChildren(PlainLabel))
    assert "Shared until now: “Notes”" in said
    assert "Kim Jiwoo sees nothing while you choose" in said
    assert "NOT included" not in said
    assert (window.no.label(), window.yes.label()) == ("Keep what I share", "Share this instead")


def test_the_bar_has_a_button_for_it_from_the_first_picture_on(theme: Theme, qtbot: QtBot) -> None:
    """Named for those who cannot see its icon, and pressed by keys."""
    bar = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(bar)
    bar.show()
    assert not bar.switch.isVisible()
    bar.show_sharing("Notes", paused=False, lost=False, number="", live=True)
    assert bar.switch.isVisible()
    assert bar.switch.accessibleName() == "Share something else"
    with qtbot.waitSignal(bar.target_wanted):
        QTest.keyClick(bar.switch, Qt.Key.Key_Return)
    bar.end()


def test_agent_and_ticket_say_that_it_is_something_else() -> None:
    """In passing in the agent's window, and for good in the history."""
    assert notice_text(Notice.TARGET, "") == "The customer shares something else now."
    data: dict[str, object] = {"by": "customer", "target": "screen", "sid": "1"}
    item = ThreadItem(
        b"1" * 16, ItemKind.EVENT, 1, "customer", b"a" * 16, "Minsu Park", "", event="session.target", data=data
    )
    words = session_line(item, [item], "Minsu Park")
    assert words is not None
    assert words[0] == "Minsu Park shared something else: the whole screen"
