# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast to send: one delay and loss controller. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

START_BPS: Final = 5_000_000
NEAR_BPS: Final = 20_000_000
_NEAR_US: Final = 5_000
MIN_BPS: Final = 150_000
MAX_BPS: Final = 100_000_000
_QUEUE_LIMIT_US: Final = 60_000
_BASE_WINDOW_US: Final = 10_000_000
_SILENT_US: Final = 500_000
_SEEN_US: Final = 100_000
_LOSS_PACKETS: Final = 60
_OLD_NEWS_US: Final = 2_000_000
_SLOW_REPORTS: Final = 5  # a busy computer delays single packets too
_CEILING_US: Final = 10_000_000
_LOSS_LIMIT: Final = 0.1
_SENT_MAX: Final = 4096


class RateControl:
    """Estimate of what the path carries, in bit/s. Call from one thread; times are microseconds of one clock.

    A queue that grows tells the capacity exactly: packets then arrive as fast as the path carries them. So the rate
    falls to just below what was seen to arrive, and rises while what is sent arrives without queueing.
    """

    def __init__(self) -> None:
        self.bps = START_BPS
        self._sent: dict[int, tuple[int, int]] = {}  # sequence number: time, bytes
        self._packets = 0
        self._delays: deque[tuple[int, int]] = deque()
        self._busy: deque[tuple[int, int, int]] = deque()  # arrival, time since the one before, bytes
        self._arrived: deque[tuple[int, int]] = deque()  # arrival, bytes
        self._last_arrival_us = 0
        self._outcomes: deque[int] = deque(maxlen=200)  # of the last packets: 1 for a missing one
        self._slow_reports = 0
        self._changed_us = 0
        self._lowered_us = -_CEILING_US
        self._ceiling = 0
        self._heard_us = 0
        self._waiting_since_us = 0
        self._before_silence = 0
        self._losses_count_us = 0

    def path_seen(self, rtt_us: int) -> None:
        """Note the round-trip time before the first picture: a path this short is a local one and may begin faster."""
        if self._packets == 0 and 0 < rtt_us < _NEAR_US:
            self.bps = NEAR_BPS

    @property
    def pacing_bps(self) -> int:
        """How fast packets may leave. No first burst: on 1 Mbit/s it costs the first picture (measured)."""
        return self.bps * 5 // 4

    def packet_sent(self, seq: int, size: int, now_us: int) -> None:
        """Note a media packet at the moment it leaves."""
        self._packets += 1
        self._sent[seq] = (now_us, size)
        if len(self._sent) > _SENT_MAX:
            self._sent.pop(next(iter(self._sent)))
        if not self._waiting_since_us:
            self._waiting_since_us = now_us
        if now_us - max(self._waiting_since_us, self._heard_us) > _SILENT_US:
            self._waiting_since_us = now_us
            self._before_silence = self._before_silence or self.bps
            self._lower(self.bps // 2, now_us)

    def packets_arrived(self, arrivals: Sequence[tuple[int, int | None]], now_us: int) -> None:
        """Note when packets came, as (sequence number, time of our clock), None for one that is missing."""
        self._heard_us = now_us
        self._waiting_since_us = 0
        missing, queued = 0, 0
        known = [(at, *sent) for seq, at in arrivals if (sent := self._sent.pop(seq, None)) is not None]
        for at, sent_us, size in known:
            if at is None:
                missing += 1
            else:
                queued = self._one_arrived(at, sent_us, size, now_us)
        if len(known) == missing:
            return
        self._before_silence = 0
        self._outcomes.extend([1] * missing + [0] * (len(known) - missing))
        self._slow_reports = self._slow_reports + 1 if queued > _QUEUE_LIMIT_US else 0
        capacity = self._capacity()
        if self._slow_reports and (capacity or self._slow_reports >= _SLOW_REPORTS):
            self._lower(capacity * 85 // 100 or self.bps * 7 // 10, now_us)
        elif len(self._outcomes) >= _LOSS_PACKETS and sum(self._outcomes) > len(self._outcomes) * _LOSS_LIMIT:
            self._lower(min(capacity * 85 // 100 or self.bps, self.bps * 8 // 10), now_us)
            self._outcomes.clear()
        elif queued < _QUEUE_LIMIT_US // 2:
            self._grow(now_us)

    def loss_reported(self, fraction: float, now_us: int) -> None:
        """Note the share of packets lost in the last second or so."""
        if fraction > _LOSS_LIMIT and now_us >= self._losses_count_us:
            self._lower(int(self.bps * (1 - fraction / 2)), now_us)

    def begin_again(self, now_us: int) -> None:
        """The path carried nothing and is said to carry again: what silence made of the estimate is taken back.

        No further than to where a new connection would begin. What was lost meanwhile says nothing about the path.
        """
        if not self._before_silence:
            return
        self.bps = max(self.bps, min(self._before_silence, START_BPS))
        self._before_silence = self._waiting_since_us = 0
        self._losses_count_us = now_us + _OLD_NEWS_US
        for seen in (self._sent, self._outcomes, self._busy, self._arrived):
            seen.clear()

    def _one_arrived(self, at_us: int, sent_us: int, size: int, now_us: int) -> int:
        """Return how long this packet queued."""
        delay = at_us - sent_us
        if not self._delays or delay <= self._delays[-1][1]:  # keep only what can be a minimum
            while self._delays and self._delays[-1][1] >= delay:
                self._delays.pop()
        self._delays.append((now_us, delay))
        _forget(self._delays, now_us - _BASE_WINDOW_US)
        queued = delay - self._delays[0][1]
        gap = at_us - self._last_arrival_us
        # It was already waiting behind the one before: then the gap is what the path needed for it, and nothing else.
        if sent_us + self._delays[0][1] <= self._last_arrival_us and 0 <= gap < 200_000:
            self._busy.append((at_us, gap, size))
        self._last_arrival_us = at_us
        self._arrived.append((at_us, size))
        _forget(self._busy, at_us - 300_000)
        _forget(self._arrived, at_us - _SEEN_US)
        return queued

    def _capacity(self) -> int:
        """Return what the path carried while it was never idle, or 0 when that was not seen."""
        spent = sum(gap for _, gap, _ in self._busy)
        if spent < 5_000:
            return 0
        return sum(size for _, _, size in self._busy) * 8_000_000 // spent

    def _grow(self, now_us: int) -> None:
        used_bps = sum(size for _, size in self._arrived) * 8_000_000 // _SEEN_US
        if now_us - self._changed_us < 50_000 or used_bps < self.bps * 4 // 10:
            return
        self._changed_us = now_us
        near = now_us - self._lowered_us < _CEILING_US and self.bps * 100 > self._ceiling * 85
        self.bps = min(MAX_BPS, self.bps * (101 if near else 125) // 100)

    def _lower(self, bps: int, now_us: int) -> None:
        if bps < self.bps and now_us - self._lowered_us >= 150_000:
            self._lowered_us = self._changed_us = now_us
            self._ceiling = self._capacity() or self.bps
            self.bps = max(MIN_BPS, bps)


def _forget(items: deque[Any], before: int) -> None:
    while items and items[0][0] < before:
        items.popleft()
