# SPDX-License-Identifier: GPL-3.0-or-later
"""H.264 for screens: x264 with constant quality, no periodic keyframes, our frame data inside the stream."""

from __future__ import annotations

import fractions
import os
import re
import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from av.frame import Frame
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from remote_assist import damage, x264_live
from remote_assist.quality import Q_BEST, Detail, Luma, Quality
from remote_assist.sending import Gate, Mailbox, Picture, now_us
from remote_assist.tiles import TopOff

SEI_UUID: Final = uuid.UUID("6f0f5c0e-8a52-4d6b-9a53-de5c51de0001").bytes
FLAG_KEY, FLAG_REFINE, FLAG_PROBE = 1, 2, 4
_SEI: Final = struct.Struct("!BBIQBHH")
_SEI_VERSION: Final = 1
_REACH: Final = 8  # rows that the colour filter looks beyond what changed
_SEI_SEARCH: Final = 32_768
_CLOCK: Final = fractions.Fraction(1, 90_000)
# i4x4: letters cost a twentieth less and look 1 dB better, for nothing that can be measured in time
_X264_PARAMS: Final = "qcomp=1:ipratio=1:aq-mode=0:scenecut=0:keyint=1000000:repeat-headers=1"
_PARTITIONS: Final = {"ultrafast": ":partitions=i4x4"}
_ESCAPED: Final = re.compile(rb"\x00\x00(?=[\x00-\x03])")


@dataclass(frozen=True, slots=True)
class FrameData:
    """What travels inside the stream with each picture. `captured_us` is of the sender's media clock."""

    frame_id: int
    captured_us: int
    q: int
    flags: int
    tiles: damage.Tiles


def sei_nal(data: FrameData) -> bytes:
    """Return an SEI NAL unit (without start code) that carries `data`."""
    rows, cols = data.tiles.shape
    head = _SEI.pack(_SEI_VERSION, data.flags, data.frame_id, data.captured_us, data.q, cols, rows)
    body = SEI_UUID + head + damage.pack(data.tiles)
    sizes = b"\xff" * (len(body) // 255) + bytes([len(body) % 255])
    return b"\x06" + _escape(b"\x05" + sizes + body + b"\x80")


def _escape(raw: bytes) -> bytes:
    return _ESCAPED.sub(b"\x00\x00\x03", raw)


def read_frame_data(stream: bytes) -> FrameData | None:
    """Return our data from an Annex B picture, or None when there is none or it is malformed. The bytes are hostile.

    PyAV would hand it over as side data too, but reading that ties each decoded picture into a reference cycle: half
    a gigabyte until the garbage collector comes by.
    """
    start = stream.find(SEI_UUID, 0, _SEI_SEARCH)
    if start < 0:
        return None
    end = stream.find(b"\x00\x00\x01", start)
    raw = stream[start + 16 : end if end >= 0 else start + _SEI_SEARCH].rstrip(b"\x00")
    raw = raw.replace(b"\x00\x00\x03", b"\x00\x00")
    if len(raw) <= _SEI.size or raw[-1] != 0x80:
        return None
    version, flags, frame_id, captured_us, q, cols, rows = _SEI.unpack_from(raw)
    tiles = damage.unpack(raw[_SEI.size : -1], rows, cols)
    if version != _SEI_VERSION or tiles is None or captured_us >= 2**62:
        return None
    return FrameData(frame_id, captured_us, q, flags, tiles)


def preset_for_this_machine() -> str:
    """Return the x264 preset: the cheapest on two cores or fewer."""
    return "ultrafast" if (os.cpu_count() or 1) <= 2 else "superfast"


class X264:
    """One open encoder of one size. Calls are serial."""

    def __init__(self, width: int, height: int, q: int, preset: str) -> None:
        self.size = (width, height)
        self.q = q
        self._preset = preset
        self._context = self._open()

    def _open(self) -> VideoCodecContext:
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = self.size
        context.pix_fmt = "yuv420p"
        context.time_base = _CLOCK
        context.framerate = fractions.Fraction(30)
        context.thread_count = 1
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = Colorspace.ITU709
        context.options = {
            "preset": self._preset,
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": str(self.q),
            "forced-idr": "1",
            "x264-params": _X264_PARAMS + _PARTITIONS.get(self._preset, ""),
        }
        context.open()
        return context

    def set_q(self, q: int) -> bool:
        """Use `q` from the next picture on. False when that needed a new encoder, which begins with a keyframe."""
        if q == self.q:
            return True
        self.q = q
        if x264_live.set_crf(self._context, q, self._preset):
            return True
        self._context = self._open()
        return False

    def encode(self, frame: VideoFrame, pts: int, *, keyframe: bool) -> bytes:
        """Return the picture as an Annex B stream."""
        frame.pts = pts
        frame.time_base = _CLOCK
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class Converter:
    """BGRX rows to planar YUV in BT.709 limited range, into one kept picture; small changes convert only their rows."""

    def __init__(self) -> None:
        self._reformat = VideoReformatter()
        self._kept: VideoFrame | None = None

    def convert(self, picture: Picture) -> VideoFrame:
        width, height = picture.size
        kept = self._kept
        bands = np.flatnonzero(picture.tiles.any(axis=1))
        if kept is None or (kept.width, kept.height) != (width, height) or len(bands) > picture.tiles.shape[0] // 2:
            self._kept = self._whole(picture.rows)
            return self._kept
        for first, last in _runs(bands):
            top, bottom = max(0, first * damage.TILE - _REACH), min(height, (last + 1) * damage.TILE + _REACH)
            above, below = max(0, top - _REACH), min(height, bottom + _REACH)
            strip = self._whole(picture.rows[above:below])
            for plane, (mine, part) in enumerate(zip(kept.planes, strip.planes, strict=True)):
                shift = 1 if plane else 0
                rows = slice(top >> shift, bottom >> shift)
                _copy_rows(mine, part, rows, above >> shift, width >> shift)
        return kept

    @property
    def kept(self) -> VideoFrame | None:
        """The last picture converted."""
        return self._kept

    def _whole(self, rows: np.ndarray[tuple[int, int], np.dtype[np.uint32]]) -> VideoFrame:
        height, width = rows.shape
        frame = VideoFrame.from_numpy_buffer(rows.view(np.uint8).reshape(height, width, 4), "bgra")
        return self._reformat.reformat(
            frame,
            width,
            height,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )


def _runs(bands: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Iterator[tuple[int, int]]:
    start = previous = None
    for band in map(int, bands):
        if start is None or previous is None:
            start = band
        elif band != previous + 1:
            yield start, previous
            start = band
        previous = band
    if start is not None and previous is not None:
        yield start, previous


def _copy_rows(mine: VideoPlane, part: VideoPlane, rows: slice, above: int, width: int) -> None:
    _plane(mine)[rows, :width] = _plane(part)[rows.start - above : rows.stop - above, :width]


def _plane(plane: VideoPlane) -> Luma:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]


def _luma(frame: VideoFrame) -> Luma:
    return _plane(frame.planes[0])[:, : frame.width]


class ScreenEncoder(Encoder):
    """What an aiortc sender calls instead of its own encoder. One per epoch; `encode` runs in an executor thread.

    The frame handed in by aiortc is a dummy: the newest picture is taken from the mailbox at the last moment.
    """

    def __init__(self, mailbox: Mailbox, gate: Gate, bps: Callable[[], int], preset: str | None = None) -> None:
        self._mailbox = mailbox
        self._gate = gate
        self._bps = bps
        self._preset = preset or preset_for_this_machine()
        self._x264: X264 | None = None
        self._converter = Converter()
        self._quality = Quality()
        self._detail = Detail()
        self._tiles: damage.Tiles = np.zeros((1, 1), np.bool_)
        self._key_wanted = True
        self._key_sent_us = 0
        self._is_probe = False
        self._timestamp = 0
        self._origin_us = now_us()
        self.topoff = TopOff()
        self.left: Callable[[int, bool], None] = lambda _frame_id, _changed: None
        self.finest = Q_BEST
        self.frame_id = 0
        self.keyframes = 0
        self.last_bytes = 0
        self.encode_us = 0
        self.changed_us = 0
        self.sent_us = 0

    @property
    def q(self) -> int:
        """The quality in use."""
        return self._quality.q

    @property
    def can_refine(self) -> bool:
        """Whether the last picture could still be sent finer."""
        return self._x264 is not None and self._quality.q > self.finest

    @property
    def has_picture(self) -> bool:
        """Whether anything was sent that a probe could repeat."""
        return self._x264 is not None

    @property
    def _next_id(self) -> int:
        return (self.frame_id + 1) & 0xFFFFFFFF

    def want_keyframe(self) -> None:
        """The next picture must be decodable alone."""
        self._key_wanted = True

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:  # noqa: ARG002 - aiortc's
        """Return RTP payloads and timestamp of the newest picture, or nothing while the gate is closed."""
        if force_keyframe:
            self._key_wanted = True
        started = now_us()
        try:
            picture = self._mailbox.take()
            if not self._gate.open:
                return [], 0
            stream = self._new_picture(picture) if picture is not None else self._same_picture()
            if not stream or not self._gate.count_frame():
                return [], 0
            self.encode_us = now_us() - started
            self.sent_us = now_us()
            if picture is not None or not self._is_probe:
                self.left(self.frame_id, picture is not None)
            return stream, self._timestamp
        finally:
            self._mailbox.encoder_free()

    def pack(self, packet: Packet[Any]) -> tuple[list[bytes], int]:
        """Not used: this encoder is fed with pictures only."""
        raise NotImplementedError

    def _new_picture(self, picture: Picture) -> list[bytes]:
        x264 = self._x264
        key = self._take_key(new_size=x264 is None or x264.size != picture.size)
        now = self.changed_us = now_us()
        frame = self._converter.convert(picture)
        tiles = np.ones_like(picture.tiles) if key else picture.tiles
        motion = self._quality.is_motion(int(tiles.sum()), tiles.size, keyframe=key, now_us=now)
        q = self._q_for(frame, tiles, motion=motion)
        if x264 is None or x264.size != picture.size:
            x264 = self._x264 = X264(*picture.size, q, self._preset)
        key = not x264.set_q(q) or key
        self._tiles = np.ones_like(picture.tiles) if key else picture.tiles
        self.topoff.changed(self._next_id, picture.rows, picture.tiles, now, key=key)
        payloads = self._encode(x264, frame, picture.captured_us, key=key, flags=0)
        self._quality.learn(int(tiles.sum()), self.last_bytes, motion=motion)
        return payloads

    def _q_for(self, frame: VideoFrame, tiles: damage.Tiles, *, motion: bool) -> int:
        if motion:
            self._detail.moved()
            return self._quality.for_motion(int(tiles.sum()), self._bps())
        self._detail.look(_luma(frame), tiles)
        return self._quality.for_new(self._detail.edges, tiles, self._bps())

    def _same_picture(self) -> list[bytes]:
        x264, kept = self._x264, self._converter.kept
        if x264 is None or kept is None:
            return []
        key = self._take_key(new_size=False)
        idle_us = now_us() - self.changed_us
        may_refine = not key and idle_us >= 100_000
        q = self._finer(kept) if may_refine and self.can_refine else None
        if q is not None:
            key = not x264.set_q(q)
        flags = FLAG_REFINE if q is not None else 0 if key else FLAG_PROBE
        # A refinement may touch any tile that ever changed, but an exact one is shown as it is; a probe touches none.
        again = key or q is not None
        self._tiles = self.topoff.repeated(self._next_id, key=key) if again else np.zeros_like(self._tiles)
        return self._encode(x264, kept, now_us(), key=key, flags=flags)

    def _finer(self, kept: VideoFrame) -> int | None:
        self._detail.look(_luma(kept), np.zeros_like(self._tiles))
        self._quality.look(self._detail.edges)
        return self._quality.refine(self._bps(), self.finest)

    def _take_key(self, *, new_size: bool) -> bool:
        now = now_us()
        if new_size or (self._key_wanted and now - self._key_sent_us >= 300_000):
            self._key_wanted, self._key_sent_us = False, now
            return True
        return False

    def _encode(self, x264: X264, frame: VideoFrame, captured_us: int, *, key: bool, flags: int) -> list[bytes]:
        self._is_probe = flags == FLAG_PROBE
        self._timestamp = max(self._timestamp + 1, (captured_us - self._origin_us) * 9 // 100)
        raw = x264.encode(frame, self._timestamp, keyframe=key)
        self.frame_id = self._next_id
        self.keyframes += key
        self.last_bytes = len(raw)
        data = FrameData(self.frame_id, captured_us, x264.q, flags | (FLAG_KEY if key else 0), self._tiles)
        return H264Encoder._packetize(_with_sei(raw, sei_nal(data)))  # noqa: SLF001  # listed in aiortc_patches


def _with_sei(raw: bytes, sei: bytes) -> Iterator[bytes]:
    pending: bytes | None = sei
    for nal in H264Encoder._split_bitstream(raw):  # noqa: SLF001  # listed in aiortc_patches
        if pending is not None and nal and nal[0] & 0x1F in (1, 5):
            yield pending
            pending = None
        yield nal
