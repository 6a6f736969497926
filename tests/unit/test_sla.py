# SPDX-License-Identifier: GPL-3.0-or-later
"""The SLA clock: every worked example, and what must hold for any ticket."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendars import deadline, elapsed
from app.domain.entities import Category
from app.domain.open_hours import OpenHours
from app.domain.sla import ClockEvent, ClockView, EventKind, SlaPolicy, Status, Target, derive_clock
from app.services.calendars import compile_calendar
from tests.fakes.sla_examples import EXAMPLES, HOUR_S, POLICIES, RANGE, Example, calendar, hours, utc_s, version

SEOUL, STD, URG = version("SEOUL"), version("STD"), version("URG")
DAY_S = 24 * HOUR_S
MONDAY_S = utc_s("2026-03-09T00:00")  # 09:00 in Seoul
SPANS = compile_calendar(calendar("SEOUL"), *(utc_s(day) for day in RANGE))


def _view(events: list[ClockEvent], now_s: int) -> ClockView:
    return derive_clock(events, POLICIES, hours(), now_s)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.id)
def test_the_clock_says_what_the_example_says(example: Example) -> None:
    told = _view(example.events(), example.now_s).of(example.target)
    assert (told.status.value, told.due_s, told.warn_s) == (example.status, example.due_s, example.warn_s)


def test_no_example_is_missing() -> None:
    assert [e.id for e in EXAMPLES] == [f"C{n:02}" for n in range(1, 30)]


def _opened(at_s: int, policy: bytes = URG, *, from_customer: bool = True) -> list[ClockEvent]:
    return [
        ClockEvent(at_s, EventKind.POLICY, (0,), policy=policy, calendar=SEOUL),
        ClockEvent(at_s, EventKind.OPENED, (1,), from_customer=from_customer),
    ]


def _state(at_s: int, category: Category, n: int) -> ClockEvent:
    return ClockEvent(at_s, EventKind.STATE, (n,), category=category)


def _open_at(minutes: int) -> int:
    return MONDAY_S + minutes * 60


def test_a_ticket_that_an_agent_logged_has_no_first_target_and_next_waits_for_the_customer() -> None:
    events = _opened(_open_at(0), from_customer=False)
    assert _view(events, _open_at(1)).first.status is Status.NOT_APPLICABLE
    assert _view(events, _open_at(1)).next.status is Status.PENDING
    events.append(ClockEvent(_open_at(10), EventKind.CUSTOMER, (2,)))
    assert _view(events, _open_at(11)).next.due_s == _open_at(130)


def test_answered_rounds_are_kept_with_whether_they_were_late() -> None:
    events = _opened(_open_at(0))
    rounds = [(30, EventKind.REPLY), (60, EventKind.CUSTOMER), (90, EventKind.REPLY), (240, EventKind.CUSTOMER),
              (450, EventKind.REPLY)]  # fmt: skip
    events += [ClockEvent(_open_at(m), kind, (n,)) for n, (m, kind) in enumerate(rounds, 2)]
    told = _view(events, _open_at(451))
    assert [(c.number, c.late) for c in told.cycles] == [(1, False), (2, True)]
    assert told.next.status is Status.MET_LATE


def test_a_late_one_that_was_solved_and_reopened_is_late_by_its_old_due() -> None:
    events = [*_opened(_open_at(0)), _state(_open_at(0) + 2 * DAY_S, Category.SOLVED, 2),
              _state(_open_at(0) + 3 * DAY_S, Category.OPEN, 3)]  # fmt: skip
    solved = _view(events[:3], _open_at(0) + 2 * DAY_S).resolution
    again = _view(events, _open_at(0) + 4 * DAY_S).resolution
    assert (solved.status, again.status) == (Status.MET_LATE, Status.LATE)
    assert solved.due_s == again.due_s == _open_at(9 * 60)


def test_time_as_merged_counts_as_a_pause() -> None:
    merged = [_state(_open_at(30), Category.MERGED, 2), _state(_open_at(30) + DAY_S, Category.OPEN, 3)]
    told = _view([*_opened(_open_at(0)), *merged], _open_at(30) + DAY_S)
    assert told.first.due_s == _open_at(60) + DAY_S
    assert _view([*_opened(_open_at(0)), *merged[:1]], _open_at(40)).paused


def test_a_policy_without_a_target_voids_it_and_one_that_has_it_starts_it_anew() -> None:
    bare = SlaPolicy(version("BARE"), {Target.RESOLUTION: 8 * HOUR_S})
    policies = {**POLICIES, bare.id: bare}
    events = [*_opened(_open_at(0)), ClockEvent(_open_at(10), EventKind.POLICY, (2,), policy=bare.id, calendar=SEOUL)]
    assert derive_clock(events, policies, hours(), _open_at(20)).first.status is Status.VOID
    events.append(ClockEvent(_open_at(20), EventKind.POLICY, (3,), policy=URG, calendar=SEOUL))
    assert derive_clock(events, policies, hours(), _open_at(20)).first.due_s == _open_at(80)


def test_a_target_that_came_after_the_answer_asks_for_no_first_answer() -> None:
    events = [ClockEvent(_open_at(0), EventKind.OPENED, (0,)), ClockEvent(_open_at(5), EventKind.REPLY, (1,)),
              ClockEvent(_open_at(9), EventKind.POLICY, (2,), policy=URG, calendar=SEOUL)]  # fmt: skip
    told = _view(events, _open_at(9))
    assert (told.first.status, told.resolution.due_s) == (Status.NOT_APPLICABLE, _open_at(24 * 60 + 9))


def test_without_a_policy_nothing_is_due() -> None:
    told = _view([ClockEvent(_open_at(0), EventKind.OPENED)], _open_at(0) + DAY_S)
    assert (told.first.status, told.next_due_s, told.paused) == (Status.VOID, None, False)


def test_past_the_horizon_the_date_is_open() -> None:
    policy = replace(POLICIES[STD], targets={Target.RESOLUTION: 10**9})
    told = derive_clock(_opened(_open_at(0), STD), {STD: policy}, hours(), _open_at(1))
    assert (told.resolution.status, told.resolution.due_s) == (Status.RUNNING, None)
    assert (told.next_target, told.next_due_s) == (Target.RESOLUTION, None)


def test_a_policy_may_let_a_target_run_where_others_pause() -> None:
    policy = replace(POLICIES[URG], pauses={"waiting_customer": frozenset()})
    events = [*_opened(_open_at(0)), _state(_open_at(30), Category.WAITING_CUSTOMER, 2)]
    assert derive_clock(events, {URG: policy}, hours(), _open_at(31)).resolution.status is Status.RUNNING


def test_own_events_that_the_server_has_not_confirmed_make_an_estimate() -> None:
    events = [*_opened(_open_at(0)), ClockEvent(_open_at(5), EventKind.REPLY, (2,), pending=True)]
    assert _view(events, _open_at(6)).estimated
    assert not _view(events, _open_at(4)).estimated


# --- what holds for any ticket ----------------------------------------------------------------------------------------

_instants = st.integers(0, 20 * 24 * 60).map(_open_at)
_kinds = st.sampled_from([EventKind.CUSTOMER, EventKind.REPLY, EventKind.NOTICE])
_plain = st.builds(lambda at, kind: ClockEvent(at, kind), _instants, _kinds)
_states = st.builds(lambda at, c: ClockEvent(at, EventKind.STATE, category=c), _instants, st.sampled_from(Category))
_changes = st.builds(
    lambda at, policy: ClockEvent(at, EventKind.POLICY, policy=policy, calendar=SEOUL), _instants,
    st.sampled_from([STD, URG]),
)  # fmt: skip


@st.composite
def _histories(draw: st.DrawFn) -> list[ClockEvent]:
    begin = draw(_instants)
    more = draw(st.lists(_plain | _states | _changes, max_size=12))
    later = [replace(event, at_s=begin + event.at_s - MONDAY_S, order=(n,)) for n, event in enumerate(more, 2)]
    return [*_opened(begin, draw(st.sampled_from([STD, URG])), from_customer=draw(st.booleans())), *later]


@given(_histories(), st.randoms(use_true_random=False), _instants)
def test_the_order_of_delivery_of_events_does_not_matter(events: list[ClockEvent], random: Random, now_s: int) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)
    assert _view(shuffled, now_s) == _view(events, now_s)


@given(_histories(), _instants)
def test_replacing_a_calendar_by_its_own_copy_changes_nothing(events: list[ClockEvent], now_s: int) -> None:
    copy = version("COPY")
    spans = {**hours(), copy: OpenHours(SPANS)}
    copied = [replace(e, calendar=copy) if e.calendar == SEOUL else e for e in events]
    told = derive_clock(copied, POLICIES, spans, now_s)
    assert replace(told, calendar=None) == replace(_view(events, now_s), calendar=None)


@given(_histories(), _instants)
def test_a_due_is_always_inside_or_at_the_end_of_open_hours(events: list[ClockEvent], now_s: int) -> None:
    told = _view(events, now_s)
    dues = [view.due_s for view in (told.first, told.next, told.resolution) if view.due_s is not None]
    # a target resumed with nothing left is due where it was resumed
    moves = {event.at_s for event in events}
    assert all(due in moves or any(a < due <= b for a, b in SPANS) for due in dues)


@given(_instants, st.integers(0, 3000), st.integers(1, 3000), st.sampled_from([STD, URG]))
def test_an_added_pause_never_makes_a_due_earlier(begin: int, after: int, minutes: int, policy: bytes) -> None:
    pause, back = begin + after * 60, begin + (after + minutes) * 60
    events = _opened(begin, policy)
    paused = [*events, _state(pause, Category.WAITING_CUSTOMER, 2), _state(back, Category.OPEN, 3)]
    without, with_it = _view(events, back).resolution.due_s, _view(paused, back).resolution.due_s
    assert without is not None
    assert with_it is not None
    assert with_it >= without


@given(_instants, st.integers(0, 10**6), st.integers(0, 10**6))
def test_summed_hours_say_what_plain_spans_say(begin: int, length: int, left: int) -> None:
    summed = OpenHours(SPANS)
    assert summed.elapsed(begin, begin + length) == elapsed(SPANS, begin, begin + length)
    assert summed.deadline(begin, left) == deadline(SPANS, begin, left)
