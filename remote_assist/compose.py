# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture to the window: scaled to the size of the view, into shared memory. One thread, newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from remote_assist import damage
from remote_assist.child_protocol import Frame
from remote_assist.sending import Picture
from remote_assist.shm import FrameWriter

VIEW_MAX = 8192
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
    height, width = picture.rows.shape
    frame = VideoFrame.from_numpy_buffer(picture.rows.view(np.uint8).reshape(height, width, 4), "bgra")
    return Shown(frame, picture.tiles, 0, picture.captured_us, picture.captured_us)


class Painter:
    """Owns the writer of the shared memory. `put` and `set_view` may be called from any thread and never wait."""

    def __init__(self, writer: FrameWriter, post: Callable[[Frame], None]) -> None:
        self._writer = writer
        self._post = post
        self._ready = threading.Condition()
        self._waiting: Shown | None = None
        self._last: Shown | None = None
        self._view: tuple[int, int, Box | None] = (0, 0, None)
        self._view_changed = False
        self._stopped = False
        self._reformat = VideoReformatter()
        self.source_size = (0, 0)
        self.written = 0
        self._thread = threading.Thread(target=self._run, name="painter", daemon=True)
        self._thread.start()

    def put(self, shown: Shown) -> None:
        """Show this next; a picture that still waits is replaced and its changed tiles are kept."""
        with self._ready:
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

    def stop(self) -> None:
        """Stop and wait for the thread. Idempotent."""
        with self._ready:
            self._stopped = True
            self._ready.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._stopped or self._waiting or (self._view_changed and self._last))
                if self._stopped:
                    return
                everything, self._view_changed = self._view_changed, False
                shown, self._waiting = self._waiting or self._last, None
                view = self._view
            if shown is not None:
                self._last = shown
                self._paint(replace(shown, tiles=None) if everything else shown, view)

    def _paint(self, shown: Shown, view: tuple[int, int, Box | None]) -> None:
        frame, src = shown.frame, view[2]
        self.source_size = (frame.width, frame.height)
        if src is not None and (cut := _cut(frame, src)) is not None:
            frame = cut
        width, height = _fit(frame.width, frame.height, view[0], view[1])
        if not self._writer.fits(width, height):
            return
        exact = width % frame.width == 0 and height % frame.height == 0
        scaled = self._reformat.reformat(
            frame,
            width,
            height,
            "bgra",
            src_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.POINT if exact else Interpolation.BICUBIC,
        )
        plane = scaled.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, : width * 4]
        np.frombuffer(self._writer.begin(width, height), np.uint8).reshape(height, width * 4)[:] = rows
        slot, seq = self._writer.commit(shown.frame_id, shown.captured_us, shown.decoded_us)
        self.written += 1
        dirty = _dirty(shown, width, height) if src is None else None
        self._post(Frame(slot, seq, width, height, max(0, shown.captured_us), shown.decoded_us, dirty))


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
