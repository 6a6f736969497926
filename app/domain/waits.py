# SPDX-License-Identifier: GPL-3.0-or-later
"""How long until somebody answers, as the queue's own last weeks say: never invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from app.domain.open_hours import OpenHours

__all__ = [
    "FEWEST", "LOOK_BACK_S", "OFFER_S", "Asked", "Basis", "Told", "Wait", "expected_wait", "offers_call", "rounded_up",
    "told_wait",
]  # fmt: skip

FEWEST = 30  # answered requests; with fewer nothing is said of the usual
LOOK_BACK_S = 28 * 86_400
OFFER_S = 600  # a call is offered by itself where one waits longer than this
_WEEK_S = 7 * 86_400
_LEAST_LOAD, _MOST_LOAD = 0.5, 3.0
_STEP_S = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it came, and until when it waited for its first answer (or was closed without one)."""

    opened_s: int
    answered_s: int | None
    ended_s: int | None = None

    def waits_at(self, at_s: int) -> bool:
        """Tell whether it waited for an answer then."""
        until = self.answered_s if self.answered_s is not None else self.ended_s
        return self.opened_s <= at_s and (until is None or at_s < until)


@dataclass(frozen=True, slots=True)
class Wait:
    """When an answer comes usually, and at the latest in four of five cases (UTC seconds).

    `ahead_s`: how far ahead the usual one is, before it is rounded.
    """

    usual_s: int
    latest_s: int
    ahead_s: int = 0


class Basis(StrEnum):
    """What the times that are told rest on."""

    ANSWERS = "answers"  # the answers of the last weeks
    TARGET = "target"  # the target for a first answer, for want of enough of them
    OPENING = "opening"  # only when support opens again can be told
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """What is told to somebody who asks (UTC seconds); a time that cannot be told is None. `ahead_s` as in `Wait`."""

    basis: Basis
    usual_s: int | None = None
    latest_s: int | None = None
    opens_s: int | None = None
    ahead_s: int = 0


def told_wait(asked: Sequence[Asked], now_s: int, hours: OpenHours | None, target_s: int | None) -> Told:
    """Return what is told to who asks now: from the answers, else the target, else the next opening."""
    found = expected_wait(asked, now_s, hours)
    if found is not None:
        return Told(Basis.ANSWERS, found.usual_s, found.latest_s, _opens(now_s, hours), found.ahead_s)
    if target_s is not None:
        at = hours.deadline(now_s, target_s) if hours is not None else now_s + target_s
        if at is not None:
            return Told(Basis.TARGET, rounded_up(at), rounded_up(at), _opens(now_s, hours), at - now_s)
    opens = _opens(now_s, hours)
    return Told(Basis.UNKNOWN) if opens is None else Told(Basis.OPENING, opens_s=opens, ahead_s=opens - now_s)


def offers_call(told: Told, offer_s: int = OFFER_S) -> bool:
    """Tell whether a call is offered without being asked for: the usual wait, as its customer lives it, is long."""
    return told.basis is Basis.UNKNOWN or told.ahead_s > offer_s


def _opens(now_s: int, hours: OpenHours | None) -> int | None:
    """Return when support opens; None while it is open, without hours, and past the calendar's end."""
    second = hours.deadline(now_s, 1) if hours is not None else None
    return None if second is None or second == now_s + 1 else second - 1


def expected_wait(asked: Sequence[Asked], now_s: int, hours: OpenHours | None) -> Wait | None:
    """Return the wait for somebody who writes now; None with too few answers or past the calendar's end.

    Half and four fifths of the business time to the first answer, times what waits now against the same hour of the
    weeks before (between half and three times).
    """

    def business(from_s: int, to_s: int) -> int:
        return hours.elapsed(from_s, to_s) if hours is not None else max(0, to_s - from_s)

    took = sorted(
        business(each.opened_s, each.answered_s)
        for each in asked
        if each.answered_s is not None and now_s - LOOK_BACK_S <= each.opened_s <= each.answered_s <= now_s
    )
    if len(took) < FEWEST:
        return None
    load = _load(asked, now_s)
    instants: list[int] = []
    for share in (50, 80):
        length = int(took[-(-len(took) * share // 100) - 1] * load)
        at = hours.deadline(now_s, length) if hours is not None else now_s + length
        if at is None:
            return None
        instants.append(at)
    usual, latest = instants
    return Wait(rounded_up(usual), rounded_up(latest), usual - now_s)


def _load(asked: Sequence[Asked], now_s: int) -> float:
    now = sum(each.waits_at(now_s) for each in asked)
    first = min((each.opened_s for each in asked), default=now_s)
    weeks = [at for n in range(1, 5) if (at := now_s - n * _WEEK_S) >= first]
    usual = median([sum(each.waits_at(at) for each in asked) for at in weeks]) if weeks else 0
    if not usual:
        return 1.0 if not now else min(_MOST_LOAD, float(now))
    return min(_MOST_LOAD, max(_LEAST_LOAD, now / usual))


def rounded_up(at_s: int) -> int:
    """Return an instant rounded up to five minutes."""
    return -(-at_s // _STEP_S) * _STEP_S
