# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of X11 screens and windows through QtMultimedia, where the leaner source does not start or Qt was asked for.

Qt grabs at the screen's refresh rate whether or not anything changed. What nobody would take is dropped unread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import shiboken6
from PySide6.QtCore import QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QGuiApplication, QImage, QScreen, QWindow
from PySide6.QtMultimedia import (
    QCapturableWindow,
    QMediaCaptureSession,
    QScreenCapture,
    QVideoFrame,
    QVideoFrameFormat,
    QVideoSink,
    QWindowCapture,
)

from app.desktop.qt_loop import QtLoop
from app.domain.capture import CaptureError, CursorState, RawFrame, Rect, Target, TargetKind, window_number
from app.domain.pace import Pace

_NOTHING: Final = ("target_gone", "target_hidden", "target_changed")
_LOOK_MS: Final = 50  # how old a window's place may be
_BGRX: Final = (QVideoFrameFormat.PixelFormat.Format_BGRX8888, QVideoFrameFormat.PixelFormat.Format_BGRA8888)
Deliver = Callable[[RawFrame], None]


class Hold(Protocol):
    """A window whose own pixels the server keeps apart from what covers it, or a screen, until `close`."""

    def place(self) -> Rect:
        """Return where it is now. Raises CaptureError("target_gone", "target_hidden" or "target_changed")."""
        ...

    def looked(self) -> None: ...

    def close(self) -> None: ...


class WindowFinder(Protocol):
    """What Qt cannot tell of windows: their ids, places and own pixels (`remote_assist.x11_windows.X11Windows`)."""

    def screens(self) -> Sequence[Target]: ...
    def targets(self, whole: Rect) -> Sequence[Target]: ...
    def hold(self, target: Target) -> Hold: ...


class QtSource:
    """A FrameSource for X11. `wait_free` says whether the encoder could take a picture within a number of seconds."""

    def __init__(self, qt: QtLoop, windows: WindowFinder, wait_free: Callable[[float], bool]) -> None:
        self._qt = qt
        self._windows = windows
        self._wait_free = wait_free
        self._running: _Running | None = None

    @property
    def failed(self) -> str:
        """Why nothing comes at the moment; empty while pictures come."""
        running = self._running
        return running.failed if running is not None else ""

    def targets(self) -> Sequence[Target]:
        """Return screens first, then windows from top to bottom. Raises CaptureError."""
        known = self._qt.call(_titles)
        screens = [replace(at, title=known[at.rect]) for at in self._windows.screens() if at.rect in known]
        whole = QRect()
        for target in screens:
            whole = whole.united(QRect(target.rect.x, target.rect.y, target.rect.width, target.rect.height))
        return (*screens, *self._windows.targets(_rect(whole)))

    def start(self, target: Target, sink: Deliver, fps_max: int) -> None:
        """Begin to deliver. Raises CaptureError when the target is gone or Qt has no way to capture here."""
        self.stop()
        hold = self._windows.hold(target)
        try:
            self._running = self._qt.call(lambda: _Running(target, hold, sink, self._wait_free, max(1, fps_max)))
        except CaptureError:
            hold.close()
            raise

    def geometry(self) -> Rect:
        """Return where the target was at the last look. Raises CaptureError when it is gone."""
        running = self._running
        if running is None or running.failed:
            raise CaptureError(running.failed if running is not None else "target_gone")
        return running.rect

    def cursor(self) -> CursorState | None:
        """Return the pointer's place relative to the target, without a shape."""
        running = self._running
        if running is None:
            return None
        at, rect = self._qt.call(QCursor.pos), running.rect
        x, y = at.x() - rect.x, at.y() - rect.y
        return CursorState(x, y, visible=0 <= x < rect.width and 0 <= y < rect.height)

    def wait_cursor(self, timeout_s: float) -> bool:
        """Return False: Qt tells of its own windows' pointers only."""
        del timeout_s
        return False

    def looked(self) -> None:
        """The customer has seen which screens there are now."""
        running = self._running
        if running is not None:
            self._qt.call(running.looked)

    def stop(self) -> None:
        """Stop and free all that Qt had opened. Idempotent."""
        running, self._running = self._running, None
        if running is not None:
            self._qt.call(lambda: _end(running))


class _Running(QObject):
    """One capture under way. Lives on Qt's thread; of waiting frames only the newest is looked at."""

    _look = Signal()

    def __init__(self, target: Target, hold: Hold, sink: Deliver, wait_free: Callable[[float], bool], fps: int) -> None:
        super().__init__()
        self._target, self._hold, self._sink, self._wait_free = target, hold, sink, wait_free
        self._pace, self._clock = Pace(fps), _Clock()
        self._newest: tuple[QVideoFrame, int] | None = None
        self._looked = 0.0
        self._live = True
        self.failed = ""
        self.rect = hold.place()
        self._session, self._video = QMediaCaptureSession(), QVideoSink()
        self._session.setVideoSink(self._video)
        self._video.videoFrameChanged.connect(self._arrived)
        self._look.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._capture = self._begin()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._watch)
        self._timer.start(_LOOK_MS)

    def _begin(self) -> QScreenCapture | QWindowCapture:
        capture: QScreenCapture | QWindowCapture
        if self._target.kind is TargetKind.WINDOW:
            capture = QWindowCapture()
            self._foreign = QWindow.fromWinId(window_number(self._target.id))
            capture.setWindow(QCapturableWindow(self._foreign))
            self._session.setWindowCapture(capture)
        else:
            self._screen = _screen_at(self._target)
            capture = QScreenCapture()
            capture.setScreen(self._screen)
            self._session.setScreenCapture(capture)
        capture.errorOccurred.connect(self._wrong)
        capture.start()
        if not capture.isActive():
            detail = capture.errorString() or "no QtMultimedia backend"
            self._free(capture)
            raise CaptureError("capture_failed", detail)
        return capture

    def stop(self) -> None:
        """Free everything; nothing is delivered afterwards."""
        self._live = False
        self._timer.stop()
        self._capture.errorOccurred.disconnect(self._wrong)
        self._free(self._capture)
        self._hold.close()

    def looked(self) -> None:
        """The customer has seen which screens there are now."""
        self._hold.looked()

    def _free(self, capture: QScreenCapture | QWindowCapture) -> None:
        self._video.videoFrameChanged.disconnect(self._arrived)
        self._newest = None
        capture.stop()
        self._session.setVideoSink(None)  # type: ignore[arg-type]  # PySide's stubs know no None here
        for part in (capture, self._session, self._video):
            shiboken6.delete(part)
        if self._target.kind is TargetKind.WINDOW:
            shiboken6.delete(self._foreign)  # Qt's handle of it; the window is the customer's and stays

    def _arrived(self, frame: QVideoFrame) -> None:
        waiting, self._newest = self._newest, (frame, self._clock.captured_us(frame))
        if waiting is None:
            self._look.emit()  # behind all frames that wait already

    def _deliver(self) -> None:
        newest, self._newest = self._newest, None
        if newest is None or not self._live or self._pace.delay() or not self._wait_free(0):
            return
        if self._target.kind is TargetKind.SCREEN:
            self._looked = 0.0  # a picture of what stands there now, if another does, must not pass
        self._watch()
        if self.failed in _NOTHING:
            return
        raw = _raw(*newest)
        if raw is not None and self._fits(raw):
            self.failed = ""
            self._pace.grabbed()
            self._sink(raw)

    def _fits(self, raw: RawFrame) -> bool:
        """A screen that has become smaller stands in the old picture together with its neighbour."""
        whole = self._target.kind is not TargetKind.SCREEN or (raw.width, raw.height) == (
            self.rect.width,
            self.rect.height,
        )
        if not whole:
            raw.release()
        return whole

    def _watch(self) -> None:
        """Note where the target is, and whether it is there."""
        now = time.perf_counter()
        if self.failed == "target_gone" or now - self._looked < _LOOK_MS / 1000:
            return
        self._looked = now
        try:
            self.rect = self._place()
        except CaptureError as error:
            self.failed = error.code
        else:
            if self.failed in _NOTHING:
                self.failed = ""

    def _place(self) -> Rect:
        if self._target.kind is TargetKind.SCREEN and self._screen not in QGuiApplication.screens():
            raise CaptureError("target_gone")
        return self._hold.place()

    def _wrong(self, _error: object, _text: str) -> None:
        """Qt says only that it failed: what happened to the target is asked where it is known."""
        self._looked = 0.0
        self._watch()
        self.failed = self.failed or "capture_failed"


def _end(running: _Running) -> None:
    """Stop and delete now: Python's collector would do it later, and in whichever thread it happens to run."""
    running.stop()
    shiboken6.delete(running)


class _Clock:
    """Qt's frames carry times of a clock that began with the capture: the shortest way of any frame sets the offset."""

    def __init__(self) -> None:
        self._offset_us: int | None = None

    def captured_us(self, frame: QVideoFrame) -> int:
        now = time.perf_counter_ns() // 1000
        offset = now - frame.endTime()
        self._offset_us = offset if self._offset_us is None else min(self._offset_us, offset)
        return frame.endTime() + self._offset_us


def _raw(frame: QVideoFrame, captured_us: int) -> RawFrame | None:
    """The frame's own memory where it is BGRX already, else a converted copy."""
    if frame.pixelFormat() in _BGRX and frame.map(QVideoFrame.MapMode.ReadOnly):
        pixels = memoryview(frame.bits(0)).cast("B")
        return RawFrame(pixels, frame.width(), frame.height(), frame.bytesPerLine(0), captured_us, frame.unmap)
    image = frame.toImage().convertToFormat(QImage.Format.Format_RGB32)
    if image.isNull():
        return None
    pixels = memoryview(image.constBits()).cast("B")
    return RawFrame(pixels, image.width(), image.height(), image.bytesPerLine(), captured_us, _nothing)


def _nothing() -> None:
    return None


def _titles() -> dict[Rect, str]:
    return {_rect(screen.geometry()): screen.name() or f"{n + 1}" for n, screen in enumerate(QGuiApplication.screens())}


def _screen_at(target: Target) -> QScreen:
    """By its place: other sources may count screens in another order."""
    for screen in QGuiApplication.screens():
        if _rect(screen.geometry()) == target.rect:
            return screen
    raise CaptureError("target_gone", target.id)


def _rect(rect: QRect) -> Rect:
    return Rect(rect.x(), rect.y(), rect.width(), rect.height())
