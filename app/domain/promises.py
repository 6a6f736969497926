# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises: a time told to a customer, and what came of it. One pure function for window, server and report.

What a promise came to rests on three things that are written once and never again: when it is due, which reply closed
it and when that reply went out. So nothing that happens later makes a broken promise whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["NEAR_MS", "Promise", "Standing", "alarm_at", "is_near", "pressing", "standing", "standings"]

NEAR_MS: Final = 30 * 60_000  # the first alarm is so long before the promised time


class Standing(StrEnum):
    """What became of a promise."""

    UNTOLD = "untold"  # its maker's next reply will tell the customer
    OPEN = "open"
    KEPT = "kept"
    REPLACED = "replaced"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise; times in Unix ms. `made_in` is the reply that told it; without one it was told by word of mouth.

    `waits`: it is told by its maker's next reply, which is not sent yet. `closed_by` is the first reply after it.
    """

    id: bytes
    due_at: int
    text: str = ""
    waits: bool = False
    author: bytes | None = None
    author_name: str = ""
    made_at: int = 0
    made_in: bytes | None = None
    closed_by: bytes | None = None
    closed_at: int | None = None
    pending: bool = False


def standing(promise: Promise, others: Iterable[Promise], now_ms: int) -> Standing:
    """Return what a promise came to. `others` are those of its ticket: one told by the closing reply replaces it.

    In time is up to the due instant itself.
    """
    if promise.waits and promise.made_in is None:
        return Standing.UNTOLD
    if promise.closed_by is not None and promise.closed_at is not None and promise.closed_at <= promise.due_at:
        again = any(each.made_in == promise.closed_by and each.id != promise.id for each in others)
        return Standing.REPLACED if again else Standing.KEPT
    if promise.closed_by is not None or now_ms > promise.due_at:
        return Standing.BROKEN
    return Standing.OPEN


def standings(promises: Sequence[Promise], now_ms: int) -> list[tuple[Promise, Standing]]:
    """Return the promises of a ticket with what they came to: open ones first, the next due first; then newest."""
    found = [(each, standing(each, promises, now_ms)) for each in promises]
    ahead = [each for each in found if each[1] in (Standing.OPEN, Standing.UNTOLD)]
    past = [each for each in found if each not in ahead]
    return [*sorted(ahead, key=lambda e: (e[0].due_at, e[0].id)), *sorted(past, key=lambda e: (-e[0].due_at, e[0].id))]


def pressing(promises: Sequence[Promise], now_ms: int) -> Promise | None:
    """Return the promise that the ticket's head counts down: the next one open, else one missed and not answered."""
    found = standings(promises, now_ms)
    ahead = [each for each, what in found if what is Standing.OPEN]
    missed = [each for each, what in found if what is Standing.BROKEN and each.closed_by is None]
    return min(missed or ahead, key=lambda each: each.due_at, default=None)


def alarm_at(promise: Promise) -> int:
    """Return when its first alarm is: half an hour before, or when it was made if that is later."""
    return max(promise.due_at - NEAR_MS, promise.made_at)


def is_near(promise: Promise, now_ms: int) -> bool:
    """Tell whether the first alarm has gone and the time has not come."""
    return alarm_at(promise) <= now_ms <= promise.due_at
