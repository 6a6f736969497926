# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of the tickets read last: after a change a page is read again, and nearly all its texts are the same.

A row of the replica is known by its scope, its number there and its revision. What is not confirmed yet is not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from app.domain.ports import ThreadItem
from app.store.cipher import Database

TICKETS = 2

Version = tuple[str, int, int | None]
Kept = dict[bytes, tuple[Version, ThreadItem]]


class KeptMessages:
    """Any thread. What was read of one replica is never given for another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Database | None = None
        self._tickets: OrderedDict[bytes, Kept] = OrderedDict()

    def get(self, of: Database, ticket: bytes) -> Kept:
        """Return a copy of what is kept of a ticket."""
        with self._lock:
            return dict(self._tickets.get(ticket, ())) if self._of is of else {}

    def put(self, of: Database, ticket: bytes, kept: Kept) -> None:
        """Keep what was read of a ticket, and no more than of a few others."""
        with self._lock:
            if self._of is not of:
                self._of = of
                self._tickets.clear()
            self._tickets[ticket] = kept
            self._tickets.move_to_end(ticket)
            while len(self._tickets) > TICKETS:
                self._tickets.popitem(last=False)
