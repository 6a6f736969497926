# SPDX-License-Identifier: GPL-3.0-or-later
"""The SLA clock: `derive_clock` folds a ticket's events into its three targets. Pure; client and server run the same.

All times are whole UTC seconds. Nothing here is ever stored by hand: what a list keeps of it is derived again whenever
an event comes, however late it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.entities import Category
from app.domain.open_hours import OpenHours

__all__ = [
    "ClockEvent", "ClockView", "Cycle", "EventKind", "PauseMatrix", "SlaPolicy", "Status", "Target", "TargetView",
    "derive_clock", "pause_row",
]  # fmt: skip


class Target(StrEnum):
    """The three promises of time."""

    FIRST = "first"
    NEXT = "next"
    RESOLUTION = "resolution"


class Status(StrEnum):
    """How a target stands."""

    PENDING = "pending"
    NOT_APPLICABLE = "not_applicable"
    RUNNING = "running"
    PAUSED = "paused"
    LATE = "late"
    MET = "met"
    MET_LATE = "met_late"
    VOID = "void"


class EventKind(StrEnum):
    """What moves a clock."""

    POLICY = "policy"
    OPENED = "opened"
    CUSTOMER = "customer"
    REPLY = "reply"
    STATE = "state"
    NOTICE = "notice"


_RUNS_ALL = frozenset[Target]()
_ANSWERS = frozenset({Target.FIRST, Target.NEXT})
# by row: which targets pause
PauseMatrix = Mapping[str, frozenset[Target]]
DEFAULT_PAUSES: PauseMatrix = {
    "active": _RUNS_ALL,
    "waiting_customer": frozenset({Target.RESOLUTION}),
    "held": _RUNS_ALL,
    "held_noticed": _ANSWERS,
}
_DONE = frozenset({Category.SOLVED, Category.CLOSED, Category.MERGED})
_UNMET = frozenset({Status.RUNNING, Status.PAUSED, Status.LATE})


@dataclass(frozen=True, slots=True)
class SlaPolicy:
    """One version of a policy. `targets` holds the allowed business seconds of those it has."""

    id: bytes
    targets: Mapping[Target, int]
    warn_percent: int = 25
    warn_min_s: int = 600
    change_grace_s: int = 900
    pauses: PauseMatrix = field(default_factory=lambda: DEFAULT_PAUSES)

    def warn_left_s(self, target: Target) -> int:
        """Return how much time remains when the warning comes."""
        return max(self.targets[target] * self.warn_percent // 100, self.warn_min_s)


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """One event. Equal times go by `order`; `pending` ones are this computer's own and not confirmed."""

    at_s: int
    kind: EventKind
    order: tuple[int, ...] = ()
    from_customer: bool = True  # of opened: who began
    category: Category = Category.OPEN  # of state
    policy: bytes | None = None  # of policy: the version, or None where none applies any more
    calendar: bytes | None = None  # of policy: the calendar version
    pending: bool = False


@dataclass(frozen=True, slots=True)
class TargetView:
    """How one target stands. Of one that is met or late, due and warning are the last ones computed.

    Running without a due: it lies past the horizon of the calendar, the date is open.
    """

    status: Status
    due_s: int | None = None
    warn_s: int | None = None
    left_s: int | None = None  # business seconds that remain of a paused one
    cycle: int = 0  # of next: counts its starts, from 1


@dataclass(frozen=True, slots=True)
class Cycle:
    """One past round of next: the customer wrote, we answered."""

    number: int
    met_s: int
    late: bool


@dataclass(frozen=True, slots=True)
class ClockView:
    """What the clock says at an instant. `next_target` is the one of `next_due_s`: the earliest running or late."""

    first: TargetView
    next: TargetView
    resolution: TargetView
    category: Category
    cycles: tuple[Cycle, ...] = ()
    next_target: Target | None = None
    next_due_s: int | None = None
    next_warn_s: int | None = None
    policy: bytes | None = None
    calendar: bytes | None = None
    estimated: bool = False

    def of(self, target: Target) -> TargetView:
        """Return one target."""
        return {Target.FIRST: self.first, Target.NEXT: self.next, Target.RESOLUTION: self.resolution}[target]

    @property
    def paused(self) -> bool:
        """Whether nothing runs nor is late, but something waits to go on."""
        views = (self.first, self.next, self.resolution)
        return self.next_target is None and any(view.status is Status.PAUSED for view in views)


def pause_row(category: Category, *, noticed: bool) -> str:
    """Return the row of the pause matrix for a live category."""
    if category is Category.WAITING_CUSTOMER:
        return "waiting_customer"
    if category is Category.HELD:
        return "held_noticed" if noticed else "held"
    return "active"


def derive_clock(
    events: Iterable[ClockEvent], policies: Mapping[bytes, SlaPolicy], spans: Mapping[bytes, OpenHours], now_s: int
) -> ClockView:
    """Return how the clock stands at `now_s`, from the events up to then in whatever order they are given.

    `policies` and `spans` by version id. A version that is not here counts as none, so its targets are void.
    """
    fold = _Fold(policies, spans)
    estimated = False
    for event in sorted(events, key=lambda e: (e.at_s, e.order)):
        if event.at_s > now_s:
            break
        estimated = estimated or event.pending
        fold.take(event)
    fold.tick(now_s)
    return fold.view(now_s, estimated=estimated)


@dataclass(slots=True)
class _Run:
    """The clock of one target: closed run intervals, the open one, and what it may use."""

    target: Target
    status: Status = Status.PENDING
    runs: list[tuple[int, int]] = field(default_factory=list)
    since: int | None = None
    allowed: int = 0
    due: int | None = None
    warn: int | None = None
    was_late: bool = False  # met or resumed, it stays what it was

    def used(self, hours: OpenHours, until_s: int) -> int:
        """Return the open seconds it has run."""
        total = sum(hours.elapsed(a, b) for a, b in self.runs)
        return total if self.since is None else total + hours.elapsed(self.since, until_s)

    def stop(self, at_s: int) -> None:
        """Close the open interval."""
        if self.since is not None:
            self.runs.append((self.since, at_s))
            self.since = None


class _Fold:
    """The fold of one ticket. Before the first policy and before `opened` nothing runs."""

    def __init__(self, policies: Mapping[bytes, SlaPolicy], spans: Mapping[bytes, OpenHours]) -> None:
        self._policies = policies
        self._spans = spans
        self._policy: SlaPolicy | None = None
        self._hours = _NEVER
        self._ids: tuple[bytes | None, bytes | None] = (None, None)
        self._runs = {target: _Run(target) for target in Target}
        self._opened = False
        self._category = Category.NEW
        self._noticed = False
        self._unanswered = False
        self._replied = False
        self._cycle = 0
        self._cycles: list[Cycle] = []

    def take(self, event: ClockEvent) -> None:
        """Let one event act. Events must come in order."""
        self.tick(event.at_s)
        at_s = event.at_s
        match event.kind:
            case EventKind.POLICY:
                self._change(event, at_s)
            case EventKind.OPENED:
                self._open(at_s, from_customer=event.from_customer)
            case EventKind.CUSTOMER:
                self._unanswered = True
                self._begin_next(at_s)
            case EventKind.REPLY:
                self._answer(at_s)
            case EventKind.STATE:
                self._move(event.category, at_s)
            case EventKind.NOTICE if self._category is Category.HELD:
                self._noticed = True
                self._regulate(at_s)
            case _:
                pass

    def tick(self, at_s: int) -> None:
        """A running target whose due lies before this instant becomes late, and stays so."""
        for run in self._runs.values():
            if run.status is Status.RUNNING and run.due is not None and run.due < at_s:
                run.status, run.was_late = Status.LATE, True

    # --- events -----------------------------------------------------------------------------------------------------

    def _open(self, at_s: int, *, from_customer: bool) -> None:
        if self._opened:
            return
        self._opened = True
        if from_customer:
            self._start(Target.FIRST, at_s)
        else:
            self._runs[Target.FIRST].status = Status.NOT_APPLICABLE
        self._start(Target.RESOLUTION, at_s)

    def _answer(self, at_s: int) -> None:
        self._unanswered, self._replied = False, True
        self._meet(Target.FIRST, at_s)
        run = self._runs[Target.NEXT]
        if run.status in _UNMET:
            self._meet(Target.NEXT, at_s)
            self._cycles.append(Cycle(self._cycle, at_s, run.status is Status.MET_LATE))

    def _begin_next(self, at_s: int) -> None:
        first = self._runs[Target.FIRST].status
        ready = self._opened and first not in _UNMET and first is not Status.PENDING
        if self._unanswered and ready and self._runs[Target.NEXT].status not in _UNMET:
            self._cycle += self._target_s(Target.NEXT) is not None
            self._start(Target.NEXT, at_s)

    def _move(self, category: Category, at_s: int) -> None:
        if category is not Category.HELD:
            self._noticed = False
        self._category = category
        if category is Category.SOLVED:
            self._meet(Target.RESOLUTION, at_s)
        self._regulate(at_s)

    def _change(self, event: ClockEvent, at_s: int) -> None:
        """Another policy or calendar version: what was used counts anew, and nobody is late within the grace."""
        old_hours = self._hours
        self._ids = (event.policy, event.calendar)
        hours = self._spans.get(event.calendar) if event.calendar is not None else None
        found = self._policies.get(event.policy) if event.policy is not None else None
        self._policy = found if hours is not None else None
        self._hours = hours or _NEVER
        for run in self._runs.values():
            self._rebase(run, old_hours, at_s)
        self._regulate(at_s)
        self._begin_next(at_s)

    def _rebase(self, run: _Run, old_hours: OpenHours, at_s: int) -> None:
        target = self._target_s(run.target)
        going = run.status in (Status.RUNNING, Status.PAUSED)
        if target is None or self._policy is None:
            if run.status in _UNMET:
                run.stop(at_s)
                run.status, run.due, run.warn = Status.VOID, None, None
        elif going or (run.target is Target.RESOLUTION and run.status is Status.MET):
            # of one that is met this only counts if it is reopened
            old_left = run.allowed - run.used(old_hours, at_s)
            used = run.used(self._hours, at_s)
            run.allowed = used + max(target - used, min(self._policy.change_grace_s, old_left))
            if run.status is Status.RUNNING:
                self._deadlines(run, at_s)
        elif run.status is Status.VOID and run.target is not Target.NEXT:
            self._start(run.target, at_s)

    # --- targets ----------------------------------------------------------------------------------------------------

    def _target_s(self, target: Target) -> int | None:
        return self._policy.targets.get(target) if self._policy is not None else None

    def _start(self, target: Target, at_s: int) -> None:
        run = self._runs[target] = _Run(target)
        allowed = self._target_s(target)
        if target is Target.FIRST and self._replied:
            run.status = Status.NOT_APPLICABLE  # a target that came after the answer
            return
        if allowed is None:
            run.status = Status.VOID
            return
        run.allowed = allowed
        if target is Target.RESOLUTION and self._category is Category.SOLVED:
            run.status = Status.MET  # a target that came after the end
            return
        run.status = Status.PAUSED
        self._regulate(at_s)

    def _meet(self, target: Target, at_s: int) -> None:
        run = self._runs[target]
        if run.status in _UNMET:
            run.stop(at_s)
            run.status = Status.MET_LATE if run.was_late else Status.MET

    def _regulate(self, at_s: int) -> None:
        """Let each target run or pause as the matrix says for the category; late ones keep their due."""
        for run in self._runs.values():
            if run.target is Target.RESOLUTION and run.status in (Status.MET, Status.MET_LATE):
                self._reopen(run)
            paused = self._pauses(run.target)
            if run.status is Status.RUNNING and paused:
                run.stop(at_s)
                run.status, run.due, run.warn = Status.PAUSED, None, None
            elif run.status is Status.PAUSED and not paused:
                run.status, run.since = Status.RUNNING, at_s
                self._deadlines(run, at_s)

    def _reopen(self, run: _Run) -> None:
        if self._category in _DONE:
            return
        if run.was_late:
            run.status = Status.LATE
        else:
            run.status = Status.PAUSED if self._target_s(run.target) is not None else Status.VOID

    def _pauses(self, target: Target) -> bool:
        if self._category in _DONE:
            return True
        matrix = self._policy.pauses if self._policy is not None else DEFAULT_PAUSES
        row = pause_row(self._category, noticed=self._noticed)
        return target in matrix.get(row, DEFAULT_PAUSES[row])

    def _deadlines(self, run: _Run, at_s: int) -> None:
        """Compute due and warning of a target that runs from `at_s` on."""
        assert self._policy is not None  # noqa: S101 - narrows the type: without one nothing runs
        assert run.since is not None  # noqa: S101 - narrows the type
        closed = sum(self._hours.elapsed(a, b) for a, b in run.runs)
        run.due = self._hours.deadline(run.since, run.allowed - closed)
        left = run.allowed - run.used(self._hours, at_s)
        run.warn = self._hours.deadline(at_s, left - self._policy.warn_left_s(run.target))

    # --- result -----------------------------------------------------------------------------------------------------

    def view(self, now_s: int, *, estimated: bool) -> ClockView:
        """Return what the fold came to."""
        views = {run.target: self._target(run, now_s) for run in self._runs.values()}
        going = [t for t in Target if views[t].status in (Status.RUNNING, Status.LATE)]
        dated = [t for t in going if views[t].due_s is not None]
        first = min(dated, key=lambda t: views[t].due_s or 0, default=going[0] if going else None)
        policy, calendar = self._ids
        return ClockView(
            views[Target.FIRST], views[Target.NEXT], views[Target.RESOLUTION], self._category, tuple(self._cycles),
            first, views[first].due_s if first else None, views[first].warn_s if first else None, policy, calendar,
            estimated,
        )  # fmt: skip

    def _target(self, run: _Run, now_s: int) -> TargetView:
        cycle = self._cycle if run.target is Target.NEXT else 0
        left = run.allowed - run.used(self._hours, now_s) if run.status is Status.PAUSED else None
        return TargetView(run.status, run.due, run.warn, left, cycle)


_NEVER = OpenHours(())
