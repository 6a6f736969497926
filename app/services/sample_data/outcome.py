# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a ticket by the time of the snapshot: its state, and the history lines that led there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.entities import Category
from app.services.sample_data.plan import Plan, Timeline
from app.services.sample_data.rows import DAY_MS, HOUR_MS, MINUTE_MS, Stream
from app.services.sample_data.threads import IN_ROLES

REOPEN_DAYS = 14
_MERGED_SHARE = 0.5  # of duplicates; the others are closed as such
_WAITING_INTERNAL = 0.12


@dataclass(frozen=True, slots=True)
class Step:
    """A change of state: by a person (`rule` false) or by a rule of the server."""

    at_ms: int
    old: Category
    new: Category
    rule: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of the story so far."""

    category: Category
    owned: bool
    close_reason: str | None
    steps: tuple[Step, ...]


def outcome_of(
    rng: Stream, plan: Plan, line: Timeline, roles: Sequence[str], *, duplicate: bool, surge: bool, fixed: bool
) -> Outcome:
    """Decide the state of a ticket from its timeline."""
    if duplicate and line.solved_ms is not None:
        merged = rng.chance(_MERGED_SHARE)
        new = Category.MERGED if merged else Category.CLOSED
        step = Step(line.solved_ms, Category.NEW, new, rule=merged)
        return Outcome(new, True, None if merged else "duplicate", (step,))
    if line.solved_ms is not None:
        return _solved(rng, plan, line, roles)
    if fixed:
        return _taken(line)
    return _live(rng, plan, line, roles, surge=surge)


def _taken(line: Timeline) -> Outcome:
    """An agent has it and works on it."""
    at = max(line.times[0] + 1, line.times[min(1, len(line.times) - 1)] - 3 * MINUTE_MS)
    return Outcome(Category.OPEN, True, None, (Step(at, Category.NEW, Category.OPEN, rule=True),))


def _solved(rng: Stream, plan: Plan, line: Timeline, roles: Sequence[str]) -> Outcome:
    at = line.solved_ms or 0
    steps = _reopened(rng, line, roles)
    steps.append(Step(at, Category.OPEN, Category.SOLVED, rule=False))
    last_in = roles[len(line.times) - 1] in IN_ROLES
    reason = "no_answer_needed" if last_in else None
    closes = at + REOPEN_DAYS * DAY_MS
    if closes >= plan.as_of_ms:
        return Outcome(Category.SOLVED, True, reason, tuple(steps))
    steps.append(Step(closes, Category.SOLVED, Category.CLOSED, rule=True))
    return Outcome(Category.CLOSED, True, reason, tuple(steps))


def _reopened(rng: Stream, line: Timeline, roles: Sequence[str]) -> list[Step]:
    """A few tickets were called solved with the first advice, and the customer came back."""
    at = next((i for i, r in enumerate(roles[: len(line.times)]) if r == "fail"), None)
    if at is None or not rng.chance(0.9):
        return []
    first = line.times[at - 1]
    return [
        Step(min(first + MINUTE_MS, line.times[at] - 1), Category.OPEN, Category.SOLVED, rule=False),
        Step(line.times[at], Category.SOLVED, Category.OPEN, rule=True),
    ]


def _live(rng: Stream, plan: Plan, line: Timeline, roles: Sequence[str], *, surge: bool) -> Outcome:
    last = line.times[-1]
    if surge and plan.as_of_ms - last < 36 * HOUR_MS:
        step = Step(min(last + 25 * MINUTE_MS, plan.as_of_ms - 1), Category.NEW, Category.HELD, rule=False)
        return Outcome(Category.HELD, True, None, (step,))
    if len(line.times) == 1:
        taken = rng.chance(0.25) and plan.as_of_ms - last > 20 * MINUTE_MS
        if not taken:
            return Outcome(Category.NEW, False, None, ())
        at = last + 12 * MINUTE_MS
        return Outcome(Category.OPEN, True, None, (Step(at, Category.NEW, Category.OPEN, rule=True),))
    steps = list(_taken(line).steps)
    draw = rng.random()
    room = plan.as_of_ms - last
    if roles[len(line.times) - 1] in IN_ROLES:
        if draw >= _WAITING_INTERNAL * 2:
            return Outcome(Category.OPEN, True, None, tuple(steps))
        new, at = Category.WAITING_INTERNAL, last + min(room - 1, 30 * MINUTE_MS)
    else:
        if draw < 0.15:
            return Outcome(Category.OPEN, True, None, tuple(steps))
        new, at = Category.WAITING_CUSTOMER, last + min(room - 1, MINUTE_MS)
    steps.append(Step(at, Category.OPEN, new, rule=False))
    return Outcome(new, True, None, tuple(steps))
