# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions and masks are drawn by mouse and by keys, and count at once."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.assist import TargetChoice
from app.domain.masking import DEFAULT_RULES, MaskRule
from app.entry.companion_masks import read_rules, write_rules
from tests.widgets import scenes_companion as scenes
from widgets.companion.masks import MaskWindow, RegionWindow
from widgets.companion.parts import PartsPicture
from widgets.companion.request import RequestWindow
from widgets.foundation import Theme

_MOVE, _LEFT = Qt.KeyboardModifier, Qt.MouseButton.LeftButton


def _picture(theme: Theme, qtbot: QtBot, *, single: bool = False) -> PartsPicture:
    """Two pixels of the source are one of the widget."""
    picture = PartsPicture(theme, single=single)
    qtbot.addWidget(picture)
    picture.resize(802, 602)
    image = QImage(1600, 1200, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    picture.show_picture(image)
    picture.show()
    return picture


def _drag(picture: PartsPicture, start: tuple[int, int], end: tuple[int, int]) -> None:
    QTest.mousePress(picture, _LEFT, pos=QPoint(*start))
    QTest.mouseMove(picture, QPoint((start[0] + end[0]) // 2, (start[1] + end[1]) // 2))
    QTest.mouseMove(picture, QPoint(*end))
    QTest.mouseRelease(picture, _LEFT, pos=QPoint(*end))


def test_dragging_makes_moves_and_sizes_a_part_in_pixels_of_the_source(theme: Theme, qtbot: QtBot) -> None:
    """A click alone makes nothing; a part stays inside the picture and has even sides."""
    picture = _picture(theme, qtbot)
    QTest.mouseClick(picture, _LEFT, pos=QPoint(300, 300))
    assert picture.boxes() == []
    with qtbot.waitSignal(picture.changed):
        _drag(picture, (101, 101), (201, 151))
    assert picture.boxes() == [(200, 200, 200, 100)]
    _drag(picture, (151, 121), (161, 141))
    assert picture.boxes() == [(220, 240, 200, 100)]
    _drag(picture, (211, 171), (251, 201))
    assert picture.boxes() == [(220, 240, 280, 160)]
    _drag(picture, (151, 151), (790, 590))
    assert picture.boxes() == [(1600 - 280, 1200 - 160, 280, 160)]


def test_everything_goes_by_keys(theme: Theme, qtbot: QtBot) -> None:
    """Make, move, size by arrows, finely with Ctrl, choose another, take away; the place is told in words."""
    picture = _picture(theme, qtbot)
    picture.setFocus()
    QTest.keyClick(picture, Qt.Key.Key_Insert)
    assert picture.boxes() == [(600, 450, 400, 300)]
    QTest.keyClick(picture, Qt.Key.Key_Left)
    QTest.keyClick(picture, Qt.Key.Key_Down, _MOVE.ControlModifier)
    QTest.keyClick(picture, Qt.Key.Key_Right, _MOVE.ShiftModifier)
    assert picture.boxes() == [(584, 452, 416, 300)]
    assert "584 from the left" in picture.accessibleDescription()
    QTest.keyClick(picture, Qt.Key.Key_Insert)
    QTest.keyClick(picture, Qt.Key.Key_PageUp)
    assert picture.current == 0
    QTest.keyClick(picture, Qt.Key.Key_Delete)
    assert picture.boxes() == [(600, 450, 400, 300)]


def test_parts_of_a_region_count_from_the_corner_of_the_whole(theme: Theme, qtbot: QtBot) -> None:
    """The picture shows the region alone; what is drawn there lies in the window it is part of."""
    picture = _picture(theme, qtbot)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    picture.show_picture(image, (100, 50))
    _drag(picture, (1, 1), (101, 51))
    assert picture.boxes() == [(100, 50, 100, 50)]


def test_the_window_lists_parts_and_rules_and_tells_each_change_at_once(theme: Theme, qtbot: QtBot) -> None:
    """A part and a rule are added and removed; a word twice is one rule."""
    window = MaskWindow(theme, [(2, 4, 60, 80)], DEFAULT_RULES, can_follow=True)
    qtbot.addWidget(window)
    window.picture.show_picture(scenes.sample_desktop())
    assert window.which.count() == 1
    with qtbot.waitSignal(window.masks_changed) as told:
        window.add.click()
    assert told.args[0][0] == (2, 4, 60, 80)
    assert window.which.count() == 2
    with qtbot.waitSignal(window.masks_changed) as told:
        window.remove.click()
    assert told.args[0] == [(2, 4, 60, 80)]
    window.word.setText("  mail ")
    with qtbot.waitSignal(window.rules_changed) as told:
        window.add_rule.click()
    assert told.args[0] == (*DEFAULT_RULES, MaskRule("mail"))
    window.word.setText("Mail")
    with qtbot.assertNotEmitted(window.rules_changed):
        window.add_rule.click()
    window.rule_list.setCurrentRow(0)
    with qtbot.waitSignal(window.rules_changed) as told:
        window.drop_rule.click()
    assert told.args[0] == (*DEFAULT_RULES[1:], MaskRule("mail"))
    assert read_rules(write_rules(told.args[0])) == told.args[0]


@pytest.mark.parametrize("text", [None, "", "{", '[{"word": 5}]'])
def test_rules_that_cannot_be_read_are_those_of_the_beginning(text: str | None) -> None:
    """A banking window still stops the picture."""
    assert read_rules(text) == DEFAULT_RULES


def test_nobody_allows_before_the_region_is_drawn_and_seen_alone(theme: Theme, qtbot: QtBot) -> None:
    """The picture of the whole target is no preview of a region."""
    images = [scenes.sample_desktop()]
    clock = [0]
    window = RequestWindow(theme, scenes.sample_prompt(), lambda: clock[0], lambda: images[0])
    qtbot.addWidget(window)
    window.show_targets((TargetChoice("screen:0", "screen", "", (0, 0, 1280, 800)),))
    clock[0] = 5000
    window.picture_arrived()
    assert window.yes.isEnabled()
    with qtbot.waitSignal(window.region_wanted) as wanted:
        window.targets.draw.click()
    assert wanted.args == ["screen:0", "screen"]
    window.picture_arrived()
    assert not window.yes.isEnabled()
    window.use_region((10, 20, 300, 201))
    window.picture_arrived()
    assert not window.yes.isEnabled()
    images[0] = QImage(300, 202, QImage.Format.Format_RGB32)
    window.picture_arrived()
    assert window.yes.isEnabled()
    assert "Region of" in window.preview.accessibleDescription()
    with qtbot.waitSignal(window.target_chosen):
        window.targets.pick(window.whole_screen)
    assert not window.yes.isEnabled()


def test_a_region_is_used_only_when_one_is_drawn(theme: Theme, qtbot: QtBot) -> None:
    """Escape and closing draw none."""
    window = RegionWindow(theme)
    qtbot.addWidget(window)
    window.picture.show_picture(scenes.sample_desktop())
    assert not window.use.isEnabled()
    window.add.click()
    with qtbot.waitSignals([window.picked, window.closed]):
        window.use.click()
