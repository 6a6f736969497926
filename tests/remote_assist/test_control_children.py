# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse and keyboard from end to end: two real children over WebRTC, a real screen, and a program that hears it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from app.domain.assist import Scope
from app.domain.control import MoveTo, Press, Text
from app.domain.marks import to_steps
from remote_assist.actions import Action, AskScope
from remote_assist.control_actions import Inject, LetGo, ShareNow
from remote_assist.input_hands import Hands
from remote_assist.input_pynput import open_input
from tests.fakes import xvfb
from tests.remote_assist.test_input_x11 import Target, now_ms
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.world import Side

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not xvfb.available() or importlib.util.find_spec("Xlib") is None, reason="no Xvfb or no python-xlib here"
    ),
]


class SteeredPair(Pair):
    """The customer's host has hands."""

    def __init__(self, display: str) -> None:
        super().__init__()
        self.env = {"DISPLAY": display}
        self.hands = Hands(open_input(), frozenset)

    def perform(self, side: Side, actions: list[Action]) -> None:
        """Carry out in order, mouse and keyboard too."""
        for action in actions:
            if isinstance(action, Inject):
                self.hands.do(action.deed, action.sharing, now_ms())
            elif isinstance(action, ShareNow):
                self.hands.share(action.sharing)
            elif isinstance(action, LetGo):
                self.hands.let_go()
            super().perform(side, [action])

    def frame(self) -> int:
        """Which picture the agent's window got last."""
        info = self.links["agent"].pictures.copy_newest(lambda _info, _rows: None)
        return info.frame_id if info is not None else 0


@pytest.fixture
def steered(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SteeredPair, Target]]:
    """A session that shows a real screen, with control allowed."""
    with xvfb.own_display(800, 600) as display:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
        target = Target(display, "1")
        pair = SteeredPair(display)
        try:
            pair.to_verified()
            world = pair.world
            pair.perform(world.agent, world.agent_end.request(Scope.CONTROL))
            pair.until(lambda: world.customer.of(AskScope))
            pair.perform(world.customer, world.customer_end.grant(Scope.CONTROL))
            pair.until(lambda: Scope.CONTROL in world.agent_end.view.grants)
            yield pair, target
        finally:
            pair.close()
            pair.hands.close()
            target.end()


@pytest.mark.ux("UX-36", "UX-52")
def test_what_the_agent_does_over_the_picture_happens_on_the_screen_until_it_is_taken_back(
    steered: tuple[SteeredPair, Target],
) -> None:
    """A click, Hangul, and a drag in which the customer takes control back: the button goes up, nothing follows."""
    pair, target = steered
    world, end = pair.world, pair.world.agent_end
    at = to_steps(150.5, 120.5, 800, 600)
    pair.perform(world.agent, end.steer(Press(*at, 1, down=True), pair.frame()))
    pair.perform(world.agent, end.steer(Press(*at, 1, down=False), pair.frame()))
    pair.until(lambda: target.of("MouseButtonRelease"))
    click = target.of("MouseButtonPress")[0]
    assert (click["x"], click["y"], click["button"]) == (150, 120, 1)

    def typed() -> bool:
        pair.hands.pump(now_ms())
        return target.text == "한글 abc"

    pair.perform(world.agent, end.steer(Text("한글 abc"), pair.frame()))
    pair.until(typed)
    elsewhere = to_steps(155.5, 180.5, 800, 600)  # in the same place it would be a double click
    pair.perform(world.agent, end.steer(Press(*elsewhere, 1, down=True), pair.frame()))
    for x in range(160, 260, 10):
        pair.perform(world.agent, end.steer(MoveTo(*to_steps(x, 130, 800, 600)), pair.frame()))
    pair.until(lambda: len(target.of("MouseButtonPress")) == 2)
    pair.perform(world.customer, world.customer_end.revoke(Scope.CONTROL))
    for x in range(260, 360, 10):
        pair.perform(world.agent, end.steer(MoveTo(*to_steps(x, 130, 800, 600)), pair.frame()))
    pair.until(lambda: len(target.of("MouseButtonRelease")) == 2)
    pair.until(lambda: Scope.CONTROL not in end.view.grants)
    heard = target.of("MouseMove", "MouseButtonPress", "MouseButtonRelease")
    assert heard[-1]["t"] == "MouseButtonRelease"
    assert not pair.hands.held
    assert "violation" not in world.customer.entries()
    assert world.customer.entries().count("control") == 2
