# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts failures in a sliding window and blocks for a while: passwords, join codes, enrolment codes."""

from __future__ import annotations

import ipaddress
from collections import deque
from dataclasses import dataclass

__all__ = ["Limiter", "TryLimit", "network_of"]

_MAX_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class TryLimit:
    """At most `tries` failures in `window_s` per key; then the key is blocked for `block_s` from the last failure."""

    tries: int
    window_s: int
    block_s: int


class Limiter:
    """Failures per key, in memory: a restart forgets them. Not thread-safe; belongs to the event loop."""

    def __init__(self, limit: TryLimit) -> None:
        self._limit = limit
        self._failures: dict[str, deque[int]] = {}

    def blocked_s(self, key: str, now: int) -> int:
        """Return for how many more seconds this key must wait; 0 if it may try. `now` in milliseconds."""
        failures = self._failures.get(key)
        if failures is None or len(failures) < self._limit.tries:
            return 0
        left = failures[-1] + self._limit.block_s * 1000 - now
        if left <= 0:
            del self._failures[key]
            return 0
        return left // 1000 + 1

    def failed(self, key: str, now: int) -> None:
        """Count a failure."""
        if len(self._failures) >= _MAX_KEYS:
            # under attack from very many places the oldest half is forgotten rather than all memory used
            for old in list(self._failures)[: _MAX_KEYS // 2]:
                del self._failures[old]
        failures = self._failures.setdefault(key, deque(maxlen=self._limit.tries))
        while failures and failures[0] < now - self._limit.window_s * 1000:
            failures.popleft()
        failures.append(now)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)


def network_of(address: str) -> str:
    """Return what counts as one sender: an IPv4 address or an IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
