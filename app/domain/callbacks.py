# SPDX-License-Identifier: GPL-3.0-or-later
"""Callbacks: calls that support owes, the half hours that can be chosen, and what became of each. Pure.

A slot is a half hour of the clock that lies whole inside the open hours. Slots never overlap, whatever version of a
calendar they were chosen from: so calls can be counted by the start of a slot alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.calendars import Span

__all__ = [
    "CAPACITY", "GRACE_MS", "SLOT_MS", "CallState", "Callback", "as_it_stands", "by_day_order", "ended_as",
    "free_slots", "is_open", "is_slot", "lies_in_hours", "owed", "was_in_time",
]  # fmt: skip

SLOT_MS: Final = 30 * 60_000
GRACE_MS: Final = 10 * 60_000  # so long after the end of its slot a call is still in time
CAPACITY: Final = 2  # calls a team makes in one slot, where nobody set another number
MOST_SLOTS: Final = 80
_SLOT_S = SLOT_MS // 1000


class CallState(StrEnum):
    """What a callback is."""

    REQUESTED = "requested"  # asked for; only the server says that the time is free
    CONFIRMED = "confirmed"
    DONE = "done"  # somebody called in time
    MISSED = "missed"  # nobody did; it stays so
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback; times in Unix ms. `closed_at`: since then nobody owes anything any more.

    `reached` is what the last attempt came to; None before the first.
    """

    id: bytes
    ticket: bytes
    start: int
    end: int
    state: CallState
    phone: str = ""
    assignee: bytes | None = None
    assignee_name: str = ""
    attempts: int = 0
    reached: bool | None = None
    closed_at: int | None = None
    made_at: int = 0
    pending: bool = False  # the server has not answered yet


def is_slot(start_ms: int) -> bool:
    """Tell whether a slot can begin there."""
    return start_ms > 0 and start_ms % SLOT_MS == 0


def lies_in_hours(spans: Sequence[Span], start_ms: int) -> bool:
    """Tell whether a slot lies whole inside an open span (UTC seconds)."""
    start = start_ms // 1000
    return any(a <= start and start + _SLOT_S <= b for a, b in spans)


def free_slots(
    spans: Sequence[Span], from_ms: int, days: int, taken: Mapping[int, int], capacity: int = CAPACITY
) -> list[int]:
    """Return the starts (ms) of slots from `from_ms` on, that many days ahead, that take one more call."""
    first, last = -(-from_ms // SLOT_MS) * SLOT_MS, from_ms + days * 86_400_000
    out: list[int] = []
    for a, b in spans:
        start = max(-(-a * 1000 // SLOT_MS) * SLOT_MS, first)
        end = min(b * 1000, last)
        while start + SLOT_MS <= end and len(out) < MOST_SLOTS:
            if taken.get(start, 0) < capacity:
                out.append(start)
            start += SLOT_MS
    return out


def is_open(state: CallState) -> bool:
    """Tell whether the call is still ahead, or asked for."""
    return state in (CallState.REQUESTED, CallState.CONFIRMED)


def was_in_time(end: int, at: int) -> bool:
    """Tell whether an attempt at `at` was made in time; up to the instant itself."""
    return at <= end + GRACE_MS


def ended_as(state: CallState, end: int, attempts: int, now: int) -> CallState:
    """Return what a callback is at `now`: a confirmed one whose time is over was missed, or somebody tried in vain."""
    if state is not CallState.CONFIRMED or now < end + GRACE_MS:
        return state
    return CallState.DONE if attempts else CallState.MISSED


def as_it_stands(callback: Callback, now: int) -> CallState:
    """Return what a callback is now, also where no server has said so yet."""
    return ended_as(callback.state, callback.end, callback.attempts, now)


def owed(callback: Callback, now: int) -> bool:
    """Tell whether somebody has to do something about it: call, give another time, or make up for a missed one."""
    what = as_it_stands(callback, now)
    if callback.closed_at is not None:
        return False
    return is_open(what) or what is CallState.MISSED


def by_day_order(callbacks: Iterable[Callback], now: int) -> list[Callback]:
    """Return a day's work: missed ones first, then by the time of the slot."""
    return sorted(callbacks, key=lambda c: (as_it_stands(c, now) is not CallState.MISSED, c.start, c.id))
