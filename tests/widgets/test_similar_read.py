# SPDX-License-Identifier: GPL-3.0-or-later
"""Similar tickets beside the one that is read: there once somebody stays on it, and a press opens them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.sync.desk import Client
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Button, Fold, Theme


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, kim: Client, tmp_path: Path) -> RealDesk:
    """The window."""
    return RealDesk(qtbot, theme, kim, tmp_path)


def test_a_similar_ticket_stands_beside_the_one_that_is_read_and_opens(desk: RealDesk, kim: Client) -> None:
    """What it has in common is said; another ticket shows none of it."""
    one = kim.new_ticket("PX-200 인쇄 오류 E-1042", "두 장을 인쇄하면 E-1042가 나오고 멈춥니다")
    two = kim.new_ticket("인쇄 오류", "PX-200에서 인쇄하면 E-1042가 나오고 멈춥니다")
    other = kim.new_ticket("세금계산서 재발행", "3월분을 다시 부탁드립니다")
    panel = desk.window.customer

    def alike() -> list[Fold]:
        folds = [fold for fold in panel.findChildren(Fold) if fold.isVisible()]
        return [fold for fold in folds if fold.header.text() == "1 similar ticket"]

    desk.open(two)
    desk.qtbot.waitUntil(lambda: len(alike()) == 1)
    button = next(each for each in alike()[0].findChildren(Button) if "PX-200" in each.accessibleName())
    assert "same customer" in button.accessibleName()
    desk.open(other)
    desk.qtbot.waitUntil(lambda: not alike())
    desk.open(two)
    desk.qtbot.waitUntil(lambda: len(alike()) == 1)
    next(each for each in alike()[0].findChildren(Button) if "PX-200" in each.accessibleName()).click()
    desk.qtbot.waitUntil(lambda: desk.window.desk.details is not None and desk.window.desk.details.row.id == one)
