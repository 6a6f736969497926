# SPDX-License-Identifier: GPL-3.0-or-later
"""What one did oneself, day by day, from the history on this computer. Nobody else sees it; nothing is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final, Protocol

__all__ = ["DAYS", "Day", "Deed", "OwnWork", "WorkKind", "by_day", "since_ms"]

DAYS: Final = 14


class WorkKind(StrEnum):
    """What is counted."""

    REPLY = "reply"
    SOLVED = "solved"
    KEPT = "kept"  # a promise of one's own
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done; `at` is Unix ms."""

    kind: WorkKind
    at: int


@dataclass(frozen=True, slots=True)
class Day:
    """One local day."""

    date: date
    replies: int
    solved: int
    kept: int = 0
    broken: int = 0


class OwnWork(Protocol):
    """Reads the history. Blocks on the local disk, for a second where it is long. Raises StoreUnavailable."""

    def own_work(self, since_ms: int) -> Sequence[Deed]:
        """Return what the person who is signed in did since a time."""
        ...


def since_ms(now_ms: int, zone: tzinfo | None = None, days: int = DAYS) -> int:
    """Return when the first of the last days began here."""
    today = datetime.fromtimestamp(now_ms / 1000, zone).astimezone(zone)
    first = today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    return round(first.timestamp() * 1000)


def by_day(deeds: Iterable[Deed], now_ms: int, zone: tzinfo | None = None, days: int = DAYS) -> list[Day]:
    """Count the last days, the oldest first; days without work stand there, too."""
    counts: Counter[tuple[date, WorkKind]] = Counter()
    for deed in deeds:
        counts[datetime.fromtimestamp(deed.at / 1000, zone).astimezone(zone).date(), deed.kind] += 1
    today = datetime.fromtimestamp(now_ms / 1000, zone).astimezone(zone).date()
    dates = [today - timedelta(days=ago) for ago in range(days - 1, -1, -1)]
    return [Day(day, *(counts[day, kind] for kind in WorkKind)) for day in dates]
