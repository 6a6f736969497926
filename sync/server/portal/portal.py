# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal as one part of the server: desk, times, articles, and how much one sender may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sync.server.blobs import Blobs
from sync.server.keys import ServerKeys
from sync.server.limits import Limiter, TryLimit
from sync.server.portal.calls import CallDesk
from sync.server.portal.desk import PortalDesk
from sync.server.portal.held import Held
from sync.server.portal.hours import Waits
from sync.server.portal.places import Places
from sync.server.portal.reading import Reading
from sync.server.portal.renewing import LinkDesk
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
    ending: LinkDesk
    # people behind one address (an office) share these; each counts what was taken, not what was tried
    new_requests: Limiter = field(default_factory=lambda: Limiter(TryLimit(30, 600, 300)))
    of_link: Limiter = field(default_factory=lambda: Limiter(TryLimit(60, 600, 300)))
    # a wrong link is never looked up, so this spares work and says so; right links open all the same
    wrong_links: Limiter = field(default_factory=lambda: Limiter(TryLimit(20, 600, 900)))
    # forms that could not be taken; who sent many may send words on, as everybody behind the same address, no files
    refused: Limiter = field(default_factory=lambda: Limiter(TryLimit(60, 600, 300)))
    forms: Places = field(default_factory=Places)
    chats: dict[str, int] = field(default_factory=dict)
    held: Held = field(default_factory=Held)


def build_portal(
    store: Store, keys: ServerKeys, blobs: Blobs | None, rng: Callable[[int], bytes], waiting: Waiting
) -> Portal:
    """Wire the portal."""
    desk = PortalDesk(store, keys, blobs, waiting)
    calls, ending = CallDesk(store, desk.links), LinkDesk(store, desk.links)
    return Portal(desk, Waits(store, waiting), Reading(store), rng, calls, ending)
