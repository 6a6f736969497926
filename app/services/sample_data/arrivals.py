# SPDX-License-Identifier: GPL-3.0-or-later
"""When tickets arrive: the days' and hours' shape of a Korean help desk, holidays, and surges."""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from app.services.calendars import public_holidays
from app.services.sample_data.rows import DAY_MS, HOUR_MS, KST_MS, MINUTE_MS, Stream, stream
from app.services.sample_data.sizes import Size

# Monday 1.4; people write at weekends too, but less
_WEEK = (1.4, 1.0, 1.0, 1.0, 0.95, 0.35, 0.3)
_HOLIDAY = 0.2
# share of a day's tickets per local hour; peaks 10-11 and 14-15
_HOURS = (0.5, 0.3, 0.2, 0.2, 0.2, 0.4, 0.9, 2.2, 5.0, 9.0, 12.0, 9.5, 5.5, 8.5, 11.5, 9.5, 8.0, 6.5, 3.8, 2.6, 2.2,
          1.9, 1.5, 1.0)  # fmt: skip
_GIANT = 5_000


@dataclass(frozen=True, slots=True)
class Surge:
    """Many alike tickets from one cause. `area` and `problem` index the grammar; times in Unix ms."""

    number: int
    start_ms: int
    length_ms: int
    tickets: int
    area: int
    problem: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Creation times in order, and for each ticket the number of its surge + 1, or 0."""

    opened_ms: array[int]
    surge: array[int]
    surges: tuple[Surge, ...]


def _local_date(ms: int) -> dt.date:
    return dt.date.fromordinal((ms + KST_MS) // DAY_MS + dt.date(1970, 1, 1).toordinal())


def _surge_counts(size: Size, rng: Stream) -> list[int]:
    months = max(1, round(size.days / 30.4))
    counts = [rng.randint(*size.surge_tickets) for _ in range(months) for _ in range(rng.randint(*size.surges_a_month))]
    return counts + [_GIANT] * size.giant_surges


def _surges(size: Size, seed: int, as_of_ms: int, areas: int, problems: int) -> list[Surge]:
    rng = stream(seed, "surges", 0)
    counts = _surge_counts(size, rng)
    found = []
    for number, tickets in enumerate(counts):
        # spread evenly, on a working hour of a weekday, the newest yesterday
        back_days = 1 + (size.days - 4) * number // max(1, len(counts))
        day_ms = (as_of_ms + KST_MS) // DAY_MS * DAY_MS - KST_MS - back_days * DAY_MS
        while _local_date(day_ms).weekday() > 4:
            day_ms -= DAY_MS
        start = day_ms + rng.randint(9 * 60, 16 * 60) * MINUTE_MS
        length = rng.randint(20, 90) * MINUTE_MS
        found.append(Surge(number, start, length, tickets, rng.randrange(areas), rng.randrange(problems)))
    return found


def _share(total: int, weights: Sequence[float]) -> list[int]:
    """Split a whole number in proportion to weights, exactly (largest remainders)."""
    scale = total / sum(weights)
    parts = [int(w * scale) for w in weights]
    by_rest = sorted(range(len(weights)), key=lambda i: parts[i] - weights[i] * scale)
    for i in by_rest[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _day_weights(first: dt.date, days: int, last_share: float) -> list[float]:
    dates = [first + dt.timedelta(days=i) for i in range(days)]
    closed = {h["date"] for h in public_holidays({d.year for d in dates})}
    weights = [(_HOLIDAY if d.isoformat() in closed else _WEEK[d.weekday()]) for d in dates]
    weights[-1] *= last_share
    return weights


def arrivals(size: Size, seed: int, as_of_ms: int, areas: int, problems: int) -> Arrivals:
    """Return every ticket's creation time before `as_of_ms`, sorted; the number of tickets is exact."""
    surges = _surges(size, seed, as_of_ms, areas, problems)
    midnight = (as_of_ms + KST_MS) // DAY_MS * DAY_MS - KST_MS
    hours = list(accumulate(_HOURS))
    today_minutes = (as_of_ms - midnight) // MINUTE_MS
    done = _minutes_share(hours, today_minutes)
    first_ms = midnight - (size.days - 1) * DAY_MS
    counts = _share(size.tickets - sum(s.tickets for s in surges), _day_weights(_local_date(first_ms), size.days, done))
    times: list[tuple[int, int]] = []
    for day, count in enumerate(counts):
        rng = stream(seed, "day", day)
        limit = hours[-1] * (done if day == size.days - 1 else 1.0)
        for _ in range(count):
            hour = bisect(hours, rng.random() * limit)
            at = first_ms + day * DAY_MS + hour * HOUR_MS + int(rng.random() * HOUR_MS)
            times.append((min(at, as_of_ms - MINUTE_MS), 0))
    for surge in surges:
        rng = stream(seed, "surge", surge.number)
        # most come early and the tail thins out
        times += [(surge.start_ms + int(rng.random() ** 1.6 * surge.length_ms), surge.number + 1)
                  for _ in range(surge.tickets)]  # fmt: skip
    times.sort()
    return Arrivals(array("q", (t for t, _ in times)), array("i", (s for _, s in times)), tuple(surges))


def _minutes_share(hours: Sequence[float], minutes: int) -> float:
    """Return which share of a day's tickets has come after that many minutes."""
    hour, rest = divmod(minutes, 60)
    before = hours[hour - 1] if hour else 0.0
    return max(0.001, (before + (hours[min(hour, 23)] - before) * rest / 60) / hours[-1])
