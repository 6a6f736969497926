# SPDX-License-Identifier: GPL-3.0-or-later
"""Times at which a reply may go out later: the start of business, and the usual ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.config.i18n import _
from app.domain.calendars import Span

__all__ = ["SendTime", "send_times", "start_of_business"]


@dataclass(frozen=True, slots=True)
class SendTime:
    """A time (Unix ms) and what people call it."""

    at: int
    words: str


def start_of_business(spans: Sequence[Span], now_ms: int, zone: tzinfo | None = None) -> int | None:
    """Return when the next working day begins (Unix ms): lunch is no start. None where no hours are known."""
    before = None
    for start, _end in spans:
        day = _local(start * 1000, zone).date()
        if start * 1000 > now_ms and day != before:
            return start * 1000
        before = day
    return None


def send_times(spans: Sequence[Span], now_ms: int, zone: tzinfo | None = None) -> list[SendTime]:
    """Return what is offered, the start of business first."""
    now = _local(now_ms, zone)
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    times = [
        SendTime(_ms(now + timedelta(hours=1)), _("In one hour")),
        SendTime(_ms(morning + timedelta(days=1)), _("Tomorrow morning")),
        SendTime(_ms(morning + timedelta(days=7 - now.weekday())), _("Next Monday morning")),
    ]
    opening = start_of_business(spans, now_ms, zone)
    return [*([SendTime(opening, _("At start of business"))] if opening is not None else []), *times]


def _local(ms: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
