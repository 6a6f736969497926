# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and reads session children for a window: Qt signals in front, one thread per child behind.

The child's pipe and picture memory are handed in by `app.entry`; nothing here knows their format, and nothing here
decodes what a peer sent. A window thread never waits in any method of `SessionHost`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtGui import QImage

END_LIMIT_S: Final = 0.08
_EARLY_MAX: Final = 256


class PictureInfo(Protocol):
    """What is known of a picture in shared memory; times are microseconds of the media clock."""

    @property
    def seq(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def stride(self) -> int: ...
    @property
    def frame_id(self) -> int: ...
    @property
    def captured_us(self) -> int: ...
    @property
    def decoded_us(self) -> int: ...


class Pictures(Protocol):
    """The window's end of the shared memory (`remote_assist.shm.FrameReader`)."""

    def copy_newest(self, copy: Callable[[PictureInfo, memoryview], None]) -> PictureInfo | None:
        """Call `copy` with the newest picture, perhaps more than once; return what it was, or None."""
        ...


class Link(Protocol):
    """One running child (`remote_assist.ipc.ChildLink`)."""

    pid: int

    @property
    def pictures(self) -> Pictures: ...

    def tell(self, message: object) -> bool:
        """Queue a message; False when the child is gone. Never waits."""
        ...

    def next_message(self) -> object | None:
        """Wait for a message; None when the child is gone or lied. One thread only."""
        ...

    def kill(self) -> None:
        """End the child now. Idempotent."""
        ...

    def close(self) -> int:
        """Kill, reap and free; return the exit status. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class ChildWords:
    """How to recognise the messages that the host itself must know. Types come from `remote_assist.child_protocol`."""

    frame: type
    dirty_of: Callable[[object], tuple[int, int, int, int] | None]
    end: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class LivePicture:
    """A picture for the window. `dirty` is what changed since the one before, in pixels of the image."""

    image: QImage
    dirty: QRect
    frame_id: int
    captured_us: int
    decoded_us: int


class _Run:
    """One child: the thread that starts it, reads it and outlives it."""

    def __init__(self, host: SessionHost, open_link: Callable[[], Link | None]) -> None:
        self._host = host
        self._open_link = open_link
        self._lock = threading.Lock()
        self._early: list[object] = []
        self._killed = False
        self.link: Link | None = None
        self.thread = threading.Thread(target=self._live, name="session-host", daemon=True)

    def send(self, message: object) -> None:
        with self._lock:
            if self.link is None:
                if len(self._early) < _EARLY_MAX:
                    self._early.append(message)
                return
            link = self.link
        link.tell(message)

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            link = self.link
        if link is not None:
            link.kill()

    def _live(self) -> None:
        link = self._open_link()
        if link is None:
            self._host._gone(self, -1)  # noqa: SLF001  # the two classes are one thing
            return
        with self._lock:
            self.link = link
            early, self._early = self._early, []
            killed = self._killed
            for message in early:
                link.tell(message)
        if killed:
            link.kill()
        while (incoming := link.next_message()) is not None:
            self._host._heard(self, incoming)  # noqa: SLF001 - the host's own other half
        self._host._gone(self, link.close())  # noqa: SLF001 - the same


class SessionHost(QObject):
    """Starts a session child and speaks with it. Make and use it in the window thread; signals arrive there.

    After `died` a further `start` replaces the child; nothing of the former one is delivered any more.
    """

    message = Signal(object)
    """Every message of the child except pictures, decoded."""
    frame_ready = Signal()
    """A new picture can be read; comes again only after `latest` was called."""
    died = Signal(int)
    """The child is gone: exit status, negative for a signal. Comes once for each `start`, also after `stop`."""
    _from_thread = Signal(object, object)
    _frame_from_thread = Signal(object)
    _gone_from_thread = Signal(object, int)

    def __init__(self, open_link: Callable[[], Link | None], words: ChildWords, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_link = open_link
        self._words = words
        self._run: _Run | None = None
        self._lock = threading.Lock()
        self._dirty: list[tuple[int, int, int, int] | None] = []
        self._frame_waits = False
        self._timer: threading.Timer | None = None
        self._from_thread.connect(self._deliver)
        self._frame_from_thread.connect(self._deliver_frame)
        self._gone_from_thread.connect(self._deliver_gone)

    @property
    def running(self) -> bool:
        """Whether a child was started and has not died."""
        return self._run is not None

    @property
    def pid(self) -> int:
        """The child's process id, 0 while there is none."""
        run = self._run
        return run.link.pid if run is not None and run.link is not None else 0

    def start(self) -> None:
        """Start a child and return at once. Messages sent meanwhile are kept. Does nothing while one runs."""
        if self._run is None:
            with self._lock:
                self._dirty.clear()
                self._frame_waits = False
            self._run = _Run(self, self._open_link)
            self._run.thread.start()

    def send(self, message: object) -> None:
        """Send a message to the child; dropped when there is none."""
        if self._run is not None:
            self._run.send(message)

    def stop(self, reason: str = "") -> None:
        """Tell the child to end; it is killed when it has not gone quiet in 80 ms. Idempotent."""
        run = self._run
        if run is None or self._timer is not None:
            return
        run.send(self._words.end(reason))
        self._timer = threading.Timer(END_LIMIT_S, run.kill)
        self._timer.daemon = True
        self._timer.start()

    def kill(self) -> None:
        """Kill the child now. Idempotent; `died` follows."""
        if self._run is not None:
            self._run.kill()

    def shut_down(self, timeout_s: float = 2.0) -> None:
        """Kill the child and wait for its thread: for the end of the program only. Idempotent."""
        run, self._run = self._run, None
        if self._timer is not None:
            self._timer.cancel()
        if run is not None:
            run.kill()
            run.thread.join(timeout_s)

    def latest(self, into: QImage | None = None) -> LivePicture | None:
        """Return the newest picture, or None when there is none. Copies once, and only what changed.

        Hand in the image of the last call to have just the changed rows copied into it; it is replaced by a new one
        when the size differs. Do not keep another copy of that image, or Qt copies all of it first.
        """
        with self._lock:
            dirty, self._dirty, self._frame_waits = self._dirty, [], False
        run = self._run
        if run is None or run.link is None:
            return None
        target = _Target(into, _united(dirty))
        info = run.link.pictures.copy_newest(target.copy)
        if info is None or target.image is None:
            return None
        return LivePicture(target.image, target.dirty, info.frame_id, info.captured_us, info.decoded_us)

    # --- from the child's thread ----------------------------------------------------------------------------------

    def _heard(self, run: _Run, incoming: object) -> None:
        try:
            if not isinstance(incoming, self._words.frame):
                self._from_thread.emit(run, incoming)
                return
            with self._lock:
                if run is not self._run:
                    return
                self._dirty.append(self._words.dirty_of(incoming))
                del self._dirty[:-64]
                waits, self._frame_waits = self._frame_waits, True
            if not waits:
                self._frame_from_thread.emit(run)
        except RuntimeError:  # the window is gone, and with it this object
            run.kill()

    def _gone(self, run: _Run, status: int) -> None:
        try:
            self._gone_from_thread.emit(run, status)
        except RuntimeError:
            return

    # --- in the window thread -------------------------------------------------------------------------------------

    def _deliver(self, run: _Run, incoming: object) -> None:
        if run is self._run:
            self.message.emit(incoming)

    def _deliver_frame(self, run: _Run) -> None:
        if run is self._run:
            self.frame_ready.emit()

    def _deliver_gone(self, run: _Run, status: int) -> None:
        if run is not self._run:
            return
        self._run = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.died.emit(status)


def _united(boxes: list[tuple[int, int, int, int] | None]) -> QRect | None:
    """Return what holds all boxes; None means everything."""
    united = QRect()
    for box in boxes:
        if box is None:
            return None
        united = united.united(QRect(*box))
    return united if boxes else None


class _Target:
    """Where a picture is copied to."""

    def __init__(self, image: QImage | None, dirty: QRect | None) -> None:
        self.image = image
        self._changed = dirty
        self.dirty = QRect()

    def copy(self, info: PictureInfo, rows: memoryview) -> None:
        image = self.image
        whole = QRect(0, 0, info.width, info.height)
        if image is None or image.size() != whole.size() or image.format() != QImage.Format.Format_RGB32:
            image = self.image = QImage(info.width, info.height, QImage.Format.Format_RGB32)
            self._changed = None
        self.dirty = whole if self._changed is None else self._changed.intersected(whole)
        if self.dirty.isEmpty():
            return
        stride = image.bytesPerLine()
        pixels = memoryview(image.bits())
        top, bottom = self.dirty.top(), self.dirty.bottom() + 1
        if stride == info.stride:
            pixels[top * stride : bottom * stride] = rows[top * stride : bottom * stride]
            return
        for y in range(top, bottom):
            line = rows[y * info.stride : y * info.stride + info.width * 4]
            pixels[y * stride : y * stride + info.width * 4] = line
