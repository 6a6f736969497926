# SPDX-License-Identifier: GPL-3.0-or-later
"""How many forms are read at the same time: whoever sends slowly, or much, keeps nobody else's words waiting.

A form with files may hold 26 MB for a moment, so few are read at once; one with words alone holds next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sync.server.portal.errors import PageError

__all__ = ["WORDS_BYTES", "Places", "is_large"]

WORDS_BYTES = 256 << 10  # what the longest words take as a form sends them
_BYTES_S = 32 << 10  # a form that comes more slowly than this is given up
_SPARE_S = 30.0


@dataclass(frozen=True, slots=True)
class _Kind:
    at_once: asyncio.Semaphore
    of_sender: int


@dataclass(slots=True)
class _Own:
    at_once: asyncio.Semaphore
    users: int = 0


@dataclass(frozen=True, slots=True)
class Places:
    """Belongs to the event loop. A sender waits for its own places before it takes one that others could have."""

    with_files: _Kind = field(default_factory=lambda: _Kind(asyncio.Semaphore(4), 2))
    words: _Kind = field(default_factory=lambda: _Kind(asyncio.Semaphore(64), 16))
    _own: dict[tuple[str, bool], _Own] = field(default_factory=dict)

    @asynccontextmanager
    async def place(self, sender: str, size: int | None) -> AsyncIterator[None]:
        """Hold a place while a form of this size is read; None: its sender did not say how much comes.

        Raises PageError 408 `slow_line` when it takes too long.
        """
        large = is_large(size)
        kind = self.with_files if large else self.words
        own = self._own.setdefault((sender, large), _Own(asyncio.Semaphore(kind.of_sender)))
        own.users += 1
        try:
            async with own.at_once, kind.at_once, asyncio.timeout(_SPARE_S + (size or 0) / _BYTES_S):
                yield
        except TimeoutError:
            raise PageError(408, "slow_line") from None
        finally:
            own.users -= 1
            if not own.users:
                del self._own[(sender, large)]


def is_large(size: int | None) -> bool:
    """Tell whether a form is more than words."""
    return size is None or size > WORDS_BYTES
