# SPDX-License-Identifier: GPL-3.0-or-later
"""When the agent's child may keep something of what it shows: only between the grant and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.domain.assist import Scope
from remote_assist.child_protocol import Record, Recorded
from remote_assist.peer import Decoded
from remote_assist.recorder import Recorder
from remote_assist.sending import now_us

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["Keeper"]

_FINISH_S: Final = 3.0


class _Asked(Protocol):
    def ask_keyframe(self) -> None: ...


class Keeper:
    """The recorder behind its grant. `order`, `grant`, `pause` and `end` act in the thread that calls them."""

    def __init__(
        self, post: Callable[[Recorded], None], newest: Callable[[Callable[[VideoFrame], None]], None]
    ) -> None:
        """`newest` hands the picture shown now, in its own size, to what it is given."""
        self._newest = newest
        self._lock = threading.Lock()
        self._granted = False
        self._paused = False
        self._ended = False
        self._still: tuple[int, Path, bytes] | None = None  # not before, where to
        self.peer: _Asked | None = None
        self.recorder = Recorder(post, self._ask_keyframe)

    def _ask_keyframe(self) -> None:
        if self.peer is not None:
            self.peer.ask_keyframe()

    def order(self, message: Record) -> None:
        """Begin or end, or keep one picture. Nothing without the grant."""
        with self._lock:
            if not message.on:
                self.recorder.stop()
            elif self._granted and not self._ended and message.still:
                if not self._paused:
                    self._still = now_us(), Path(message.folder), message.secret
            elif self._granted and not self._ended:
                self.recorder.start(Path(message.folder), message.secret)

    def grant(self, granted: bool) -> None:
        """The grant was given or fell."""
        with self._lock:
            self._granted = granted
            if not granted:
                self._still = None
                self.recorder.stop()

    def heard(self, message: dict[str, Any]) -> None:
        """The customer's word reaches this process first: what it takes back ends here at once."""
        if message.get("t") == "grants" and Scope.RECORDING.value not in message["set"]:
            self.grant(False)

    def pause(self, on: bool) -> None:
        """Pictures are held, or go on."""
        with self._lock:
            self._paused = on
            self._still = None
            self.recorder.hold(on)

    def decoded(self, decoded: Decoded) -> None:
        """Take what came; call after the painter has it. One captured after the order proves what is shown now."""
        self.recorder.put(decoded)
        with self._lock:
            still = self._still
            if still is None or decoded.captured_us < still[0]:
                return
            self._still = None
        _, folder, secret = still
        self._newest(lambda frame: self._keep(frame, folder, secret))

    def _keep(self, frame: VideoFrame, folder: Path, secret: bytes) -> None:
        with self._lock:
            if self._granted and not self._paused:
                self.recorder.keep_still(frame, folder, secret)

    def end(self) -> None:
        """Take nothing any more."""
        with self._lock:
            self._ended = True
            self._still = None
        self.recorder.stop()

    def finish(self) -> None:
        """Wait until everything is written."""
        self.recorder.finish(_FINISH_S)
