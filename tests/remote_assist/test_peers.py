# SPDX-License-Identifier: GPL-3.0-or-later
"""Our session children against werift, a WebRTC stack that shares no line with ours, at either end."""

from __future__ import annotations

import contextlib
import functools
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.codecs.vpx import Vp8Encoder
from av.video.frame import VideoFrame

from app.domain.assist import Role, Scope
from app.domain.capture import RawFrame
from remote_assist import messages as wire
from remote_assist.capture_drawn import HEIGHT, WIDTH, DrawnSource, read_counter
from remote_assist.channels import CHANNELS
from remote_assist.child_protocol import (
    Grants,
    Keep,
    LocalSdp,
    Open,
    PeerState,
    Recv,
    RemoteSdp,
    Send,
)
from remote_assist.damage import changed_tiles
from remote_assist.encoder import ScreenEncoder
from remote_assist.sdp_rules import check_sdp
from remote_assist.sending import Gate, Mailbox, Picture, Rows
from tests.bench import _ours
from tests.bench._ours import Stub
from tests.bench._relay import Profile, Relay
from tests.fakes.wait import wait_until
from tests.remote_assist.outside.werift import Werift, missing, werift
from tests.remote_assist.test_peer_children import NO_DISPLAY, pixels

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]
until = functools.partial(wait_until, timeout_s=90)  # processes start meanwhile, on a machine that may be busy
LOSSY, WHOLE = Profile(loss=0.05, delay_ms=10), Profile(delay_ms=10)
FPS = 30


# --- the customer's child, and werift that looks ----------------------------------------------------------------------


@contextlib.contextmanager
def looking(relay: Relay | None = None) -> Iterator[tuple[Stub, Werift]]:
    """Our customer's child has offered and is connected; its picture is granted."""
    customer = _ours.start("customer", NO_DISPLAY, {"loopback": 1})
    try:
        with werift() as peer:
            _ours.share(customer, "drawn")
            customer.link.send(Open(0))
            offer = customer.want(LocalSdp).sdp
            answer = peer.answer(relay.between(offer, of_customer=True) if relay else offer)
            answer = relay.between(answer, of_customer=False) if relay else answer
            customer.link.send(RemoteSdp(0, "answer", answer, check_sdp(answer, "answer").fingerprint))
            opened(customer)
            peer.connected()
            customer.link.send(Grants(1, ["view"]))
            yield customer, peer
    finally:
        customer.drop()


def opened(stub: Stub) -> None:
    until(lambda: stub.want(PeerState).channels_open)
    stub.link.send(Keep(0))


class Eyes:
    """Decodes what werift put together, and reads the counter in each picture."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("h264", "r")
        self.counts: list[int] = []

    def look(self, peer: Werift) -> list[int]:
        """Take the next picture; return the counters so far."""
        for frame in self._decoder.decode(av.Packet(peer.frames.get(timeout=90))):
            assert not frame.is_corrupt
            assert (frame.width, frame.height) == (WIDTH, HEIGHT)
            count = read_counter(frame.to_ndarray(format="bgra").view(np.uint32)[:, :, 0])
            assert count is not None, "the counter in the picture cannot be read"
            self.counts.append(count)
        return self.counts


def test_another_stack_answers_our_offer_and_sees_the_picture() -> None:
    """Every channel opens under its number; each picture decodes, in full size and in order."""
    with looking() as (customer, peer):
        eyes = Eyes()
        until(lambda: len(set(eyes.look(peer))) >= 10)
        assert eyes.counts == sorted(eyes.counts)
        assert not customer.faults
        assert set(peer.channels) == set(CHANNELS)


def test_messages_go_both_ways_and_heartbeats_are_answered() -> None:
    """Text on an ordered channel, bytes on one that may lose them; our child measures the way to a foreign stack."""
    with looking() as (customer, peer):
        peer.send("ctl", wire.encode(wire.View(800, 600, None)).decode())
        received = customer.want(Recv)
        assert wire.typed("ctl", received.message, Role.AGENT) == wire.View(800, 600, None)
        hello = wire.encode(wire.Hello(1, 0, ["tile"]))
        customer.link.send(Send("ctl", hello))
        until(lambda: ("ctl", hello.decode()) in peer.messages)
        answered = 0

        def measured() -> bool:
            nonlocal answered
            pings = [data for name, data in peer.messages if name == "hb" and isinstance(data, bytes)]
            for ping in pings[answered:]:
                kind, number, sent_us = struct.unpack("!BIQ", ping)
                assert kind == 1
                peer.send("hb", struct.pack("!BIQQQ", 2, number, sent_us, sent_us, sent_us))
            answered = len(pings)
            return customer.stats.get("rtt_ms", 0) > 0

        until(measured)
        assert not customer.faults


def test_what_is_lost_on_the_way_to_another_stack_is_sent_again() -> None:
    """One packet in twenty is lost; werift asks, our child repeats by RTX; the pictures stay whole, none is skipped."""
    relay = Relay(WHOLE)
    try:
        with looking(relay) as (customer, peer):
            relay._profile = LOSSY  # the handshake went through whole
            eyes = Eyes()
            until(lambda: eyes.look(peer) and customer.stats.get("retransmitted", 0) >= 3)
            begun = len(set(eyes.counts))
            until(lambda: len(set(eyes.look(peer))) >= begun + 10)
            assert eyes.counts == sorted(eyes.counts)
            assert not customer.faults
    finally:
        relay.close()


def test_a_channel_that_was_not_agreed_on_is_closed_again() -> None:
    """Whatever a peer opens beside ours is refused; ours and the picture go on."""
    with looking() as (customer, peer):
        peer.open_more("surprise")
        until(lambda: peer.channels.get("surprise") == "closed")
        eyes = Eyes()
        until(lambda: len(set(eyes.look(peer))) >= 3)
        assert {peer.channels[name] for name in CHANNELS} == {"open"}
        assert not customer.faults


# --- werift that shows, and the agent's child -------------------------------------------------------------------------


@functools.cache
def encoded(codec: str) -> list[list[bytes]]:
    """Return pictures of the drawn source, one after the other, each in RTP payloads."""
    return SHOWN[codec][0](drawn(20))


def drawn(count: int) -> list[Rows]:
    taken: list[Rows] = []

    def take(frame: RawFrame) -> None:
        taken.append(np.frombuffer(bytes(frame.buffer), np.uint32).reshape(HEIGHT, WIDTH))

    source = DrawnSource(fps=60)
    source.start(source.targets()[0], take, 60)
    until(lambda: len(taken) >= count)
    source.stop()
    return taken[:count]


def as_ours(pictures: list[Rows]) -> list[list[bytes]]:
    """H.264 with our data inside, in RTP payloads, as our own encoder makes it."""
    gate, mailbox = Gate(), Mailbox()
    gate.set(granted=True, connected=True)
    encoder = ScreenEncoder(mailbox, gate, lambda: 5_000_000)
    frames, before = [], None
    for at, rows in enumerate(pictures):
        mailbox.put(Picture(rows, changed_tiles(before, rows), at * 1_000_000 // FPS))
        frames.append(encoder.encode(VideoFrame(2, 2, "yuv420p"))[0])
        before = rows
    return frames


def as_browsers(pictures: list[Rows]) -> list[list[bytes]]:
    """VP8 in RTP payloads, with nothing of ours inside."""
    encoder = Vp8Encoder()
    frames = []
    for at, rows in enumerate(pictures):
        frame = VideoFrame.from_ndarray(rows.view(np.uint8).reshape(HEIGHT, WIDTH, 4), "bgra")
        frame.pts, frame.time_base = at, Fraction(1, FPS)
        frames.append(encoder.encode(frame, force_keyframe=at == 0)[0])
    return frames


SHOWN: dict[str, tuple[Callable[[list[Rows]], list[list[bytes]]], dict[str, int]]] = {
    "H264": (as_ours, {}),
    "VP8": (as_browsers, {"browser": 1}),
}


@contextlib.contextmanager
def shown_by(codec: str, relay: Relay | None = None) -> Iterator[tuple[Stub, Werift]]:
    """werift has offered and is connected to our agent's child."""
    agent = _ours.start("agent", NO_DISPLAY, {"loopback": 1, **SHOWN[codec][1]})
    try:
        with werift() as peer:
            offer = peer.offer(codec)
            offer = relay.between(offer, of_customer=True) if relay else offer
            _ours.show(agent)
            agent.link.send(Open(0))
            fingerprint = check_sdp(offer, "offer", browser=codec == "VP8").fingerprint
            agent.link.send(RemoteSdp(0, "offer", offer, fingerprint))
            answer = agent.want(LocalSdp).sdp
            peer.accept(relay.between(answer, of_customer=False) if relay else answer)
            opened(agent)
            peer.connected()
            yield agent, peer
    finally:
        agent.drop()


def seen(agent: Stub, counts: list[int]) -> set[int]:
    """Take the next picture at the agent's window; return the counters of all so far."""
    agent.want_frame()
    count = read_counter(pixels(agent))
    if count is not None:
        counts.append(count)
    return set(counts)


@pytest.mark.parametrize("codec", SHOWN)
def test_our_agent_answers_the_offer_of_another_stack_and_shows_its_picture(codec: str) -> None:
    """H.264 as our own ends send it, VP8 as browsers do; messages go both ways.

    The stream begins in its middle: our agent asks for a whole picture, and werift understands it.
    """
    with shown_by(codec) as (agent, peer):
        peer.play(encoded(codec), FPS, begin=5)
        counts: list[int] = []
        until(lambda: peer.keyframes_asked)
        until(lambda: len(seen(agent, counts)) >= 10)
        peer.send("ctl", wire.encode(wire.Refused(Scope.POINTER)).decode())
        assert agent.want(Recv).message == {"t": "refused", "scope": "pointer", "why": ""}
        view = wire.encode(wire.View(800, 600, None))
        agent.link.send(Send("ctl", view))
        until(lambda: ("ctl", view.decode()) in peer.messages)
        assert not agent.faults


@pytest.mark.parametrize("codec", SHOWN)
def test_what_another_stack_loses_our_agent_asks_for_again(codec: str) -> None:
    """One packet in twenty is lost; our child asks, werift repeats by RTX, the pictures go on."""
    relay = Relay(WHOLE)
    try:
        with shown_by(codec, relay) as (agent, peer):
            relay._profile = LOSSY  # the handshake went through whole
            peer.play(encoded(codec), FPS)
            counts: list[int] = []
            until(lambda: seen(agent, counts) and peer.sent_again() >= 3)
            counts.clear()
            until(lambda: len(seen(agent, counts)) >= 10)
            assert not agent.faults
    finally:
        relay.close()
