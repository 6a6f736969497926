# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in shared memory: three slots, newest wins, a torn picture is never handed out.

The reader (a window process) makes the memory and inherits its descriptor to the writer (a session child). The writer
is not trusted: sizes are checked against the slot on every read, and the memory is sealed so that nobody can shrink
it under the reader.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

_MAGIC: Final = 0x44534B46524D3031  # "DSKFRM01"
_NONE: Final = 0xFFFFFFFFFFFFFFFF
_SLOTS: Final = 3
_HEADER_BYTES: Final = 4096
_WORDS_PER_SLOT: Final = 16
# word positions (u64) in the header
_LATEST, _READING = 1, 2
_BEFORE, _AFTER, _WIDTH, _HEIGHT, _STRIDE, _FRAME_ID, _CAPTURED, _DECODED = range(8)

WIDTH_MAX: Final = 3840
HEIGHT_MAX: Final = 2160

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """What is known of a picture in a slot. Times are microseconds of `time.perf_counter_ns`, as the writer says."""

    slot: int
    seq: int
    width: int
    height: int
    stride: int
    frame_id: int
    captured_us: int
    decoded_us: int


class _Area:
    """The mapped memory and its header words; both ends build on it."""

    def __init__(self, fd: int, size: int, slot_bytes: int) -> None:
        self._map = mmap.mmap(fd, size)
        self._bytes = memoryview(self._map)
        self._words = self._bytes[:_HEADER_BYTES].cast("Q")
        self.slot_bytes = slot_bytes

    def word(self, slot: int, name: int) -> int:
        return self._words[_WORDS_PER_SLOT * (slot + 1) + name]

    def set_word(self, slot: int, name: int, value: int) -> None:
        self._words[_WORDS_PER_SLOT * (slot + 1) + name] = value

    def mark(self, name: int) -> int:
        return self._words[name]

    def set_mark(self, name: int, value: int) -> None:
        self._words[name] = value

    def pixels(self, slot: int, length: int) -> memoryview:
        start = _HEADER_BYTES + slot * self.slot_bytes
        return self._bytes[start : start + length]

    def close(self) -> None:
        self._words.release()
        self._bytes.release()
        self._map.close()


class FrameReader:
    """The window's end. Makes the memory; `fd` is to be inherited by the child. `close` may come from any thread."""

    def __init__(self, width_max: int = WIDTH_MAX, height_max: int = HEIGHT_MAX) -> None:
        self._lock = threading.Lock()
        slot_bytes = width_max * height_max * 4
        size = _HEADER_BYTES + _SLOTS * slot_bytes
        self.fd = os.memfd_create("deskside-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, size)
        # A child that shrank the memory would make the window die on its next read.
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._area: _Area | None = _Area(self.fd, size, slot_bytes)
        self._area.set_mark(_LATEST, _NONE)
        self._area.set_mark(_READING, _NONE)
        self._area.set_mark(0, _MAGIC)

    def copy_newest(self, copy: Callable[[FrameInfo, memoryview], None]) -> FrameInfo | None:
        """As `read`, for a `copy` that keeps its result itself."""
        found = self.read(copy)
        return found[0] if found is not None else None

    def read(self, copy: Callable[[FrameInfo, memoryview], T], tries: int = 4) -> tuple[FrameInfo, T] | None:
        """Call `copy(info, rows)` with the newest picture and return its result, or None when there is none yet.

        `copy` must take the bytes it needs before it returns and may be called again when the writer was faster; only
        the result of an untorn read is returned. Never waits for the writer.
        """
        with self._lock:
            area = self._area
            if area is None:
                return None
            try:
                return self._read(area, copy, tries)
            finally:
                area.set_mark(_READING, _NONE)

    def _read(self, area: _Area, copy: Callable[[FrameInfo, memoryview], T], tries: int) -> tuple[FrameInfo, T] | None:
        for _ in range(tries):
            slot = area.mark(_LATEST)
            if slot >= _SLOTS:
                return None
            area.set_mark(_READING, slot)
            info = self._info(area, slot)
            if info is None:
                continue
            with area.pixels(slot, info.height * info.stride) as rows:
                result = copy(info, rows)
            if area.word(slot, _BEFORE) == info.seq == area.word(slot, _AFTER):
                return info, result
        return None

    @staticmethod
    def _info(area: _Area, slot: int) -> FrameInfo | None:
        after, before = area.word(slot, _AFTER), area.word(slot, _BEFORE)
        if before != after:
            return None
        width, height, stride = (area.word(slot, name) for name in (_WIDTH, _HEIGHT, _STRIDE))
        if not (
            0 < width <= 16384 and 0 < height <= 16384 and width * 4 <= stride and stride * height <= area.slot_bytes
        ):
            return None
        return FrameInfo(
            slot, before, width, height, stride, *(area.word(slot, name) for name in (_FRAME_ID, _CAPTURED, _DECODED))
        )

    def close(self) -> None:
        """Give the memory back. Idempotent; later reads return None."""
        with self._lock:
            area, self._area = self._area, None
            if area is not None:
                area.close()
                os.close(self.fd)


class FrameWriter:
    """The child's end. Methods belong to one thread."""

    def __init__(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        self._area = _Area(fd, size, (size - _HEADER_BYTES) // _SLOTS)
        os.close(fd)
        if self._area.mark(0) != _MAGIC:
            raise ValueError("the inherited memory is not a picture area")
        self._seq = 0
        self._slot = 0

    def fits(self, width: int, height: int) -> bool:
        """Say whether a picture of this size goes into a slot."""
        return width > 0 and height > 0 and width * height * 4 <= self._area.slot_bytes

    def begin(self, width: int, height: int) -> memoryview:
        """Return the rows (stride = width * 4) of a free slot to write into. Raises ValueError when it is too large."""
        if not self.fits(width, height):
            raise ValueError(f"{width}x{height} does not fit")
        taken = {self._area.mark(_LATEST), self._area.mark(_READING)}
        self._slot = next(slot for slot in range(_SLOTS) if slot not in taken)
        self._seq += 1
        self._area.set_word(self._slot, _BEFORE, self._seq)
        for name, value in ((_WIDTH, width), (_HEIGHT, height), (_STRIDE, width * 4)):
            self._area.set_word(self._slot, name, value)
        return self._area.pixels(self._slot, width * height * 4)

    def commit(self, frame_id: int, captured_us: int, decoded_us: int) -> tuple[int, int]:
        """Make the picture begun last the newest one; return (slot, seq)."""
        for name, value in ((_FRAME_ID, frame_id), (_CAPTURED, max(0, captured_us)), (_DECODED, max(0, decoded_us))):
            self._area.set_word(self._slot, name, value)
        self._area.set_word(self._slot, _AFTER, self._seq)
        self._area.set_mark(_LATEST, self._slot)
        return self._slot, self._seq
