# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterator

import numpy as np
import pytest

from app.domain.capture import RawFrame
from remote_assist import damage, masks
from remote_assist.child_protocol import Frame
from remote_assist.compose import Painter, shown_from_picture
from remote_assist.pacer import Pacer
from remote_assist.rate import MAX_BPS, MIN_BPS, START_BPS, Quality, RateControl
from remote_assist.sending import Gate, Mailbox, Picture, Pipeline, Rows
from remote_assist.shm import FrameReader, FrameWriter
from tests.fakes.wait import wait_until

W, H = 256, 192
RTX = 77


def raw(rows: Rows, at_us: int = 1) -> RawFrame:
    buffer = bytearray(rows.tobytes())
    height, width = rows.shape
    return RawFrame(memoryview(buffer), width, height, width * 4, at_us, lambda: None)


def blank(colour: int = 0) -> Rows:
    return np.full((H, W), colour, np.uint32)


class Line:
    """A pipeline with its gate, mailbox and the pictures of its preview."""

    def __init__(self, *, granted: bool = True) -> None:
        self.gate, self.mailbox = Gate(), Mailbox()
        self.gate.set(granted=granted, connected=True)
        self.previews: list[Picture] = []
        self.pipeline = Pipeline(self.mailbox, self.gate, self.previews.append)


def test_only_changed_tiles_are_named() -> None:
    """One changed pixel is one tile; an equal picture is no picture."""
    line = Line()
    line.pipeline.sink(raw(blank()))
    first = line.mailbox.take()
    assert first is not None
    assert first.tiles.all()
    line.pipeline.sink(raw(blank()))
    assert line.mailbox.take() is None
    changed = blank()
    changed[70, 130] = 5
    line.pipeline.sink(raw(changed))
    second = line.mailbox.take()
    assert second is not None
    assert np.argwhere(second.tiles).tolist() == [[1, 2]]


def test_the_newest_picture_waits_and_keeps_what_the_older_changed() -> None:
    """Nobody sees a stale picture, and no change is lost with the one that was replaced."""
    line = Line()
    line.pipeline.sink(raw(blank()))
    line.mailbox.take()
    one, two = blank(), blank()
    one[0, 0] = 1
    two[0, 0], two[191, 255] = 1, 2
    line.pipeline.sink(raw(one, 10))
    line.pipeline.sink(raw(two, 20))
    picture = line.mailbox.take()
    assert picture is not None
    assert picture.captured_us == 20
    assert np.argwhere(picture.tiles).tolist() == [[0, 0], [2, 3]]


def test_without_a_grant_only_the_own_preview_sees_the_picture() -> None:
    """The mailbox to the encoder stays empty."""
    line = Line(granted=False)
    line.pipeline.sink(raw(blank(7)))
    assert len(line.previews) == 1
    assert not line.mailbox.filled


def test_a_mask_covers_the_preview_and_what_is_sent() -> None:
    """Both show the same constant colour, also for a mask that came after the picture."""
    line = Line()
    line.pipeline.set_masks([(10, 10, 50, 50)])
    line.pipeline.sink(raw(blank(9)))
    line.pipeline.set_masks([(10, 10, 50, 50), (100, 100, 20, 20)])
    sent = line.mailbox.take()
    assert sent is not None
    assert (sent.rows[10:60, 10:60] == masks.MASK_BGRX).all()
    assert (sent.rows[100:120, 100:120] == masks.MASK_BGRX).all()
    assert (line.previews[0].rows[10:60, 10:60] == masks.MASK_BGRX).all()
    assert sent.rows[0, 0] == 9


def test_a_region_lets_nothing_else_through() -> None:
    """What lies outside the chosen frame is cut off before anything sees it."""
    line = Line()
    line.pipeline.begin((20, 30, 100, 50))
    rows = blank(1)
    rows[30:80, 20:120] = 2
    line.pipeline.sink(raw(rows))
    picture = line.mailbox.take()
    assert picture is not None
    assert picture.size == (100, 50)
    assert (picture.rows == 2).all()


def test_while_another_target_is_chosen_nothing_of_the_old_one_passes() -> None:
    """A picture that was still under way is dropped."""
    line = Line()
    line.pipeline.sink(raw(blank(1)))
    line.pipeline.hold()
    line.pipeline.sink(raw(blank(2)))
    line.pipeline.offer_last()
    assert not line.mailbox.filled
    assert len(line.previews) == 1
    line.pipeline.begin(None)
    line.pipeline.sink(raw(blank(3)))
    picture = line.mailbox.take()
    assert picture is not None
    assert (picture.rows == 3).all()


def test_odd_sizes_are_padded_by_one_row_and_column() -> None:
    """An odd window can be encoded; nothing is cut off."""
    line = Line()
    line.pipeline.sink(raw(np.arange(33 * 21, dtype=np.uint32).reshape(21, 33)))
    picture = line.mailbox.take()
    assert picture is not None
    assert picture.size == (34, 22)
    assert picture.rows[20, 32] == 33 * 21 - 1


@pytest.mark.parametrize("flag", ["granted", "connected", "running", "live"])
def test_each_flag_alone_closes_the_gate(flag: str) -> None:
    """Revoked, disconnected, paused or ended: the frame counter does not move."""
    gate = Gate()
    assert gate.set(granted=True, connected=True)
    assert gate.count_frame()
    gate.set(**{flag: False})
    assert not gate.count_frame()
    assert gate.frames_sent == 1


def test_tile_bitmaps_of_any_size_survive_and_wrong_ones_are_refused() -> None:
    """Packing is exact; a length that does not fit is no bitmap."""
    tiles = np.random.default_rng(3).integers(0, 2, (17, 31)).astype(np.bool_)
    packed = damage.pack(tiles)
    found = damage.unpack(packed, 17, 31)
    assert found is not None
    assert np.array_equal(found, tiles)
    assert damage.unpack(packed, 18, 31) is None
    assert damage.unpack(b"", 0, 0) is None


def test_the_rate_rises_while_pictures_arrive_fast_and_falls_when_they_queue() -> None:
    """A fast path is used within a second; growing delay lowers the rate, silence halves it."""
    rate, now = RateControl(), 0
    for frame in range(40):
        now += 33_000
        rate.packet_sent(frame, 60_000, now)
        rate.frame_arrived(frame, now + 2_000, now + 2_000)
    fast = rate.bps
    assert fast > 4 * START_BPS
    for frame in range(40, 80):
        now += 33_000
        rate.packet_sent(frame, 60_000, now)
        rate.frame_arrived(frame, now + 2_000 + (frame - 39) * 20_000, now + 2_000)
    assert rate.bps < fast / 2
    queued = rate.bps
    for frame in range(80, 120):
        now += 33_000
        rate.packet_sent(frame, 10_000, now)
    assert rate.bps <= queued / 2
    assert MIN_BPS <= rate.bps <= MAX_BPS


def test_heavy_loss_lowers_the_rate_and_light_loss_does_not() -> None:
    """Two percent are repaired by sending again; twenty mean that the path is full."""
    rate = RateControl()
    rate.loss_reported(0.02, 1_000_000)
    assert rate.bps == START_BPS
    rate.loss_reported(0.2, 2_000_000)
    assert rate.bps < START_BPS


def test_a_slow_path_gets_coarser_pictures_than_a_fast_one() -> None:
    """q follows the rate and stays within its range."""
    slow = Quality().for_change(510, keyframe=True, bps=1_000_000, now_us=10**7)
    fast = Quality().for_change(510, keyframe=True, bps=50_000_000, now_us=10**7)
    assert 24 == fast < slow <= 44


class Wire:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self.sent.append(data)


def media(number: int, ssrc: int = 1, size: int = 1000) -> bytes:
    return struct.pack("!BBHLL", 0x80, 97, number, 0, ssrc) + bytes(size)


async def test_retransmissions_go_before_new_media_and_rtcp_at_once() -> None:
    """A lost packet is not sent again behind a whole new picture."""
    wire, gate = Wire(), Gate()
    gate.set(granted=True, connected=True)
    pacer = Pacer(wire.send, RateControl(), gate, RTX)
    for number in range(60):
        await pacer.send_rtp(media(number))
    await pacer.send_rtp(media(900, RTX))
    await asyncio.gather(pacer.send_rtp(media(60)), pacer.send_rtp(b"\x81\xc9" + bytes(6)))
    kinds = ["rtcp" if d[1] == 0xC9 else "rtx" if d[8:12] == struct.pack("!L", RTX) else "media" for d in wire.sent]
    assert kinds[:60] == ["media"] * 60
    assert sorted(kinds[60:]) == ["media", "rtcp", "rtx"]
    assert kinds.index("rtx") < len(kinds) - 1 - kinds[::-1].index("media")


async def test_a_closed_gate_stops_packets_that_already_wait() -> None:
    """Half a picture stays here when Stop comes; only RTCP still leaves."""
    wire, gate, rate = Wire(), Gate(), RateControl()
    gate.set(granted=True, connected=True)
    rate.bps = MIN_BPS
    pacer = Pacer(wire.send, rate, gate, RTX)

    async def send_all() -> None:
        for number in range(500):
            await pacer.send_rtp(media(number))

    task = asyncio.create_task(send_all())
    while len(wire.sent) < 55:
        await asyncio.sleep(0)
        if len(wire.sent) >= 50:
            await asyncio.sleep(0.01)
    gate.set(live=False)
    left = len(wire.sent)
    await task
    await pacer.send_rtp(b"\x81\xc9" + bytes(6))
    assert len(wire.sent) == left + 1
    assert gate.packets_dropped == 500 - left


@pytest.fixture
def window() -> Iterator[tuple[Painter, FrameReader, list[Frame]]]:
    reader = FrameReader(1024, 1024)
    frames: list[Frame] = []
    painter = Painter(FrameWriter(os.dup(reader.fd)), frames.append)
    yield painter, reader, frames
    painter.stop()
    reader.close()


def test_the_picture_fits_the_view_and_keeps_its_proportions(window: tuple[Painter, FrameReader, list[Frame]]) -> None:
    """A wide picture in a square window is as wide as the window; a new size repaints without a new picture."""
    painter, reader, frames = window
    painter.set_view(128, 128, None)
    painter.put(shown_from_picture(Picture(blank(0x336699), np.ones((3, 4), np.bool_), 5)))
    wait_until(lambda: len(frames) == 1)
    assert (frames[0].w, frames[0].h) == (128, 96)
    painter.set_view(0, 0, None)
    wait_until(lambda: len(frames) == 2)
    found = reader.read(lambda info, rows: (info.width, info.height, bytes(rows[:3])))
    assert found is not None
    assert found[1] == (W, H, b"\x99\x66\x33")


def test_only_the_changed_part_is_named_dirty(window: tuple[Painter, FrameReader, list[Frame]]) -> None:
    """The window repaints a corner, not everything."""
    painter, _, frames = window
    painter.put(shown_from_picture(Picture(blank(1), np.ones((3, 4), np.bool_), 5)))
    wait_until(lambda: len(frames) == 1)
    tiles = np.zeros((3, 4), np.bool_)
    tiles[0, 0] = True
    painter.put(shown_from_picture(Picture(blank(2), tiles, 6)))
    wait_until(lambda: len(frames) == 2)
    assert frames[1].dirty is not None
    x, y, w, h = frames[1].dirty
    assert (x, y) == (0, 0)
    assert 64 <= w < 80
    assert 64 <= h < 80
