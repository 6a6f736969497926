# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends texts, bundles and files: one message after another, and only while the line has nothing better to do.

Belongs to the event loop of a session child. Every message is asked about once more at the moment it leaves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from remote_assist.bulk import CLIP_PARTS_MAX, MAX_MESSAGE_BYTES
from remote_assist.child_protocol import Fault, FromChild, Sent

__all__ = ["QUEUED", "BulkLine", "BulkSender"]

# Most important first; exact tiles have a sender of their own and stand behind `clip`. The number: messages that wait.
QUEUED: Final = {"clip": CLIP_PARTS_MAX, "diag": 160, "file": 8}
_FILE_SHARE: Final = 0.25  # of the rate, where pictures are sent too
_BUSY_S: Final = 0.005
_HELD_S: Final = 0.1


class BulkLine(Protocol):
    """What the sender needs of the connection in use."""

    clip_waits: bool

    @property
    def bulk_free(self) -> bool:
        """Nothing waits on a bulk channel, and the rate has something left."""
        ...

    @property
    def tiles_due(self) -> bool:
        """Exact tiles could leave now."""
        ...

    @property
    def picture_bps(self) -> int:
        """The rate that files share with the picture; 0 where no picture is sent."""
        ...

    def send_bulk(self, channel: str, data: bytes) -> bool:
        """Hand one message over; False when the channel is closed."""
        ...


class BulkSender:
    """The queues of one session. `may` tells whether a channel's scope is granted, and `held` whether it is paused."""

    def __init__(
        self,
        may: Callable[[str], bool],
        held: Callable[[], bool],
        post: Callable[[FromChild], None],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._may, self._held, self._post, self._clock_s = may, held, post, clock_s
        self._queues: dict[str, deque[bytes]] = {name: deque() for name in QUEUED}
        self.longest = dict.fromkeys(QUEUED, 0)  # how many messages of each channel have waited at once
        self._line: BulkLine | None = None
        self._task: asyncio.Task[None] | None = None
        self._file_room = 0.0
        self._filled_s = 0.0

    def use(self, line: BulkLine | None) -> None:
        """Send by this connection from now on. What waited for another one would arrive in pieces: it is dropped."""
        if line is not self._line:
            self._line = line
            for channel in QUEUED:
                self._drop(channel)

    def put(self, channel: str, data: bytes) -> None:
        """Queue one message; a fault is posted where it cannot be sent or too many wait."""
        queue = self._queues[channel]
        if self._line is None or not self._may(channel) or len(queue) >= QUEUED[channel]:
            self._post(Fault("not_sent", channel))
            return
        if not 0 < len(data) <= MAX_MESSAGE_BYTES:
            self._post(Fault("not_sent", channel))
            return
        queue.append(data)
        self.longest[channel] = max(self.longest[channel], len(queue))
        self._tell_clip()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """Send nothing more. Idempotent."""
        self._line = None
        for queue in self._queues.values():
            queue.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while any(self._queues.values()):
            wait_s = self._turn()
            if wait_s:
                await asyncio.sleep(wait_s)

    def _turn(self) -> float:
        """Send the next message if there is room; return for how long to wait before the next turn."""
        line = self._line
        for channel in [name for name in QUEUED if self._queues[name] and not self._may(name)]:
            self._drop(channel)
        channel = next((name for name, queue in self._queues.items() if queue), "")
        if not channel or line is None:
            return 0.0
        if self._held():
            return _HELD_S
        if not line.bulk_free or (channel != "clip" and line.tiles_due):
            return _BUSY_S
        if channel == "file" and not self._file_turn(line.picture_bps, self._clock_s()):
            return _BUSY_S
        data = self._queues[channel].popleft()
        self._tell_clip()
        if line.send_bulk(channel, data):
            self._post(Sent(channel))
        else:
            self._queues[channel].append(data)
            self._drop(channel)
        return 0.0

    def _file_turn(self, bps: int, now_s: float) -> bool:
        """Whether a file may send a message: its share of the rate, saved for one message at most."""
        if not bps:
            return True
        earned = (now_s - self._filled_s) * bps / 8 * _FILE_SHARE
        self._filled_s, self._file_room = now_s, min(float(MAX_MESSAGE_BYTES), self._file_room + earned)
        if self._file_room < MAX_MESSAGE_BYTES:
            return False
        self._file_room = 0.0
        return True

    def _drop(self, channel: str) -> None:
        if self._queues[channel]:
            self._queues[channel].clear()
            self._post(Fault("not_sent", channel))
        self._tell_clip()

    def _tell_clip(self) -> None:
        if self._line is not None:
            self._line.clip_waits = bool(self._queues["clip"])
