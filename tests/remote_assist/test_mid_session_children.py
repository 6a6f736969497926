# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in the middle of a session, with real ends, real children and a real display."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from app.domain.assist import EndReason, Phase
from remote_assist.actions import KeptBack, KillChild, Receipt, SasQuestion, TargetsListed
from remote_assist.chain import verify_receipt
from remote_assist.limits import Limits
from remote_assist.shm import FrameInfo
from tests.fakes import xvfb
from tests.fakes.monitors import Monitors
from tests.remote_assist.capture_line import resize
from tests.remote_assist.secret_window import HIGH, WIDE, Pixels, SecretWindow, secret_pixels
from tests.remote_assist.test_pair_with_children import Pair

pytestmark = [
    pytest.mark.slow,
    pytest.mark.x11,
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
]
HALF = WIDE // 2
SHORT = Limits(silent_ms=1_500, lost_ms=1_500)


@pytest.fixture
def server() -> Iterator[tuple[str, Callable[[], None]]]:
    """A display, and what ends it before its time."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(xvfb.own_display(WIDE, HIGH)), stack.close


@pytest.fixture
def display(server: tuple[str, Callable[[], None]]) -> str:
    return server[0]


@pytest.fixture
def pair(display: str) -> Iterator[Pair]:
    pair = Pair()
    pair.env = {"DISPLAY": display}
    yield pair
    pair.close()


def share(pair: Pair, id_: str, region: tuple[int, int, int, int] | None = None) -> None:
    """From the invitation to a verified session with pictures of one target."""
    world = pair.world
    pair.perform(world.agent, world.agent_end.invite(world.request()))
    pair.perform(world.customer, world.customer_end.open(*world.invitation))
    pair.until(lambda: world.customer.of(TargetsListed))
    target = next(found for found in world.customer.last(TargetsListed).targets if found.id == id_)
    kind = "region" if region is not None else target.kind
    pair.perform(world.customer, world.customer_end.choose_target(target.id, kind, region))
    pair.perform(world.agent, world.agent_end.set_view(WIDE, HIGH))
    pair.until(lambda: pair.frames["customer"])
    pair.perform(world.customer, world.customer_end.allow())
    pair.until(lambda: world.customer.of(SasQuestion))
    pair.perform(world.customer, world.customer_end.pick_number(world.number))
    pair.perform(world.agent, world.agent_end.confirm_sas_same(True))
    pair.until(lambda: world.phases() == (Phase.VERIFIED, Phase.VERIFIED) and pair.frames["agent"])


def both_ended(pair: Pair, reason: EndReason) -> None:
    """Wait for it; the record has its end, and the receipt can be checked."""
    world = pair.world
    pair.until(lambda: world.phases() == (Phase.ENDED, Phase.ENDED) and world.customer.of(Receipt))
    assert [side.end.view.reason for side in (world.agent, world.customer)] == [reason, reason]
    assert world.customer.entries()[-1] == "end"
    report = verify_receipt(world.customer.last(Receipt).data)
    assert report.ok
    assert report.reason == reason.value


def seen(pair: Pair) -> Pixels:
    """What the agent's window shows now."""

    def copy(info: FrameInfo, rows: memoryview) -> Pixels:
        return np.frombuffer(bytes(rows), np.uint32).reshape(info.height, info.stride // 4)

    found = pair.links["agent"].frames.read(copy)
    assert found is not None
    return found[1]


def test_a_frozen_child_ends_the_session_at_both_ends(pair: Pair) -> None:
    """SIGSTOP: lost first, then over; the frozen process is killed, for it cannot be asked to leave."""
    pair.world.agent_end._limits = pair.world.customer_end._own_limits = SHORT
    share(pair, "screen:screen")
    frozen = pair.links["agent"]
    os.kill(frozen.pid, signal.SIGSTOP)
    both_ended(pair, EndReason.LOST)
    pair.until(lambda: pair.world.agent.of(KillChild))
    assert frozen.wait(30) == -signal.SIGKILL


def test_the_display_goes_away_in_mid_session(pair: Pair, server: tuple[str, Callable[[], None]]) -> None:
    """Log-out, or a server that crashed: it ends at both ends, and nothing is drawn in its place."""
    share(pair, "screen:screen")
    server[1]()
    both_ended(pair, EndReason.CAPTURE_FAILED)


def test_another_monitor_is_unplugged_and_its_windows_come_to_the_shared_one(pair: Pair, display: str) -> None:
    """Both read that it waits; the agent's memory never has a pixel of what came; after a look it goes on."""
    world, monitors = pair.world, Monitors(display)
    monitors.put(LEFT=(0, 0, HALF, HIGH), RIGHT=(HALF, 0, HALF, HIGH))
    secret = SecretWindow(display, size=(HALF, HIGH))
    secret.place(HALF, 0)
    secret.show()
    try:
        share(pair, "screen:LEFT")
        assert not secret_pixels(seen(pair))
        monitors.unplug("RIGHT")
        secret.place(0, 0)
        pair.until(lambda: world.agent_end.view.paused and world.customer_end.view.paused)
        assert not secret_pixels(seen(pair))
        pair.until(lambda: world.agent.last(KeptBack).why == "changed")
        secret.hide()
        frames = pair.frames["agent"]
        pair.perform(world.customer, world.customer_end.resume())
        pair.until(lambda: pair.frames["agent"] > frames and not world.agent_end.view.paused)
        assert not secret_pixels(seen(pair))
        assert [kind for kind in world.customer.entries() if kind in ("pause", "resume")] == ["pause", "resume"]
    finally:
        secret.close()
        monitors.close()


def test_a_region_is_over_when_the_screen_changed_while_its_child_was_dead(pair: Pair, display: str) -> None:
    """The new child is told what the region was drawn on."""
    secret = SecretWindow(display)
    share(pair, "screen:screen", (400, 300, 160, 100))
    os.kill(pair.links["customer"].pid, signal.SIGKILL)
    resize(display, 640, 480)
    secret.place(400, 300)
    secret.show()
    try:
        both_ended(pair, EndReason.CAPTURE_FAILED)
        assert not secret_pixels(seen(pair))
    finally:
        secret.close()
