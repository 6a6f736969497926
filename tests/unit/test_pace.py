# SPDX-License-Identifier: GPL-3.0-or-later
"""Screens are looked at as often as asked, and right when they change."""

from __future__ import annotations

import pytest

from app.domain.pace import Pace


class _Screen:
    """Paints at the given times; is grabbed after each painting, once the pace allows it."""

    def __init__(self, fps: int) -> None:
        self.now = 0.0
        self.pace = Pace(fps, lambda: self.now)
        self.lags: list[float] = []
        self.grabs: list[float] = []

    def grab(self, painted: float) -> None:
        if self.grabs and painted <= self.grabs[-1]:
            return  # the picture before shows it already
        self.now = max(self.now, painted)
        self.now += self.pace.delay()
        self.pace.grabbed()
        self.grabs.append(self.now)
        self.lags.append(self.now - painted)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_changes_close_together_make_later_pictures_late_for_a_second_at_most(fps: int) -> None:
    """Windows that open at the start are such changes; a video plays at just the rate that is allowed."""
    screen = _Screen(fps)
    for part in (0.0, 0.3, 0.6):
        screen.grab(part / fps)
    assert screen.lags[-1] > 0.5 / fps  # the third is held back
    for frame in range(1, 2 * fps):
        screen.grab((frame + 0.6) / fps)
    assert max(screen.lags[-fps:]) == 0.0


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_a_screen_that_changes_all_the_time_is_taken_as_often_as_asked_and_hardly_more(fps: int) -> None:
    """A twentieth more; it is an average over ten seconds."""
    screen = _Screen(fps)
    while screen.now < 10:
        screen.grab(screen.now + 0.0001)
    assert 10 * fps <= len(screen.grabs) <= 10.5 * fps + 3  # the first, the lead, and the one after the end


def test_a_screen_that_jitters_loses_no_picture_and_waits_for_none() -> None:
    """Thirty a second, each up to ten milliseconds early or late."""
    screen = _Screen(30)
    for frame in range(300):
        screen.grab(1 + frame / 30 + (0.01, -0.01, 0.0)[frame % 3])
    assert max(screen.lags) == 0.0
