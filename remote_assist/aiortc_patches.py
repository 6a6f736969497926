# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: SLF001  # the one module that touches private names of aiortc; a canary watches them
"""Everything private of aiortc and aioice that Deskside touches: patches P1 to P5, seams S1 to S6, L1.

`apply()` is called once when a session child starts and refuses any other version. What each patch is for stands with
it; `tests/remote_assist/test_aiortc_canary.py` holds hashes of the sources they were written against.

P1  frames are released at the marker bit, not when the next frame begins
P2  4,096 packets of depth and history; an old duplicate never resets anything
P3  a browser is told when each packet came (transport-wide feedback), and no bit rate is estimated for it
P4  a missing packet is asked for again until it comes or is given up, then a keyframe is asked for
P5  of decoded frames only the newest waits, of encoded ones eight; a full queue drops to the next keyframe
S1  the sender's encoder and its keyframe request, S2 the transport's send function, S3 the sockets' receive buffers,
S4  counters of a transport and the chosen candidate pair; the packetiser functions of `H264Encoder` in `encoder.py`
S5  how long candidates are gathered, S6 one transport for everything at the end that offers
P6  stands in `transport_guard.py`: what is wrong with a datagram ends no connection
L1  aioice never offers loopback addresses: added when a machine has no other, or when asked
L2  malformed STUN is a ValueError, whatever is wrong with it
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, NamedTuple, cast

import aioice.ice
import aioice.stun
import aiortc
import aiortc.rtcrtpreceiver
import aiortc.rtcrtpsender
import aiortc.rtp
import av
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs.base import Decoder, Encoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpHeaderExtensionParameters
from aiortc.rtp import RtpPacket
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from remote_assist.ticks import Ticks
from remote_assist.twcc import EXTENSION_ID, EXTENSION_URI, Feedback

AIORTC_VERSION: Final = "1.16."
AIOICE_VERSION: Final = "0.13."
DEPTH: Final = 4096
MISORDER_MAX: Final = 2048
_MID: Final = 0x8000
_MASK: Final = 0xFFFF
_DECODER_PIXELS_MAX: Final = 3840 * 2160
_ENCODED_MAX: Final = 8
_KEYFRAME_START: Final = b"\x00\x00\x00\x01\x67"
_VP8_START: Final = b"\x9d\x01\x2a"
_NACK_TRIES: Final = 10
_NACK_LIFE_S: Final = 1.0
_ARRIVALS_MAX: Final = 500
_RECEIVE_BUFFER: Final = 2 << 20


class WrongVersion(Exception):  # says what is wrong
    """The libraries are not those the patches were written for."""


def apply(*, loopback: bool = False, browser: bool = False) -> None:
    """Patch the loaded libraries. Idempotent. Raises WrongVersion.

    With `loopback` 127.0.0.1 is offered too; with `browser` the other end is one, and what only it needs is announced.
    """
    if not aiortc.__version__.startswith(AIORTC_VERSION) or not aioice.__version__.startswith(AIOICE_VERSION):
        raise WrongVersion(f"aiortc {aiortc.__version__}, aioice {aioice.__version__}")
    receiver: Any = aiortc.rtcrtpreceiver
    receiver.JitterBuffer = _jitter_buffer
    receiver.NackGenerator = RetryingNack
    receiver.get_decoder = _browser_decoder if browser else _get_decoder
    modules: tuple[Any, ...] = (receiver, aiortc.rtcrtpsender, aiortc.rtp)
    for module in modules:
        module.RTP_HISTORY_SIZE = DEPTH
    _announce(browser=browser)
    ice: Any = aioice.ice
    stock = getattr(ice.get_host_addresses, "stock", ice.get_host_addresses)
    ice.get_host_addresses = _HostAddresses(stock, always=loopback)
    aioice.stun.parse_message = _parse_stun


_stock_parse: Final = aioice.stun.parse_message


def _parse_stun(data: bytes) -> aioice.stun.Message:
    """L2. Any malformed attribute is a ValueError; else each such datagram, from anybody, writes into the log."""
    try:
        return _stock_parse(data)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError("STUN attribute is malformed") from error


@dataclass(frozen=True, slots=True)
class _HostAddresses:
    """L1. The loopback address is useful only when both ends are one machine, so it is offered only then."""

    stock: Callable[[bool, bool], list[str]]
    always: bool

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found = self.stock(use_ipv4, use_ipv6)
        if use_ipv4 and (self.always or not found):
            found.append("127.0.0.1")
        return found


# --- P3: what is announced to a browser ---------------------------------------------------------------------------

_STOCK_CODECS: Final = list(aiortc.codecs.CODECS["video"])
_STOCK_EXTENSIONS: Final = list(aiortc.codecs.HEADER_EXTENSIONS["video"])
_PROFILE: Final = "42e01f"


def _announce(*, browser: bool) -> None:
    """Let the library's video codecs and header extensions be those for a browser, or its own again."""
    if browser:
        codecs = [_for_browser(codec) for codec in _STOCK_CODECS if _wanted(codec)]
        extensions = [*_STOCK_EXTENSIONS, RTCRtpHeaderExtensionParameters(id=EXTENSION_ID, uri=EXTENSION_URI)]
    else:
        codecs, extensions = list(_STOCK_CODECS), list(_STOCK_EXTENSIONS)
    aiortc.codecs.CODECS["video"][:] = codecs
    aiortc.codecs.HEADER_EXTENSIONS["video"][:] = extensions


def _wanted(codec: Any) -> bool:
    """VP8 and the one profile of H.264, each with its retransmission."""
    apt = codec.parameters.get("apt")
    named = next((c for c in _STOCK_CODECS if c.payloadType == apt), codec)
    return named.name == "VP8" or named.parameters.get("profile-level-id") == _PROFILE


def _for_browser(codec: Any) -> Any:
    if not codec.rtcpFeedback:
        return codec
    kept = [item for item in codec.rtcpFeedback if item.type != "goog-remb"]
    return replace(codec, rtcpFeedback=[*kept, RTCRtcpFeedback(type="transport-cc")])


def _jitter_buffer(capacity: int, prefetch: int = 0, is_video: bool = False) -> JitterBuffer | MarkerJitterBuffer:
    return MarkerJitterBuffer() if is_video else JitterBuffer(capacity, prefetch, is_video)


# --- P1, P2: jitter buffer ---------------------------------------------------------------------------------------


class Assembled(JitterFrame):
    """A whole encoded frame, the further ones the same packet completed, and whether frames before it were lost."""

    def __init__(self, data: bytes, timestamp: int, *, after_loss: bool) -> None:
        super().__init__(data, timestamp)
        self.more: list[Assembled] = []
        self.after_loss = after_loss


class MarkerJitterBuffer:
    """Puts video packets in order and releases each frame with its last packet. Cost is linear in the packets."""

    def __init__(self, capacity: int = DEPTH) -> None:
        self.capacity = capacity
        self._packets: dict[int, RtpPacket] = {}
        self._origin: int | None = None  # first packet not yet released
        self._scan = 0  # first packet behind the origin that is not there yet
        self._aligned = True  # the origin is the start of a frame
        self._after_loss = False
        self._part: list[RtpPacket] = []
        self.on_skipped: Callable[[int], None] = lambda _seq: None

    def add(self, packet: RtpPacket) -> tuple[bool, Assembled | None]:
        """Take a packet; return whether a keyframe must be asked for, and the frame it completed."""
        seq, lost = packet.sequence_number, False
        if self._origin is None:
            self._origin = self._scan = seq
        ahead = (seq - self._origin) & _MASK
        if ahead >= _MID:
            behind = (self._origin - seq) & _MASK
            if behind < MISORDER_MAX:
                return False, None
            # the peer began anew
            lost = True
            self._restart(seq)
        elif ahead >= self.capacity:
            lost = True
            self._make_room(seq)
        if ((seq - self._scan) & _MASK) >= _MID:  # a duplicate of what already waits for its frame's end
            return lost, None
        self._packets[seq] = packet
        if packet.marker and seq != self._scan:
            self._jump_to_keyframe(seq, packet.timestamp)
        return lost, self._release()

    def _jump_to_keyframe(self, last: int, timestamp: int) -> None:
        """Skip a gap when a whole keyframe lies behind it: what is missing is of no use any more."""
        first = last
        while (before := self._packets.get((first - 1) & _MASK)) is not None and before.timestamp == timestamp:
            first = (first - 1) & _MASK
        data = self._packets[first]._data  # type: ignore[attr-defined]  # see _release
        whole = data.startswith(_KEYFRAME_START) or _is_vp8_keyframe(data)
        if whole and first != self._scan and not self._waits_for_nothing(first):
            self._skip_to(first, aligned=True)
            self.on_skipped(first)

    def _waits_for_nothing(self, first: int) -> bool:
        """Say whether everything before `first` is there, so that it will be released in order anyway."""
        return all((self._scan + n) & _MASK in self._packets for n in range((first - self._scan) & _MASK))

    def abandon(self, seq: int) -> Assembled | None:
        """Give up on `seq` and all before it; return what becomes whole behind them."""
        if self._origin is None or ((seq - self._origin) & _MASK) >= _MID:
            return None
        self._skip_to((seq + 1) & _MASK, aligned=False)
        return self._release()

    def _release(self) -> Assembled | None:
        first: Assembled | None = None
        while (packet := self._packets.pop(self._scan, None)) is not None:
            if self._part and packet.timestamp != self._part[0].timestamp:
                first = self._join(first)  # a peer that sets no marker
            self._scan = (self._scan + 1) & _MASK
            if packet._data or self._part:  # type: ignore[attr-defined]  # set by the receiver; padding has no data
                self._part.append(packet)
            if packet.marker or not self._part:
                first = self._join(first)
        if not self._part:
            self._origin = self._scan
        return first

    def _join(self, first: Assembled | None) -> Assembled | None:
        part, self._part = self._part, []
        self._origin = self._scan
        usable, self._aligned = self._aligned, True
        if not part or not usable:
            return first
        data = b"".join(packet._data for packet in part)  # type: ignore[attr-defined]  # as above
        frame = Assembled(data, part[0].timestamp, after_loss=self._after_loss)
        self._after_loss = False
        if first is None:
            return frame
        first.more.append(frame)
        return first

    def _make_room(self, newest: int) -> None:
        """Drop to the next frame start that leaves room for `newest`."""
        self._skip_to((newest - self.capacity + 1) & _MASK, aligned=False)

    def _skip_to(self, start: int, *, aligned: bool) -> None:
        origin = start if self._origin is None else self._origin
        for number in range((start - origin) & _MASK):
            self._packets.pop((origin + number) & _MASK, None)
        self._part = []
        self._origin = self._scan = start
        self._aligned = aligned
        self._after_loss = True

    def _restart(self, seq: int) -> None:
        self._packets.clear()
        self._part = []
        self._origin = self._scan = seq
        self._aligned, self._after_loss = False, True


# --- P4: asking again --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Missing:
    since_s: float
    asked_s: float = 0.0
    tries: int = 0


class RetryingNack:
    """Knows which packets are missing and which of them are due to be asked for (again)."""

    def __init__(self) -> None:
        self.max_seq: int | None = None
        self.rtt_s = 0.02
        self.on_given_up: Callable[[int], None] = lambda _seq: None
        self._missing: dict[int, _Missing] = {}

    def add(self, packet: RtpPacket) -> bool:
        """Note a packet; say whether `missing` should be asked for now."""
        seq = packet.sequence_number
        if self.max_seq is None:
            self.max_seq = seq
            return False
        ahead = (seq - self.max_seq) & _MASK
        if 0 < ahead < _MID:
            now = time.perf_counter()
            for number in range(max(1, ahead - DEPTH), ahead):
                self._missing[(self.max_seq + number) & _MASK] = _Missing(now)
            self.max_seq = seq
            self._forget_old()
        else:
            self._missing.pop(seq, None)
        return self.due()

    def due(self) -> bool:
        """Say whether anything is to be asked for now; give up what was asked for too often."""
        now = time.perf_counter()
        given_up = [seq for seq, m in self._missing.items() if m.tries >= _NACK_TRIES or now - m.since_s > _NACK_LIFE_S]
        if given_up:
            for seq in given_up:
                del self._missing[seq]
            self.on_given_up(given_up[-1])
        return any(self._is_due(m, now) for m in self._missing.values())

    @property
    def waiting(self) -> bool:
        """Whether any packet is missing."""
        return bool(self._missing)

    @property
    def missing(self) -> set[int]:
        """What is to be asked for now; reading it counts as asking."""
        now = time.perf_counter()
        due = {seq: m for seq, m in self._missing.items() if self._is_due(m, now)}
        for m in due.values():
            m.asked_s, m.tries = now, m.tries + 1
        return set(due)

    def _is_due(self, missing: _Missing, now: float) -> bool:
        # Longer each time: what was sent again may wait in the very queue that lost it.
        return missing.tries == 0 or now - missing.asked_s >= max(0.02, self.rtt_s) * 1.6 ** (missing.tries - 1)

    def forget_before(self, seq: int) -> None:
        """Ask no more for anything before `seq`."""
        self._missing = {s: m for s, m in self._missing.items() if ((s - seq) & _MASK) < _MID}

    def _forget_old(self) -> None:
        while self._missing and self.max_seq is not None:
            oldest = next(iter(self._missing))
            if (self.max_seq - oldest) & _MASK < DEPTH:
                return
            del self._missing[oldest]


# --- P5: newest wins ---------------------------------------------------------------------------------------------


class NewestFrame:
    """Stands in for the track's queue. `put` is called in the decoder's thread and hands the frame on at once.

    aiortc schedules what `put` returns on the loop, so it returns an awaitable that does nothing there.
    """

    def __init__(self, on_frame: Callable[[DecodedPicture], None]) -> None:
        self._on_frame = on_frame
        self._ended = asyncio.Event()

    def put(self, picture: DecodedPicture | None) -> Awaitable[None]:
        if picture is not None:
            self._on_frame(picture)
        return self._done(ended=picture is None)

    async def get(self) -> None:
        await self._ended.wait()

    async def _done(self, *, ended: bool) -> None:
        if ended:
            self._ended.set()


class EncodedQueue:
    """Stands in for the queue to the decoder's thread: at most eight frames, then it drops to the next keyframe."""

    def __init__(self, ask_keyframe: Callable[[], None]) -> None:
        self._items: deque[tuple[Any, JitterFrame] | None] = deque()
        self._ready = threading.Condition()
        self._need_key = False
        self._ask_keyframe = ask_keyframe
        self.codec: Any = None  # of the newest frame
        self.longest = 0
        self.dropped = 0

    def put(self, item: tuple[Any, JitterFrame] | None) -> None:
        with self._ready:
            if item is None:
                self._items.append(None)
            else:
                codec, frame = item
                self.codec = codec
                base = frame.timestamp
                for one in (frame, *getattr(frame, "more", ())):
                    one.timestamp = (
                        base + ((one.timestamp - frame.timestamp) & 0xFFFFFFFF) if one is not frame else base
                    )
                    self._put_frame(codec, one)
            self._ready.notify()

    def get(self) -> tuple[Any, JitterFrame] | None:
        with self._ready:
            self._ready.wait_for(lambda: bool(self._items))
            return self._items.popleft()

    def _put_frame(self, codec: Any, frame: JitterFrame) -> None:
        if getattr(frame, "after_loss", False) or len(self._items) >= _ENCODED_MAX:
            self._items = deque(item for item in self._items if item is None)
            self._need_key = True
        if self._need_key and not is_keyframe(frame.data, vp8=_is_vp8(codec)):
            self.dropped += 1
            self._ask_keyframe()
            return
        self._need_key = False
        self._items.append((codec, frame))
        self.longest = max(self.longest, len(self._items))


def is_keyframe(data: bytes, *, vp8: bool = False) -> bool:
    """Say whether an Annex B frame begins with parameter sets or holds an IDR slice near its start."""
    if vp8:
        return _is_vp8_keyframe(data)
    at = 0
    for _ in range(6):
        at = data.find(b"\x00\x00\x01", at)
        if at < 0 or at + 3 >= len(data):
            return False
        kind = data[at + 3] & 0x1F
        if kind in (5, 7):
            return True
        if kind == 1:
            return False
        at += 3
    return False


def _is_vp8_keyframe(data: bytes) -> bool:
    """Say whether a VP8 frame is one (RFC 6386, 9.1). No frame of H.264 begins so: its start code stands there."""
    return data[3:6] == _VP8_START and not data[0] & 1


def _is_vp8(codec: Any) -> bool:
    return str(getattr(codec, "mimeType", "")).lower() == "video/vp8"


class DecodedPicture(NamedTuple):
    """A decoded picture and the stream it came from, which carries more than the decoder tells."""

    frame: VideoFrame
    stream: bytes
    vp8: bool = False


class LimitedDecoder(Decoder):
    """aiortc's decoders with a bound on the size of a picture, none held back, and each with its stream."""

    def __init__(self, name: str = "h264") -> None:
        self._vp8 = name == "vp8"
        self._codec = cast("VideoCodecContext", av.CodecContext.create(name, "r"))
        self._codec.options = {"max_pixels": str(_DECODER_PIXELS_MAX)}
        self._codec.thread_count = 1
        self._codec.flags |= av.codec.context.Flags.low_delay

    def decode(self, encoded_frame: JitterFrame) -> list[Any]:
        packet = av.Packet(encoded_frame.data)
        packet.pts = encoded_frame.timestamp
        found = self._codec.decode(packet)
        return [DecodedPicture(f, encoded_frame.data, self._vp8) for f in found if not f.is_corrupt]


def _get_decoder(codec: Any) -> Decoder:
    if codec.mimeType.lower() == "video/h264":
        return LimitedDecoder()
    return aiortc.codecs.get_decoder(codec)


def _browser_decoder(codec: Any) -> Decoder:
    return LimitedDecoder("vp8") if _is_vp8(codec) else _get_decoder(codec)


# --- seams on instances ------------------------------------------------------------------------------------------


@dataclass
class ReceiverSeam:
    """P3, P4 and P5 on one receiver, set in the "track" event, before aiortc starts the decoder."""

    receiver: RTCRtpReceiver
    on_frame: Callable[[DecodedPicture], None]
    keyframes_asked: int = 0
    _pli_wanted: threading.Event = field(default_factory=threading.Event)
    _pli_sent_s: float = 0.0

    def __post_init__(self) -> None:
        private: Any = self.receiver
        self.encoded = EncodedQueue(self.ask_keyframe)
        private._RTCRtpReceiver__decoder_queue = self.encoded
        private._RTCRtpReceiver__remote_bitrate_estimator = None  # our ends use channel `fb`, browsers P3
        private._track._queue = NewestFrame(self.on_frame)
        self.nack: RetryingNack = private._RTCRtpReceiver__nack_generator
        self.nack.on_given_up = self._given_up
        private._RTCRtpReceiver__jitter_buffer.on_skipped = self.nack.forget_before
        self._handle = private._handle_rtp_packet
        private._handle_rtp_packet = self._note_arrival
        self._arrivals: dict[int, int] = {}
        self._reported: int | None = None
        self._feedback = Feedback()
        self.ticks = Ticks(lambda: bool(self.nack.waiting) or self._pli_wanted.is_set())

    async def _note_arrival(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        self.ticks.heard()
        number = packet.extensions.transport_sequence_number
        if number is not None:  # known only where P3 announced it
            self._feedback.arrived(number, time.perf_counter_ns() // 1000)
        if packet.ssrc not in self.receiver._RTCRtpReceiver__rtx_ssrc and len(self._arrivals) < _ARRIVALS_MAX:  # type: ignore[attr-defined]  # private
            self._arrivals[packet.sequence_number] = time.perf_counter_ns() // 1000
        await self._handle(packet, arrival_time_ms=arrival_time_ms)

    def take_arrivals(self) -> tuple[int, list[int | None]] | None:
        """Return (first sequence number, microseconds or None for each packet) since the last call, or None."""
        arrivals, self._arrivals = self._arrivals, {}
        if not arrivals:
            return None
        first = next(iter(arrivals))
        base = first if self._reported is None else (self._reported + 1) & _MASK
        newest = max(arrivals, key=lambda seq: (seq - base + _MID) & _MASK)
        count = (newest - base + 1) & _MASK
        if not 0 < count <= _ARRIVALS_MAX:
            base, count = first, 1
        self._reported = newest
        return base, [arrivals.get((base + number) & _MASK) for number in range(count)]

    def ask_keyframe(self) -> None:
        """Have a keyframe asked for at the next tick. Any thread."""
        self._pli_wanted.set()
        self.ticks.wake()

    async def tick(self) -> None:
        """Ask again for what is missing, and for a keyframe when one is wanted; call at each of `ticks`."""
        private: Any = self.receiver
        streams = private._RTCRtpReceiver__remote_streams
        rtx = private._RTCRtpReceiver__rtx_ssrc
        ssrc = next((ssrc for ssrc in streams if ssrc not in rtx), None)
        if ssrc is None:
            return
        own = private._RTCRtpReceiver__rtcp_ssrc
        for raw in self._feedback.take(time.perf_counter_ns() // 1000, own, ssrc) if own is not None else ():
            await self.receiver.transport._send_rtp(raw)
        if private._RTCRtpReceiver__decoder_error.is_set():
            private._RTCRtpReceiver__decoder_error.clear()
            self.ask_keyframe()
        if self.nack.waiting and self.nack.due():
            await private._send_rtcp_nack(ssrc, sorted(self.nack.missing))
        if self._pli_wanted.is_set() and time.perf_counter() - self._pli_sent_s > 0.3:
            self._pli_wanted.clear()
            self._pli_sent_s = time.perf_counter()
            self.keyframes_asked += 1
            await private._send_rtcp_pli(ssrc)

    def _given_up(self, seq: int) -> None:
        private: Any = self.receiver
        frame = private._RTCRtpReceiver__jitter_buffer.abandon(seq)
        self.ask_keyframe()
        if frame is not None:
            codecs = private._RTCRtpReceiver__codecs.values()
            codec = self.encoded.codec or next(c for c in codecs if c.mimeType.lower() in ("video/h264", "video/vp8"))
            frame.timestamp = private._RTCRtpReceiver__timestamp_mapper.map(frame.timestamp)
            self.encoded.put((codec, frame))


def set_encoder(sender: RTCRtpSender, encoder: Encoder, on_keyframe_asked: Callable[[], None]) -> None:
    """S1. Make `sender` use `encoder`; call before the first frame. `on_keyframe_asked` runs on the event loop."""
    private: Any = sender
    private._RTCRtpSender__encoder = encoder
    private._send_keyframe = on_keyframe_asked


def set_send(sender: RTCRtpSender, wrap: Callable[[Callable[[bytes], Awaitable[None]], int], Any]) -> None:
    """S2. Replace how the sender's transport sends RTP and RTCP by `wrap(original, rtx_ssrc)`."""
    transport: Any = sender.transport
    private: Any = sender
    transport._send_rtp = wrap(transport._send_rtp, private._rtx_ssrc)


def rtx_negotiated(sender: RTCRtpSender) -> bool:
    """Say whether lost packets can be sent again, once `send` was called."""
    private: Any = sender
    return private._RTCRtpSender__rtx_payload_type is not None


def reported_loss(sender: RTCRtpSender) -> float:
    """Return the share of packets lost in the peer's last report, 0 to 1."""
    private: Any = sender
    for report in private._RTCRtpSender__stats.values():
        if report.type == "remote-inbound-rtp":
            return float(report.fractionLost) / 256
    return 0.0


def path_kind(pc: RTCPeerConnection) -> str:
    """S4. Return "direct", "relay" or "" while there is no path."""
    transport: Any = pc.sctp.transport.transport if pc.sctp else None
    pair = next(iter(transport._connection._nominated.values()), None) if transport is not None else None
    if pair is None:
        return ""
    return "relay" if "relay" in (pair.local_candidate.type, pair.remote_candidate.type) else "direct"


def gather_within(pc: RTCPeerConnection, seconds: float) -> None:
    """S5. Wait no longer than this for servers that help to find candidates; call when there is a data channel."""
    transport: Any = pc.sctp.transport.transport if pc.sctp else None
    if transport is not None:
        connection = transport._connection
        connection.get_component_candidates = partial(connection.get_component_candidates, timeout=seconds)


def share_transport(pc: RTCPeerConnection) -> None:
    """S6. Let video use the channels' transport from the start; call between channels and video, with MAX_BUNDLE.

    Else every offer gathers twice and takes two allocations at a relay. aiortc itself stops the shared transport at the
    answer when the channels came first, unless they are marked as bundled.
    """
    sctp: Any = pc.sctp
    sctp._bundled = True


def widen_socket_buffers(pc: RTCPeerConnection) -> None:
    """S3. Let the kernel hold a burst while this process is busy."""
    transport: Any = pc.sctp.transport.transport if pc.sctp else None
    for protocol in transport._connection._protocols if transport is not None else ():
        sock = protocol.transport.get_extra_info("socket") if protocol.transport is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
