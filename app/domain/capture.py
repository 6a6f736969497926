# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source of screen pictures is: the seam between Qt capture, mss capture and the session child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class TargetKind(StrEnum):
    """What kind of thing a customer can share."""

    SCREEN = "screen"
    WINDOW = "window"
    REGION = "region"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in physical pixels of the virtual desktop."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be shared. `title` is text from outside: show it plain."""

    id: str
    kind: TargetKind
    title: str
    rect: Rect
    scale: float = 1.0


def window_number(target_id: str) -> int:
    """Return the desktop's number of a shared window, "window:<number>:<whose>". Raises ValueError.

    A number is given to another window as soon as its owner is gone; `<whose>` tells them apart.
    """
    kind, _, rest = target_id.partition(":")
    if kind != TargetKind.WINDOW:
        raise ValueError(target_id)
    return int(rest.partition(":")[0])


@dataclass(frozen=True, slots=True)
class CursorState:
    """Where the pointer is, in physical pixels relative to the target, and its shape if that changed.

    `bgra` is premultiplied and at most 128 x 128; `shape_id` changes when the shape does.
    """

    x: int
    y: int
    visible: bool
    shape_id: int = 0
    hot_x: int = 0
    hot_y: int = 0
    width: int = 0
    height: int = 0
    bgra: bytes = b""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One captured picture, BGRX rows of `stride` bytes. The buffer is valid until `release()` was called.

    `captured_us` is `time.perf_counter_ns() // 1000` at the moment of the grab.
    """

    buffer: memoryview
    width: int
    height: int
    stride: int
    captured_us: int
    release: Callable[[], None]


class CaptureError(Exception):
    """The source cannot deliver: no permission, target gone, no display. The text is for logs, `code` for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class FrameSource(Protocol):
    """Delivers pictures of one target at a time. Methods may be called from any thread."""

    def targets(self) -> Sequence[Target]:
        """Return what can be shared now. On Wayland one entry that stands for the system's own picker."""
        ...

    def start(self, target: Target, sink: Callable[[RawFrame], None], fps_max: int) -> None:
        """Call `sink` from the source's own thread for each picture. Raises CaptureError."""
        ...

    def geometry(self) -> Rect:
        """Return where the target is now. Raises CaptureError when it is gone."""
        ...

    def cursor(self) -> CursorState | None:
        """Return the pointer, or None where this source cannot tell."""
        ...

    def wait_cursor(self, timeout_s: float) -> bool:
        """Wait until the pointer may have moved, or so long; False at once where this source cannot tell when."""
        ...

    def looked(self) -> None:
        """The customer has seen which screens there are now: pictures that waited for it may come."""
        ...

    def stop(self) -> None:
        """Stop. Idempotent; no sink call happens after it returned."""
        ...
