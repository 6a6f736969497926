# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the live sockets of this process what an administrator changed elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from sync.server.hub import Hub
from sync.server.jobs import Jobs
from sync.server.notices import REHELLO, Notice, NoticeReader
from sync.server.store import Store

__all__ = ["Telling"]


class Telling:
    """One round reads the notices that are new and acts on them."""

    def __init__(self, store: Store, hub: Hub, jobs: Jobs, clock: Callable[[], int]) -> None:
        self._store = store
        self._hub = hub
        self._jobs = jobs
        self._clock = clock
        self._reader = NoticeReader(clock())

    async def run(self) -> None:
        """Read and tell. Raises DatabaseBusy."""
        for notice in await self._jobs.read(self._read):
            if notice.kind == REHELLO:
                await self._hub.access_changed(notice.device)
            else:
                self._hub.dismiss(notice.device)

    def _read(self) -> list[Notice]:
        with self._store.read() as connection:
            return self._reader.fresh(connection, self._clock())
