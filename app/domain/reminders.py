# SPDX-License-Identifier: GPL-3.0-or-later
"""When one is reminded of a ticket that waits for a colleague: a business day later, unless another time is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from app.domain.calendars import Span

__all__ = ["business_day_later"]

_FRIDAY = 4


def business_day_later(spans: Sequence[Span], now_ms: int, zone: tzinfo | None = None) -> int:
    """Return the same time on the team's next working day, moved into its hours; Unix ms.

    Without known hours the days from Monday to Friday are working days.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    ahead = [(start, end) for start, end in spans if _local(start, zone).date() > now.date()]
    if not ahead:
        day = now + timedelta(days=1)
        while day.weekday() > _FRIDAY:
            day += timedelta(days=1)
        return _ms(day)
    first = _local(ahead[0][0], zone).date()
    wanted = _ms(now.replace(year=first.year, month=first.month, day=first.day)) // 1000
    for start, end in ahead:
        if wanted < end:
            return max(wanted, start) * 1000
    return ahead[-1][0] * 1000


def _local(seconds: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp()) * 1000
