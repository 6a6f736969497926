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
from remote_assist.child_protocol import Alive, Pause, Recv
from remote_assist.limits import Limits
from remote_assist.shm import FrameInfo
from tests.fakes import xvfb
from tests.fakes.monitors import Monitors
from tests.fakes.wait import wait_until
from tests.remote_assist.capture_line import resize
from tests.remote_assist.secret_window import HIGH, WIDE, Pixels, SecretWindow, secret_pixels
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.test_peer_children import NO_DISPLAY, frames_sent, grant, two_children

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


def test_the_picture_stops_when_the_windows_fall_silent_and_comes_back_with_them() -> None:
    """Two real children: the agent is told of a pause, and that it is over."""
    with two_children(NO_DISPLAY, "drawn") as (customer, agent):
        grant(customer, "view")
        wait_until(lambda: agent.want_frame() is not None, 10)
        customer.link.send(Alive())
        said = agent.want(Recv, 15)
        assert (said.channel, said.message["t"], said.message["on"]) == ("ctl", "pause", True)
        before = frames_sent(customer)
        captured = customer.stats["frames_captured"]
        wait_until(lambda: frames_sent(customer) >= 0 and customer.stats["frames_captured"] > captured + 3, 10)
        assert frames_sent(customer) == before
        customer.link.send(Alive())
        said = agent.want(Recv, 15)
        assert (said.message["t"], said.message["on"]) == ("pause", False)
        wait_until(lambda: frames_sent(customer) > before, 10)


def test_a_pause_of_the_customers_stays_one_when_the_windows_answer_again() -> None:
    """The child knows nothing of people; it only adds its own reason."""
    with two_children(NO_DISPLAY, "drawn") as (customer, agent):
        grant(customer, "view")
        wait_until(lambda: agent.want_frame() is not None, 10)
        customer.link.send(Alive())
        customer.link.send(Pause(True))
        wait_until(lambda: bool(customer.stats.get("held")), 15)
        customer.link.send(Alive())
        wait_until(lambda: not customer.stats.get("held"), 15)
        before = customer.stats["frames_sent"]
        customer.link.send(Alive())
        customer.stats.clear()
        wait_until(lambda: "frames_sent" in customer.stats, 10)
        assert customer.stats["frames_sent"] == before
        assert not [message for message in list(agent.inbox.queue) if isinstance(message, Recv)]
