# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pushes wait on the event loop: a writer takes all that came meanwhile into its next transactions.

While the disk takes one commit, the next pushes gather; so many small pushes cost little more than one large one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sync.server.tokens import Grant

__all__ = ["Answer", "PushQueue"]

_MAX_AT_ONCE = 32
_MAX_BYTES_AT_ONCE = 256 << 10  # compressed; one push may be larger


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer's body, and the scopes that the push moved."""

    body: bytes
    heads: dict[str, int]


Run = Callable[[Sequence[tuple[Grant, bytes]]], Awaitable[Sequence[Answer | Exception]]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    who: Grant
    body: bytes
    answer: asyncio.Future[Answer]


class PushQueue:
    """Belongs to the event loop. `run` answers several pushes, `writers` of it at a time."""

    def __init__(self, run: Run, writers: int) -> None:
        self._run = run
        self._writers = writers
        self._waiting: deque[_Waiting] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def push(self, who: Grant, body: bytes) -> Answer:
        """Wait for the turn, apply and answer. Raises what the push's own part of the transaction raised."""
        waiting = _Waiting(who, body, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._start()
        return await waiting.answer

    def _start(self) -> None:
        while self._waiting and len(self._running) < self._writers:
            task = asyncio.get_running_loop().create_task(self._work(self._take()))
            self._running.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()

    def _take(self) -> list[_Waiting]:
        """Take who came first, and who fits beside."""
        taken = [self._waiting.popleft()]
        size = len(taken[0].body)
        while self._waiting and len(taken) < _MAX_AT_ONCE:
            size += len(self._waiting[0].body)
            if size > _MAX_BYTES_AT_ONCE:
                break
            taken.append(self._waiting.popleft())
        return taken

    async def _work(self, taken: list[_Waiting]) -> None:
        try:
            told: Sequence[Answer | BaseException] = await self._run([(one.who, one.body) for one in taken])
        except BaseException as error:  # noqa: BLE001 - carried over to those who wait
            told = [error] * len(taken)
        for one, answer in zip(taken, told, strict=True):
            if one.answer.done():  # who asked has gone; what was applied stays applied
                continue
            if isinstance(answer, Answer):
                one.answer.set_result(answer)
            elif isinstance(answer, asyncio.CancelledError):
                one.answer.cancel()
            else:
                one.answer.set_exception(answer)
