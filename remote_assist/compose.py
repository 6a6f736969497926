# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture to the window: with its exact tiles, scaled to the size of the view, into shared memory.

One thread, newest wins. While no tile is exact a decoded picture is scaled at once, without a copy in its own size.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from remote_assist import damage
from remote_assist.canvas import Arrivals, Canvas
from remote_assist.child_protocol import Frame
from remote_assist.damage import Rows
from remote_assist.sending import Picture, now_us
from remote_assist.shm import FrameWriter
from remote_assist.tiles import Run

VIEW_MAX = 8192
_RUNS_EVERY_US: Final = 100_000  # what only becomes exact need not be painted run by run
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture to show. `tiles` None means that everything may have changed. Times are microseconds of our clock."""

    frame: VideoFrame
    tiles: damage.Tiles | None
    frame_id: int
    captured_us: int
    decoded_us: int


def shown_from_picture(picture: Picture) -> Shown:
    """Wrap a captured picture, without a copy, for the local preview."""
    return Shown(_frame_of(picture.rows), picture.tiles, 0, picture.captured_us, picture.captured_us)


class Painter:
    """Owns the writer of the shared memory. All but `stop` may be called from any thread and never waits.

    `again` is called, in any thread, for runs of tiles that could not be used.
    """

    def __init__(
        self, writer: FrameWriter, post: Callable[[Frame], None], again: Callable[[Run], None] = lambda _run: None
    ) -> None:
        self._writer = writer
        self._post = post
        self._ready = threading.Condition()
        self._arrivals = Arrivals(again)
        self._canvas = Canvas(again)
        self._runs_us = 0
        self._reformat_own = VideoReformatter()
        self._own_scaled: tuple[tuple[int, int, int], VideoFrame] | None = None
        self._waiting: Shown | None = None
        self._last: Shown | None = None
        self._view: tuple[int, int, Box | None] = (0, 0, None)
        self._view_changed = False
        self._stopped = False
        self._keep: Callable[[VideoFrame], None] | None = None
        self._reformat = VideoReformatter()
        self.source_size = (0, 0)
        self.written = 0
        self._thread = threading.Thread(target=self._run, name="painter", daemon=True)
        self._thread.start()

    def put(self, shown: Shown) -> None:
        """Show this next; a picture that still waits is replaced and its changed tiles are kept."""
        with self._ready:
            self._put(shown)

    def put_decoded(self, shown: Shown, epoch: int, *, key: bool) -> None:
        """As `put`, for the next picture of a connection. One in which nothing changed is noted, not shown."""
        size = shown.frame.width, shown.frame.height
        named = shown.tiles if shown.tiles is not None else np.ones((0, 0), np.bool_)
        with self._ready:
            changed = self._arrivals.picture(epoch, shown.frame_id, size, named, key=key)
            if changed is not None and changed.any():
                self._put(replace(shown, tiles=changed))
            elif self._arrivals.ready:
                self._ready.notify()

    def put_run(self, run: Run, epoch: int) -> None:
        """Make these tiles exact, as soon as the picture they belong to is shown."""
        with self._ready:
            self._arrivals.run(epoch, run)
            self._ready.notify()

    @property
    def exact_tiles(self) -> int:
        """How many tiles are shown exactly."""
        return self._canvas.exact_tiles

    @property
    def runs_longest(self) -> int:
        """How many runs of exact tiles have waited for their picture at once."""
        return self._arrivals.longest

    def _put(self, shown: Shown) -> None:
        if self._waiting is not None:
            shown = replace(shown, tiles=_merged(self._waiting.tiles, shown.tiles))
        self._waiting = shown
        self._ready.notify()

    def set_view(self, width: int, height: int, src: Box | None) -> None:
        """Scale into this size from now on, keeping proportions; 0 means the size of the source."""
        with self._ready:
            self._view = (min(width, VIEW_MAX), min(height, VIEW_MAX), src)
            self._view_changed = True
            self._ready.notify()

    def keep(self, take: Callable[[VideoFrame], None]) -> None:
        """Hand over the newest picture in its own size, as BGRA and with its exact tiles, in this object's thread."""
        with self._ready:
            self._keep = take
            self._ready.notify()

    def stop(self) -> None:
        """Stop and wait for the thread. Idempotent."""
        with self._ready:
            self._stopped = True
            self._ready.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Wait until there is something to show, and show it. False when there never will be."""
        with self._ready:
            while not self._due():
                self._ready.wait(self._wait_s())
            if self._stopped:
                return False
            everything, self._view_changed = self._view_changed, False
            shown, self._waiting = self._waiting, None
            runs, view = self._arrivals.take(), self._view
            keep, self._keep = self._keep, None
        if shown is not None:
            self._canvas.begin((shown.frame.width, shown.frame.height), shown.tiles)
            self._last = shown
        made = self._canvas.put(runs) if runs else None
        if runs:
            self._runs_us = now_us()
        if self._last is not None and (everything or shown is not None or made is not None):
            tiles = made if shown is None else shown.tiles if made is None else _merged(shown.tiles, made)
            self._paint(replace(self._last, tiles=None if everything else tiles), view)
        if keep is not None and self._last is not None:
            keep(_scaled(self._reformat_own, self._with_exact_tiles(self._last.frame), *self.source_size))
        return True

    def _due(self) -> bool:
        if self._stopped or self._waiting is not None or self._keep is not None:
            return True
        if self._view_changed and self._last is not None:
            return True
        return self._arrivals.ready and now_us() - self._runs_us >= _RUNS_EVERY_US

    def _wait_s(self) -> float | None:
        """How long to wait unless something comes; None: until then."""
        if not self._arrivals.ready:
            return None
        return max(0.001, (self._runs_us + _RUNS_EVERY_US - now_us()) / 1_000_000)

    def _paint(self, shown: Shown, view: tuple[int, int, Box | None]) -> None:
        frame, src = shown.frame, view[2]
        self.source_size = (frame.width, frame.height)
        cut = _cut(self._with_exact_tiles(frame), src) if src is not None else None
        frame = cut or frame
        width, height = _fit(frame.width, frame.height, view[0], view[1])
        if not self._writer.fits(width, height):
            return
        rows = _rows_of(_scaled(self._reformat, frame, width, height))
        if cut is None:
            rows = self._canvas.blend(rows, self._own(width, height))
        np.frombuffer(self._writer.begin(width, height), np.uint32).reshape(height, width)[:] = rows
        slot, seq = self._writer.commit(shown.frame_id, shown.captured_us, shown.decoded_us)
        self.written += 1
        dirty = _dirty(shown, width, height) if src is None else None
        self._post(Frame(slot, seq, width, height, max(0, shown.captured_us), shown.decoded_us, dirty))

    def _own(self, width: int, height: int) -> Rows | None:
        """Return the canvas in this size. It is scaled only when tiles have become exact, not for each picture."""
        pixels = self._canvas.pixels
        if pixels is None or pixels.shape == (height, width):
            self._own_scaled = None
            return pixels
        made_of = (self._canvas.version, width, height)
        if self._own_scaled is None or self._own_scaled[0] != made_of:
            self._own_scaled = made_of, _scaled(self._reformat_own, _frame_of(pixels), width, height)
        return _rows_of(self._own_scaled[1])

    def _with_exact_tiles(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture in its own size."""
        if self._canvas.pixels is None:
            return frame
        whole = _scaled(self._reformat_own, frame, frame.width, frame.height)
        rows = _rows_of(whole)
        blended = self._canvas.blend(rows, self._canvas.pixels)
        return whole if blended is rows else _frame_of(blended)


def _scaled(reformat: VideoReformatter, frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """Return the picture as BGRA in this size."""
    if frame.format.name == "bgra" and (frame.width, frame.height) == (width, height):
        return frame
    whole_factor = width % frame.width == 0 and height % frame.height == 0
    return reformat.reformat(
        frame,
        width,
        height,
        "bgra",
        src_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.POINT if whole_factor else Interpolation.BICUBIC,
    )


def _rows_of(frame: VideoFrame) -> Rows:
    """Return the pixels of a BGRA picture, without a copy."""
    plane = frame.planes[0]
    pixels = np.frombuffer(memoryview(plane), np.uint32).reshape(-1, plane.line_size // 4)
    return pixels[: frame.height, : frame.width]


def _frame_of(rows: Rows) -> VideoFrame:
    height, width = rows.shape
    return VideoFrame.from_numpy_buffer(rows.view(np.uint8).reshape(height, width, 4), "bgra")


def _merged(first: damage.Tiles | None, second: damage.Tiles | None) -> damage.Tiles | None:
    if first is None or second is None or first.shape != second.shape:
        return None
    return first | second


def _fit(width: int, height: int, view_width: int, view_height: int) -> tuple[int, int]:
    if view_width <= 0 or view_height <= 0:
        return width, height
    scale = min(view_width / width, view_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _cut(frame: VideoFrame, src: Box) -> VideoFrame | None:
    x, y, w, h = src
    left, top = max(0, x), max(0, y)
    right, bottom = min(frame.width, x + w), min(frame.height, y + h)
    if right - left < 2 or bottom - top < 2:
        return None
    whole = frame.reformat(format="bgra", src_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.JPEG)
    plane = whole.planes[0]
    pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[top:bottom, left * 4 : right * 4]
    part = np.ascontiguousarray(pixels).reshape(bottom - top, right - left, 4)
    return VideoFrame.from_numpy_buffer(part, "bgra")


def _dirty(shown: Shown, width: int, height: int) -> Box | None:
    """Return the changed part in pixels of the view, grown by what the scaler's filter reaches."""
    if shown.tiles is None:
        return None
    box = damage.bounds(shown.tiles, shown.frame.width, shown.frame.height)
    if box is None:
        return 0, 0, 0, 0
    sx, sy = width / shown.frame.width, height / shown.frame.height
    left, top = max(0, int(box[0] * sx) - 4), max(0, int(box[1] * sy) - 4)
    right = min(width, int((box[0] + box[2]) * sx) + 5)
    bottom = min(height, int((box[1] + box[3]) * sy) + 5)
    return left, top, right - left, bottom - top
