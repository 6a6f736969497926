# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's bar on a small screen: every word that is on it can be read, and STOP is whole and first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.assist import Scope
from widgets.companion.bar import SharingBar
from widgets.companion.permission import bar_name
from widgets.foundation import Button, Theme

ALL = tuple(scope for scope in Scope if scope is not Scope.VIEW)
THREE = (Scope.POINTER, Scope.CONTROL, Scope.RECORDING)


@pytest.fixture
def bar(theme: Theme, qtbot: QtBot) -> Iterator[SharingBar]:
    """A bar on the screen of the tests, which is 800 px wide."""
    assert QGuiApplication.primaryScreen().availableGeometry().width() == 800
    made = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(made)
    made.show()
    yield made
    made.end()


def give(bar: SharingBar, *grants: Scope) -> None:
    """This is allowed now, besides looking."""
    bar.show_sharing(
        "Printer settings", paused=False, lost=False, number="482 917", live=True, grants=(Scope.VIEW, *grants)
    )


def buttons(bar: SharingBar) -> list[Button]:
    """Those that show."""
    return [button for button in bar.findChildren(Button) if button.isVisible()]


def place(bar: SharingBar, widget: QWidget) -> QRect:
    """Where it is on the bar."""
    return QRect(widget.mapTo(bar, QPoint()), widget.size())


def assert_readable(bar: SharingBar) -> None:
    """Every button as wide as its words, inside the bar, none upon another; the bar inside the screen."""
    QTest.qWait(0)  # layouts are done when the loop has run once
    shown = buttons(bar)
    for button in shown:
        assert button.width() >= button.sizeHint().width(), button.accessibleName()
        assert bar.rect().contains(place(bar, button)), button.accessibleName()
        assert button.accessibleName()
    places = [place(bar, button) for button in shown]
    assert not any(one.intersects(other) for n, one in enumerate(places) for other in places[:n])
    assert bar.check.isVisible()
    assert bar.check.width() >= bar.check.sizeHint().width()
    assert bar.what.width() >= bar.what.fontMetrics().averageCharWidth() * 8
    assert QGuiApplication.primaryScreen().availableGeometry().contains(bar.geometry())


@pytest.mark.ux("UX-49")
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("percent", [100, 200])
@pytest.mark.parametrize("grants", [(), THREE[:1], THREE, ALL], ids=len)
def test_nothing_on_the_bar_is_cut_whatever_was_allowed(
    bar: SharingBar, theme: Theme, language: Literal["en", "ko"], percent: int, grants: tuple[Scope, ...]
) -> None:
    """At 800 px, at double text size, with all permissions, paused, and with texts that wait."""
    set_language(language)
    theme.set_text_percent(percent)
    give(bar, *grants)
    assert set(bar.given) == set(grants)
    assert_readable(bar)
    bar.show_unread(3)
    bar.show_kept(4, "")
    bar.show_sharing("x", paused=True, lost=False, number="", live=True, grants=(Scope.VIEW, *grants))
    assert_readable(bar)


@pytest.mark.ux("UX-50")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_bar_says_that_nobody_else_watches_while_somebody_does(
    bar: SharingBar, theme: Theme, language: Literal["en", "ko"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the agent reads it; where there is no room for the words, who hears the bar is told all the same."""
    set_language(language)
    made = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    monkeypatch.setattr(made, "_area", lambda: QRect(0, 0, 1366, 768))
    made.show()
    give(made)
    words = {"en": "nobody else watches", "ko": "다른 사람은 보지 않음"}[language]
    assert (made.alone.text(), made.what.accessibleDescription()) == (words, words)
    assert made.alone.isVisible()
    theme.set_text_percent(200)
    give(made, *ALL)
    assert not made.alone.isVisible()
    assert made.what.accessibleDescription() == words
    made.show_sharing("x", paused=True, lost=False, number="", live=True)
    assert made.what.accessibleDescription() == ""
    made.end()


def test_stop_has_its_word_and_is_first_by_tab_however_full_the_bar_is(bar: SharingBar, theme: Theme) -> None:
    """What takes a permission back has words too; only Pause and Chat may be icons, and say their names."""
    theme.set_text_percent(200)
    give(bar, *ALL)
    assert_readable(bar)
    assert bar.stop.label() == "STOP"
    assert bar.focusWidget() is bar.stop
    assert all(button.label() for button in bar.given.values())
    assert (bar.pause.accessibleName(), bar.chat.accessibleName()) == ("Pause", "Chat")
    order, at = [], bar.stop.nextInFocusChain()
    while at is not None and at is not bar.stop:
        if isinstance(at, Button):
            order.append(at)
        at = at.nextInFocusChain()
    assert set(order) >= {*bar.given.values(), bar.pause, bar.masks, bar.chat}


def test_permissions_leave_their_line_with_the_last_of_them(bar: SharingBar) -> None:
    """The bar is as high as it must be and no higher."""
    give(bar)
    low = bar.height()
    give(bar, *ALL)
    assert bar.height() > low
    give(bar)
    assert (bar.height(), bar.given) == (low, {})


def test_a_permission_on_its_own_line_is_taken_back_by_keys(bar: SharingBar, qtbot: QtBot) -> None:
    """As on the first line."""
    give(bar, *ALL)
    with qtbot.waitSignal(bar.revoked) as told:
        QTest.keyClick(bar.given[Scope.FILES_TO_AGENT], Qt.Key.Key_Return)
    assert told.args == [Scope.FILES_TO_AGENT]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_two_permissions_on_the_bar_have_the_same_name(language: Literal["ko", "en"]) -> None:
    """Whoever takes one back knows which."""
    set_language(language)
    names = [bar_name(scope) for scope in ALL]
    assert len(set(names)) == len(names), names


TWO_SCREENS = """
import json, sys
from PySide6.QtWidgets import QApplication
app = QApplication([])
from widgets.companion.bar import SharingBar
from widgets.foundation import Theme, ThemeMode, load_tokens
bar = SharingBar(Theme(app, load_tokens(), ThemeMode.LIGHT), "Kim Jiwoo", "Hanbit Support")
bar.show()
places = []
for shared in ((800, 0, 800, 600), (100, 100, 300, 200), (790, 100, 300, 200), (5000, 0, 10, 10)):
    bar.follow(shared)
    places.append(app.screenAt(bar.geometry().center()).name())
print(json.dumps(places))
"""


def test_the_bar_stands_on_the_screen_that_others_see(tmp_path: Path) -> None:
    """With two screens, also when the shared window is moved to the other; what is on none of them moves nothing."""
    screens = [
        {"name": name, "x": x, "y": 0, "width": 800, "height": 600, "logicalDpi": 96, "dpr": 1}
        for name, x in (("ONE", 0), ("TWO", 800))
    ]
    config = tmp_path / "screens.json"
    config.write_text(json.dumps({"screens": screens}))
    env = os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={config}"}
    told = subprocess.run([sys.executable, "-c", TWO_SCREENS], env=env, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip().splitlines()[-1:] == ['["TWO", "ONE", "TWO", "TWO"]'], told.stderr
