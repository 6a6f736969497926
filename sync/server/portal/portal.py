# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal as one part of the server: desk, times, articles, and how much one sender may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sync.server.blobs import Blobs
from sync.server.keys import ServerKeys
from sync.server.limits import Limiter, TryLimit
from sync.server.portal.calls import CallDesk
from sync.server.portal.desk import PortalDesk
from sync.server.portal.held import Held
from sync.server.portal.hours import Waits
from sync.server.portal.reading import Reading
from sync.server.store import Store
from sync.server.waiting import Waiting

__all__ = ["Portal", "build_portal"]


@dataclass(frozen=True, slots=True)
class Portal:
    """What the routes are given. Limiters belong to the event loop; a sender is an address or an IPv6 /64."""

    desk: PortalDesk
    waits: Waits
    reading: Reading
    rng: Callable[[int], bytes]
    calls: CallDesk
    # people behind one address (an office) share these; each counts what was taken, not what was tried
    new_requests: Limiter = field(default_factory=lambda: Limiter(TryLimit(30, 600, 300)))
    of_link: Limiter = field(default_factory=lambda: Limiter(TryLimit(60, 600, 300)))
    # a wrong link is never looked up, so this spares work and says so; right links open all the same
    wrong_links: Limiter = field(default_factory=lambda: Limiter(TryLimit(20, 600, 900)))
    # forms that are read at the same time: each may hold 26 MB for a moment
    forms: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    chats: dict[str, int] = field(default_factory=dict)
    held: Held = field(default_factory=Held)


def build_portal(
    store: Store, keys: ServerKeys, blobs: Blobs | None, rng: Callable[[int], bytes], waiting: Waiting
) -> Portal:
    """Wire the portal."""
    desk = PortalDesk(store, keys, blobs, waiting)
    return Portal(desk, Waits(store, waiting), Reading(store), rng, CallDesk(store, desk.links))
