# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that nobody asks for: reading notices, retention, snapshots. Runs beside the requests of each process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from app.config.logs import get_logger
from sync.server.store import DatabaseBusy

__all__ = ["Background", "Task"]

_log = get_logger("server.background")


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every `every_s` seconds, the first time after `first_s`."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[object]]
    first_s: float = 0.0


class Background:
    """Runs tasks on the event loop; what blocks, they give to threads themselves."""

    def __init__(self, tasks: list[Task]) -> None:
        self._tasks = tasks
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin. Call on the event loop."""
        self._running = [asyncio.ensure_future(_repeat(task)) for task in self._tasks]

    async def stop(self) -> None:
        """End; what runs in a thread is waited for by whoever closes the threads. Idempotent."""
        for running in self._running:
            running.cancel()
        for running in self._running:
            with suppress(asyncio.CancelledError):
                await running
        self._running = []


async def _repeat(task: Task) -> None:
    await asyncio.sleep(task.first_s or task.every_s)
    while True:
        try:
            await task.run()
        except DatabaseBusy as busy:
            _log.info("database busy, tried again later", service=task.name, reason=busy.reason)
        except Exception:  # a bug in one round must not end the rounds  # noqa: BLE001  # - it is logged, and the next round comes
            _log.exception("background task failed", service=task.name)
        await asyncio.sleep(task.every_s)
