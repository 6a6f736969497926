# SPDX-License-Identifier: GPL-3.0-or-later
"""A Companion that hangs or is frozen shows nothing any more: nobody could press Stop there."""

from __future__ import annotations

from remote_assist.window_watch import BEAT_MS, END_MS, HOLD_MS, Step, WindowWatch


def silent(watch: WindowWatch, ms: int, step_ms: int = 250) -> list[Step]:
    """What is to be done while nothing is heard."""
    return [step for _ in range(ms // step_ms) if (step := watch.passed(step_ms))]


def test_windows_that_answer_hold_nothing_up() -> None:
    """However long it lasts, also when a sign of life comes late by a second."""
    watch = WindowWatch()
    for _ in range(100):
        assert watch.heard() is Step.NOTHING
        assert silent(watch, BEAT_MS + 1_000) == []


def test_silence_holds_the_picture_once_and_a_sign_of_life_lets_it_go_on() -> None:
    """After three seconds."""
    watch = WindowWatch()
    watch.heard()
    assert silent(watch, HOLD_MS - 250) == []
    assert silent(watch, 5_000) == [Step.HOLD]
    held = [watch.held]
    assert watch.heard() is Step.GO_ON
    assert [*held, watch.held] == [True, False]
    assert silent(watch, HOLD_MS - 250) == []


def test_silence_for_half_a_minute_is_the_end() -> None:
    """As with a lost connection."""
    watch = WindowWatch()
    watch.heard()
    assert silent(watch, END_MS) == [Step.HOLD, Step.END]


def test_a_computer_that_slept_or_was_too_busy_for_the_child_itself_blames_nobody() -> None:
    """What the child did not see pass does not count as the windows' silence."""
    watch = WindowWatch()
    watch.heard()
    assert watch.passed(3_600_000) is Step.NOTHING
    assert watch.passed(250) is Step.NOTHING


def test_who_never_gave_a_sign_of_life_is_not_waited_for() -> None:
    """The agent's windows show, and are not what protects."""
    assert silent(WindowWatch(), END_MS * 2) == []
