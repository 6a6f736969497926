# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the same for all who read a page: made once for a moment, however many ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Held"]

T = TypeVar("T")

_FRESH_MS = 1000
_MOST = 64  # zones and languages; whoever asks for more of them makes the others be made again, no more


class Held:
    """Belongs to the event loop. `now` is Unix milliseconds."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[int, asyncio.Future[Any]]] = {}

    async def get(self, now: int, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` made for a key within the last second, or makes now. Raises what it raises."""
        known = self._made.get(key)
        if known is not None and 0 <= now - known[0] < _FRESH_MS:
            found: T = await asyncio.shield(known[1])
            return found
        if len(self._made) >= _MOST:
            self._made.clear()
        task = asyncio.ensure_future(make())
        self._made[key] = now, task
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and self._made.get(key) == (now, task):
                del self._made[key]
            raise
