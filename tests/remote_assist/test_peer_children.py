# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real session children over real pipes: what an agent sees, and what never leaves the customer's computer."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from Xlib.display import Display

from app.domain.assist import Role
from remote_assist import messages as wire
from remote_assist.capture_drawn import HEIGHT, WIDTH, background, read_counter
from remote_assist.child_protocol import (
    Ack,
    Fault,
    Fingerprint,
    Frame,
    Grants,
    Keep,
    ListTargets,
    LocalSdp,
    Masks,
    Open,
    Pause,
    PeerState,
    Recv,
    RemoteSdp,
    Send,
    Source,
    Targets,
    View,
)
from remote_assist.masks import MASK_BGRX
from remote_assist.shm import FrameInfo
from tests.bench import _ours
from tests.bench._ours import Stub
from tests.fakes import xvfb
from tests.fakes.wait import wait_until

NO_DISPLAY = {"DISPLAY": ""}
_seq = iter(range(1, 1_000_000))
_epochs = iter(range(1, 1000))


@contextlib.contextmanager
def two_children(env: dict[str, str], kind: str) -> Iterator[tuple[Stub, Stub]]:
    customer, agent = _ours.start("customer", env, {"loopback": 1}), _ours.start("agent", env, {"loopback": 1})
    try:
        _ours.share(customer, kind)
        _ours.show(agent)
        _ours.connect(customer, agent)
        yield customer, agent
    finally:
        customer.drop()
        agent.drop()


@pytest.fixture(scope="module")
def module_pair() -> Iterator[tuple[Stub, Stub]]:
    with two_children(NO_DISPLAY, "drawn") as pair:
        yield pair


@pytest.fixture
def pair(module_pair: tuple[Stub, Stub]) -> tuple[Stub, Stub]:
    """Two connected children, nothing granted, nothing in their queues."""
    grant(module_pair[0])
    for stub in module_pair:
        stub.faults.clear()
        while not stub.inbox.empty():
            stub.inbox.get()
        while not stub.frames.empty():
            stub.frames.get()
    return module_pair


def grant(customer: Stub, *scopes: str) -> None:
    """Set the grants and wait until they are in force."""
    seq = next(_seq)
    customer.link.send(Grants(seq, list(scopes)))
    while customer.want(Ack).seq != seq:
        pass


def frames_sent(customer: Stub) -> float:
    """Return the frame counter as the child reports it on Pause."""
    customer.stats = {}
    customer.link.send(Pause(False))
    wait_until(lambda: "frames_sent" in customer.stats)
    return customer.stats["frames_sent"]


def pixels(stub: Stub) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """Return the newest picture as the window sees it."""

    def copy(info: FrameInfo, rows: memoryview) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
        return np.frombuffer(bytes(rows), np.uint32).reshape(info.height, info.stride // 4)

    found = stub.link.frames.read(copy)
    assert found is not None
    return np.bitwise_and(found[1], np.uint32(0xFFFFFF))


def test_the_agent_sees_the_running_picture(pair: tuple[Stub, Stub]) -> None:
    """After the grant pictures arrive in full size; their counter goes on; latency is measured."""
    customer, agent = pair
    grant(customer, "view")
    wait_until(lambda: (f := agent.want_frame()).w == WIDTH and f.h == HEIGHT, 10)
    seen: set[int] = set()

    def counted() -> bool:
        agent.want_frame()
        count = read_counter(pixels(agent))
        if count is not None:
            seen.add(count)
        return len(seen) >= 5

    wait_until(counted, 10)
    # figures come once a second: those of the moment before may know of fewer pictures
    wait_until(lambda: agent.stats.get("latency_p50_ms") and agent.stats["frames_received"] >= 5, 30)
    assert agent.stats["latency_p50_ms"] <= agent.stats["latency_p95_ms"]


def test_nothing_leaves_without_a_grant(pair: tuple[Stub, Stub]) -> None:
    """The source runs and captures on, the counter of sent frames stands still, also after a revoke."""
    customer, agent = pair
    before = frames_sent(customer)
    captured = customer.stats["frames_captured"]

    def went_on() -> bool:
        frames_sent(customer)
        return customer.stats["frames_captured"] > captured + 5

    wait_until(went_on, 10)
    assert frames_sent(customer) == before
    grant(customer, "view")
    agent.want_frame()
    grant(customer)
    after = frames_sent(customer)
    captured = customer.stats["frames_captured"]
    wait_until(went_on, 10)
    assert frames_sent(customer) == after


def test_pause_holds_the_picture_and_resume_brings_a_whole_one(pair: tuple[Stub, Stub]) -> None:
    """Equal counters at pause and resume prove that nothing was sent between."""
    customer, agent = pair
    grant(customer, "view")
    agent.want_frame()
    customer.stats = {}
    customer.link.send(Pause(True))
    wait_until(lambda: customer.stats)
    held = customer.stats
    keyframes = held["keyframes"]
    wait_until(lambda: customer.stats["frames_captured"] > held["frames_captured"] + 5, 10)
    assert customer.stats["frames_sent"] == held["frames_sent"]
    customer.link.send(Pause(False))
    wait_until(lambda: customer.stats["keyframes"] > keyframes, 10)


def test_the_picture_is_scaled_to_the_view(pair: tuple[Stub, Stub]) -> None:
    """The window copies pixels one to one."""
    customer, agent = pair
    grant(customer, "view")
    agent.link.send(View(640, 640))
    try:
        wait_until(lambda: (f := agent.want_frame()).w == 640 and f.h == 360, 10)
    finally:
        agent.link.send(View(0, 0))


def test_masked_pixels_never_reach_the_agent(pair: tuple[Stub, Stub]) -> None:
    """Where the mask lies the agent sees its colour, though the customer's clock runs there."""
    customer, agent = pair
    customer.link.send(Masks(next(_seq), [(800, 120, 380, 140)]))
    customer.want(Ack)
    grant(customer, "view")
    grey = MASK_BGRX & 0xFF

    def covered() -> bool:
        agent.want_frame()
        area = pixels(agent)[130:250, 810:1170].view(np.uint8).reshape(120, 360, 4)[:, :, :3].astype(int)
        return bool(np.abs(area - grey).max() <= 6)

    wait_until(covered, 10)
    assert all(covered() for _ in range(8)), "a later picture showed what lies under the mask"
    customer.link.send(Masks(next(_seq), []))
    customer.want(Ack)


def test_a_new_connection_takes_over_without_a_new_grant(pair: tuple[Stub, Stub]) -> None:
    """The next epoch begins with a whole picture; the old connection is closed; messages go by the new one."""
    customer, agent = pair
    grant(customer, "view")
    agent.want_frame()
    epoch = next(_epochs)
    _ours.connect(customer, agent, epoch)
    agent.stats = {}
    before = agent.stats.get("frames_received", 0.0)
    wait_until(lambda: agent.stats.get("frames_received", 0.0) > before, 10)
    while not agent.frames.empty():
        agent.frames.get()
    agent.want_frame()
    agent.link.send(Send("ctl", wire.encode(wire.Hello(1, epoch, []))))
    assert customer.want(Recv).message["epoch"] == epoch


def test_what_stands_still_is_shown_exactly_until_it_changes(pair: tuple[Stub, Stub]) -> None:
    """Pixel for pixel, once the agent's end has said that it takes exact tiles; a mask takes them back at once."""
    customer, agent = pair
    x, y, w, h = still = (90, 100, 740, 380)  # nothing moves there
    customer.link.send(Source("drawn:0", "drawn", still, preview=False))
    wait_until(lambda: frames_sent(customer) >= 0 and customer.stats["source_w"] == w, 30)
    agent.link.send(Send("ctl", wire.encode(wire.Hello(1, 0, ["tile"]))))
    agent.link.send(Send("ctl", wire.encode(wire.View(w, h, (700, 300, 40, 40)))))
    grant(customer, "view")
    there = background()[y : y + h, x : x + w]
    try:
        wait_until(lambda: agent.want_frame() and (seen := pixels(agent)).shape == (h, w) and (seen == there).all(), 30)
        wait_until(lambda: [stub.stats.get("tiles_exact") for stub in pair] == [6 * 12] * 2)
        customer.link.send(Masks(next(_seq), [(x + 70, y + 70, 50, 50)]))
        customer.want(Ack)
        there = there.copy()
        there[70:120, 70:120] = MASK_BGRX
        wait_until(lambda: agent.want_frame() and (pixels(agent) == there).all(), 30)
    finally:
        customer.link.send(Masks(next(_seq), []))
        customer.link.send(Source("drawn:0", "drawn", None, preview=False))
        grant(customer, "view")
        wait_until(lambda: agent.want_frame().w == WIDTH, 10)


def test_messages_arrive_typed(pair: tuple[Stub, Stub]) -> None:
    """What the agent's window says on `ctl` comes out at the customer's window as the same message."""
    customer, agent = pair
    agent.link.send(Send("ctl", wire.encode(wire.View(800, 600, None))))
    received = customer.want(Recv)
    assert received.channel == "ctl"
    assert wire.typed("ctl", received.message, Role.AGENT) == wire.View(800, 600, None)


@pytest.mark.parametrize(
    ("channel", "data", "code"),
    [
        ("ctl", b'{"t":"grants","seq":1,"set":["control"]}', "malformed"),
        ("ctl", b"\xff\xfe", "not_sent"),
        ("ctl", b"[1]", "malformed"),
        ("cur", bytes(22), "malformed"),
        ("inp", b"\x43" + bytes(12), "violation"),
        ("ptr", wire.encode(wire.Pointer(1, 2, visible=True)), "violation"),
        ("file", bytes(100), "violation"),
    ],
)
def test_what_an_agent_may_not_say_is_dropped_and_named(
    pair: tuple[Stub, Stub], channel: str, data: bytes, code: str
) -> None:
    """No message outside the grants reaches the customer's window; each is reported."""
    customer, agent = pair
    agent.link.send(Send(channel, data))
    reporter = agent if code == "not_sent" else customer
    wait_until(lambda: reporter.faults)
    assert reporter.faults[0].code == code
    assert customer.inbox.empty() or not isinstance(customer.inbox.queue[0], Recv)


def test_another_target_needs_another_grant(pair: tuple[Stub, Stub]) -> None:
    """Choosing a part of the picture stops the stream until the customer allows that too."""
    customer, agent = pair
    grant(customer, "view")
    agent.want_frame()
    customer.link.send(Source("drawn:0", "drawn", (0, 0, 640, 320), preview=False))
    stood = frames_sent(customer)
    wait_until(lambda: frames_sent(customer) >= stood and customer.stats["source_w"] == 640, 10)
    assert customer.stats["gate_open"] == 0
    assert customer.stats["frames_sent"] == stood
    grant(customer, "view")
    wait_until(lambda: (f := agent.want_frame()).w == 640 and f.h == 320, 10)
    customer.link.send(Source("drawn:0", "drawn", None, preview=False))
    grant(customer, "view")
    wait_until(lambda: agent.want_frame().w == WIDTH, 10)


def test_the_customer_sees_a_preview_before_any_connection() -> None:
    """Exactly what would be sent, from the child, with no peer connection and no grant."""
    customer = _ours.start("customer", NO_DISPLAY)
    try:
        customer.link.send(View(320, 200))
        customer.link.send(ListTargets(4))
        targets = customer.want(Targets)
        assert targets.seq == 4
        customer.link.send(Source(targets.items[0].id, targets.items[0].kind))
        frame: Frame = customer.want_frame()
        assert (frame.w, frame.h) == (320, 180)
        customer.link.send(Source("screen:5", "screen"))
        wait_until(lambda: customer.faults)
        assert customer.faults[0].code in ("no_display", "target_gone")
        assert customer.end().frames_sent == 0
    finally:
        customer.drop()


def test_a_description_with_another_certificate_is_refused() -> None:
    """The fingerprint must be the one that was agreed on; nothing is connected otherwise."""
    customer, agent = _ours.start("customer", NO_DISPLAY), _ours.start("agent", NO_DISPLAY)
    try:
        customer.link.send(Open(0))
        agent.link.send(Open(0))
        customer.want(Fingerprint)
        offer = customer.want(LocalSdp).sdp
        agent.link.send(RemoteSdp(0, "offer", offer, bytes(32)))
        wait_until(lambda: agent.faults)
        assert agent.faults[0] == Fault("bad_sdp", "fingerprint")
        assert "sha-384" not in offer
        assert "sha-512" not in offer
        assert agent.want(PeerState).dtls == "new"
    finally:
        customer.drop()
        agent.drop()


def test_after_end_nothing_leaves_and_both_sides_know() -> None:
    """End answers with the final count; no picture comes afterwards; a killed agent is noticed as silence."""
    with two_children(NO_DISPLAY, "drawn") as (customer, agent):
        grant(customer, "view")
        agent.want_frame()
        ended = customer.end()
        assert ended.frames_sent > 0
        agent.stats = {}
        wait_until(lambda: agent.stats, 30)
        received = agent.stats["frames_received"]
        assert 0 < received <= ended.frames_sent
        agent.stats = {}
        wait_until(lambda: agent.stats, 30)
        assert agent.stats["frames_received"] == received


def test_a_dead_peer_shows_as_silence_and_can_be_replaced() -> None:
    """The growing silence is reported; a new child at the other end sees the picture in the next epoch, same grant."""
    with two_children(NO_DISPLAY, "drawn") as (customer, agent):
        grant(customer, "view")
        agent.link.kill()
        assert agent.link.wait(30) == -signal.SIGKILL
        wait_until(lambda: customer.want(PeerState).silent_ms > 900, 10)
        replaced = _ours.start("agent", NO_DISPLAY, {"loopback": 1})
        try:
            _ours.show(replaced)
            _ours.connect(customer, replaced, 1)
            assert replaced.want_frame().w == WIDTH
        finally:
            replaced.drop()


def test_an_old_connection_that_speaks_again_is_kept(pair: tuple[Stub, Stub]) -> None:
    """`Keep` drops the attempt; pictures go on by the old connection."""
    customer, agent = pair
    grant(customer, "view")
    agent.want_frame()
    attempt = next(_epochs)
    active = customer.want(PeerState).epoch
    customer.link.send(Open(attempt))
    assert customer.want(Fingerprint).epoch == attempt
    customer.want(LocalSdp)
    customer.link.send(Keep(active))
    grant(customer, "view")
    while not customer.inbox.empty():
        customer.inbox.get()
    assert [customer.want(PeerState).epoch for _ in range(2)] == [active, active]
    while not agent.frames.empty():
        agent.frames.get()
    agent.want_frame()


@pytest.mark.x11
@pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed")
@pytest.mark.parametrize(("kind", "x", "y"), [("screen", 100, 100), ("window", 0, 0)])
def test_a_real_screen_or_window_reaches_the_agent(kind: str, x: int, y: int) -> None:
    """What is drawn on an X server is seen at the other end, in place and colour."""
    with xvfb.own_display(800, 600) as name:
        display = Display(name)
        try:
            window = display.screen().root.create_window(100, 100, 300, 200, 0, 24, background_pixel=0x20C040)
            window.set_wm_name("Printer settings")
            window.map()
            display.sync()
            with two_children({"DISPLAY": name}, kind) as (customer, agent):
                grant(customer, "view")

                def seen(colour: int) -> bool:
                    agent.want_frame()
                    area = pixels(agent)[y + 50 : y + 150, x + 50 : x + 250].copy()
                    shown = area.view(np.uint8).reshape(100, 200, 4)[:, :, :3]
                    wanted = [colour & 255, colour >> 8 & 255, colour >> 16]
                    return bool(np.abs(shown.astype(int) - wanted).max() < 12)

                wait_until(lambda: seen(0x20C040), 10)
                window.fill_rectangle(window.create_gc(foreground=0xD03020), 0, 0, 300, 200)
                display.sync()
                wait_until(lambda: seen(0xD03020), 10)
        finally:
            display.close()
