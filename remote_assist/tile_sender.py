# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends exact tiles of one connection while its picture stands still and the path has room. Belongs to the event loop.

Only pixels of the picture that would be sent now leave: a mask, a closed gate or another target stop them at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from remote_assist.damage import Rows
from remote_assist.encoder import ScreenEncoder
from remote_assist.sending import Gate, Mailbox, now_us

FINEST_WITH_TILES: Final = 28  # of q: from there on exact tiles are worth more than finer pictures
_BUSY_S: Final = 0.005
_IDLE_S: Final = 0.1
_ROOM_S: Final = 0.03  # of the rate: how long a picture may have to wait behind a message


@dataclass(frozen=True, slots=True)
class Line:
    """What the sender needs of its connection."""

    send: Callable[[bytes], bool]
    free: Callable[[], bool]  # nothing waits on a bulk channel, and the rate has something left
    charge: Callable[[int], None]
    bps: Callable[[], int]


class TileSender:
    """Idle until the other end has said that it takes tiles."""

    def __init__(self, encoder: ScreenEncoder, mailbox: Mailbox, gate: Gate, line: Line) -> None:
        self._encoder = encoder
        self._topoff = encoder.topoff
        self._mailbox = mailbox
        self._gate = gate
        self._line = line
        self._newest: Callable[[], Rows | None] = lambda: None
        self._task: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self._closed = False

    def begin(self, newest: Callable[[], Rows | None]) -> None:
        """Send from now on; `newest` returns the picture that may be seen at the other end. Idempotent."""
        self._newest = newest
        if self._task is None and not self._closed:
            self._encoder.finest = FINEST_WITH_TILES
            loop = asyncio.get_running_loop()
            self._topoff.on_stirred = lambda: _in_loop(loop, self._stirred.set)
            self._task = asyncio.create_task(self._run())

    def close(self) -> None:
        """Send nothing more. Idempotent."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    @property
    def due(self) -> bool:
        """Whether something of the picture that stands still has not been sent exactly yet."""
        return self._task is not None and self._waits()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_BUSY_S if await self._turn() else _IDLE_S)
            self._stirred.clear()
            if self._topoff.rest():
                await self._stirred.wait()

    async def _turn(self) -> bool:
        """Send a message if one is due and there is room; return whether another may follow soon."""
        if not self._waits():
            return False
        if not self._line.free():
            return True
        room = int(self._line.bps() / 8 * _ROOM_S)
        message = await asyncio.get_running_loop().run_in_executor(None, self._topoff.next, now_us(), room)
        if message is None:
            return True
        if self._still() and message.rows is self._newest() and self._line.send(message.data):
            self._line.charge(len(message.data))
        else:
            self._topoff.not_sent(message)
        return True

    def _waits(self) -> bool:
        return self._still() and self._topoff.waiting(now_us())

    def _still(self) -> bool:
        """Whether what the other end has seen is what it should see, as fine as pictures get."""
        if not self._gate.open or self._mailbox.filled or self._encoder.can_refine:
            return False
        return self._topoff.rows is not None and self._topoff.rows is self._newest()


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(call)
