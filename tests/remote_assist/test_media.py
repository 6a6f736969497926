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
from remote_assist.capture_drawn import DrawnSource
from remote_assist.child_protocol import Frame
from remote_assist.child_roles import CustomerRole
from remote_assist.compose import Painter, shown_from_picture
from remote_assist.pacer import Pacer
from remote_assist.rate import MIN_BPS, START_BPS, RateControl
from remote_assist.sending import Gate, Mailbox, Picture, Pipeline, Rows, now_us
from remote_assist.shm import FrameReader, FrameWriter
from remote_assist.sights import Cover
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


def test_a_mask_that_comes_later_makes_a_new_picture_and_does_not_count_the_time_between_as_delay() -> None:
    """Its age is measured from the repainting; that of a picture which still waits from its capture."""
    line = Line()
    line.pipeline.sink(raw(blank(9)))
    line.pipeline.set_masks([(10, 10, 50, 50)])
    waiting = line.mailbox.take()
    assert waiting is not None
    assert waiting.captured_us == 1
    before = now_us()
    line.pipeline.set_masks([(10, 10, 60, 60)])
    sent = line.mailbox.take()
    assert sent is not None
    assert sent.captured_us >= before


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


SECRET = 0x00C0FFEE


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("how", ["drawn", "rule"])
@pytest.mark.parametrize("size", [(33, 20), (32, 21), (33, 21)])
def test_a_mask_also_covers_the_row_and_column_that_are_added(size: tuple[int, int], how: str, later: bool) -> None:
    """They lie outside the target, where no mask can be put, and repeat what was captured beside them."""
    width, height = size
    whole = (0, 0, width, height)
    line = Line()
    if how == "rule":
        line.pipeline = Pipeline(line.mailbox, line.gate, line.previews.append, lambda: Cover((whole,)))
    elif not later:
        line.pipeline.set_masks([whole])
    line.pipeline.sink(raw(np.full((height, width), SECRET, np.uint32)))
    if how == "drawn" and later:
        line.pipeline.set_masks([whole])
    picture = line.mailbox.take()
    assert picture is not None
    assert picture.size == (width + width % 2, height + height % 2)
    assert not (picture.rows == SECRET).any()


def test_a_window_that_gets_another_size_under_a_drawn_mask_shows_nothing_until_the_customer_looked() -> None:
    """What was hidden may stand elsewhere now. Without a drawn mask the picture goes on."""
    line = Line()
    line.pipeline.set_masks([(0, 0, 10, 10)], drawn=0)
    for size in ((20, 30), (22, 30)):
        line.pipeline.sink(raw(np.full(size, SECRET, np.uint32)))
        assert line.pipeline.fault == ""
    line.pipeline.set_masks([(0, 0, 5, 5)], looked=True)
    line.pipeline.sink(raw(np.full((22, 30), SECRET, np.uint32)))
    line.pipeline.sink(raw(np.full((40, 50), SECRET, np.uint32)))
    assert line.pipeline.fault == "target_changed"
    picture = line.mailbox.take()
    assert picture is not None
    assert not (picture.rows == SECRET).any()
    line.pipeline.set_masks([(0, 0, 5, 5)], looked=True)
    line.pipeline.sink(raw(np.full((40, 50), SECRET, np.uint32)))
    assert line.pipeline.fault == ""
    picture = line.mailbox.take()
    assert picture is not None
    assert (picture.rows[5:] == SECRET).all()


def test_a_further_grant_does_not_begin_the_picture_anew() -> None:
    """Only a gate that was shut has opened."""
    gate = Gate()
    gate.set(connected=True)
    assert gate.set(granted=True)
    assert not gate.set(granted=True)
    gate.set(running=False)
    assert gate.set(running=True)


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


class Path:
    """A path of a given capacity with a queue of 200 ms, and a sender that fills what the rate allows."""

    def __init__(self, capacity_bps: int) -> None:
        self.capacity_bps = capacity_bps
        self.rate = RateControl()
        self.now = 10_000_000
        self.free_at = 0.0
        self.seq = 0
        self.lost = 0

    def run(self, seconds: float) -> None:
        until = self.now + seconds * 1_000_000
        report: list[tuple[int, int | None]] = []
        reported = self.now
        while self.now < until:
            self.now += int(1200 * 8_000_000 / self.rate.pacing_bps)
            self.seq = (self.seq + 1) & 0xFFFF
            self.rate.packet_sent(self.seq, 1200, self.now)
            begin = max(self.free_at, self.now)
            if begin - self.now > 200_000:
                self.lost += 1
                report.append((self.seq, None))
            else:
                self.free_at = begin + 1200 * 8_000_000 / self.capacity_bps
                report.append((self.seq, int(self.free_at) + 2_000))
            if self.now - reported > 20_000:
                arrived = [(s, at) for s, at in report if at is None or at <= self.now]
                report = [item for item in report if item not in arrived]
                self.rate.packets_arrived(arrived, self.now)
                reported = self.now


def test_a_fast_path_is_used_within_a_second() -> None:
    """From 5 Mbit/s the rate rises to many times that."""
    path = Path(1_000_000_000)
    path.run(1)
    assert path.rate.bps > 8 * START_BPS


@pytest.mark.parametrize("capacity", [600_000, 1_000_000, 3_000_000])
def test_a_narrow_path_is_not_flooded(capacity: int) -> None:
    """After a second the rate stays below what the path carries, most of which is used, and the losses stop."""
    path = Path(capacity)
    path.run(2)
    lost = path.lost
    path.run(3)
    assert capacity * 0.5 < path.rate.bps < capacity * 1.1
    assert path.lost - lost <= path.seq * 0.05


@pytest.mark.parametrize("loss_every", [33, 20])
def test_lost_and_late_packets_of_a_wide_path_do_not_starve_it(loss_every: int) -> None:
    """Some percent of loss, and a busy computer that delays single packets, say nothing about capacity."""
    rate, now = RateControl(), 10_000_000
    for frame in range(300):
        now += 33_000
        report: list[tuple[int, int | None]] = []
        for number in range(3):
            seq = frame * 3 + number
            rate.packet_sent(seq, 1200, now + number * 200)
            late = 90_000 if frame % 17 == 0 else 0
            report.append((seq, None if seq % loss_every == 5 else now + number * 200 + 2_000 + late))
        rate.packets_arrived(report, now + 20_000)
    assert rate.bps >= START_BPS * 0.7


def test_silence_lowers_the_rate_step_by_step() -> None:
    """When nothing comes back, less and less is sent, but never nothing."""
    rate = RateControl()
    for number in range(400):
        rate.packet_sent(number, 1000, 1_000_000 + number * 20_000)
    assert MIN_BPS <= rate.bps < START_BPS // 100 * 5


def test_after_a_cut_the_rate_begins_where_a_new_connection_would() -> None:
    """Silence says nothing about the path that is back, nor do the packets that were lost in it."""
    rate, now = RateControl(), 1_000_000
    for number in range(150):
        now += 20_000
        rate.packet_sent(number, 1000, now)
    assert rate.bps < START_BPS // 4
    rate.begin_again(now)
    rate.packet_sent(150, 1000, now)
    rate.packets_arrived([(number, None) for number in range(150)] + [(150, now + 2_000)], now + 20_000)
    rate.loss_reported(0.9, now + 300_000)
    assert rate.bps == START_BPS
    rate.loss_reported(0.9, now + 3_000_000)
    assert rate.bps < START_BPS


def test_what_a_slow_path_taught_is_not_forgotten_by_a_pause() -> None:
    """Only what silence took is given back, not what queues and losses took; a fast path begins as a new one would."""
    slow, fast = RateControl(), RateControl()
    slow.loss_reported(0.5, 1_000_000)
    learned = slow.bps
    slow.begin_again(2_000_000)
    assert slow.bps == learned < START_BPS
    fast.bps = 4 * START_BPS
    for number in range(150):
        fast.packet_sent(number, 1000, 1_000_000 + number * 20_000)
    fast.begin_again(4_000_000)
    assert fast.bps == START_BPS


def test_heavy_loss_lowers_the_rate_and_light_loss_does_not() -> None:
    """Two percent are repaired by sending again; twenty mean that the path is full."""
    rate = RateControl()
    rate.loss_reported(0.02, 1_000_000)
    assert rate.bps == START_BPS
    rate.loss_reported(0.2, 2_000_000)
    assert rate.bps < START_BPS


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


async def test_nothing_that_was_lost_is_sent_again_after_stop() -> None:
    """Neither what waited for its turn when Stop came, nor what the agent asks for afterwards."""
    wire, gate, rate = Wire(), Gate(), RateControl()
    gate.set(granted=True, connected=True)
    rate.bps = MIN_BPS
    pacer = Pacer(wire.send, rate, gate, RTX)
    while pacer.free:
        await pacer.send_rtp(media(1))
    for number in range(20):
        await pacer.send_rtp(media(number, RTX))
    left = len(wire.sent)
    gate.set(live=False)
    await pacer.send_rtp(media(900, RTX))
    await pacer.send_rtp(media(2))  # waits until no retransmission is under way
    assert len(wire.sent) == left
    assert gate.packets_dropped == 22


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


def test_the_last_picture_reaches_the_preview_although_it_came_right_after_another() -> None:
    """Nothing changes any more, so no later picture would put it right."""
    reader, posts = FrameReader(1024, 1024), list[object]()
    role = CustomerRole(FrameWriter(os.dup(reader.fd)), posts.append, lambda _kind, _wait: DrawnSource())
    role._preview_on = True
    try:
        for colour in (0x111111, 0x222222):
            role.pipeline.sink(raw(blank(colour)))

        def shown() -> bytes | None:
            role.check(posts.append)
            found = reader.read(lambda _info, rows: bytes(rows[:3]))
            return found[1] if found is not None else None

        wait_until(lambda: shown() == b"\x22\x22\x22")
    finally:
        role.painter.stop()
        reader.close()


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
