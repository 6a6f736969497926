# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's mouse and keyboard at the customer's: real programs, a real display, a program there that hears them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.fakes import xvfb
from tests.fakes.own_devices import OwnDevices
from tests.fakes.wait import wait_until
from tests.journeys.stage import Stage
from tests.remote_assist.test_input_x11 import RECT, Target

pytestmark = [pytest.mark.slow, pytest.mark.x11]

_A, _SUSPENDED_MS = 0x61, 2_000
_TRIES = 5
_AT = {"x": RECT[0] + 50, "y": RECT[1] + 40}


class _There:
    """A session with control, and what the customer's computer hears of it."""

    def __init__(self, stage: Stage, target: Target, devices: OwnDevices) -> None:
        self.stage, self.target, self.devices = stage, target, devices

    def presses(self) -> int:
        """How often a button of the mouse went down in the program there."""
        return len(self.target.of("MouseButtonPress"))

    def agent_clicks(self) -> None:
        """The agent clicks until the program there hears it; again only after no click can be on its way."""
        for _ in range(_TRIES):
            wait_until(lambda: not self.stage.companion.order("hands")["kept_out"], 60, 0.05)
            if self.click():
                return
        raise AssertionError("the program there heard no click")

    def click(self) -> bool:
        """The agent clicks once; return whether the program there heard it, and not that it was refused."""
        before, refused = self.presses(), self.refused()
        self.stage.agent.order("click_there", **_AT)
        with contextlib.suppress(AssertionError):  # the program there may not have been ready: it went elsewhere
            wait_until(lambda: self.presses() > before or self.refused() > refused, 10, 0.05)
        return self.presses() > before

    def refused(self) -> int:
        """How often something of the agent's was kept away by the customer's own hands."""
        return int(self.stage.companion.order("hands")["counts"].get("own", 0))


@pytest.fixture
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_There]:
    if not xvfb.available():
        pytest.skip("needs the package xvfb")
    made = Stage(tmp_path_factory.mktemp("hands"))
    with xvfb.own_display(1280, 800) as display:
        try:
            made.start({"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"})
            made.share()
            made.agent.order("ask_control")
            made.companion.order("allow_control")
            made.agent.order("take_control")
            target, devices = Target(display, "1"), OwnDevices(display)
            try:
                yield _There(made, target, devices)
            finally:
                devices.close()
                target.end()
        finally:
            made.stop()


@pytest.mark.ux("UX-39")
def test_nothing_of_the_agents_reaches_a_companion_window_and_the_customers_own_hands_win_for_two_seconds(
    there: _There,
) -> None:
    """A click and letters arrive in a program there, not on STOP nor in Home; after an own key or movement neither."""
    agent, customer = there.stage.agent, there.stage.companion
    there.agent_clicks()
    agent.order("type_there", text="abc")
    wait_until(lambda: there.target.text == "abc", 30)

    at = customer.order("stop_is_at")
    agent.order("click_there", x=at["x"], y=at["y"])
    assert customer.order("hands", least=1)["over"] is False
    customer.order("take_keyboard")
    refused = customer.order("hands")["counts"]["companion"]
    agent.order("type_there", text=" ")
    assert customer.order("hands", least=refused + 1)["asks"] is False

    hands: tuple[Callable[[], None], ...] = (partial(there.devices.presses, _A), partial(there.devices.moves, 700, 500))
    for own in hands:
        assert any(_is_kept_out(there, own) for _ in range(_TRIES))


def _is_kept_out(there: _There, own: Callable[[], None]) -> bool:
    """The customer does something and the agent clicks at once; False where the two seconds were over by then."""
    customer = there.stage.companion
    there.agent_clicks()
    before, refused = there.presses(), there.refused()
    customer.send({"do": "kept_out"})  # it looks before anything happens: asked later it could be too late
    began_ms = time.monotonic_ns() // 1_000_000
    own()
    customer.answer("kept_out", 90)
    there.click()
    kept = there.refused() > refused
    there.agent_clicks()
    assert there.target.of("MouseButtonPress")[before]["ms"] - began_ms >= _SUSPENDED_MS
    return kept
