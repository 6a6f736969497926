# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact tiles: whatever the network does, each tile shows the newest picture or exactly what stands there."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from hypothesis import given, settings
from hypothesis import strategies as st

from remote_assist import compose, damage, tiles
from remote_assist.canvas import OLDER_MAX, WAITING_MAX, Arrivals, Canvas
from remote_assist.child_protocol import Frame
from remote_assist.compose import Painter, Shown
from remote_assist.damage import Rows, Tiles
from remote_assist.messages import Malformed
from remote_assist.shm import FrameReader, FrameWriter
from remote_assist.tiles import MESSAGE_MAX, RUN_MAX, BadRun, Message, Run, TopOff
from tests.fakes.wait import wait_until

W, H = 300, 150
GRID = damage.grid(W, H)
TILES = GRID[0] * GRID[1]
HEAD = struct.Struct(">BIHHBBII")
LOSS = np.uint32(0x800000)  # how a decoded picture differs from the one that was grabbed
QUIET = 400_000
LATER = st.integers(0, 3)


def noise(seed: int, width: int = W, height: int = H) -> Rows:
    return np.random.default_rng(seed).integers(0, 2**24, (height, width), np.uint32)


def all_tiles(*, on: bool = True) -> Tiles:
    return np.full(GRID, on, np.bool_)


def tile_of(rows: Rows, row: int, col: int) -> Rows:
    return rows[row * 64 : row * 64 + 64, col * 64 : col * 64 + 64]


def still(rows: Rows, frame_id: int = 1) -> TopOff:
    """A sender whose picture came at time 0."""
    sender = TopOff()
    sender.changed(frame_id, rows, np.ones(damage.grid(rows.shape[1], rows.shape[0]), np.bool_), 0, key=True)
    return sender


def drained(sender: TopOff, room: int = MESSAGE_MAX) -> list[Message]:
    found = []
    while (message := sender.next(QUIET, room)) is not None:
        found.append(message)
    return found


# --- messages --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, 2), st.integers(1, 5), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_run_of_tiles_arrives_pixel_for_pixel(frame_id: int, col: int, row: int, run: int, blank: bool) -> None:
    """Blank or noisy, also at the right and the bottom edge, where tiles are smaller."""
    rows = np.zeros((H, W), np.uint32) if blank else noise(1)
    run = min(run, GRID[1] - col, 5 if blank else 1)
    found = tiles.decode(tiles.encode(frame_id, col, row, run, rows))
    assert (found.frame_id, found.col, found.row, found.run) == (frame_id, col, row, run)
    part = rows[row * 64 : row * 64 + 64, col * 64 : (col + run) * 64]
    bgr = np.ascontiguousarray(part).view(np.uint8).reshape(*part.shape, 4)[:, :, :3]
    assert np.array_equal(tiles.pixels(found, W, H), bgr)


@given(st.binary(max_size=200), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_hostile_bytes_are_refused_and_nothing_else_happens(junk: bytes, kept: int) -> None:
    """Cut, changed or invented messages: Malformed, or a run whose data do not count."""
    good = tiles.encode(1, 0, 0, 2, noise(1)[:64])
    for raw in (junk, good[:kept] + junk, b"\x50" + junk):
        try:
            tiles.pixels(tiles.decode(raw), W, H)
        except (Malformed, BadRun):
            continue
        assert raw == good


@pytest.mark.parametrize(
    "head",
    [
        (0x51, 1, 0, 0, 1, 1, 0, 3),  # another kind
        (0x50, 1, 60, 0, 1, 1, 0, 3),  # right of the largest picture
        (0x50, 1, 50, 0, 16, 1, 0, 3),
        (0x50, 1, 0, 34, 1, 1, 0, 3),
        (0x50, 1, 0, 0, 0, 1, 0, 3),
        (0x50, 1, 0, 0, 17, 1, 0, 3),
        (0x50, 1, 0, 0, 1, 2, 0, 3),  # a packing nobody agreed on
        (0x50, 1, 0, 0, 1, 1, 0, 4),
        (0x50, 1, 0, 0, 1, 1, 0, 2**32 - 1),
    ],
)
def test_a_head_that_promises_the_impossible_is_malformed(head: tuple[int, ...]) -> None:
    """Position, number, packing and length are checked before anything is unpacked."""
    with pytest.raises(Malformed):
        tiles.decode(HEAD.pack(*head) + bytes(3))
    with pytest.raises(Malformed):
        tiles.decode("text")
    with pytest.raises(Malformed):
        tiles.decode(HEAD.pack(0x50, 1, 0, 0, 16, 1, 0, MESSAGE_MAX) + bytes(MESSAGE_MAX))


@pytest.mark.parametrize("codec", [tiles.DEFLATED, tiles.RAW])
@pytest.mark.parametrize("size", [0, 3, 64 * 64 * 3 - 1, 64 * 64 * 3 + 1, 60_000_000])
def test_a_bomb_is_never_unpacked_beyond_the_tiles_it_stands_for(codec: int, size: int) -> None:
    """Sixty megabytes in a message of 60 kB, or a byte too many: no pixels, and no memory."""
    packer = zlib.compressobj(9)
    data = bytes(min(size, 20_000)) if codec == tiles.RAW else packer.compress(bytes(size)) + packer.flush()
    run = Run(1, 0, 0, 1, codec, zlib.crc32(bytes(size)), data)
    tracemalloc.start()
    with pytest.raises(BadRun):
        tiles.pixels(run, W, H)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 200_000


def test_pixels_that_are_not_those_of_the_sum_do_not_count() -> None:
    """What is shown as exact is what was grabbed."""
    run = tiles.decode(tiles.encode(1, 0, 0, 1, noise(1)))
    tiles.pixels(run, W, H)
    with pytest.raises(BadRun):
        tiles.pixels(Run(1, 0, 0, 1, run.codec, run.crc ^ 1, run.data), W, H)
    for outside in (Run(1, 5, 0, 1, 1, 0, b"xyz"), Run(1, 0, 3, 1, 1, 0, b"xyz"), Run(1, 4, 0, 2, 1, 0, b"xyz")):
        with pytest.raises(BadRun):
            tiles.pixels(outside, W, H)


# --- what is due -----------------------------------------------------------------------------------------------------


def test_only_what_stood_still_is_sent_and_each_tile_once() -> None:
    """Nothing while the picture moves or has just moved; then every tile; then nothing more."""
    rows = noise(1)
    sender = still(rows)
    assert sender.next(299_999, MESSAGE_MAX) is None
    one = all_tiles(on=False)
    one[1, 1] = True
    sender.changed(2, rows, one, 350_000, key=False)
    assert not sender.waiting(449_999)
    found = []
    while (message := sender.next(450_000, MESSAGE_MAX)) is not None:
        found += [(message.row, message.col + n) for n in range(message.run)]
    assert sorted(found) == sorted((int(r), int(c)) for r, c in np.argwhere(~one))
    assert sender.exact_tiles == TILES - 1
    last = sender.next(650_000, MESSAGE_MAX)
    assert last is not None
    assert (last.row, last.col, last.run) == (1, 1, 1)
    assert sender.complete
    assert not sender.waiting(10**9)


@pytest.mark.parametrize("room", [1, 500, MESSAGE_MAX, 10**6])
@pytest.mark.parametrize("blank", [False, True])
def test_no_message_is_larger_than_16_kib_or_longer_than_16_tiles(room: int, blank: bool) -> None:
    """On a slow path messages are smaller, down to one tile; blank areas go in long runs."""
    wide = np.zeros((128, 1920), np.uint32) if blank else noise(2, 1920, 128)
    found = drained(still(wide), room)
    assert sum(m.run for m in found) == 60
    assert all(len(m.data) <= min(max(room, 1), MESSAGE_MAX) or m.run == 1 for m in found)
    assert all(len(m.data) <= MESSAGE_MAX and m.run <= RUN_MAX for m in found)
    if blank and room >= MESSAGE_MAX:
        assert max(m.run for m in found) == RUN_MAX


@pytest.mark.parametrize(
    ("part", "cursor", "first"),
    [
        (None, None, (1, 2)),
        (None, (10, 140), (2, 0)),
        ((200, 0, 100, 60), None, (0, 3)),
        ((200, 0, 100, 60), (290, 10), (0, 4)),
        ((200, 0, 100, 60), (10, 140), (0, 3)),
    ],
)
def test_what_the_agent_looks_at_comes_first(
    part: tuple[int, int, int, int] | None, cursor: tuple[int, int] | None, first: tuple[int, int]
) -> None:
    """Around the cursor, if it is in view; else from the middle of what is in view."""
    sender = still(noise(1))
    sender.look_at(part)
    sender.point_at(cursor)
    message = sender.next(QUIET, 1)
    assert message is not None
    assert (message.row, message.col) == first


def test_a_picture_ends_the_top_off_and_takes_the_marks_of_what_it_changed() -> None:
    """The others stay exact; a keyframe takes all; a refined picture names only what is not exact."""
    rows = noise(1)
    sender = still(rows)
    drained(sender)
    one = all_tiles(on=False)
    one[0, 0] = True
    sender.changed(2, rows, one, QUIET + 1, key=False)
    assert sender.next(QUIET + 2, MESSAGE_MAX) is None
    assert np.array_equal(sender.repeated(3, key=False), one)
    assert sender.repeated(4, key=True).all()
    assert sender.exact_tiles == 0
    sender.changed(5, noise(1, 128, 64), np.ones((1, 2), np.bool_), QUIET, key=True)
    assert len(sender.repeated(6, key=False)[0]) == 2


def test_a_message_is_dropped_when_a_picture_was_sent_while_it_was_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture may have changed the very tiles, or told the other end that they are not exact."""
    rows = noise(1)
    sender = still(rows)
    encode = tiles.encode

    def slow(*arguments: object) -> bytes:
        sender.repeated(2, key=False)
        return encode(*arguments)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(tiles, "encode", slow)
    assert sender.next(QUIET, MESSAGE_MAX) is None
    assert sender.exact_tiles == 0
    monkeypatch.undo()
    message = sender.next(QUIET, MESSAGE_MAX)
    assert message is not None
    assert tiles.decode(message.data).frame_id == 2
    sender.not_sent(message)
    assert (sender.exact_tiles, sender.tiles_sent) == (0, 0)


@given(st.integers(-5, 400), st.integers(-5, 400), st.integers(-5, 400))
@settings(max_examples=50, deadline=None)
def test_asking_again_with_any_numbers_only_makes_tiles_due(col: int, row: int, run: int) -> None:
    """The numbers come from the other end."""
    sender = still(np.zeros((H, W), np.uint32))
    drained(sender)
    sender.wanted_again(col, row, run)
    inside = row in range(GRID[0]) and col in range(GRID[1]) and run > 0
    assert TILES - sender.exact_tiles == (min(run, GRID[1] - col) if inside else 0)


# --- the receiving end -----------------------------------------------------------------------------------------------


def blank_run(frame_id: int, col: int = 0, row: int = 0) -> Run:
    return tiles.decode(tiles.encode(frame_id, col, row, 1, np.zeros((H, W), np.uint32)))


def test_at_most_32_runs_wait_and_those_that_give_way_are_told() -> None:
    """Someone who sends runs of pictures that never come fills 32 places of 16 KiB."""
    dropped: list[Run] = []
    arrivals = Arrivals(dropped.append)
    for number in range(100):
        arrivals.run(0, blank_run(1000 + number))
    assert [run.frame_id for run in dropped] == list(range(1000, 1100 - WAITING_MAX))
    arrivals.picture(0, 5000, (W, H), all_tiles(), key=True)
    assert arrivals.take() == []
    assert not arrivals.ready


def test_runs_of_another_connection_never_touch_the_picture() -> None:
    """Its pictures are numbered anew, so the numbers would fit."""
    arrivals = Arrivals(lambda _run: None)
    arrivals.picture(0, 1, (W, H), all_tiles(), key=True)
    arrivals.run(0, blank_run(7))
    assert arrivals.picture(1, 1, (W, H), all_tiles(), key=True) is not None
    arrivals.run(0, blank_run(1))
    for number in range(2, 9):
        assert arrivals.picture(1, number, (W, H), all_tiles(on=False), key=False) is not None
        assert arrivals.picture(0, number, (W, H), all_tiles(), key=True) is None
    assert arrivals.take() == []


def test_an_older_connection_that_goes_on_alone_is_shown_again() -> None:
    """A newer one that sent a picture and was given up must not freeze the view; what was exact is asked for again."""
    asked: list[Run] = []
    arrivals = Arrivals(asked.append)
    arrivals.picture(1, 1, (W, H), all_tiles(), key=True)
    arrivals.picture(2, 1, (W, H), all_tiles(), key=True)
    for number in range(2, OLDER_MAX + 1):
        assert arrivals.picture(1, number, (W, H), all_tiles(on=False), key=False) is None
    assert asked == []
    back = arrivals.picture(1, OLDER_MAX + 1, (W, H), all_tiles(on=False), key=False)
    assert back is not None
    assert back.all()
    assert [(run.row, run.col, run.run) for run in asked] == [(row, 0, GRID[1]) for row in range(GRID[0])]
    arrivals.run(1, blank_run(OLDER_MAX + 1))
    assert len(arrivals.take()) == 1


def test_unsound_runs_are_asked_for_again_but_not_for_ever() -> None:
    """A sender that sends nothing else gets a bounded number of questions, and no work is done for it any more."""
    asked: list[Run] = []
    canvas = Canvas(asked.append)
    canvas.begin((W, H), None)
    bad = Run(1, 0, 0, 1, tiles.RAW, 0, b"xyz")
    for _ in range(100):
        assert canvas.put([(bad, np.ones(1, np.bool_))]) is None
    assert len(asked) == 32


@dataclass
class Session:
    """A sender and a painter with a network between them that a test can hurt."""

    painter: Painter
    reader: FrameReader
    asked: list[Run] = field(default_factory=list)
    epoch: int = 0

    def __post_init__(self) -> None:
        self.now = QUIET
        self.version = 0
        self.video: list[tuple[int, int, Tiles, bool, Rows]] = []
        self.messages: list[tuple[int, bytes]] = []
        self.delivered: list[tuple[int, bytes]] = []
        self.grabs: dict[tuple[int, int], Rows] = {}
        self.noted: tuple[int, int] | None = None
        self.lost = False
        self.older = 0
        self.heard = 0  # the newest connection that anything came from
        self.connect()

    def connect(self) -> None:
        """Begin a connection: a new sender, pictures numbered anew."""
        self.epoch += 1
        self.sender, self.frame_id = TopOff(), 0
        self.rows: Rows = np.full((H, W), self.new_colour(), np.uint32)
        self.change(all_tiles(), key=True)

    def new_colour(self) -> int:
        self.version += 1
        return self.version * 0x010203 & 0x7FFFFF

    def change(self, which: Tiles, *, key: bool = False) -> None:
        self.rows = self.rows.copy()
        for row, col in np.argwhere(which):
            tile_of(self.rows, row, col)[:] = self.new_colour()
        self.frame_id += 1
        self.sender.changed(self.frame_id, self.rows, which, self.now, key=key)
        self._film(all_tiles() if key else which, key=key)

    def again(self, *, key: bool = False) -> None:
        self.frame_id += 1
        self._film(self.sender.repeated(self.frame_id, key=key), key=key)

    def probe(self) -> None:
        self.frame_id += 1
        self._film(all_tiles(on=False), key=False)

    def _film(self, named: Tiles, *, key: bool) -> None:
        self.video.append((self.epoch, self.frame_id, named, key, self.rows))
        self.grabs[self.epoch, self.frame_id] = self.rows

    def top_off(self, *, sent: bool = True) -> None:
        self.now += QUIET
        message = self.sender.next(self.now, 3000)
        if message is not None and sent:
            self.messages.append((self.epoch, message.data))
        elif message is not None:
            self.sender.not_sent(message)

    def deliver_picture(self, *, lost: bool = False) -> None:
        if not self.video:
            return
        epoch, frame_id, named, key, rows = self.video.pop(0)
        if lost:
            self.lost = True
            return
        decoded = np.ascontiguousarray((rows ^ LOSS).view(np.uint8).reshape(H, W, 4)[:, :, :3])
        shown = Shown(VideoFrame.from_ndarray(decoded, "bgr24"), named, frame_id, 1, 1)
        self.painter.put_decoded(shown, epoch, key=key)
        self.older = self.older + 1 if epoch < self.heard else 0
        if self.older == OLDER_MAX:
            self.heard, self.older, self.noted = epoch, 0, None
        begun = epoch > self.heard or self.noted is None or self.noted[0] < epoch
        if epoch >= self.heard and (begun or key or (self.noted is not None and frame_id > self.noted[1])):
            self.noted = epoch, frame_id
        self.heard = max(self.heard, epoch)

    def deliver_run(self, which: int = 0, *, bad: bool = False, twice: bool = False) -> None:
        source = self.delivered if twice else self.messages
        if not source:
            return
        epoch, data = source[which % len(source)] if twice else source.pop(which % len(source))
        self.delivered.append((epoch, data))
        self.heard = max(self.heard, epoch)
        self.painter.put_run(tiles.decode(data[:-1] + bytes([data[-1] ^ 255]) if bad else data), epoch)

    def paint(self) -> None:
        self.painter._runs_us = -(10**9)
        while self.painter._due():
            self.painter._step()

    def seen(self) -> Rows:
        found = self.reader.read(lambda info, rows: np.frombuffer(bytes(rows), np.uint32).reshape(info.height, -1))
        assert found is not None
        return np.bitwise_and(found[1], np.uint32(0xFFFFFF))

    def check(self) -> int:
        """Each tile is the newest picture's, or exactly what was grabbed for it; return how many are exact."""
        if self.noted is None:
            return 0
        grab, seen, exact = self.grabs[self.noted], self.seen(), 0
        for row, col in np.ndindex(GRID):
            shown, there = tile_of(seen, row, col), tile_of(grab, row, col)
            assert np.array_equal(shown, there) or np.array_equal(shown, there ^ LOSS), (row, col)
            exact += np.array_equal(shown, there)
        return exact

    def settle(self) -> None:
        """The network is well again: everything arrives, what was lost is sent again."""
        if self.lost:
            self.again(key=True)
            self.lost = False
        for _ in range(200):
            self.top_off()
            while self.video:
                self.deliver_picture()
            while self.messages:
                self.deliver_run()
            self.paint()
            while self.asked:
                run = self.asked.pop()
                self.sender.wanted_again(run.col, run.row, run.run)
            if self.sender.complete and not self.messages:
                return
        raise AssertionError("never complete")


@pytest.fixture(scope="module")
def memory() -> Iterator[FrameReader]:
    reader = FrameReader(320, 160)
    yield reader
    reader.close()


def session(memory: FrameReader) -> Session:
    asked: list[Run] = []
    frames: list[Frame] = []
    painter = Painter(FrameWriter(os.dup(memory.fd)), frames.append, asked.append)
    painter.stop()
    painter._stopped = False  # from here on the test is its thread
    return Session(painter, memory, asked)


def some_tiles(numbers: list[int]) -> Tiles:
    which = all_tiles(on=False)
    which.reshape(-1)[numbers] = True
    return which


DEEDS: dict[str, Callable[[Session, int], None]] = {
    "change": lambda s, n: s.change(some_tiles([n])),
    "move": lambda s, _: s.change(all_tiles()),
    "key": lambda s, _: s.again(key=True),
    "refine": lambda s, _: s.again(),
    "probe": lambda s, _: s.probe(),
    "reconnect": lambda s, _: s.connect(),
    "top off": lambda s, _: s.top_off(),
    "stop before sending": lambda s, _: s.top_off(sent=False),
    "picture": lambda s, _: s.deliver_picture(),
    "picture lost": lambda s, _: s.deliver_picture(lost=True),
    "run": lambda s, _: s.deliver_run(),
    "run out of order": lambda s, n: s.deliver_run(n),
    "run twice": lambda s, n: s.deliver_run(n, twice=True),
    "run damaged": lambda s, _: s.deliver_run(bad=True),
}
USUAL = ["change", "change", "refine", "top off", "top off", "picture", "picture", "picture", "run", "run"]
steps = st.lists(st.tuples(st.sampled_from([*DEEDS, *USUAL]), st.integers(0, 2 * TILES)), max_size=40)


@given(steps)
@settings(max_examples=80, deadline=None)
def test_whatever_is_lost_late_or_doubled_no_tile_shows_anything_old(
    memory: FrameReader, steps: list[tuple[str, int]]
) -> None:
    """After each painting a tile is as the newest picture has it, or exact; and in the end everything is exact."""
    world = session(memory)
    world.settle()
    for name, number in steps:
        DEEDS[name](world, number % TILES)
        if number >= TILES // 2:
            world.paint()
            world.check()
    world.settle()
    assert world.check() == TILES


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_picture_changed_that_was_never_shown_is_not_shown_as_exact(memory: FrameReader, lost: bool) -> None:
    """A picture overtaken by a newer one, or lost on the way: the tile that it changed shows the newer one."""
    world = session(memory)
    world.settle()
    world.change(some_tiles([0]))
    world.deliver_picture(lost=lost)
    world.change(some_tiles([7]))
    world.deliver_picture()
    world.paint()
    assert world.check() == (0 if lost else TILES - 2)


def in_view(rows: Rows, width: int, height: int) -> Rows:
    """A whole picture as the painter scales it."""
    bgr = np.ascontiguousarray(rows.view(np.uint8).reshape(H, W, 4)[:, :, :3])
    scaled = compose._scaled(VideoReformatter(), VideoFrame.from_ndarray(bgr, "bgr24"), width, height)
    return np.bitwise_and(compose._rows_of(scaled), np.uint32(0xFFFFFF))


@pytest.mark.parametrize("changed", [[7], [0, 4, 12], list(range(14)), []])
@pytest.mark.parametrize("width", [150, 200, 300, 450, 600])
def test_in_a_scaled_view_each_pixel_is_of_the_newest_picture_or_exact(width: int, changed: list[int]) -> None:
    """Scaling mixes neighbours: at the edge of what is exact nothing old shines through."""
    height = width // 2
    reader = FrameReader(640, 320)
    try:
        world = session(reader)
        world.painter.set_view(width, height, None)
        world.settle()
        assert np.array_equal(world.seen(), in_view(world.rows, width, height))
        world.change(some_tiles(changed))
        world.deliver_picture()
        world.paint()
        plain, exact = in_view(world.rows ^ LOSS, width, height), in_view(world.rows, width, height)
        from_plain, from_exact = world.seen() == plain, world.seen() == exact
        assert (from_plain | from_exact).all()
        untouched = TILES - len(changed)
        assert from_exact.sum() >= max(0, untouched / TILES - 0.4) * width * height
        world.painter.set_view(64, 64, (128, 0, 64, 64))
        world.paint()
        assert np.array_equal(world.seen(), tile_of(world.rows if 2 not in changed else world.rows ^ LOSS, 0, 2))
    finally:
        reader.close()


def test_a_keyframe_is_shown_whatever_its_number() -> None:
    """It needs nothing that came before; a picture that does, and is older, is none to show."""
    arrivals = Arrivals(lambda _run: None)
    for number, key, shown in (
        (9, True, True),
        (9, False, False),
        (8, False, False),
        (3, True, True),
        (4, False, True),
    ):
        changed = arrivals.picture(0, number, (W, H), all_tiles(on=False), key=key)
        assert (changed is not None) == shown


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.booleans(), st.binary(max_size=40)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_hostile_sender_neither_stops_the_painting_nor_fills_the_memory(
    memory: FrameReader, messages: list[tuple[int, int, bool, bytes]]
) -> None:
    """Pictures and runs of any number, size and connection; what waits stays within its bound."""
    world = session(memory)
    for epoch, number, key, junk in messages:
        width, height = 2 + 2 * (number % 9) * 16, 2 + 2 * (len(junk) % 5) * 16
        frame = VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), "bgr24")
        named = np.ones((1 + number % 3, 1 + epoch), np.bool_)
        world.painter.put_decoded(Shown(frame, named, number, 1, 1), epoch, key=key)
        world.painter.put_run(Run(number, number % 60, epoch, 1 + len(junk) % 16, number % 2, 0, junk), epoch)
        assert len(world.painter._arrivals._runs) <= WAITING_MAX
        if number % 2:
            world.paint()
    world.paint()


def test_what_becomes_exact_is_painted_without_a_new_picture_and_only_there(memory: FrameReader) -> None:
    """A real painter with its own thread: the window is told which part to draw anew."""
    frames: list[Frame] = []
    painter = Painter(FrameWriter(os.dup(memory.fd)), frames.append)
    try:
        world = Session(painter, memory)
        world.deliver_picture()
        wait_until(lambda: frames)
        world.sender.point_at((0, 0))
        world.top_off()
        count = len(frames)
        world.deliver_run()
        wait_until(lambda: len(frames) > count)
        assert np.array_equal(tile_of(world.seen(), 0, 0), tile_of(world.rows, 0, 0))
        assert painter.exact_tiles > 0
        dirty = frames[-1].dirty
        assert dirty is not None
        assert dirty[:2] == (0, 0)
        assert dirty[3] < 80
    finally:
        painter.stop()
