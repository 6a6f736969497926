# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process does beside its requests: tells its live sockets what changed elsewhere, and keeps the house."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from sync.server.epochs import follow_cluster
from sync.server.hub import Hub
from sync.server.jobs import Jobs
from sync.server.notices import BYE, REHELLO, Notice, NoticeReader
from sync.server.retention import Retention
from sync.server.store import Store

__all__ = ["Rounds", "Telling", "Ticking", "Upkeep"]


class Telling:
    """One round reads the notices that are new and acts on them."""

    def __init__(self, store: Store, hub: Hub, jobs: Jobs, clock: Callable[[], int]) -> None:
        self._store = store
        self._hub = hub
        self._jobs = jobs
        self._clock = clock
        self._reader = NoticeReader(clock())
        self._untold: deque[Notice] = deque()

    async def run(self) -> None:
        """Read and tell. Raises DatabaseBusy; what was not told by then comes first in the next round."""
        self._untold.extend(await self._jobs.read(self._read))
        while self._untold:
            notice = self._untold[0]
            if notice.kind == REHELLO:
                await self._hub.access_changed(notice.device)
            else:
                await self._hub.tell_ended(notice.device)
                if notice.kind == BYE:
                    self._hub.dismiss(notice.device)
            self._untold.popleft()

    def _read(self) -> list[Notice]:
        with self._store.read() as connection:
            return self._reader.fresh(connection, self._clock())


class Rounds(Protocol):
    """Work on what has come due."""

    def run(self) -> dict[str, int]:
        """Do it; return the heads of the scopes that moved. Raises DatabaseBusy."""
        ...


class Ticking:
    """One round of the tickets' clocks or calls; devices hear of the scopes that moved."""

    def __init__(self, clocks: Rounds, hub: Hub, jobs: Jobs) -> None:
        self._clocks = clocks
        self._hub = hub
        self._jobs = jobs

    async def run(self) -> None:
        """Do what is due. Raises DatabaseBusy."""
        self._hub.changed(await self._jobs.slow(self._clocks.run))


class Upkeep:
    """Retention and the epoch of the database cluster."""

    def __init__(
        self, store: Store, hub: Hub, jobs: Jobs, clock: Callable[[], int], rng: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._hub = hub
        self._jobs = jobs
        self._clock = clock
        self._rng = rng
        self._retention = Retention(store, clock)

    async def retention(self) -> None:
        """One round; devices hear of the scopes that moved. Raises DatabaseBusy."""
        done = await self._jobs.slow(self._retention.run)
        self._hub.changed(done.heads)

    async def cluster(self) -> None:
        """Begin an epoch when a standby was promoted under the running server. Raises DatabaseBusy."""
        now, id_ = self._clock(), self._rng(16)
        await self._jobs.write(lambda: self._store.write(lambda cx: follow_cluster(cx, id_, now)))
