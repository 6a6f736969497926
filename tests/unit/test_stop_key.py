# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl+Alt+End stops sharing from any program, on a real X server, and no other key is ever seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import BadAccess, CatchError
from Xlib.ext import xtest

from app.desktop.hotkey import StopKey
from tests.fakes.wait import wait_until
from tests.fakes.xvfb import available, own_display


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not available():
        pytest.skip("Xvfb is not installed")
    with own_display(200, 200) as name:
        monkeypatch.setenv("DISPLAY", name)
        yield name


def _press(display: str, *names: str) -> None:
    screen = Display(display)
    codes = [screen.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
    for code in codes:
        xtest.fake_input(screen, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(screen, X.KeyRelease, code)
    screen.sync()
    screen.close()


def starts(key: StopKey) -> bool:
    """Whether the key could be had."""
    answers: list[bool] = []
    key.start(answers.append)
    wait_until(lambda: answers)
    return answers == [True]


@pytest.mark.x11
@pytest.mark.ux("UX-38")
def test_the_key_stops_from_anywhere_and_other_keys_do_nothing(display: str) -> None:
    """The combination arrives once, with Caps Lock too; plain End and Ctrl+End do not; afterwards it is free again."""
    pressed: list[int] = []
    key = StopKey(lambda: pressed.append(1))
    assert starts(key)
    _press(display, "End")
    _press(display, "Control_L", "End")
    _press(display, "Control_L", "Alt_L", "End")
    wait_until(lambda: pressed)
    assert pressed == [1]
    _press(display, "Caps_Lock")
    _press(display, "Control_L", "Alt_L", "End")
    wait_until(lambda: len(pressed) == 2)
    key.stop()
    key.stop()
    other = StopKey(lambda: None)
    assert starts(other)
    other.stop()


@pytest.mark.x11
@pytest.mark.parametrize("held", [("Shift_L",), ("Super_L",), ("Shift_L", "Num_Lock")])
def test_the_key_stops_whatever_else_is_held(display: str, held: tuple[str, ...]) -> None:
    """Somebody in a hurry hits more keys than one; locks of other layouts are such keys too."""
    pressed: list[int] = []
    key = StopKey(lambda: pressed.append(1))
    try:
        assert starts(key)
        _press(display, *held, "Control_L", "Alt_L", "End")
        wait_until(lambda: pressed)
    finally:
        key.stop()


@pytest.mark.x11
@pytest.mark.parametrize("bit", [X.Mod3Mask, X.Mod5Mask, X.Mod3Mask | X.Mod5Mask | X.LockMask])
def test_no_lock_of_any_layout_is_left_out(display: str, bit: int) -> None:
    """Another program can have none of these combinations while this one has them."""
    key, other = StopKey(lambda: None), Display(display)
    try:
        assert starts(key)
        refused = CatchError(BadAccess)
        code = other.keysym_to_keycode(XK.string_to_keysym("End"))
        async_ = X.GrabModeAsync
        other.screen().root.grab_key(code, X.ControlMask | X.Mod1Mask | bit, False, async_, async_, onerror=refused)
        other.sync()
        assert refused.get_error() is not None
    finally:
        other.close()
        key.stop()


@pytest.mark.x11
def test_a_key_that_another_program_holds_is_told(display: str) -> None:
    """The answer is no, so that the request window can say that only the bar works."""
    first, second = StopKey(lambda: None), StopKey(lambda: None)
    assert starts(first)
    assert not starts(second)
    second.stop()
    first.stop()


def test_without_a_display_there_is_no_such_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread, no error."""
    monkeypatch.delenv("DISPLAY", raising=False)
    key = StopKey(lambda: None)
    assert not starts(key)
    key.stop()
