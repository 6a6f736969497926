# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts failures in a sliding window and blocks for a while: passwords, join codes, enrolment codes."""

from __future__ import annotations

import ipaddress
from collections import deque
from dataclasses import dataclass

__all__ = ["CodeLimits", "Limiter", "TryLimit", "network_of"]

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


class CodeLimits:
    """Wrong codes of one kind: five in ten minutes block their sender. Belongs to the event loop.

    When sixty came from everywhere, somebody guesses with many addresses: then two are enough, ten from one
    neighbourhood, and every refusal takes longer. Who has not guessed is let in all the same: a flood must not keep a
    customer from support. `sender` names a kind and an address. `now` is Unix milliseconds.
    """

    def __init__(self) -> None:
        self._of_sender = Limiter(TryLimit(5, 600, 900))
        self._of_all = Limiter(TryLimit(60, 600, 600))
        self._of_sender_flooded = Limiter(TryLimit(2, 600, 600))
        self._of_near_flooded = Limiter(TryLimit(10, 600, 600))

    def refuses(self, kind: str, address: str, now: int) -> bool:
        """Tell whether a sender's code is not looked at."""
        sender = f"{kind}:{network_of(address)}"
        if self._of_sender.blocked_s(sender, now):
            return True
        if not self.flooded(kind, now):
            return False
        near = f"{kind}:{_neighbourhood_of(address)}"
        return bool(self._of_sender_flooded.blocked_s(sender, now) or self._of_near_flooded.blocked_s(near, now))

    def flooded(self, kind: str, now: int) -> bool:
        """Tell whether wrong codes come from everywhere."""
        return self._of_all.blocked_s(kind, now) > 0

    def wrong(self, kind: str, address: str, now: int) -> None:
        """Count a wrong code."""
        sender = f"{kind}:{network_of(address)}"
        self._of_sender.failed(sender, now)
        self._of_sender_flooded.failed(sender, now)
        self._of_near_flooded.failed(f"{kind}:{_neighbourhood_of(address)}", now)
        self._of_all.failed(kind, now)


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


def _neighbourhood_of(address: str) -> str:
    """Return what somebody with many addresses has them in: an IPv4 /24 or an IPv6 /48."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        if mapped is None:
            return str(ipaddress.ip_network((parsed, 48), strict=False))
        parsed = mapped
    return str(ipaddress.ip_network((parsed, 24), strict=False))
