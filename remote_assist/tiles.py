# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact tiles: what stands still is sent once more without loss, in runs of neighbours. Pure; times come with calls.

A message is `0x50 frame_id u32, col u16, row u16, run u8, codec u8, crc32 u32, len u32, data`, big endian. `data` holds
the rows of the whole run as BGR, raw or deflated; the sum is that of the pixels, so that it covers the packing too.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from remote_assist import damage
from remote_assist.damage import TILE, Rows, Tiles
from remote_assist.messages import Malformed
from remote_assist.sending import HEIGHT_MAX, WIDTH_MAX

__all__ = ["MESSAGE_MAX", "RUN_MAX", "BadRun", "Message", "Run", "TopOff", "decode", "encode", "pixels"]

KIND: Final = 0x50
DEFLATED, RAW = 0, 1
RUN_MAX: Final = 16
MESSAGE_MAX: Final = 16 * 1024
_HEADER: Final = struct.Struct(">BIHHBBII")
_ROWS_MAX, _COLS_MAX = damage.grid(WIDTH_MAX, HEIGHT_MAX)
_QUIET_US: Final = 300_000  # a tile unchanged for so long is worth its bytes
_MOVED_US: Final = 100_000  # while the picture moves, its pictures need the whole rate

Pixels = npt.NDArray[np.uint8]


class BadRun(Exception):  # says what is wrong
    """The data of a run are not the pixels its head promises."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in one row of tiles, as they stood when picture `frame_id` was sent. The data are not unpacked."""

    frame_id: int
    col: int
    row: int
    run: int
    codec: int
    crc: int
    data: bytes


def encode(frame_id: int, col: int, row: int, run: int, rows: Rows) -> bytes:
    """Return the message of `run` tiles of a BGRX picture."""
    part = rows[row * TILE : (row + 1) * TILE, col * TILE : (col + run) * TILE]
    height, width = part.shape
    bgr = np.ascontiguousarray(part).view(np.uint8).reshape(height, width, 4)[:, :, :3].tobytes()
    codec, data = DEFLATED, zlib.compress(bgr, 1)
    if len(data) >= len(bgr):
        codec, data = RAW, bgr
    return _HEADER.pack(KIND, frame_id, col, row, run, codec, zlib.crc32(bgr), len(data)) + data


def decode(raw: bytes | str) -> Run:
    """Return the run that came, without unpacking it. Raises Malformed, and nothing else; the bytes are hostile."""
    if not isinstance(raw, bytes) or not _HEADER.size < len(raw) <= MESSAGE_MAX:
        raise Malformed("tile size")
    kind, frame_id, col, row, run, codec, crc, length = _HEADER.unpack_from(raw)
    data = raw[_HEADER.size :]
    inside = row < _ROWS_MAX and 0 < run <= RUN_MAX and col + run <= _COLS_MAX
    if kind != KIND or codec not in (DEFLATED, RAW) or length != len(data) or not inside:
        raise Malformed("tile")
    return Run(frame_id, col, row, run, codec, crc, data)


def pixels(run: Run, width: int, height: int) -> Pixels:
    """Return a run's pixels as (rows, columns, BGR) for a picture of this size. Never unpacks more. Raises BadRun."""
    left, top = run.col * TILE, run.row * TILE
    wide, high = min(width, left + run.run * TILE) - left, min(height, top + TILE) - top
    if high <= 0 or wide <= (run.run - 1) * TILE:
        raise BadRun("outside")
    size = wide * high * 3
    bgr = run.data if run.codec == RAW else _inflated(run.data, size)
    if len(bgr) != size or zlib.crc32(bgr) != run.crc:
        raise BadRun("sum")
    return np.frombuffer(bgr, np.uint8).reshape(high, wide, 3)


def _inflated(data: bytes, size: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise BadRun("packing") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BadRun("length")
    return found


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send, and what it holds. `rows` is the picture that it was cut from."""

    data: bytes
    col: int
    row: int
    run: int
    rows: Rows


class TopOff:
    """Which tiles the other end has exactly, and which are due. One per connection; any thread.

    Marks follow the pictures as the other end will see them: a picture that changes a tile, and every keyframe, takes
    its mark away there and here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame_id = 0
        self._rows: Rows | None = None
        self._exact: Tiles = np.zeros((1, 1), np.bool_)
        self._changed_us: npt.NDArray[np.int64] = np.zeros((1, 1), np.int64)
        self._moved_us = 0
        self._part: tuple[int, int, int, int] | None = None
        self._cursor: tuple[int, int] | None = None
        self._tile_bytes = 1000.0
        self._resting = False
        self.on_stirred: Callable[[], None] = lambda: None
        self.tiles_sent = 0

    # --- what was sent as pictures ----------------------------------------------------------------------------------

    def changed(self, frame_id: int, rows: Rows, tiles: Tiles, now_us: int, *, key: bool) -> None:
        """A new picture is sent, in which `tiles` differ from the one before. Call before it can arrive."""
        with self._lock:
            if self._rows is None or self._rows.shape != rows.shape or self._exact.shape != tiles.shape:
                self._exact = np.zeros_like(tiles)
                self._changed_us = np.full(tiles.shape, now_us, np.int64)
            self._frame_id, self._rows, self._moved_us = frame_id, rows, now_us
            self._changed_us[tiles] = now_us
            self._exact[:] = False if key else self._exact & ~tiles
            self._stir()

    def repeated(self, frame_id: int, *, key: bool) -> Tiles:
        """The same picture is sent again, finer or whole; return the tiles to name as changed by it."""
        with self._lock:
            self._frame_id = frame_id
            if key:
                self._exact[:] = False
                self._stir()
            return ~self._exact

    # --- what is wanted ---------------------------------------------------------------------------------------------

    def look_at(self, part: tuple[int, int, int, int] | None) -> None:
        """The other end looks at this (x, y, w, h) of the picture, None: at all of it. Its middle comes first."""
        self._part = part

    def point_at(self, cursor: tuple[int, int] | None) -> None:
        """The cursor is here: if the other end looks there, what is around it comes first."""
        self._cursor = cursor

    def wanted_again(self, col: int, row: int, run: int) -> None:
        """The other end could not use these tiles; any numbers do no harm."""
        with self._lock:
            if row >= 0 and col >= 0:
                self._exact[row : row + 1, col : col + max(0, run)] = False
                self._stir()

    def waiting(self, now_us: int) -> bool:
        """Whether `next` would have something."""
        with self._lock:
            return bool(self._due(now_us).any())

    def rest(self) -> bool:
        """Whether nothing can become due by itself; then `on_stirred` is called, in any thread, once something may."""
        with self._lock:
            self._resting = self.complete
            return self._resting

    def _stir(self) -> None:
        if self._resting:
            self._resting = False
            self.on_stirred()

    @property
    def rows(self) -> Rows | None:
        """The picture sent last."""
        return self._rows

    @property
    def exact_tiles(self) -> int:
        """How many tiles of the picture were sent exactly."""
        return int(self._exact.sum())

    @property
    def complete(self) -> bool:
        """Whether the whole picture was sent exactly."""
        return self._rows is not None and bool(self._exact.all())

    # --- messages ---------------------------------------------------------------------------------------------------

    def next(self, now_us: int, room: int) -> Message | None:
        """Return a message of at most `room` bytes (or a single tile) and mark its tiles; None when nothing is due.

        Packing takes milliseconds and holds nothing up: if a picture is sent meanwhile, the message is dropped.
        """
        with self._lock:
            due, rows, frame_id = self._due(now_us), self._rows, self._frame_id
        if rows is None or not due.any():
            return None
        room = min(room, MESSAGE_MAX)
        row, col = self._nearest(due, rows)
        run = min(RUN_MAX, max(1, int(room / self._tile_bytes)))
        while True:
            first, run = _window(due[row], col, run)
            data = encode(frame_id, first, row, run, rows)
            if len(data) <= room or run == 1:
                break
            run = max(1, min(run - 1, run * room // len(data)))
        self._tile_bytes += 0.3 * (len(data) / run - self._tile_bytes)
        with self._lock:
            if self._frame_id != frame_id:
                return None
            self._exact[row, first : first + run] = True
            self.tiles_sent += run
        return Message(data, first, row, run, rows)

    def not_sent(self, message: Message) -> None:
        """The message was thrown away after all."""
        self.wanted_again(message.col, message.row, message.run)
        self.tiles_sent -= message.run

    def _due(self, now_us: int) -> Tiles:
        if self._rows is None or now_us - self._moved_us < _MOVED_US:
            return np.zeros_like(self._exact)
        due: Tiles = ~self._exact & (now_us - self._changed_us >= _QUIET_US)
        return due

    def _nearest(self, due: Tiles, rows: Rows) -> tuple[int, int]:
        x, y = self._focus(rows.shape[1], rows.shape[0])
        found = np.argwhere(due)
        across, down = found[:, 1] * TILE + TILE / 2 - x, found[:, 0] * TILE + TILE / 2 - y
        row, col = found[int(np.argmin(across * across + down * down))]
        return int(row), int(col)

    def _focus(self, width: int, height: int) -> tuple[float, float]:
        x, y, w, h = self._part or (0, 0, width, height)
        cursor = self._cursor
        if cursor is not None and x <= cursor[0] < x + w and y <= cursor[1] < y + h:
            return cursor
        return x + w / 2, y + h / 2


def _window(due: npt.NDArray[np.bool_], col: int, most: int) -> tuple[int, int]:
    """Return (first, count) of at most `most` neighbours around `col` that are all due."""
    before, behind = np.flatnonzero(~due[:col]), np.flatnonzero(~due[col:])
    begin = int(before[-1]) + 1 if len(before) else 0
    end = col + int(behind[0]) if len(behind) else len(due)
    first = max(begin, min(col - most // 2, end - most))
    return first, min(most, end - first)
