# SPDX-License-Identifier: GPL-3.0-or-later
"""When the receiving end looks after its connection: often while packets come, seldom while the screen stands still."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Ticks"]

_OFTEN_S: Final = 0.02
_SELDOM_S: Final = 0.25
_QUIET_S: Final = 0.1  # after the last packet: what it brought has been seen to


class Ticks:
    """Belongs to the event loop on which it is made."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        """`busy`: something waits to be asked for again, whether or not packets come."""
        self._busy = busy
        self._loop = asyncio.get_running_loop()
        self._stirred = asyncio.Event()
        self._heard_s = 0.0

    def heard(self) -> None:
        """A packet came."""
        self._heard_s = time.perf_counter()
        self._stirred.set()

    def wake(self) -> None:
        """Something is to be asked for. Any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._stirred.set)

    async def next(self) -> None:
        """Return when it is time to look."""
        self._stirred.clear()
        if self._busy() or time.perf_counter() - self._heard_s <= _QUIET_S:
            await asyncio.sleep(_OFTEN_S)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), _SELDOM_S)
            await asyncio.sleep(_OFTEN_S / 2)  # more of the same picture
