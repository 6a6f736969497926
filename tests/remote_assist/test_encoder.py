# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import av
import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder, h264_depayload
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from remote_assist import damage, masks, x264_live
from remote_assist.aiortc_patches import is_keyframe
from remote_assist.encoder import (
    FLAG_KEY,
    FLAG_PROBE,
    FLAG_REFINE,
    X264,
    Converter,
    FrameData,
    ScreenEncoder,
    read_frame_data,
    sei_nal,
)
from remote_assist.sending import Gate, Mailbox, Picture, Rows

W, H = 320, 192
DUMMY = VideoFrame(2, 2, "yuv420p")


def picture(seed: int, *, tiles: damage.Tiles | None = None, captured_us: int = 1000) -> Picture:
    noise = np.random.default_rng(seed)
    rows = noise.integers(0, 2**24, (H // 8, W // 8), np.uint32).repeat(8, 0).repeat(8, 1)
    return Picture(rows, np.ones(damage.grid(W, H), np.bool_) if tiles is None else tiles, captured_us)


class Bench:
    """An encoder with an open gate, and a decoder behind it."""

    def __init__(self) -> None:
        self.mailbox, self.gate = Mailbox(), Gate()
        self.gate.set(granted=True, connected=True)
        self.bps = 100_000_000
        self.encoder = ScreenEncoder(self.mailbox, self.gate, lambda: self.bps, preset="ultrafast")
        self.decoder = av.CodecContext.create("h264", "r")
        self.timestamps: list[int] = []

    def send(self, *, key: bool = False) -> bytes:
        payloads, timestamp = self.encoder.encode(DUMMY, key)
        if payloads:
            self.timestamps.append(timestamp)
        return b"".join(h264_depayload(p) for p in payloads)

    def show(self, stream: bytes) -> Rows:
        frame = self.decoder.decode(av.Packet(stream))[0]
        return frame.to_ndarray(format="bgra").view(np.uint32)[:, :, 0]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@given(
    frame_id=st.integers(0, 2**32 - 1),
    captured=st.integers(0, 2**62 - 1),
    q=st.integers(0, 51),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 60)),
    fill=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_what_travels_inside_a_picture_arrives_byte_for_byte(
    frame_id: int, captured: int, q: int, shape: tuple[int, int], fill: bool
) -> None:
    """Every value survives, also those that look like start codes and must be escaped."""
    data = FrameData(frame_id, captured, q, FLAG_KEY, np.full(shape, fill))
    nal = sei_nal(data)
    assert b"\x00\x00\x01" not in nal
    assert b"\x00\x00\x00" not in nal
    found = read_frame_data(b"\x00\x00\x00\x01" + nal + b"\x00\x00\x00\x01\x65slice")
    assert found is not None
    assert (found.frame_id, found.captured_us, found.q, found.flags) == (frame_id, captured, q, FLAG_KEY)
    assert np.array_equal(found.tiles, data.tiles)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_hostile_bytes_inside_a_picture_are_no_data(junk: bytes) -> None:
    """Whatever stands behind our mark is either whole or ignored."""
    start = sei_nal(FrameData(1, 2, 3, 0, np.zeros((1, 1), np.bool_)))[:20]
    read_frame_data(b"\x00\x00\x01" + start + junk)


def test_the_sent_picture_is_the_captured_one(bench: Bench) -> None:
    """Decoded again it differs only by what the colours lose."""
    sent = picture(1, captured_us=123_456)
    bench.mailbox.put(sent)
    stream = bench.send()
    data = read_frame_data(stream)
    assert data is not None
    assert (data.frame_id, data.captured_us, data.flags) == (1, 123_456, FLAG_KEY)
    error = np.abs(
        bench.show(stream).view(np.uint8).astype(int) - sent.rows.view(np.uint8).astype(int)
    ).reshape(H, W, 4)[:, :, 1]  # fmt: skip
    assert error.mean() < 12


def test_only_the_first_picture_is_a_keyframe_until_one_is_asked_for(bench: Bench) -> None:
    """Neither time nor a new scene makes a keyframe; the peer's request does."""
    kinds = []
    for seed in range(40):
        bench.mailbox.put(picture(seed))
        kinds.append(is_keyframe(bench.send()))
    assert kinds == [True] + [False] * 39
    bench.encoder._key_sent_us -= 400_000
    bench.mailbox.put(picture(99))
    assert is_keyframe(bench.send(key=True))
    assert bench.encoder.keyframes == 2


def test_keyframes_are_not_sent_more_often_than_every_300_ms(bench: Bench) -> None:
    """A peer that asks all the time gets one, and the next when its time has come."""
    bench.mailbox.put(picture(1))
    assert is_keyframe(bench.send())
    bench.mailbox.put(picture(2))
    assert not is_keyframe(bench.send(key=True))
    bench.encoder._key_sent_us -= 400_000
    assert is_keyframe(bench.send())


def test_another_size_begins_with_a_keyframe(bench: Bench) -> None:
    """A window that was resized goes on without a break."""
    bench.mailbox.put(picture(1))
    bench.send()
    bench.mailbox.put(Picture(np.zeros((96, 128), np.uint32), np.ones((2, 2), np.bool_), 5))
    assert is_keyframe(bench.send())


def test_nothing_leaves_through_a_closed_gate(bench: Bench) -> None:
    """Without a grant a waiting picture is thrown away and the counter stands still."""
    bench.gate.set(granted=False)
    bench.mailbox.put(picture(1))
    assert bench.send() == b""
    assert bench.gate.frames_sent == 0
    assert not bench.mailbox.filled


def test_a_still_picture_becomes_finer_and_is_then_only_proved_alive(bench: Bench) -> None:
    """Sent coarse over a slow path, then refined step by step down to q 24; probes afterwards."""
    bench.bps = 200_000
    bench.mailbox.put(picture(1))
    bench.send()
    coarse = bench.encoder.q
    assert coarse > 24
    seen = []
    while bench.encoder.can_refine:
        bench.encoder.changed_us -= 200_000
        data = read_frame_data(bench.send())
        assert data is not None
        seen.append((data.flags, data.q))
    assert all(flags == FLAG_REFINE for flags, _ in seen)
    assert [q for _, q in seen] == sorted((q for _, q in seen), reverse=True)
    assert seen[-1][1] == 24
    probe = read_frame_data(bench.send())
    assert probe is not None
    assert probe.flags == FLAG_PROBE
    assert not probe.tiles.any()


def test_timestamps_always_grow(bench: Bench) -> None:
    """Also when two pictures carry the same time of capture."""
    for seed in range(5):
        bench.mailbox.put(picture(seed, captured_us=1000))
        bench.send()
    assert bench.timestamps == sorted(set(bench.timestamps))


def test_masked_pixels_are_constant_in_what_the_encoder_gets() -> None:
    """Whatever lies under a mask, the converted picture is the same there."""
    inputs = []
    for seed in (1, 2):
        rows = picture(seed).rows.copy()
        masks.paint(rows, [(64, 64, 128, 64), (-50, -50, 80, 80)])
        frame = Converter().convert(Picture(rows, np.ones(damage.grid(W, H), np.bool_), 0))
        plane = frame.planes[0]
        inputs.append(np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:H, :W].copy())
    assert np.array_equal(inputs[0][64:128, 64:192], inputs[1][64:128, 64:192])
    assert np.array_equal(inputs[0][:30, :30], inputs[1][:30, :30])
    assert not np.array_equal(inputs[0], inputs[1])


def test_converting_only_changed_rows_gives_the_same_picture() -> None:
    """The short way is pixel for pixel the long way."""
    before, after = picture(1).rows, picture(1).rows.copy()
    after[70:100, 10:300] = 0xFF8800
    tiles = damage.changed_tiles(before, after)
    assert 0 < tiles.any(axis=1).sum() < tiles.shape[0]
    short = Converter()
    short.convert(Picture(before, np.ones_like(tiles), 0))
    quick = short.convert(Picture(after, tiles, 1))
    whole = Converter().convert(Picture(after, np.ones_like(tiles), 1))
    assert np.array_equal(quick.to_ndarray(), whole.to_ndarray())


def test_the_way_into_an_open_encoder_is_where_we_think_it_is() -> None:
    """Canary for PyAV: a known option reads back through the pointer, and q takes effect at once."""
    assert x264_live.available()
    encoder = X264(W, H, 40, "ultrafast")
    assert x264_live.read_option(encoder._context, "preset") == "ultrafast"
    converter = Converter()
    sizes = []
    for step, q in enumerate((40, 40, 16)):
        assert encoder.set_q(q)
        sizes.append(len(encoder.encode(converter.convert(picture(1)), step * 3000, keyframe=False)))
    assert sizes[2] > 5 * sizes[1]
    assert not x264_live.set_crf(encoder._context, 30, "another preset")


def test_without_that_way_a_new_encoder_is_opened(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """The fallback costs a keyframe and nothing else."""
    monkeypatch.setattr(x264_live, "_avutil", None)
    bench.bps = 200_000
    bench.mailbox.put(picture(1))
    bench.send()
    bench.encoder.changed_us -= 200_000
    assert is_keyframe(bench.send())


def test_the_packetiser_we_borrow_splits_and_joins() -> None:
    """The two functions of aiortc that the encoder calls keep every byte."""
    nals = [b"\x67abc", b"\x65" + bytes(range(1, 255)) * 20]
    raw = b"".join(b"\x00\x00\x00\x01" + nal for nal in nals)
    assert list(H264Encoder._split_bitstream(raw)) == nals
    joined = b"".join(h264_depayload(p) for p in H264Encoder._packetize(iter(nals)))
    assert joined == raw
