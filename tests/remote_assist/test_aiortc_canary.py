# SPDX-License-Identifier: GPL-3.0-or-later
"""What Deskside changes in aiortc: the sources are still those it was written for, and the changes do what they say."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import random
from collections.abc import Callable
from typing import Any

import aioice.ice
import aiortc
import numpy as np
import pytest
from aiortc import RTCDtlsTransport, RTCRtpReceiver, RTCRtpSender, codecs, rtcrtpreceiver
from aiortc.codecs.h264 import H264Decoder, H264Encoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcsctptransport import InboundStream, RTCSctpTransport
from aiortc.rtp import RtpPacket

from remote_assist import aiortc_patches
from remote_assist.aiortc_patches import Assembled, EncodedQueue, MarkerJitterBuffer, RetryingNack
from remote_assist.peer import Callbacks, Decoded, Peer
from remote_assist.sending import Gate, Mailbox, Picture, now_us

# Importing the patches changes nothing; only `apply` does, and this module may be loaded after a test that called it.
SOURCES = {name: inspect.getsource(module) for name, module in (("receiver", rtcrtpreceiver), ("ice", aioice.ice))}
TOUCHED: dict[str, tuple[object, str]] = {
    "JitterBuffer": (JitterBuffer, "7ac35d8598136274"),
    "decoder_worker": (rtcrtpreceiver.decoder_worker, "d4d16e2781aa52fa"),
    "RemoteStreamTrack": (rtcrtpreceiver.RemoteStreamTrack, "99c9190c9569a0d1"),
    "RTCRtpReceiver.__init__": (RTCRtpReceiver.__init__, "6dbdf3870580045b"),
    "RTCRtpReceiver.receive": (RTCRtpReceiver.receive, "c1273617b5ec0d2b"),
    "RTCRtpReceiver._handle_rtp_packet": (RTCRtpReceiver._handle_rtp_packet, "fa16b7580887aea0"),
    "RTCRtpReceiver._send_rtcp_nack": (RTCRtpReceiver._send_rtcp_nack, "70e9de67bd1fa343"),
    "RTCRtpReceiver._send_rtcp_pli": (RTCRtpReceiver._send_rtcp_pli, "53d501d724da162a"),
    "RTCRtpSender.__init__": (RTCRtpSender.__init__, "aeef1c43afaecc7c"),
    "RTCRtpSender._handle_rtcp_packet": (RTCRtpSender._handle_rtcp_packet, "f31488304226b5bd"),
    "RTCRtpSender._next_encoded_frame": (RTCRtpSender._next_encoded_frame, "3952848650ecdde6"),
    "RTCRtpSender._retransmit": (RTCRtpSender._retransmit, "b6284b14b843cce1"),
    "RTCRtpSender._run_rtp": (RTCRtpSender._run_rtp, "d6182d791dbe8fda"),
    "RTCDtlsTransport._recv_next": (RTCDtlsTransport._recv_next, "0da842a09bc0a8be"),
    "RTCDtlsTransport._send_rtp": (RTCDtlsTransport._send_rtp, "192d858279638ddc"),
    "RTCDtlsTransport._handle_rtcp_data": (RTCDtlsTransport._handle_rtcp_data, "65e11ba78c6da4fc"),
    "RTCDtlsTransport._handle_rtp_data": (RTCDtlsTransport._handle_rtp_data, "274102723c512068"),
    "InboundStream": (InboundStream, "af714c33b058dd3b"),
    "RTCSctpTransport._handle_data": (RTCSctpTransport._handle_data, "7ba972a814c6e7c0"),
    "RTCSctpTransport._mark_received": (RTCSctpTransport._mark_received, "95671f597525bae2"),
    "RTCSctpTransport._receive_chunk": (RTCSctpTransport._receive_chunk, "57d4ba4188e979cb"),
    "RTCSctpTransport._receive_data_chunk": (RTCSctpTransport._receive_data_chunk, "32ae9513a7ca8faa"),
    "RTCSctpTransport._receive_sack_chunk": (RTCSctpTransport._receive_sack_chunk, "e1fa240780cb603a"),
    "RTCSctpTransport._receive_forward_tsn_chunk": (RTCSctpTransport._receive_forward_tsn_chunk, "4e4e0f042fae67cb"),
    "Connection.data_received": (aioice.ice.Connection.data_received, "c1520e1eecf5a1a2"),
    "Connection.request_received": (aioice.ice.Connection.request_received, "8ea9602dcda81ec2"),
    "parse_message": (aiortc_patches._stock_parse, "4d09e777811415b2"),
    "get_decoder": (codecs.get_decoder, "c688d901bdd33a2d"),
    "H264Decoder": (H264Decoder, "7a7a122104c845aa"),
    "H264Encoder": (H264Encoder, "c7b0a3a6a4b31527"),
    "NackGenerator": ("class NackGenerator", "efd9cf18356d2319"),
    "RTCPeerConnection.setRemoteDescription": (aiortc.RTCPeerConnection.setRemoteDescription, "0d61404f62355b2d"),
    "Connection.get_component_candidates": (aioice.ice.Connection.get_component_candidates, "cb7f6d8897d655da"),
    "Connection.gather_candidates": (aioice.ice.Connection.gather_candidates, "b4d9173e6bc5971c"),
    "get_host_addresses": ("def get_host_addresses", "47c9b9a55061bb12"),
}


def digest(source: object) -> str:
    """Return the hash of a function's source; text names one that `apply` may have replaced by now."""
    if isinstance(source, str):
        whole = SOURCES["receiver" if source.startswith("class") else "ice"]
        start = whole.index(f"\n{source}")
        end = min(at for word in ("\nclass ", "\ndef ", "\nasync def ") if (at := whole.find(word, start + 1)) > 0)
        return _hash(whole[start:end])
    return _hash(inspect.getsource(source))  # type: ignore[arg-type]  # any code object


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", TOUCHED)
def test_the_code_we_change_is_the_code_we_read(name: str) -> None:
    """A new aiortc or aioice fails here until a person has read what changed in this function."""
    source, recorded = TOUCHED[name]
    assert digest(source) == recorded, f"{name} changed: read it, then record the new hash"


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child does not start on libraries it was not written for."""
    monkeypatch.setattr(aiortc, "__version__", "1.17.0")
    with pytest.raises(aiortc_patches.WrongVersion):
        aiortc_patches.apply()


# --- P1, P2 ------------------------------------------------------------------------------------------------------


def packet(seq: int, timestamp: int, *, marker: bool = False, data: bytes = b"x") -> RtpPacket:
    out = RtpPacket(sequence_number=seq & 0xFFFF, timestamp=timestamp, marker=int(marker))
    out._data = data  # type: ignore[attr-defined]  # as the receiver does
    return out


def feed(buffer: MarkerJitterBuffer, packets: list[RtpPacket]) -> list[Assembled]:
    frames = []
    for one in packets:
        _, frame = buffer.add(one)
        if frame is not None:
            frames += [frame, *frame.more]
    return frames


def frame_of(first: int, count: int, timestamp: int) -> list[RtpPacket]:
    return [packet(first + n, timestamp, marker=n == count - 1, data=bytes([n % 256])) for n in range(count)]


def test_a_frame_comes_out_with_its_last_packet() -> None:
    """P1: not only when the next frame begins."""
    frames = feed(MarkerJitterBuffer(), frame_of(10, 3, 100))
    assert [f.data for f in frames] == [b"\x00\x01\x02"]


def test_half_a_frame_never_comes_out() -> None:
    """P1: a gap holds it back until the missing packet came."""
    buffer = MarkerJitterBuffer()
    one = frame_of(65_534, 4, 100)
    assert feed(buffer, [one[0], one[1], one[3]]) == []
    assert [f.data for f in feed(buffer, [one[2]])] == [b"\x00\x01\x02\x03"]


def test_frames_behind_a_gap_come_out_together_and_in_order() -> None:
    """P1: one late packet releases all that waited for it."""
    buffer = MarkerJitterBuffer()
    frames = [frame_of(0, 2, 1), frame_of(2, 1, 2), frame_of(3, 1, 3)]
    assert feed(buffer, [frames[0][0], *frames[1], *frames[2]]) == []
    assert [f.timestamp for f in feed(buffer, [frames[0][1]])] == [1, 2, 3]


def test_padding_after_a_frame_is_swallowed() -> None:
    """P1: packets without payload are no frame and hold none back."""
    buffer = MarkerJitterBuffer()
    padding = [packet(3, 100, data=b""), packet(4, 100, data=b"")]
    assert len(feed(buffer, [*frame_of(0, 3, 100), *padding, *frame_of(5, 2, 200)])) == 2


@pytest.mark.parametrize("count", [600, 3000])
def test_large_frames_survive(count: int) -> None:
    """P2: a whole page may take thousands of packets."""
    frames = feed(MarkerJitterBuffer(), frame_of(60_000, count, 1))
    assert [len(f.data) for f in frames] == [count]


def test_an_old_duplicate_stalls_nothing() -> None:
    """P2: a packet 150 behind is dropped and the next frame comes at once."""
    buffer = MarkerJitterBuffer()
    feed(buffer, [p for n in range(200) for p in frame_of(n, 1, n)])
    assert buffer.add(packet(50, 50, marker=True)) == (False, None)
    assert len(feed(buffer, frame_of(200, 2, 200))) == 1


def test_after_an_overflow_only_whole_frames_come_out() -> None:
    """P2: it drops to the next frame start, asks for a keyframe and says that frames are missing."""
    buffer = MarkerJitterBuffer(64)
    packets = [p for n in range(40) for p in frame_of(n * 3, 3, n)]
    del packets[4]
    asked, frames = False, []
    for one in packets:
        lost, frame = buffer.add(one)
        asked |= lost
        frames += [frame, *frame.more] if frame else []
    assert asked
    assert all(f.data == b"\x00\x01\x02" for f in frames)
    assert [f.after_loss for f in frames].count(True) == 1


def test_what_is_given_up_makes_room_for_what_follows() -> None:
    """P4: behind a packet that never comes, the next whole frame goes on, marked as after a loss."""
    buffer = MarkerJitterBuffer()
    feed(buffer, frame_of(0, 1, 0))
    assert feed(buffer, [*frame_of(1, 3, 1)[:2], *frame_of(4, 2, 2), *frame_of(6, 1, 3)]) == []
    frame = buffer.abandon(3)
    assert frame is None or frame.after_loss
    assert len(feed(buffer, frame_of(7, 1, 4))) >= 1


def test_a_whole_keyframe_ends_the_wait_for_older_packets() -> None:
    """P4: the picture goes on at once; what was missing before is asked for no more."""
    buffer = MarkerJitterBuffer()
    skipped: list[int] = []
    buffer.on_skipped = skipped.append
    feed(buffer, frame_of(0, 1, 0))
    assert feed(buffer, [*frame_of(1, 3, 1)[:2], *frame_of(4, 2, 2)]) == []
    start = packet(6, 3, data=b"\x00\x00\x00\x01\x67sps")
    frames = feed(buffer, [start, packet(7, 3, data=b"idr"), packet(8, 3, marker=True, data=b"end")])
    assert [f.data for f in frames] == [start._data + b"idrend"]  # type: ignore[attr-defined]  # as the receiver does
    assert frames[0].after_loss
    assert skipped == [6]
    nack = RetryingNack()
    nack.add(packet(1, 0))
    nack.add(packet(9, 0))
    nack.forget_before(6)
    assert nack.missing == {6, 7, 8}


# --- P4 ----------------------------------------------------------------------------------------------------------


def test_a_missing_packet_is_asked_for_until_it_comes() -> None:
    """P4: also when the retransmission is lost."""
    nack = RetryingNack()
    nack.rtt_s = 0.0
    nack.add(packet(1, 0))
    assert nack.add(packet(4, 0))
    assert nack.missing == {2, 3}
    assert not nack.due()
    for missing in nack._missing.values():
        missing.asked_s -= 0.03
    assert nack.due()
    nack.add(packet(2, 0))
    assert nack.missing == {3}
    nack.add(packet(3, 0))
    assert not nack.waiting


def test_asking_has_an_end() -> None:
    """P4: after ten times it is given up, and nothing is asked for ever."""
    nack = RetryingNack()
    nack.rtt_s = 0.0
    given_up: list[int] = []
    nack.on_given_up = given_up.append
    nack.add(packet(1, 0))
    nack.add(packet(3, 0))
    asked = 0
    for _ in range(30):
        asked += len(nack.missing)
        for missing in nack._missing.values():
            missing.asked_s -= 10
        nack.due()
    assert asked == 10
    assert given_up == [2]


# --- P5 ----------------------------------------------------------------------------------------------------------

KEY, DELTA = b"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x65idr", b"\x00\x00\x00\x01\x41delta"


def test_a_slow_decoder_gets_the_next_keyframe_not_a_queue() -> None:
    """P5: never more than eight wait; then all go and a keyframe is asked for."""
    asked: list[bool] = []
    queue = EncodedQueue(lambda: asked.append(True))
    for n in range(100):
        queue.put((None, JitterFrame(KEY if n == 0 else DELTA, n)))
    assert queue.longest == 8
    assert asked
    queue.put((None, JitterFrame(KEY, 100)))
    queue.put((None, JitterFrame(DELTA, 101)))
    queue.put(None)
    first, second, end = queue.get(), queue.get(), queue.get()
    assert first is not None
    assert second is not None
    assert (first[1].timestamp, second[1].timestamp, end) == (100, 101, None)


def test_after_a_loss_nothing_is_decoded_before_a_keyframe() -> None:
    """P5: pictures built on missing ones are not shown."""
    asked: list[bool] = []
    queue = EncodedQueue(lambda: asked.append(True))
    queue.put((None, Assembled(DELTA, 1, after_loss=True)))
    queue.put((None, Assembled(KEY, 2, after_loss=False)))
    found = queue.get()
    assert found is not None
    assert found[1].timestamp == 2
    assert asked


# --- L1 ----------------------------------------------------------------------------------------------------------


def test_a_machine_without_network_offers_its_loopback_address() -> None:
    """L1: two ends on one machine find each other; with a network nothing changes unless asked."""
    alone = aiortc_patches._HostAddresses(lambda _a, _b: [], always=False)
    networked = aiortc_patches._HostAddresses(lambda _a, _b: ["192.0.2.7"], always=False)
    asked = aiortc_patches._HostAddresses(lambda _a, _b: ["192.0.2.7"], always=True)
    assert alone(True, True) == ["127.0.0.1"]
    assert networked(True, True) == ["192.0.2.7"]
    assert asked(True, True) == ["192.0.2.7", "127.0.0.1"]


# --- all together, over a lossy wire -----------------------------------------------------------------------------


class Pair:
    """Two peers in this process, connected over loopback."""

    def __init__(self) -> None:
        aiortc_patches.apply(loopback=True)
        self.mailbox, self.gate = Mailbox(), Gate()
        self.decoded: list[Decoded] = []
        nothing: Callable[..., None] = lambda *_: None  # noqa: E731 - typed
        self.customer = Peer(0, "customer", [], Callbacks(nothing, nothing), relay_only=False)
        self.agent = Peer(0, "agent", [], Callbacks(nothing, nothing, self._on_decoded), relay_only=False)

    def _on_decoded(self, decoded: Decoded) -> None:
        self.decoded.append(decoded)

    async def connect(self) -> None:
        offer = await self.customer.offer(self.mailbox, self.gate)
        answer = await self.agent.remote("offer", offer, self.customer.fingerprint)
        assert answer is not None
        await self.customer.remote("answer", answer, self.agent.fingerprint)
        async with asyncio.timeout(30):
            while not (self.customer.connected and self.agent.connected):
                await asyncio.sleep(0.01)
        self.gate.set(granted=True, connected=True)

    def lose(self, share: float, seed: int) -> list[int]:
        """Lose this share of media packets and retransmissions; return a counter of the lost."""
        pacer, noise, lost = self.customer.pacer, random.Random(seed), [0]  # a test
        assert pacer is not None
        send = pacer._send

        async def lossy(data: bytes) -> None:
            if data[1] & 0x7F in range(97, 103) and noise.random() < share:
                lost[0] += 1
                return
            await send(data)

        pacer._send = lossy
        return lost

    async def show(self, number: int) -> None:
        rows = np.random.default_rng(number).integers(0, 2**24, (45, 80), np.uint32).repeat(8, 0).repeat(8, 1)
        self.mailbox.put(Picture(rows, np.ones((6, 10), np.bool_), now_us()))
        self.last = rows

    async def close(self) -> None:
        await self.customer.close()
        await self.agent.close()


@pytest.fixture
async def pair() -> Any:
    pair = Pair()
    yield pair
    await pair.close()


async def until(cond: Callable[[], object], timeout_s: float = 30) -> None:
    async with asyncio.timeout(timeout_s):
        while not cond():
            await asyncio.sleep(0.005)


async def test_the_last_change_is_seen_without_a_next_one(pair: Pair) -> None:
    """One picture on a still screen arrives, whole, with its own data, and RTX is on."""
    await pair.connect()
    await pair.show(1)
    await until(lambda: pair.decoded)
    assert (pair.decoded[0].frame.width, pair.decoded[0].frame.height) == (640, 360)
    assert pair.decoded[0].captured_us <= pair.decoded[0].decoded_us
    assert pair.customer._sender is not None
    assert aiortc_patches.rtx_negotiated(pair.customer._sender)


@pytest.mark.parametrize("share", [0.03, 0.15])
async def test_lost_packets_are_sent_again(pair: Pair, share: float) -> None:
    """With lost packets and lost retransmissions the last picture still comes, and every picture shown is whole."""
    await pair.connect()
    lost = pair.lose(share, seed=5)
    for number in range(40):
        await pair.show(number)
        await asyncio.sleep(0.02)
    last_sent_us = now_us()
    await until(lambda: pair.decoded and pair.decoded[-1].captured_us > last_sent_us)
    assert lost[0] > 0
    shown = pair.decoded[-1].frame.to_ndarray(format="bgra").astype(int)[:, :, 1]
    wanted = pair.last.view(np.uint8).reshape(360, 640, 4)[:, :, 1].astype(int)
    assert np.abs(shown - wanted).mean() < 15
    assert pair.agent.queue_longest <= 8


async def test_a_request_for_a_keyframe_is_answered_on_a_still_screen(pair: Pair) -> None:
    """PLI wakes the sender although nothing changes."""
    await pair.connect()
    await pair.show(1)
    await until(lambda: pair.decoded)
    assert pair.agent._seam is not None
    pair.agent._seam.ask_keyframe()
    await until(lambda: any(d.data.flags & 1 for d in pair.decoded[1:]))
    encoder = pair.customer.encoder
    assert encoder is not None
    assert encoder.keyframes == 2


async def test_only_the_newest_picture_waits_for_the_encoder(pair: Pair) -> None:
    """A burst of pictures does not become a queue."""
    await pair.connect()
    for number in range(50):
        await pair.show(number)
    await until(lambda: pair.decoded)
    await until(lambda: not pair.mailbox.filled)
    assert pair.gate.frames_sent < 10


async def test_clocks_are_compared_before_they_are_needed(pair: Pair) -> None:
    """On one machine the offset is next to nothing, and latency needs no guess."""
    await pair.connect()
    await until(lambda: pair.agent.clock.rtt_us > 0)
    assert abs(pair.agent.clock.offset_us) < 50_000
