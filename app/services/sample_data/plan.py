# SPDX-License-Identifier: GPL-3.0-or-later
"""How long every conversation is and when its messages come, so that the totals are exact before a row is made."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from app.services.sample_data.arrivals import Arrivals
from app.services.sample_data.rows import DAY_MS, HOUR_MS, KST_MS, MINUTE_MS, Stream, stream
from app.services.sample_data.sizes import Size

_NORMAL = NormalDist()
_FIRST_MEDIAN_MIN, _FIRST_SIGMA = 190.0, 2.0
_RESOLUTION_MEDIAN_MIN, _RESOLUTION_SIGMA = 1_300.0, 1.8
_CHANNELS = ("mail", "chat", "phone", "portal", "companion", "visit", "social")
_CHANNEL_SHARES = (0.55, 0.75, 0.84, 0.89, 0.94, 0.97, 1.0)
_QUICK = frozenset({"chat", "phone", "visit"})
_QUICK_SHARE = 0.32
_LONG_SHARE, _ONE_TOUCH_SHARE = 0.01, 0.37
DUPLICATE_SHARE = 0.02
NOTE_SHARE = 0.30
UNFINISHED_DAYS = 10
_MAX_DELAY_MIN = 60 * 24 * 90.0


@dataclass(slots=True)
class Timeline:
    """When a conversation's public messages come (Unix ms, only those before the cut) and when it was solved."""

    channel: str
    wanted: int
    times: list[int]
    solved_ms: int | None


@dataclass(frozen=True, slots=True)
class Fixed:
    """A conversation whose shape is given: for the demo's customer."""

    channel: str
    offsets_min: tuple[int, ...]
    wanted: int
    solved: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """For each ticket the public messages wanted and the notes; `fixed` names the exceptions."""

    size: Size
    seed: int
    as_of_ms: int
    arrivals: Arrivals
    public: array[int]
    notes: array[int]
    fixed: Mapping[int, Fixed]

    def timeline(self, index: int) -> Timeline:
        """Return the timeline of ticket `index`, counted from 0."""
        return _timeline(self, index, self.public[index])


def is_duplicate(seed: int, index: int) -> bool:
    """Tell whether the ticket was sent twice by one sender."""
    return index > 40 and stream(seed, "duplicate", index).chance(DUPLICATE_SHARE)


def _channel(draw: float) -> str:
    return next((c for c, share in zip(_CHANNELS, _CHANNEL_SHARES, strict=True) if draw < share), "mail")


def _office(at_ms: int, draw: float) -> int:
    """Move an agent's deed from the night to the next morning."""
    minute = (at_ms + KST_MS) % DAY_MS // MINUTE_MS
    if minute < 8 * 60 + 20:
        return at_ms + (8 * 60 + 20 - minute + int(draw * 80)) * MINUTE_MS
    if minute >= 20 * 60:
        return at_ms + (24 * 60 - minute + 8 * 60 + 20 + int(draw * 80)) * MINUTE_MS
    return at_ms


def _log_normal(quantile: float, median: float, sigma: float) -> float:
    return min(median * math.exp(sigma * _NORMAL.inv_cdf(min(max(quantile, 1e-6), 1 - 1e-6))), _MAX_DELAY_MIN)


def _timeline(plan: Plan, index: int, wanted: int) -> Timeline:
    opened = plan.arrivals.opened_ms[index]
    if index in plan.fixed:
        return _fixed_timeline(plan, plan.fixed[index], opened)
    rng = stream(plan.seed, "timeline", index)
    channel = _channel(rng.random())
    draw = rng.random()
    # quick channels take the low part of the one distribution, so the whole keeps its shape
    quantile = draw * _QUICK_SHARE if channel in _QUICK else _QUICK_SHARE + draw * (1 - _QUICK_SHARE)
    first = opened + int(max(1.0, _log_normal(quantile, _FIRST_MEDIAN_MIN, _FIRST_SIGMA)) * MINUTE_MS)
    if channel not in _QUICK:
        first = _office(first, rng.random())
    length = _log_normal(rng.random(), _RESOLUTION_MEDIAN_MIN, _RESOLUTION_SIGMA)
    end = max(opened + int(length * MINUTE_MS), first + (wanted - 2) * 20 * MINUTE_MS)
    if wanted > 40:
        end = max(end, first + wanted * 2 * HOUR_MS)
    times = _spread(rng, opened, first, end, wanted, night_work=channel in _QUICK)
    return _cut(plan, rng, Timeline(channel, wanted, times, None), end)


def _spread(rng: Stream, opened: int, first: int, end: int, wanted: int, *, night_work: bool) -> list[int]:
    if wanted == 1:
        return [opened]
    times = [opened, first]
    for at in sorted(first + int(rng.random() * (end - first)) for _ in range(wanted - 2)):
        by_agent = len(times) % 2 == 1
        moved = _office(at, rng.random()) if by_agent and not night_work else at
        times.append(max(moved, times[-1] + MINUTE_MS + int(rng.random() * 9 * MINUTE_MS)))
    return times


def _cut(plan: Plan, rng: Stream, line: Timeline, end: int) -> Timeline:
    # some of the newest are simply not finished, a few older ones were forgotten by their customer
    recent = plan.as_of_ms - line.times[0] < UNFINISHED_DAYS * DAY_MS and rng.random() < 0.3 and line.wanted > 1
    stale = rng.random() < 0.015 and line.wanted % 2 == 0
    if recent:
        del line.times[1 + int(rng.random() * min(line.wanted - 1, 6)) :]
    quick_end = rng.random() < 0.6
    pause = MINUTE_MS + int(rng.random() * 40 * MINUTE_MS)
    limit = plan.as_of_ms - MINUTE_MS
    whole = line.times[-1] <= limit
    line.times = [t for t in line.times if t <= limit]
    whole = whole and not recent
    if whole and not stale and line.wanted > 1:
        solved = line.times[-1] + (MINUTE_MS if quick_end else pause)
        if line.wanted == 2 and not quick_end:
            solved = max(solved, _office(end, 0.5))
        line.solved_ms = solved if solved <= limit else None
    elif whole and line.wanted == 1:
        line.solved_ms = min(line.times[0] + pause, limit)
    return line


def _fixed_timeline(plan: Plan, fixed: Fixed, opened: int) -> Timeline:
    times = [opened + m * MINUTE_MS for m in fixed.offsets_min]
    solved = times[-1] + 5 * MINUTE_MS if fixed.solved else None
    return Timeline(fixed.channel, fixed.wanted, [t for t in times if t < plan.as_of_ms], solved)


def _draw_public(rng: Stream) -> int:
    draw = rng.random()
    if draw < _ONE_TOUCH_SHARE:
        return 2
    if draw < 1 - _LONG_SHARE:
        return 3 + rng.geometric(0.681)
    return 41 + rng.geometric(1 / 21)


def make_plan(size: Size, seed: int, as_of_ms: int, arrivals: Arrivals, fixed: Mapping[int, Fixed]) -> Plan:
    """Draw every conversation's length and settle the totals: public messages and notes make `size.items` exactly."""
    public, notes = array("H"), array("B")
    for index in range(size.tickets):
        rng = stream(seed, "length", index)
        public.append(fixed[index].wanted if index in fixed else _draw_public(rng))
        notes.append(1 + rng.geometric(0.6, 8) if rng.chance(NOTE_SHARE) else 0)
        if index in fixed:
            notes[-1] = 1
        elif is_duplicate(seed, index):
            public[-1], notes[-1] = 1, 1
    if size.long_thread:
        public[size.tickets // 2] = size.long_thread
    plan = Plan(size, seed, as_of_ms, arrivals, public, notes, fixed)
    _settle(plan)
    return plan


def _settle(plan: Plan) -> None:
    seen = array("H", (len(plan.timeline(i).times) for i in range(plan.size.tickets)))
    short = plan.size.items - sum(seen) - sum(plan.notes)
    order = list(range(plan.size.tickets))
    stream(plan.seed, "settle", 0).shuffle(order)
    spare = sum(plan.notes) // 8
    if short < -spare:
        short += _trim_long(plan, seen, -short)
    if short > spare:
        short -= _lengthen(plan, order, seen, short - spare)
    _settle_notes(plan, order, short)


def _trim_long(plan: Plan, seen: array[int], need: int) -> int:
    """Shorten the longest conversations; return by how many messages."""
    done = 0
    for index in sorted(range(len(seen)), key=lambda i: (-seen[i], i)):
        if done >= need or seen[index] < 12:
            break
        if index == plan.size.tickets // 2 and plan.size.long_thread:
            continue
        before, wanted = seen[index], plan.public[index]
        plan.public[index] = max(6, before - (need - done))
        after = len(plan.timeline(index).times)
        if 0 < before - after <= need - done:
            done += before - after
        else:
            plan.public[index] = wanted
    return done


def _lengthen(plan: Plan, order: list[int], seen: array[int], need: int) -> int:
    """Give ordinary conversations two messages more; return how many were added."""
    done = 0
    for index in order:
        if done + 2 > need:
            break
        if index in plan.fixed or not 4 <= plan.public[index] <= 9 or seen[index] != plan.public[index]:
            continue
        plan.public[index] += 2
        grown = len(plan.timeline(index).times)
        if grown == seen[index] + 2:
            done += 2
        else:
            plan.public[index] -= 2
    return done


def _settle_notes(plan: Plan, order: list[int], short: int) -> None:
    step = 1 if short > 0 else -1
    while short:
        before = short
        for index in order:
            usual = index not in plan.fixed and 1 <= plan.notes[index] < 12
            if short and usual and not (step < 0 and plan.notes[index] == 1 and index % 3):
                plan.notes[index] += step
                short -= step
        if short == before:
            raise RuntimeError("the totals of the sample cannot be met")
