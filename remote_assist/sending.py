# SPDX-License-Identifier: GPL-3.0-or-later
"""The sending side between a source and the encoder: the gate, masks, damage and a mailbox in which the newest wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.domain.capture import RawFrame
from app.domain.masking import Box
from remote_assist import damage, masks
from remote_assist.sights import Cover

WIDTH_MAX = 3840
HEIGHT_MAX = 2160
Rows = npt.NDArray[np.uint32]


def now_us() -> int:
    """Return the media clock in microseconds; processes of one machine share it."""
    return time.perf_counter_ns() // 1000


class Gate:
    """Whether pictures may leave: granted, connected, not paused, not ended. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flags = {"granted": False, "connected": False, "running": True, "live": True}
        self.open = False
        self.frames_sent = 0
        self.packets_dropped = 0

    def set(self, **flags: bool) -> bool:
        """Set flags (granted, connected, running, live) and return whether the gate has just opened."""
        with self._lock:
            self._flags.update(flags)
            before, self.open = self.open, all(self._flags.values())
            return self.open and not before

    @property
    def granted(self) -> bool:
        """Whether the customer has allowed it, whatever else is in the way."""
        return self._flags["granted"]

    def count_frame(self) -> bool:
        """Count one frame as sent, unless the gate is closed. The counter never moves while it is."""
        with self._lock:
            if self.open:
                self.frames_sent += 1
            return self.open


@dataclass(frozen=True, slots=True)
class Picture:
    """One masked picture of the target. `tiles` are those that changed since the last one the encoder took."""

    rows: Rows
    tiles: damage.Tiles
    captured_us: int

    @property
    def size(self) -> tuple[int, int]:
        return self.rows.shape[1], self.rows.shape[0]


class Mailbox:
    """Holds at most one picture; a newer one replaces it and takes over its changed tiles. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._free = threading.Event()
        self._free.set()
        self.on_filled: Callable[[], None] = lambda: None

    def put(self, picture: Picture) -> None:
        with self._lock:
            waiting = self._picture
            if waiting is not None:
                same = waiting.tiles.shape == picture.tiles.shape
                merged = waiting.tiles | picture.tiles if same else np.ones_like(picture.tiles)
                picture = replace(picture, tiles=merged)
            self._picture = picture
            self._free.clear()
        self.on_filled()

    def take(self) -> Picture | None:
        with self._lock:
            picture, self._picture = self._picture, None
            return picture

    @property
    def filled(self) -> bool:
        return self._picture is not None

    def encoder_free(self) -> None:
        """The encoder has finished with what it took: a source that waits may grab again."""
        self._free.set()

    def wait_free(self, timeout_s: float) -> bool:
        """Wait until the encoder could take a new picture at once."""
        return self._free.wait(timeout_s)

    def clear(self) -> None:
        with self._lock:
            self._picture = None
            self._free.set()


class Pipeline:
    """Masks and damage, run in the source's thread; hands pictures to the mailbox and to the preview."""

    def __init__(
        self,
        mailbox: Mailbox,
        gate: Gate,
        preview: Callable[[Picture], None],
        cover: Callable[[], Cover | None] = Cover,
    ) -> None:
        """`cover` is asked after each grab; None: nobody knows what must be hidden, so the picture is withheld."""
        self._mailbox = mailbox
        self._gate = gate
        self._preview = preview
        self._lock = threading.Lock()
        self._ask_cover = cover
        self._rects: Sequence[Box] = ()
        self._drawn = 0
        self._last: Picture | None = None
        self._region: Box | None = None
        self._padded = (False, False)
        self._fixed = False
        self._source_size: tuple[int, int] | None = None
        self.frames_captured = 0
        self.frames_withheld = 0
        self.fault = ""
        self._held = False
        self.size = (0, 0)

    def set_masks(self, rects: Sequence[Box], *, looked: bool = False, drawn: int | None = None) -> None:
        """Paint these from the next picture on, and repaint the last one, which may still be waiting.

        The first `drawn` of them are the customer's own (None: all). Only with `looked` do they count for a target that
        has changed its size: the program's own windows move by themselves when a screen changes, and what it hides
        there says nothing about what the customer hid.
        """
        with self._lock:
            self._rects = tuple(rects)
            self._drawn = len(self._rects) if drawn is None else drawn
            if looked and (self._region is None or not self._fixed):
                self._source_size = None
            if self._last is not None:
                rows = self._last.rows.copy()
                self._paint(rows, ())
                # one that was sent already is made anew now; nothing but the masks has changed since
                self._keep(rows, self._last.captured_us if self._mailbox.filled else now_us())

    def hold(self) -> None:
        """Let nothing through and forget the last picture, until `begin`. Does not wait for a picture in work."""
        self._held = True
        self._mailbox.clear()

    def begin(self, region: Box | None, *, fixed: bool = False, size: tuple[int, int] | None = None) -> None:
        """Start afresh with another target, of which only this (x, y, w, h) goes through.

        When its size is no longer that of its first picture, what the customer drew on it no longer lies where it was
        put. A `fixed` target is a screen, whose size was `size` when it was chosen: there that goes for a region too,
        and for what the program hides.
        """
        with self._lock:
            self._last = None
            self._region, self._fixed, self._source_size, self.fault = region, fixed, size if fixed else None, ""
            self._mailbox.clear()
            self._held = False

    @property
    def newest(self) -> Rows | None:
        """What is to be seen at the other end by now: the last picture, masked; None while nothing may pass."""
        last = self._last
        return None if self._held or last is None else last.rows

    def show_last(self) -> None:
        """Show the last picture in the own preview, which has just been opened."""
        with self._lock:
            if self._last is not None and not self._held:
                self._preview(self._last)

    def offer_last(self) -> None:
        """Hand in the last picture again with every tile changed: a new epoch or a resume."""
        with self._lock:
            if self._last is not None and self._gate.open and not self._held:
                self._mailbox.put(replace(self._last, tiles=np.ones_like(self._last.tiles), captured_us=now_us()))

    def sink(self, frame: RawFrame) -> None:
        """Take one picture of the source. The buffer is released before this returns, or kept as our own."""
        with self._lock:
            if self._held:
                frame.release()
                return
            self.frames_captured += 1
            cover = self._ask_cover()
            if cover is None:
                self.frames_withheld += 1
                frame.release()
                return
            moved = self._has_changed((frame.width, frame.height))
            whole = self._region is None
            self._padded = whole and frame.height % 2 == 1, whole and frame.width % 2 == 1
            rows = _rows_of(frame, self._region)
            too_large = rows.shape[1] > WIDTH_MAX or rows.shape[0] > HEIGHT_MAX
            self.fault = "picture_too_large" if too_large else moved
            if too_large or moved == "target_gone" or min(rows.shape) < 2:
                return
            if cover.hold or moved:
                rows[:] = masks.MASK_BGRX
            self._paint(rows, cover.boxes)
            self.size = (rows.shape[1], rows.shape[0])
            self._keep(rows, frame.captured_us)

    def _has_changed(self, size: tuple[int, int]) -> str:
        """Return the fault of a target whose size has changed while something was drawn on it; else empty."""
        before, self._source_size = self._source_size, self._source_size or size
        if before is None or before == size:
            return ""
        if self._fixed and self._region is not None:
            return "target_gone"
        if self._drawn or (self._fixed and self._rects):
            return "target_changed"
        self._source_size = size
        return ""

    def _paint(self, rows: Rows, more: Sequence[Box]) -> None:
        """Masks lie in the target; a region shows part of it. What makes a side even repeats what is painted by now."""
        left, top = self._region[:2] if self._region is not None else (0, 0)
        masks.paint(rows, [(x - left, y - top, w, h) for x, y, w, h in (*self._rects, *more)])
        if self._padded[0]:
            rows[-1] = rows[-2]
        if self._padded[1]:
            rows[:, -1] = rows[:, -2]

    def _keep(self, rows: Rows, captured_us: int) -> None:
        before = self._last.rows if self._last is not None else None
        tiles = damage.changed_tiles(before, rows)
        if not tiles.any():
            return
        picture = Picture(rows, tiles, captured_us)
        self._last = picture
        if self._held:
            return
        self._preview(picture)
        if self._gate.open:
            self._mailbox.put(picture)


def _rows_of(frame: RawFrame, region: Box | None) -> Rows:
    """Return the picture, or its region, as writable rows with even sides; copied unless ours to keep already."""
    pixels = np.frombuffer(frame.buffer, np.uint32).reshape(-1, frame.stride // 4)[: frame.height, : frame.width]
    if region is not None:
        rows = _cut(pixels, region)
        frame.release()
        return rows
    height, width = pixels.shape
    even = width % 2 == 0 and height % 2 == 0
    if even and pixels.flags.writeable and pixels.flags.c_contiguous and isinstance(frame.buffer.obj, bytearray):
        frame.release()  # a bytearray lives as long as we hold it
        return pixels
    if even:
        rows = pixels.copy()
    else:  # not with the pixels beside it: no mask is painted there, for it lies outside the target
        rows = np.empty((height + height % 2, width + width % 2), np.uint32)
        rows[:height, :width] = pixels
        rows[height:], rows[:, width:] = masks.MASK_BGRX, masks.MASK_BGRX
    frame.release()
    return rows


def _cut(pixels: Rows, region: Box) -> Rows:
    """Return a region in its own size, also where a window has become smaller than it: nothing shows there."""
    x, y, width, height = region
    rows = np.full((height + height % 2, width + width % 2), masks.MASK_BGRX, np.uint32)
    left, top = max(0, x), max(0, y)
    part = pixels[top : max(0, y + height), left : max(0, x + width)]
    rows[top - y : top - y + part.shape[0], left - x : left - x + part.shape[1]] = part
    return rows
