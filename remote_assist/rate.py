# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast to send and how coarse to encode: one delay and loss controller, one model of picture sizes. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

START_BPS: Final = 5_000_000
NEAR_BPS: Final = 20_000_000
_NEAR_US: Final = 5_000
MIN_BPS: Final = 150_000
MAX_BPS: Final = 100_000_000
Q_BEST: Final = 24
Q_WORST: Final = 44
_Q_REF: Final = 32
_BURST_BPS: Final = 20_000_000
_BURST_PACKETS: Final = 50
_QUEUE_LIMIT_US: Final = 60_000
_BASE_WINDOW_US: Final = 10_000_000
_SILENT_US: Final = 500_000


@dataclass(slots=True)
class _Sent:
    bytes: int
    first_us: int
    last_us: int


class RateControl:
    """Estimate of what the path carries, in bit/s. Call from one thread; times are microseconds of one clock."""

    def __init__(self) -> None:
        self.bps = START_BPS
        self._sent: dict[int, _Sent] = {}
        self._packets = 0
        self._delays: deque[tuple[int, int]] = deque()
        self._lowered_us = 0
        self._feedback_us = 0
        self._waiting_since_us = 0

    def path_seen(self, rtt_us: int) -> None:
        """Note the round-trip time before the first picture: a path this short is a local one and may begin faster."""
        if self._packets == 0 and 0 < rtt_us < _NEAR_US:
            self.bps = NEAR_BPS

    @property
    def pacing_bps(self) -> int:
        """How fast packets may leave: the first ones fast, to see the path."""
        return _BURST_BPS if self._packets < _BURST_PACKETS else self.bps * 5 // 4

    def packet_sent(self, frame_id: int, size: int, now_us: int) -> None:
        """Note a media packet at the moment it leaves."""
        self._packets += 1
        sent = self._sent.get(frame_id)
        if sent is None:
            if len(self._sent) >= 256:
                self._sent.pop(next(iter(self._sent)))
            sent = self._sent[frame_id] = _Sent(0, now_us, now_us)
        sent.bytes += size
        sent.last_us = now_us
        if not self._waiting_since_us:
            self._waiting_since_us = now_us
        if now_us - max(self._waiting_since_us, self._feedback_us) > _SILENT_US:
            self._waiting_since_us = now_us
            self._lower(0.5, now_us)

    def frame_arrived(self, frame_id: int, decoded_us: int, now_us: int) -> None:
        """Note that the peer decoded a frame at `decoded_us` of our clock."""
        self._feedback_us = now_us
        self._waiting_since_us = 0
        sent = self._sent.pop(frame_id, None)
        if sent is None:
            return
        delay = decoded_us - sent.last_us
        self._delays.append((now_us, delay))
        while self._delays[0][0] < now_us - _BASE_WINDOW_US:
            self._delays.popleft()
        queued = delay - min(d for _, d in self._delays)
        if queued > _QUEUE_LIMIT_US:
            self._lower(0.8, now_us)
            return
        seen_bps = sent.bytes * 8_000_000 // max(1_000, decoded_us - sent.first_us - min(d for _, d in self._delays))
        if sent.bytes > 10_000 and queued < _QUEUE_LIMIT_US // 2:
            # a larger picture has shown more of the path
            grown = self.bps * 2 if sent.bytes > 50_000 else self.bps * 5 // 4
            self.bps = max(self.bps, min(MAX_BPS, 2 * seen_bps, grown))

    def loss_reported(self, fraction: float, now_us: int) -> None:
        """Note the share of packets lost since the last report."""
        if fraction > 0.1:
            self._lower(1 - fraction / 2, now_us)

    def _lower(self, factor: float, now_us: int) -> None:
        if now_us - self._lowered_us >= 200_000:
            self._lowered_us = now_us
            self.bps = max(MIN_BPS, int(self.bps * factor))


class Quality:
    """Chooses q (x264's constant quality, lower is finer) so that a picture fits what the rate allows."""

    def __init__(self) -> None:
        # bytes per changed tile at q 32, learned as we go: new content and motion differ tenfold
        self._new_bytes = 300.0
        self._motion_bytes = 30.0
        self._changed_us = 0
        self.q = Q_BEST

    def for_change(self, tiles: int, *, keyframe: bool, bps: int, now_us: int) -> int:
        """Return q for a picture in which `tiles` changed."""
        motion = not keyframe and now_us - self._changed_us < 300_000
        self._changed_us = now_us
        if motion:
            budget = bps / 8 * (0.017 if bps >= 8_000_000 else 0.033)
            self.q = _fit(tiles * self._motion_bytes, budget, 5)
        else:
            self.q = _fit(tiles * self._new_bytes, bps / 8 * 0.150, 12)
        return self.q

    def learn(self, tiles: int, size: int, *, motion: bool) -> None:
        """Take in what a picture really cost."""
        if tiles <= 0:
            return
        at_ref = size / tiles * 2 ** ((self.q - _Q_REF) / (5 if motion else 12))
        if motion:
            self._motion_bytes += 0.3 * (at_ref - self._motion_bytes)
        else:
            self._new_bytes += 0.3 * (at_ref - self._new_bytes)

    def refine(self) -> int | None:
        """Return the next finer q for an unchanged picture, or None when it is as fine as it gets."""
        if self.q <= Q_BEST:
            return None
        self.q = max(Q_BEST, self.q - 4)
        return self.q


def _fit(bytes_at_ref: float, budget: float, k: int) -> int:
    for q in range(Q_BEST, Q_WORST):
        if bytes_at_ref * 2 ** ((_Q_REF - q) / k) <= budget:
            return q
    return Q_WORST
