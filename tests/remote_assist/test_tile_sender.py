# SPDX-License-Identifier: GPL-3.0-or-later
"""When exact tiles leave: while the picture stands still, may be seen, and the path has room."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import pytest
from aiortc.codecs.h264 import h264_depayload
from av.video.frame import VideoFrame
from msgspec import to_builtins

from app.domain.capture import CursorState
from remote_assist import damage, incoming, messages, tiles
from remote_assist.capture_drawn import DrawnSource
from remote_assist.child_roles import AgentRole, CustomerRole
from remote_assist.encoder import FLAG_KEY, FLAG_REFINE, FrameData, ScreenEncoder, read_frame_data
from remote_assist.pacer import Pacer
from remote_assist.peer import Decoded, Peer
from remote_assist.rate import MIN_BPS, RateControl
from remote_assist.sending import Gate, Mailbox, Picture, Pipeline, Rows
from remote_assist.shm import FrameReader, FrameWriter
from remote_assist.tile_sender import FINEST_WITH_TILES, Line, TileSender

W, H = 256, 192
GRID = damage.grid(W, H)
TILES = GRID[0] * GRID[1]


def noise(seed: int) -> Rows:
    return np.random.default_rng(seed).integers(0, 2**24, (H // 8, W // 8), np.uint32).repeat(8, 0).repeat(8, 1)


class Desk:
    """An encoder whose first picture stands still, and what left as tiles."""

    def __init__(self) -> None:
        self.mailbox, self.gate = Mailbox(), Gate()
        self.gate.set(granted=True, connected=True)
        self.bps = 10**8
        self.encoder = ScreenEncoder(self.mailbox, self.gate, lambda: self.bps, preset="ultrafast")
        self.left: list[tiles.Run] = []
        self.free, self.open, self.charged = True, True, 0
        line = Line(self._send, lambda: self.free, self._charge, lambda: self.bps)
        self.sender = TileSender(self.encoder, self.mailbox, self.gate, line)
        self.newest: Rows | None = None
        self.sender._newest = lambda: self.newest

    def _send(self, data: bytes) -> bool:
        if self.open:
            self.left.append(tiles.decode(data))
        return self.open

    def _charge(self, size: int) -> None:
        self.charged += size

    def show(self, seed: int) -> None:
        """Send a whole new picture; the time until it counts as still has passed."""
        self.newest = noise(seed)
        self.mailbox.put(Picture(self.newest, np.ones(GRID, np.bool_), 1))
        self.film()

    def film(self) -> FrameData:
        payloads, _ = self.encoder.encode(VideoFrame(2, 2, "yuv420p"))
        data = read_frame_data(b"".join(h264_depayload(p) for p in payloads))
        assert data is not None
        self.encoder.changed_us -= 400_000
        self.encoder.topoff._changed_us -= 400_000
        self.encoder.topoff._moved_us -= 400_000
        return data

    async def top_off(self) -> None:
        while await self.sender._turn():
            pass


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.show(1)
    return desk


async def test_every_tile_leaves_once_and_then_nothing_more(desk: Desk) -> None:
    """The bytes are taken from the rate of the pictures."""
    await desk.top_off()
    assert sum(run.run for run in desk.left) == TILES
    assert desk.charged > sum(len(run.data) for run in desk.left)
    assert desk.encoder.topoff.complete


async def test_a_picture_that_is_exact_wakes_nobody_until_something_changes(desk: Desk) -> None:
    """A still screen costs nothing; each thing that makes a tile due again ends the rest, once."""
    topoff = desk.encoder.topoff
    stirred: list[int] = []
    topoff.on_stirred = lambda: stirred.append(1)
    assert not topoff.rest()
    await desk.top_off()
    deeds: list[Callable[[], object]] = [
        lambda: topoff.wanted_again(0, 0, 1),
        lambda: topoff.repeated(9, key=True),
        lambda: desk.show(2),
    ]
    for number, deed in enumerate(deeds, 1):
        assert topoff.rest()
        topoff.repeated(9, key=False)
        assert len(stirred) == number - 1
        deed()
        assert len(stirred) == number
        assert not topoff.rest()
        desk.show(3)
        await desk.top_off()


async def test_a_sender_at_rest_goes_on_with_what_is_asked_for_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_BUSY_S", "_IDLE_S"):
        monkeypatch.setattr(f"remote_assist.tile_sender.{name}", 0.001)
    topoff = desk.encoder.topoff
    desk.sender.begin(lambda: desk.newest)
    async with asyncio.timeout(30):
        while not topoff._resting:
            await asyncio.sleep(0.001)
        sent = len(desk.left)
        await asyncio.to_thread(topoff.wanted_again, 1, 1, 2)
        while len(desk.left) == sent:
            await asyncio.sleep(0.001)
    assert (desk.left[-1].col, desk.left[-1].row, desk.left[-1].run) == (1, 1, 2)
    desk.sender.close()


def revoke(desk: Desk) -> None:
    desk.gate.set(granted=False)


def grab(desk: Desk) -> None:
    desk.mailbox.put(Picture(noise(2), np.ones(GRID, np.bool_), 2))


def mask(desk: Desk) -> None:
    desk.newest = noise(1)  # painted over: other pixels than those that were sent


def leave(desk: Desk) -> None:
    desk.newest = None


def coarse(desk: Desk) -> None:
    desk.bps = 200_000
    desk.encoder._key_sent_us = 0
    desk.encoder.want_keyframe()
    desk.show(3)
    assert desk.encoder.can_refine


@pytest.mark.parametrize("deed", [revoke, grab, mask, leave, coarse])
async def test_nothing_leaves_that_may_not_be_seen_or_is_not_still(desk: Desk, deed: Callable[[Desk], None]) -> None:
    """No grant, a newer picture, a mask, another target, or one that pictures can still make finer."""
    deed(desk)
    assert not await desk.sender._turn()
    assert desk.left == []


@pytest.mark.parametrize("deed", [revoke, grab, mask, leave])
async def test_what_was_packed_meanwhile_is_thrown_away(
    desk: Desk, deed: Callable[[Desk], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stays due."""
    pack = desk.encoder.topoff.next

    def slow(now_us: int, room: int) -> tiles.Message | None:
        message = pack(now_us, room)
        deed(desk)
        return message

    monkeypatch.setattr(desk.encoder.topoff, "next", slow)
    assert await desk.sender._turn()
    assert desk.left == []
    assert (desk.encoder.topoff.exact_tiles, desk.charged) == (0, 0)


async def test_a_line_without_room_or_closed_gets_nothing_and_is_tried_again(desk: Desk) -> None:
    """Nothing counts as sent that was not."""
    desk.free = False
    assert await desk.sender._turn()
    desk.free, desk.open = True, False
    assert await desk.sender._turn()
    assert (desk.left, desk.encoder.topoff.exact_tiles, desk.charged) == ([], 0, 0)


async def test_messages_are_small_where_the_path_is_slow(desk: Desk) -> None:
    """A picture that comes now waits 30 ms of the path's rate behind one, or behind a single tile."""
    desk.bps = 400_000
    await desk.top_off()
    assert all(len(run.data) + 19 <= 1500 or run.run == 1 for run in desk.left)


async def test_tiles_leave_only_once_the_other_end_takes_them(desk: Desk) -> None:
    """From then on pictures are refined less far; after closing nothing leaves."""
    assert desk.encoder.finest < FINEST_WITH_TILES
    desk.sender.begin(lambda: desk.newest)
    desk.sender.begin(lambda: desk.newest)
    assert desk.encoder.finest == FINEST_WITH_TILES
    async with asyncio.timeout(30):
        while not desk.encoder.topoff.complete:
            await asyncio.sleep(0.005)
    task = desk.sender._task
    assert task is not None
    desk.sender.close()
    desk.sender.close()
    await asyncio.wait([task])
    assert task.cancelled()
    desk.sender.begin(lambda: desk.newest)
    assert desk.sender._task is task


async def test_a_finer_picture_names_only_what_is_not_exact_and_a_whole_one_everything(desk: Desk) -> None:
    """So that the other end keeps its exact tiles, or knows that it must not."""
    message = desk.encoder.topoff.next(10**15, 1)
    assert message is not None
    desk.encoder._quality.q += 8
    finer = desk.film()
    assert finer.flags == FLAG_REFINE
    assert np.argwhere(~finer.tiles).tolist() == [[message.row, message.col]]
    desk.encoder._key_sent_us = 0
    desk.encoder.want_keyframe()
    assert desk.film().tiles.all()
    assert desk.encoder.topoff.exact_tiles == 0


# --- what the two children say to each other about tiles --------------------------------------------------------------


class Role:
    """A customer's or an agent's role with a peer that only notes."""

    def __init__(self, desk: Desk) -> None:
        self.reader = FrameReader(640, 480)
        self.said: list[tuple[str, bytes]] = []
        self.begun = 0
        self.peer = cast("Peer", self)
        self.encoder, self.tiles = desk.encoder, self

    def begin(self, _newest: Callable[[], Rows | None]) -> None:
        self.begun += 1

    def send(self, channel: str, data: bytes) -> bool:
        self.said.append((channel, data))
        return True

    def writer(self) -> FrameWriter:
        return FrameWriter(os.dup(self.reader.fd))


@pytest.fixture
def role(desk: Desk) -> Iterator[Role]:
    role = Role(desk)
    yield role
    role.reader.close()


def test_the_customers_child_takes_what_is_said_about_tiles(role: Role, desk: Desk) -> None:
    """An agent's end without exact tiles gets none; one that asks again makes them due, and no window hears of it."""
    customer = CustomerRole(role.writer(), lambda _message: None, lambda _kind, _wait: DrawnSource())
    try:
        assert not customer.heard(role.peer, to_builtins(messages.Hello(1, 0, ["view"])))
        assert role.begun == 0
        assert not customer.heard(role.peer, to_builtins(messages.Hello(1, 0, ["view", "tile"])))
        assert role.begun == 1
        assert not customer.heard(role.peer, to_builtins(messages.View(9, 9, (192, 128, 64, 64))))
        first = desk.encoder.topoff.next(10**15, 1)
        assert first is not None
        assert (first.row, first.col) == (2, 3)
        assert customer.heard(role.peer, to_builtins(messages.Retile(3, 2, 1)))
        assert customer.heard(None, to_builtins(messages.Retile(3, 2, 1)))
        assert desk.encoder.topoff.exact_tiles == 0
    finally:
        customer.end()
        customer.painter.stop()


class Pointing(DrawnSource):
    """A source with a cursor."""

    def cursor(self) -> CursorState | None:
        """Return where it is."""
        return CursorState(120, 40, visible=True)


def test_what_the_cursor_points_at_is_exact_first(role: Role, desk: Desk) -> None:
    """In a shared part of the screen, counted from its corner; outside of it the cursor says nothing."""
    customer = CustomerRole(role.writer(), lambda _message: None, lambda _kind, _wait: DrawnSource())
    try:
        customer.gate.set(granted=True, connected=True)
        customer._source, customer._peer = Pointing(), role.peer
        for region, place in (((100, 30, W, H), (0, 0)), ((200, 30, W, H), (1, 1))):
            customer._chosen = ("drawn:0", "drawn", region)
            customer._read_cursor()
            first = desk.encoder.topoff.next(10**15, 1)
            assert first is not None
            assert (first.row, first.col) == place
    finally:
        customer.end()
        customer.painter.stop()


async def test_the_agents_child_asks_again_for_what_it_could_not_use(role: Role) -> None:
    """From whatever thread finds it out; and takes what is no message at all for a breach of the rules."""
    agent = AgentRole(role.writer(), lambda _message: None)
    try:
        agent.connected(role.peer)
        size = (W, H)
        named = np.ones(GRID, np.bool_)
        agent.decoded(Decoded(VideoFrame(*size, "yuv420p"), FrameData(1, 1, 24, FLAG_KEY, named), 1, 1, 0))
        agent.run_of_tiles(tiles.Run(1, 2, 1, 2, tiles.RAW, 0, b"xyz"), 0)
        async with asyncio.timeout(30):
            while not role.said:
                await asyncio.sleep(0.005)
        assert role.said == [("ctl", messages.encode(messages.Retile(2, 1, 2)))]
        with pytest.raises(incoming.NotGranted, match="tile malformed"):
            incoming.read_run(b"\x50junk")
    finally:
        agent.end()
        agent.painter.stop()


async def test_bulk_takes_its_bytes_from_the_rate_of_the_pictures() -> None:
    """After a message the pacer lets nothing more of it go until its time has passed."""

    async def send(_data: bytes) -> None:
        return

    rate, gate = RateControl(), Gate()
    rate.bps = MIN_BPS
    pacer = Pacer(send, rate, gate, 7)
    before = pacer.free
    pacer.charge(100_000)
    assert (before, pacer.free) == (True, False)


def test_while_another_target_is_chosen_there_is_no_picture_to_cut_tiles_from() -> None:
    """And a mask makes another one at once, also while nothing is sent."""
    mailbox, gate = Mailbox(), Gate()
    line = Pipeline(mailbox, gate, lambda _picture: None)
    seen = [line.newest]
    line._keep(noise(1), 1)
    seen.append(line.newest)
    line.set_masks([(0, 0, 9, 9)])
    seen.append(line.newest)
    line.hold()
    seen.append(line.newest)
    assert [rows is None for rows in seen] == [True, False, False, True]
    assert seen[1] is not seen[2]
