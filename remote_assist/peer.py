# SPDX-License-Identifier: GPL-3.0-or-later
"""One peer connection of one epoch: fixed data channels, one video section, and nothing that contacts anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from av.frame import Frame
from av.video.frame import VideoFrame

from app.domain.assist import Role
from remote_assist import aiortc_patches, messages
from remote_assist.encoder import FLAG_KEY, FrameData, ScreenEncoder, read_frame_data
from remote_assist.messages import CHANNELS
from remote_assist.pacer import Pacer
from remote_assist.rate import RateControl
from remote_assist.sdp_rules import BadSdp, check_sdp, clean_sdp
from remote_assist.sending import HEIGHT_MAX, WIDTH_MAX, Gate, Mailbox, now_us
from remote_assist.tile_sender import Line, TileSender
from remote_assist.transport_guard import TransportGuard

_PING: Final = struct.Struct("!BIQ")
_PONG: Final = struct.Struct("!BIQQQ")
# The first are longer than a frame at 15 fps: a moving picture needs no probes. The later ones only show that somebody
# is there; each costs both ends an encoded and a decoded picture.
_PROBES_S: Final = (0.08, 0.2, 1.0, 1.0, 2.0)
_PROBE_LATER_S: Final = 4.0
_REFINE_S: Final = 0.1
_TICK_S: Final = 0.02
_HEARTBEAT_S: Final = 0.5
# No picture has moved since the last one. The customer's are heard at both ends, for they are answered.
_HEARTBEAT_STILL_S: Final = {Role.CUSTOMER: 1.0, Role.AGENT: 3.0}
# for servers that do not answer: a direct connection must not wait for them, nor the next rung for this one
_GATHER_S: Final = 2.0
_GATHER_RELAYED_S: Final = 3.5
_STEP_US: Final = 250
_BULK: Final = ("clip", "tile", "diag", "file")
_LOW: Final = 0xFFFFFFFF
_HALF: Final = 0x80000000
_NO_TILES: Final = np.zeros((0, 0), np.bool_)  # everything may have changed


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture with the data that came inside it; `captured_us` is already of our clock."""

    frame: VideoFrame
    data: FrameData
    captured_us: int
    decoded_us: int
    epoch: int = 0
    stream: bytes = b""
    timed: bool = True  # False: from a browser, whose pictures carry no data; it says when this one was decoded


@dataclass(slots=True)
class Callbacks:
    """What a peer tells its owner. `decoded` is called in the decoder's thread, the rest on the event loop."""

    message: Callable[[str, bytes | str], None]
    changed: Callable[[], None]
    decoded: Callable[[Decoded], None] = lambda _decoded: None
    fault: Callable[[str, str], None] = lambda _code, _detail: None


@dataclass(slots=True)
class ClockOffset:
    """How far the peer's clock is ahead of ours, from the fastest of the last 16 round trips. Microseconds."""

    offset_us: int = 0
    rtt_us: int = 0
    last_rtt_us: int = 0
    _samples: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=16))

    def add(self, t1: int, t2: int, t3: int, t4: int) -> None:
        self.last_rtt_us = (t4 - t1) - (t3 - t2)
        self._samples.append((self.last_rtt_us, ((t2 - t1) + (t3 - t4)) // 2))
        self.rtt_us, self.offset_us = min(self._samples)


class ScreenTrack(VideoStreamTrack):
    """The sender's track: says when there is something to encode. The pictures themselves go by the mailbox."""

    def __init__(self, mailbox: Mailbox, gate: Gate, encoder: ScreenEncoder) -> None:
        super().__init__()
        self._mailbox = mailbox
        self._gate = gate
        self._encoder = encoder
        self._wake = asyncio.Event()
        self._on_loop = asyncio.get_running_loop()
        self._probes = 0
        self._last_s = self._on_loop.time()
        self._dummy = VideoFrame(2, 2, "yuv420p")

    def wake(self) -> None:
        """Look again whether something is to be sent. Any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._on_loop.call_soon_threadsafe(self._wake.set)

    def keyframe_asked(self) -> None:
        """The peer cannot decode: send a whole picture soon."""
        self._encoder.want_keyframe()
        self._probes = 0
        self.wake()

    async def recv(self) -> Frame:
        """Return a dummy once a picture waits, or one is due again to be refined or to prove the last one arrived."""
        while self.readyState == "live":
            self._wake.clear()
            if self._gate.open:
                if self._mailbox.filled:
                    self._probes = 0
                    return self._sending()
                if self._encoder.has_picture and self._due_s() <= 0:
                    self._probes += 1
                    return self._sending()
            with contextlib.suppress(TimeoutError):
                wait_s = max(0.001, self._due_s()) if self._gate.open and self._encoder.has_picture else None
                await asyncio.wait_for(self._wake.wait(), wait_s)
        raise MediaStreamError

    def _sending(self) -> Frame:
        self._last_s = self._on_loop.time()
        return self._dummy

    def _due_s(self) -> float:
        if self._encoder.can_refine and self._probes:
            wait_s = _REFINE_S
        else:
            wait_s = _PROBES_S[self._probes] if self._probes < len(_PROBES_S) else _PROBE_LATER_S
        return self._last_s + wait_s - self._on_loop.time()


class Peer:
    """One connection. Make it on the event loop; every coroutine belongs to that loop."""

    def __init__(
        self,
        epoch: int,
        role: str,
        ice: list[dict[str, str]],
        on: Callbacks,
        *,
        relay_only: bool,
        browser: bool = False,
    ) -> None:
        """`browser`: the customer's end is one, and pictures come as a browser sends them."""
        self._browser = browser
        self._guard: TransportGuard | None = None
        self._was_open = False
        self.epoch = epoch
        self.role = role
        self.clock = ClockOffset()
        self._on = on
        self._relay_only = relay_only
        servers = [RTCIceServer(i["urls"], i.get("username") or None, i.get("credential") or None) for i in ice]
        # Relayed only: else connectivity checks would show the own address to the peer, whatever the description says.
        policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
        # Servers are always given: the default of aiortc is somebody else's public server.
        bundle = RTCBundlePolicy.MAX_BUNDLE if role == Role.CUSTOMER else RTCBundlePolicy.BALANCED
        self._pc = RTCPeerConnection(RTCConfiguration(servers, policy, bundle))
        self._channels = {name: self._channel(name) for name in CHANNELS}
        if role == Role.CUSTOMER:
            aiortc_patches.share_transport(self._pc)
            self._stand_guard()
        aiortc_patches.gather_within(self._pc, _GATHER_RELAYED_S if relay_only else _GATHER_S)
        self._tasks: list[asyncio.Task[None]] = []
        self._alive_us = now_us()
        self._seen_packets = 0
        self._hb_number = 0
        self._answered_us = 0
        self._buffered_longest = 0
        self.rate = RateControl()
        self.encoder: ScreenEncoder | None = None
        self.pacer: Pacer | None = None
        self.tiles: TileSender | None = None
        self._track: ScreenTrack | None = None
        self._sender: RTCRtpSender | None = None
        self._seam: aiortc_patches.ReceiverSeam | None = None
        self._last_frame_id = -1
        self.foreign_channels = 0
        self.clip_waits = False
        self._pc.on("datachannel", self._refuse_channel)
        self._pc.on("track", self._on_track)
        for event in ("connectionstatechange", "iceconnectionstatechange"):
            self._pc.on(event, self._changed)

    # --- opening --------------------------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of this connection's certificate, 32 bytes."""
        sctp = self._pc.sctp
        for item in sctp.transport.getLocalParameters().fingerprints if sctp is not None else ():
            if item.algorithm.lower() == "sha-256":
                return bytes.fromhex(item.value.replace(":", ""))
        raise BadSdp("own fingerprint")

    async def offer(self, mailbox: Mailbox, gate: Gate) -> str:
        """Customer: add the video section and return the offer, candidates gathered."""
        self.encoder = ScreenEncoder(mailbox, gate, lambda: self.rate.bps)
        self._track = ScreenTrack(mailbox, gate, self.encoder)
        mailbox.on_filled = self._track.wake
        line = Line(lambda data: self.send("tile", data), self._tile_free, self._charge, lambda: self.rate.bps)
        self.tiles = TileSender(self.encoder, mailbox, gate, line)
        transceiver = self._pc.addTransceiver(self._track, direction="sendonly")
        self._sender = transceiver.sender
        transceiver.setCodecPreferences(
            [
                codec
                for codec in RTCRtpSender.getCapabilities("video").codecs
                if codec.mimeType.lower() == "video/rtx" or codec.parameters.get("profile-level-id") == "42e01f"
            ]
        )
        aiortc_patches.set_encoder(self._sender, self.encoder, self.want_keyframe)
        await self._pc.setLocalDescription(await self._pc.createOffer())
        aiortc_patches.set_send(self._sender, lambda send, rtx: self._paced(send, rtx, gate))
        return self._local()

    @property
    def bulk_free(self) -> bool:
        """Whether a bulk channel may send its next message."""
        if any(self._channels[name].bufferedAmount for name in _BULK):
            return False
        return self.role == Role.AGENT or (self.pacer is not None and self.pacer.free)

    @property
    def tiles_due(self) -> bool:
        """Whether exact tiles could leave now: they go before bundles and files."""
        return self.tiles is not None and self.tiles.due

    @property
    def picture_bps(self) -> int:
        """The rate of which the picture has the larger part; 0 where none is sent."""
        return self.rate.bps if self.role == Role.CUSTOMER else 0

    def send_bulk(self, channel: str, data: bytes) -> bool:
        """Send one message on a bulk channel, out of the picture's rate."""
        self._charge(len(data))
        return self.send(channel, data)

    def _tile_free(self) -> bool:
        return not self.clip_waits and self.bulk_free

    def _charge(self, size: int) -> None:
        if self.pacer is not None:
            self.pacer.charge(size)

    def _paced(self, send: Any, rtx_ssrc: int, gate: Gate) -> Any:
        self.pacer = Pacer(send, self.rate, gate, rtx_ssrc)
        return self.pacer.send_rtp

    async def remote(self, kind: str, text: str, fingerprint: bytes) -> str | None:
        """Take the other end's description; the agent's answer is returned. Raises BadSdp."""
        if kind != ("offer" if self.role == "agent" else "answer"):
            raise BadSdp("type")
        if check_sdp(text, kind, browser=self._browser).fingerprint != fingerprint:
            raise BadSdp("fingerprint")
        if self._relay_only:
            text = clean_sdp(text, relay_only=True)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(text, kind))
            self._stand_guard().expect(text)
            if kind == "answer":
                self._begin()
                return None
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError, TypeError) as error:
            raise BadSdp(type(error).__name__) from error
        self._begin()
        return self._local()

    def _stand_guard(self) -> TransportGuard:
        """Before anything can arrive: at the offering end from the start, at the other once the bundle is known."""
        if self._guard is None or not self._guard.stands_before(self._pc):
            self._guard = TransportGuard(self._pc)
        return self._guard

    def _begin(self) -> None:
        aiortc_patches.widen_socket_buffers(self._pc)
        self._tasks.append(asyncio.create_task(self._heartbeat()))
        if self.role == "agent":
            self._tasks.append(asyncio.create_task(self._ask_again()))
        else:
            self._tasks.append(asyncio.create_task(self._watch_loss()))

    def _local(self) -> str:
        return clean_sdp(self._pc.localDescription.sdp, relay_only=self._relay_only)

    def _channel(self, name: str) -> RTCDataChannel:
        spec = CHANNELS[name]
        channel = self._pc.createDataChannel(
            name, ordered=spec.ordered, maxRetransmits=None if spec.reliable else 0, negotiated=True, id=spec.id
        )
        channel.on("message", lambda data: self._received(name, data))
        channel.on("open", self._changed)
        return channel

    def _refuse_channel(self, channel: RTCDataChannel) -> None:
        self.foreign_channels += 1
        channel.close()

    def _on_track(self, track: Any) -> None:
        if self.role != "agent" or self._seam is not None:
            return
        for transceiver in self._pc.getTransceivers():
            if transceiver.receiver.track is track:
                self._seam = aiortc_patches.ReceiverSeam(transceiver.receiver, self._decoded)

    # --- state ----------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether media may flow: DTLS is up and `ctl` is open."""
        return self._pc.connectionState == "connected" and self.channels_open

    @property
    def channels_open(self) -> bool:
        """Whether `ctl` is open."""
        return self._channels["ctl"].readyState == "open"

    @property
    def ice_state(self) -> str:
        """State of ICE in aiortc's words."""
        return self._pc.iceConnectionState

    @property
    def dtls_state(self) -> str:
        """State of DTLS in aiortc's words."""
        return str(self._pc.sctp.transport.state) if self._pc.sctp is not None else "new"

    @property
    def path(self) -> str:
        """The path in use: "direct", "relay", or "" before there is one."""
        return aiortc_patches.path_kind(self._pc)

    @property
    def silent_ms(self) -> int:
        """Milliseconds since anything came from the peer itself; a peer that closed its channels says nothing more."""
        packets = self._guard.heard if self._guard is not None else 0
        self._was_open |= self.channels_open
        if packets != self._seen_packets and (self.channels_open or not self._was_open):
            self._seen_packets, self._alive_us = packets, now_us()
        return (now_us() - self._alive_us) // 1000

    @property
    def answered_ms(self) -> int:
        """Milliseconds since the newest heartbeat left that the peer has answered; -1: none was."""
        return (now_us() - self._answered_us) // 1000 if self._answered_us else -1

    @property
    def keyframes_asked(self) -> int:
        """How often this end asked for a keyframe."""
        return self._seam.keyframes_asked if self._seam is not None else 0

    @property
    def queue_longest(self) -> int:
        """The longest the queue to the decoder has been."""
        return self._seam.encoded.longest if self._seam is not None else 0

    @property
    def queues_longest(self) -> dict[str, int]:
        """The longest that each queue of this connection has been; of channels the bytes of the fullest."""
        return {
            "decoder": self.queue_longest,
            "retransmit": self.pacer.rtx_longest if self.pacer is not None else 0,
            "channel_bytes": self._buffered_longest,
        }

    def send(self, name: str, data: bytes) -> bool:
        """Send on a channel; text on `ctl` and `ann`. False when it is not open or too much waits."""
        channel = self._channels.get(name)
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > 1 << 20:
            return False
        try:
            channel.send(data.decode() if name in ("ctl", "ann") else data)
            self._buffered_longest = max(self._buffered_longest, channel.bufferedAmount)
        except (UnicodeDecodeError, ConnectionError):
            return False
        return True

    def wake(self) -> None:
        """The gate has opened: look whether something is to be sent."""
        if self._track is not None:
            self._track.wake()

    def begin_again(self) -> None:
        """The gate has opened: a whole picture, as fast as the path is thought to carry."""
        self.rate.begin_again(now_us())
        self.want_keyframe()

    def want_keyframe(self) -> None:
        """Begin again with a whole picture."""
        if self.pacer is not None:
            self.pacer.drop_retransmissions()
        if self._track is not None:
            self._track.keyframe_asked()

    def ask_keyframe(self) -> None:
        """Agent: have the other end begin again with a whole picture. Any thread."""
        if self._seam is not None:
            self._seam.ask_keyframe()

    async def close(self) -> None:
        """Close everything. Idempotent."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        if self.tiles is not None:
            self.tiles.close()
        if self.pacer is not None:
            self.pacer.close()
        if self._track is not None:
            self._track.stop()
            self._track.wake()
        await self._pc.close()

    # --- running --------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._on.changed()

    def _decoded(self, picture: aiortc_patches.DecodedPicture) -> None:
        decoded_us = now_us()
        frame = picture.frame
        if frame.width > WIDTH_MAX or frame.height > HEIGHT_MAX:
            self._on.fault("picture_too_large", f"{frame.width}x{frame.height}")
            return
        if self._browser:
            self._decoded_plain(picture, decoded_us)
            return
        data = read_frame_data(picture.stream)
        if data is None:
            return
        expected = (self._last_frame_id + 1) & 0xFFFFFFFF
        jumped = self._last_frame_id >= 0 and data.frame_id != expected and not data.flags & FLAG_KEY
        if jumped and self._seam is not None:
            self._seam.ask_keyframe()
        self._last_frame_id = data.frame_id
        captured_us = data.captured_us - self.clock.offset_us
        self._on.decoded(Decoded(frame, data, captured_us, decoded_us, self.epoch, picture.stream))

    def _decoded_plain(self, picture: aiortc_patches.DecodedPicture, decoded_us: int) -> None:
        """A browser's picture: nothing inside it says when it was taken or what changed."""
        key = aiortc_patches.is_keyframe(picture.stream, vp8=picture.vp8)
        self._last_frame_id = (self._last_frame_id + 1) & _LOW
        data = FrameData(self._last_frame_id, decoded_us, 0, FLAG_KEY if key else 0, _NO_TILES)
        self._on.decoded(Decoded(picture.frame, data, decoded_us, decoded_us, self.epoch, picture.stream, timed=False))

    def _received(self, name: str, data: bytes | str) -> None:
        if name == "hb":
            self._on_heartbeat(data)
        elif name == "fb":
            self._on_feedback(data)
        else:
            self._on.message(name, data)

    async def _heartbeat(self) -> None:
        frames = 0
        while True:
            self._hb_number = (self._hb_number + 1) & 0xFFFFFFFF
            sent_us = now_us()
            self.send("hb", _PING.pack(1, self._hb_number, sent_us))
            # the first ones quickly: the clock offset is needed for the first picture's latency
            await asyncio.sleep(0.05 if len(self.clock._samples) < 4 else _HEARTBEAT_S)  # noqa: SLF001  # our own class
            before, frames = frames, self._last_frame_id if self.encoder is None else self.encoder.frame_id
            if frames - before in (0, 1) and self._answered_us >= sent_us:  # a still picture and a sound line
                await asyncio.sleep(_HEARTBEAT_STILL_S[Role(self.role)] - _HEARTBEAT_S)

    def _on_heartbeat(self, data: bytes | str) -> None:
        arrived_us = now_us()
        if isinstance(data, str):
            return
        if len(data) == _PING.size and data[0] == 1:
            _, number, t1 = _PING.unpack(data)
            self.send("hb", _PONG.pack(2, number, t1, arrived_us, now_us()))
        elif len(data) == _PONG.size and data[0] == 2:
            _, _, t1, t2, t3 = _PONG.unpack(data)
            if not self._answered_us < t1 <= arrived_us:
                return  # no time of ours, or an older one
            self._answered_us = t1
            self.clock.add(t1, t2, t3, arrived_us)
            self.rate.path_seen(self.clock.rtt_us)
            if self._seam is not None:
                self._seam.nack.rtt_s = max(0.0, self.clock.last_rtt_us / 1_000_000)

    def _on_feedback(self, data: bytes | str) -> None:
        try:
            message = messages.decode("fb", data, Role.AGENT)
        except messages.Malformed:
            return
        if not isinstance(message, messages.Arrival):
            return
        now = now_us()
        theirs = now + self.clock.offset_us
        # the low 32 bits travel: take the time nearest to now
        at = theirs + ((message.ref_us - theirs + _HALF) & _LOW) - _HALF
        arrivals: list[tuple[int, int | None]] = []
        for number, delta in enumerate(message.deltas):
            at += (delta or 0) * _STEP_US
            seq = (message.base_seq + number) & 0xFFFF
            arrivals.append((seq, None if delta is None else at - self.clock.offset_us))
        self.rate.packets_arrived(arrivals, now)

    def _feed_back(self) -> None:
        """Agent: tell the sender when which packets came."""
        report = self._seam.take_arrivals() if self._seam is not None else None
        if report is None:
            return
        base, times = report
        first = next(at for at in times if at is not None)
        at = first
        deltas: list[int | None] = []
        for time_us in times:
            if time_us is None:
                deltas.append(None)
                continue
            steps = max(-0x7FFF, min(0x7FFF, (time_us - at) // _STEP_US))
            at += steps * _STEP_US
            deltas.append(steps)
        self.send("fb", messages.encode(messages.Arrival(base, first & _LOW, tuple(deltas))))

    async def _ask_again(self) -> None:
        while True:
            if self._seam is None:
                await asyncio.sleep(_TICK_S)
            else:
                await self._seam.ticks.next()
                with contextlib.suppress(ConnectionError):
                    await self._seam.tick()
                self._feed_back()

    async def _watch_loss(self) -> None:
        while self._sender is not None:
            await asyncio.sleep(1)
            self.rate.loss_reported(aiortc_patches.reported_loss(self._sender), now_us())
