# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer keeps back, in the child: windows that rules find, and pictures that must not pass at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from app.domain.capture import CaptureError, Rect, Target, TargetKind, window_number
from app.domain.masking import Box, MaskRule
from remote_assist.child_protocol import Covered, FromChild
from remote_assist.sights import Cover, Hit, Sight

__all__ = ["Shield", "Watch", "x11_watch"]

_EVERY_S: Final = 0.25


class Watch(Protocol):
    """Knows where windows are (`remote_assist.x11_watch.WindowWatch`)."""

    def hide(self, rules: Sequence[MaskRule], own: Iterable[int]) -> None: ...
    def look(self) -> Sight | None: ...
    def asleep(self) -> bool: ...
    def close(self) -> None: ...


def x11_watch() -> Watch:
    """Follow the windows of this session's X server. Raises CaptureError where there is none."""
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise CaptureError("no_display")
    try:
        from remote_assist.x11_watch import WindowWatch  # here: only X11 has these libraries
        from remote_assist.x11_windows import X_ERRORS
    except ImportError as error:
        raise CaptureError("capture_failed", str(error)) from error
    try:
        return WindowWatch(name)
    except X_ERRORS as error:
        raise CaptureError("no_display", name) from error


class Shield:
    """Asked for every picture, after its grab; and four times a second by itself, for what makes no picture."""

    def __init__(self, make_watch: Callable[[], Watch], post: Callable[[FromChild], None]) -> None:
        """`make_watch` raises CaptureError where windows cannot be followed."""
        self._make_watch = make_watch
        self._post = post
        self._watch: Watch | None = None
        self._lock = threading.Lock()
        self._rules: tuple[MaskRule, ...] = ()
        self._own: tuple[int, ...] = ()
        self._target: Target | None = None
        self._region: Box | None = None
        self._where: Callable[[], Rect] | None = None
        self._asleep = False
        self._told: Covered | None = Covered([], 0, "")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hide(self, rules: Sequence[MaskRule], own: Sequence[int]) -> None:
        """Cover windows by these rules and ids from now on.

        Raises CaptureError where a target is captured and they cannot be kept; then no picture of it passes.
        """
        self._rules, self._own = tuple(rules), tuple(own)
        if self._watch is None and self._rules and self._target is not None:
            self._follow(self._target)
        watch = self._watch
        if watch is not None:
            watch.hide(self._rules, self._own)

    def aim(self, target: Target, where: Callable[[], Rect], region: Box | None = None) -> None:
        """This target is captured now; `where` tells its place. Raises CaptureError: rules cannot be kept here."""
        with self._lock:
            self._target, self._where, self._region, self._told = target, where, region, None
        self._follow(target)

    def _follow(self, target: Target) -> None:
        if target.kind is TargetKind.DRAWN:
            return
        if self._watch is None:
            try:
                watch = self._make_watch()
            except CaptureError:
                if self._rules:
                    raise
                return
            watch.hide(self._rules, self._own)
            self._watch = watch
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="shield", daemon=True)
            self._thread.start()

    def cover(self) -> Cover | None:
        """Return what to paint over the picture that was grabbed just now; None: nobody knows, it must not pass."""
        target, where, watch = self._target, self._where, self._watch
        if target is None or where is None or target.kind is TargetKind.DRAWN:
            return Cover()
        if watch is None:
            return None if self._rules else Cover()
        with self._lock:
            sight = watch.look()
            if sight is None:
                return None
            try:
                rect = where()
            except CaptureError:
                return None
            found = _window(target, rect, sight) if target.kind is TargetKind.WINDOW else _screen(rect, sight)
            cover, now, hits = found
            if self._asleep:
                cover = Cover(hold="locked")
            told = Covered([*now, *_missing(self._region, rect)], hits, cover.hold)
            if told != self._told:
                self._told = told
                self._post(told)
            return cover

    def stop(self) -> None:
        """Ask no more. Idempotent."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        if self._watch is not None:
            self._watch.close()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            if self._watch is not None:
                self._asleep = self._watch.asleep()
            self.cover()


Found = tuple[Cover, tuple[Box, ...], int]


def _window(target: Target, rect: Rect, sight: Sight) -> Found:
    """Only the window itself is in its picture."""
    id_ = window_number(target.id)
    whole: Box = (0, 0, rect.width, rect.height)
    hit = next((hit for hit in sight.hits if id_ in hit.ids), None)
    if hit is None:
        return Cover(), (), 0
    return Cover((whole,), "rule" if hit.pause else ""), (whole,), 1


def _screen(rect: Rect, sight: Sight) -> Found:
    hold = any(_shows(hit, rect) for hit in sight.hits if hit.pause)
    boxes = tuple(filter(None, (_clipped(box, rect) for box in sight.trail)))
    now = tuple(filter(None, (_clipped(box, rect) for box in sight.now)))
    hits = sum(_shows(hit, rect) for hit in sight.hits)
    return Cover(boxes, "rule" if hold else ""), now, hits


def _shows(hit: Hit, rect: Rect) -> bool:
    return _clipped(hit.box, rect) is not None


def _clipped(box: Box, rect: Rect) -> Box | None:
    """Return the part of a rectangle of the desktop that lies in `rect`, in its pixels."""
    left, top = max(box[0], rect.x), max(box[1], rect.y)
    right = min(box[0] + box[2], rect.x + rect.width)
    bottom = min(box[1] + box[3], rect.y + rect.height)
    if right <= left or bottom <= top:
        return None
    return left - rect.x, top - rect.y, right - left, bottom - top


def _missing(region: Box | None, rect: Rect) -> list[Box]:
    """Return what a region has of nothing: a window became smaller than it, and others stand there."""
    if region is None:
        return []
    x, y, width, height = region
    right, bottom = max(x, min(x + width, rect.width)), max(y, min(y + height, rect.height))
    parts = [(right, y, x + width - right, height), (x, bottom, width, y + height - bottom)]
    return [part for part in parts if part[2] > 0 and part[3] > 0]
