# SPDX-License-Identifier: GPL-3.0-or-later
"""What this computer knows goes with a request: looked at after a yes, shown fact by fact, any kept back or typed."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.fact_card import ToldFacts
from tests.widgets.scenes_known import FOUND, NOW_MS, ask_window
from widgets.companion.compose import AskWindow
from widgets.companion.model import AssetLine
from widgets.foundation import PlainLabel, Theme

PRINTER = AssetLine("p1", "PX-200", "PX-200 WiFi", "88-1032")
LAPTOP = AssetLine("p2", "LG gram", "14Z90S", "5CD 1")


@pytest.fixture
def window(theme: Theme, qtbot: QtBot) -> AskWindow:
    """A request about a printer."""
    made = AskWindow(theme, (PRINTER, LAPTOP), lambda: NOW_MS, online=False)
    qtbot.addWidget(made)
    made.show()
    made.subject.setText("It stops")
    return made


def told(window: AskWindow, qtbot: QtBot) -> ToldFacts | None:
    """Press Send request."""
    with qtbot.waitSignal(window.sent) as sent:
        window.send.click()
    return cast("ToldFacts | None", sent.args[3] if sent.args else None)


def test_without_a_yes_nothing_is_looked_at_and_nothing_is_told(window: AskWindow, qtbot: QtBot) -> None:
    """The tick is not set for anybody, and what was found after it was taken away is dropped."""
    assert not window.known.consent.isChecked()
    with qtbot.waitSignal(window.known.wanted):
        window.known.consent.click()
    window.known.consent.click()
    window.known.show_findings(FOUND)
    assert not window.known.rows
    assert told(window, qtbot) is None


def test_each_fact_shows_with_its_time_and_can_be_kept_back_by_keyboard(window: AskWindow, qtbot: QtBot) -> None:
    """What stands there with its tick is what goes, and no more."""
    window.known.consent.click()
    window.known.show_findings(FOUND)
    shown = "\n".join(label.text() for label in window.known.findChildren(PlainLabel))
    assert all(fact.value in shown for fact in FOUND if fact.name not in ("serial", "last_error"))
    assert "wlan0" in window.known.rows["network"].tick.accessibleName()
    window.known.rows["network"].tick.setFocus()
    QTest.keyClick(window.known.rows["network"].tick, Qt.Key.Key_Space)
    sent = told(window, qtbot)
    assert sent is not None
    assert "network" not in sent.facts
    assert sent.facts["last_error"] == "cupsd: Printer E-1042 paper jam, tray 2"
    assert (sent.collected_at, dict(sent.found_at)) == (NOW_MS, {"last_error": NOW_MS - 26 * 3_600_000})
    assert (sent.facts["product"], sent.facts["serial"]) == ("PX-200 PX-200 WiFi", "88-1032")


def test_a_serial_number_that_cannot_be_read_is_said_so_and_may_be_typed(window: AskWindow, qtbot: QtBot) -> None:
    """As on most Linux computers; what was typed stays when another product is chosen."""
    window.product.setCurrentIndex(0)
    window.known.consent.click()
    window.known.show_findings(FOUND)
    serial = window.known.rows["serial"].edit
    assert serial is not None
    assert serial.text() == ""
    assert serial.accessibleDescription() == serial.placeholderText() != ""
    window.product.setCurrentIndex(1)
    assert serial.text() == "88-1032"
    window.product.setCurrentIndex(0)
    assert serial.text() == ""
    QTest.keyClicks(serial, "5CD77")
    window.product.setCurrentIndex(1)
    sent = told(window, qtbot)
    assert sent is not None
    assert sent.facts["serial"] == "5CD77"


def test_a_request_about_this_very_computer_names_no_other_product(window: AskWindow, qtbot: QtBot) -> None:
    """So the server knows that the facts are the product's own."""
    window.product.setCurrentIndex(2)
    window.known.consent.click()
    window.known.show_findings([replace(f, value="5cd1") if f.name == "serial" else f for f in FOUND])
    sent = told(window, qtbot)
    assert sent is not None
    assert "product" not in sent.facts


def test_a_request_that_could_not_be_kept_comes_back_with_its_facts_as_they_were(theme: Theme, qtbot: QtBot) -> None:
    """What was kept back is kept back again, what was typed stands there."""
    first = ask_window(theme)
    qtbot.addWidget(first)
    first.known.rows["network"].tick.setChecked(False)
    edit = first.known.rows["last_error"].edit
    assert edit is not None
    edit.setText("E-7")
    before = first.known.told()
    assert before is not None
    again = AskWindow(theme, (), lambda: NOW_MS, online=True)
    qtbot.addWidget(again)
    with qtbot.waitSignal(again.known.wanted):
        again.known.restore(before)
    again.known.show_findings(FOUND)
    after = again.known.told()
    assert after is not None
    assert dict(after.facts) == {k: v for k, v in before.facts.items() if k != "product"}
