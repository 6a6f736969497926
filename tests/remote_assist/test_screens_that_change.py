# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitors come, go and change places while one of them is shared: no pixel of another gets to the encoder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.capture import CaptureError, Rect, TargetKind
from remote_assist.x11_windows import X11Windows
from tests.fakes import xvfb
from tests.fakes.monitors import Monitors
from tests.fakes.wait import wait_until
from tests.remote_assist.capture_line import Line, grab_once, resize
from tests.remote_assist.secret_window import HIGH, WIDE, SecretWindow, secret_pixels

pytestmark = [
    pytest.mark.x11,
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
]
HALF = WIDE // 2
LEFT, RIGHT = (0, 0, HALF, HIGH), (HALF, 0, HALF, HIGH)


@pytest.fixture
def display() -> Iterator[str]:
    with xvfb.own_display(WIDE, HIGH) as name:
        yield name


@pytest.fixture
def monitors(display: str) -> Iterator[Monitors]:
    """Two of one model, as far as anybody can tell by title, beside one that is nowhere."""
    monitors = Monitors(display)
    monitors.put(BASE=(0, 0, 2, 2))
    monitors.put(LEFT=LEFT, RIGHT=RIGHT)
    yield monitors
    monitors.close()


@pytest.fixture
def secret(display: str, monitors: Monitors) -> Iterator[SecretWindow]:
    """All of the monitor that is not shared."""
    window = SecretWindow(display, size=(HALF, HIGH))
    window.place(HALF, 0)
    window.show()
    yield window
    window.close()


@pytest.fixture
def line(display: str, secret: SecretWindow) -> Iterator[Line]:
    line = Line(display)
    line.share(TargetKind.SCREEN, id_="screen:LEFT")
    wait_until(lambda: line.newest().shape == (HIGH, HALF))
    yield line
    line.close()
    assert not any(secret_pixels(picture.rows) for picture in line.pictures)


def quiet(line: Line) -> None:
    """Wait for the source to withhold what changed."""
    wait_until(lambda: line.source.failed == "target_changed")


def test_monitors_are_named_by_their_output(line: Line, monitors: Monitors) -> None:
    """Number, order and title go to another monitor when one is unplugged."""
    ids = [target.id for target in line.source.targets() if target.kind is TargetKind.SCREEN]
    assert ids == ["screen:BASE", "screen:LEFT", "screen:RIGHT"]
    monitors.unplug("LEFT")
    ids = [target.id for target in line.source.targets() if target.kind is TargetKind.SCREEN]
    assert ids == ["screen:BASE", "screen:RIGHT"]


def test_the_shared_monitor_is_unplugged(line: Line, monitors: Monitors) -> None:
    """It is over: the one that takes its number, its title and its size is not shown instead."""
    monitors.unplug("LEFT")
    wait_until(lambda: line.source.failed == "target_gone")


def test_another_monitor_takes_the_place_of_the_one_that_was_unplugged(line: Line, monitors: Monitors) -> None:
    """Its pixels are where the shared ones were."""
    monitors.unplug("LEFT")
    monitors.put(RIGHT=LEFT)
    wait_until(lambda: line.source.failed == "target_gone")


def test_another_monitor_is_unplugged(line: Line, monitors: Monitors, secret: SecretWindow) -> None:
    """Its windows are moved to the shared one by the desktop: nothing passes until the customer has looked."""
    monitors.unplug("RIGHT")
    secret.place(0, 0)
    quiet(line)
    secret.place(HALF, 0)
    line.source.looked()
    grab_once(line)
    assert line.source.failed == ""
    assert line.source.geometry() == Rect(*LEFT)


def test_two_monitors_change_places(line: Line, monitors: Monitors, secret: SecretWindow) -> None:
    """The places are the same, the names are not. Afterwards the same monitor is shown, where it is now."""
    monitors.put(LEFT=RIGHT, RIGHT=LEFT)
    quiet(line)
    secret.place(0, 0)  # with its monitor
    line.source.looked()
    grab_once(line)
    assert line.source.geometry() == Rect(*RIGHT)


def test_one_more_monitor_disturbs_nobody(line: Line, monitors: Monitors) -> None:
    """No window comes from it."""
    monitors.put(THIRD=(0, 0, 100, 100))
    grab_once(line)
    assert line.source.failed == ""


def test_a_monitor_that_becomes_larger_shows_itself_alone(line: Line, monitors: Monitors) -> None:
    """Grown into the place of its neighbour, which has moved away: nothing passes before a look."""
    monitors.put(LEFT=(0, 0, HALF + 100, HIGH), RIGHT=(HALF + 100, 0, HALF - 100, HIGH))
    quiet(line)


def test_a_region_drawn_on_a_screen_of_another_size_shows_nothing(display: str) -> None:
    """The picture program died, and meanwhile the screen changed: the region lies over something else."""
    line = Line(display)
    resize(display, 640, 480)
    line.share(TargetKind.SCREEN, (400, 300, 100, 100), size=(WIDE, HIGH))
    wait_until(lambda: line.pipeline.fault == "target_gone")
    line.pipeline.set_masks([(0, 0, 10, 10)], looked=True)
    grab_once(line)
    line.close()
    assert line.pipeline.fault == "target_gone"
    assert line.pictures == []


def test_who_follows_screens_for_another_source_says_the_same(display: str, monitors: Monitors) -> None:
    """Qt goes on taking the old place without a word."""
    windows = X11Windows(display)
    left = next(target for target in windows.screens() if target.id == "screen:LEFT")
    hold = windows.hold(left)
    try:
        assert hold.place() == Rect(*LEFT)
        monitors.unplug("RIGHT")
        with pytest.raises(CaptureError, match="target_changed"):
            hold.place()
        hold.looked()
        assert hold.place() == Rect(*LEFT)
        monitors.put(LEFT=RIGHT)
        with pytest.raises(CaptureError, match="target_gone"):
            hold.place()
    finally:
        hold.close()
