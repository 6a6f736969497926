# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait after a failure, and when a queue that does not move counts as stuck. Pure."""

from __future__ import annotations

import random

STALLED_PUSHES = 3
STALLED_MS = 120_000


class StallWatch:
    """Notices that the server answers and yet takes nothing: three pushes in a row, or two minutes with work waiting.

    The first time the engine starts over from its files; the second time people are told.
    """

    def __init__(self) -> None:
        self._pushes = 0
        self._times = 0
        self._since: int | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether starting over did not help."""
        return self._times > 1

    def progressed(self, now_ms: int) -> None:
        """The server took something, or nothing waits."""
        self._pushes, self._times, self._since = 0, 0, now_ms

    def online(self, now_ms: int) -> None:
        """The server answers; time counts from here unless it counted already."""
        self._since = now_ms if self._since is None else self._since

    def offline(self) -> None:
        """No answer: time without a server does not count."""
        self._since = None
        self._pushes = 0

    def push_without_progress(self) -> bool:
        """Count an answered push that moved nothing; True when that is one too many."""
        self._pushes += 1
        return self._pushes >= STALLED_PUSHES

    def is_overdue(self, now_ms: int) -> bool:
        """Whether work would have had to move by now."""
        return self._since is not None and now_ms - self._since >= STALLED_MS

    def started_over(self, now_ms: int) -> None:
        """The engine starts over."""
        self._times += 1
        self._pushes, self._since = 0, now_ms


class Backoff:
    """Full jitter between 1 s and 5 min; a success or a change of network starts it over."""

    def __init__(self, rng: random.Random, first_s: float = 1.0, most_s: float = 300.0) -> None:
        self._rng = rng
        self._first_s = first_s
        self._most_s = most_s
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many failures there were in a row."""
        return self._failures

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0

    def cut_short(self) -> None:
        """The last failure makes no pause longer: it came of a try before its time, or of a network that is away."""
        self._failures = max(0, self._failures - 1)

    def failed_s(self, asked_s: float | None = None) -> float:
        """Return how long to wait after a failure; never less than the server asked for."""
        self._failures += 1
        top = min(self._most_s, self._first_s * 2 ** (self._failures - 1))
        return max(self._rng.uniform(top / 4, top), asked_s or 0.0)
