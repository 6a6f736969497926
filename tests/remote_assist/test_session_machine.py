# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine: every timer, and what may never happen whatever the order of events."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.assist import EndReason, Phase, Question, Role
from app.domain.invitation import InvitationPolicy
from remote_assist.limits import Limits
from remote_assist.session import PHASE_ORDER, Effect, SessionMachine

S = 1000
MIN = 60 * S


def machine_in(phase: Phase, role: Role = Role.CUSTOMER) -> SessionMachine:
    machine = SessionMachine(role, 0)
    steps: list[Callable[[int], object]] = [machine.opened, machine.consented, machine.connected]
    for step in steps[: PHASE_ORDER.index(phase)]:
        step(0)
    if phase is Phase.VERIFIED:
        machine.sas_claimed(True, 0)
        machine.sas_chosen(True, 0)
    assert machine.phase is phase
    return machine


def keep_alive(machine: SessionMachine, until_ms: int, *, busy: bool = True, answer: bool = True) -> None:
    """Let the peer speak every second, the agent work and the customer answer, until then."""
    now = machine.view().started_ms or 0
    for at in range(now, until_ms + 1, S):
        machine.heard(at, 0)
        if busy:
            machine.agent_active(at)
        if answer and machine.question is Question.CONTINUE:
            machine.confirmed(at)
        if answer and machine.question is Question.GO_ON_UNVERIFIED:
            machine.go_on_unverified(at)


@pytest.mark.parametrize(
    ("phase", "after_ms", "reason"),
    [
        (Phase.INVITED, 10 * MIN, EndReason.EXPIRED),
        (Phase.PROMPTED, 120 * S, EndReason.REFUSED),
        (Phase.CONNECTING, 30 * S, EndReason.UNREACHABLE),
    ],
)
def test_a_phase_left_alone_ends_at_its_time_and_not_before(phase: Phase, after_ms: int, reason: EndReason) -> None:
    """Invitation 10 min, prompt 120 s, connecting 30 s."""
    machine = machine_in(phase)
    assert machine.tick(after_ms - 1) == []
    assert machine.phase is phase
    assert machine.tick(after_ms) == [Effect.ENDED]
    assert (machine.phase, machine.reason, machine.ended_by) == (Phase.ENDED, reason, "system")


def test_after_three_minutes_unverified_the_customer_is_asked_once_and_silence_ends() -> None:
    """180 s, then a question of 60 s."""
    machine = machine_in(Phase.UNVERIFIED)
    keep_alive(machine, 180 * S - 1, answer=False)
    assert not machine.questions
    assert Effect.ASK_UNVERIFIED in machine.tick(180 * S)
    assert machine.question is Question.GO_ON_UNVERIFIED
    keep_alive(machine, 240 * S - 1, answer=False)
    assert machine.live
    machine.tick(240 * S)
    assert machine.reason is EndReason.UNVERIFIED


def test_both_are_warned_a_minute_before_a_pause_ends_the_session_and_not_when_it_goes_on() -> None:
    """Also while something else to share is being chosen, which is such a pause."""
    for role in Role:
        machine = machine_in(Phase.VERIFIED, role)
        machine.pause("customer", 0)
        assert machine.view().rests_until_ms == 5 * MIN
        machine.resume("customer", 3 * MIN)
        assert machine.view().rests_until_ms is None
        keep_alive(machine, 4 * MIN)
        machine.pause("customer", 4 * MIN)
        assert machine.view().rests_until_ms == 9 * MIN
        keep_alive(machine, 8 * MIN - S)
        assert machine.heard(8 * MIN, 0) == [Effect.PAUSE_SOON]
        keep_alive(machine, 9 * MIN)
        assert machine.reason is EndReason.IDLE


def test_a_customer_who_goes_on_unverified_is_not_asked_again() -> None:
    """Yes keeps the phase."""
    machine = machine_in(Phase.UNVERIFIED)
    keep_alive(machine, 25 * MIN)
    assert machine.phase is Phase.UNVERIFIED
    assert machine.question is None


def test_verification_withdraws_the_question() -> None:
    """The number confirmed while the question is shown."""
    machine = machine_in(Phase.UNVERIFIED)
    keep_alive(machine, 181 * S, answer=False)
    machine.sas_claimed(True, 182 * S)
    machine.sas_chosen(True, 182 * S)
    assert (machine.phase, machine.question) == (Phase.VERIFIED, None)


@pytest.mark.parametrize("phase", [Phase.UNVERIFIED, Phase.VERIFIED])
def test_an_idle_agent_is_warned_at_nine_minutes_and_ends_at_ten(phase: Phase) -> None:
    """No input of the agent for 10 min."""
    machine = machine_in(phase)
    if phase is Phase.UNVERIFIED:
        keep_alive(machine, 200 * S, busy=False)
    keep_alive(machine, 9 * MIN - 1, busy=False)
    assert Effect.IDLE_SOON in machine.heard(9 * MIN, 0)
    keep_alive(machine, 10 * MIN - 1, busy=False)
    assert machine.live
    machine.tick(10 * MIN)
    assert machine.reason is EndReason.IDLE


def test_work_of_the_agent_begins_the_ten_minutes_anew() -> None:
    """Idle counts from the last input."""
    machine = machine_in(Phase.VERIFIED)
    keep_alive(machine, 9 * MIN, busy=False)
    machine.agent_active(9 * MIN + S)
    keep_alive(machine, 18 * MIN, busy=False)
    assert machine.live


def test_every_thirty_minutes_the_customer_must_say_go_on() -> None:
    """30 min since consent or last confirmation; 60 s without an answer end."""
    machine = machine_in(Phase.VERIFIED)
    keep_alive(machine, 30 * MIN, answer=False)
    assert machine.question is Question.CONTINUE
    machine.confirmed(30 * MIN + 59 * S)
    keep_alive(machine, 59 * MIN, answer=False)
    assert not machine.questions
    silent = machine_in(Phase.VERIFIED)
    keep_alive(silent, 31 * MIN, answer=False)
    assert silent.reason is EndReason.NOT_CONFIRMED


def test_an_hour_after_consent_it_is_over_whatever_happens() -> None:
    """Hard limit 60 min."""
    machine = machine_in(Phase.VERIFIED)
    keep_alive(machine, 60 * MIN - 1)
    assert machine.live
    machine.tick(60 * MIN)
    assert machine.reason is EndReason.LIMIT


def test_policy_can_only_shorten() -> None:
    """An invitation cannot ask for more time than the customer's own limits."""
    limits = Limits().within(InvitationPolicy(idle_s=86_400, hard_s=600))
    assert (limits.idle_ms, limits.hard_ms, limits.prompted_ms) == (600_000, 600_000, 120_000)


def test_a_pause_of_five_minutes_ends() -> None:
    """Paused sessions do not lie about."""
    machine = machine_in(Phase.VERIFIED)
    assert machine.pause("customer", 0) == [Effect.PAUSED]
    assert not machine.flowing
    keep_alive(machine, 5 * MIN - 1)
    assert machine.live
    machine.tick(5 * MIN)
    assert machine.reason is EndReason.IDLE


def test_the_agent_may_pause_but_only_the_customer_resumes() -> None:
    """Nor does an unlocked screen lift what the customer holds."""
    machine = machine_in(Phase.VERIFIED)
    machine.pause("agent", 0)
    assert machine.resume("agent", 1) == []
    assert machine.resume("system", 1) == []
    assert machine.paused
    machine.pause("system", 2)
    assert machine.resume("customer", 3) == []
    assert machine.paused, "the screen is still locked"
    assert machine.resume("system", 4) == [Effect.RESUMED]
    assert machine.flowing


def test_three_seconds_of_silence_stop_the_picture_and_thirty_the_session() -> None:
    """Lost, then ended(lost)."""
    machine = machine_in(Phase.VERIFIED)
    machine.heard(10 * S, 0)
    assert machine.tick(13 * S - 1) == []
    assert machine.tick(13 * S) == [Effect.LOST]
    assert not machine.flowing
    assert machine.tick(43 * S - 1) == []
    machine.tick(43 * S)
    assert machine.reason is EndReason.LOST


def test_a_packet_brings_a_lost_session_back() -> None:
    """The flag clears; the phase stayed."""
    machine = machine_in(Phase.VERIFIED)
    machine.tick(5 * S)
    assert machine.lost
    assert machine.heard(20 * S, 100) == [Effect.BACK]
    assert machine.flowing
    assert machine.phase is Phase.VERIFIED


@pytest.mark.parametrize(("chosen", "claimed"), [(False, True), (True, False)])
def test_a_wrong_number_at_either_end_ends_the_session(chosen: bool, claimed: bool) -> None:
    """Mismatch: no second try."""
    machine = machine_in(Phase.UNVERIFIED)
    machine.sas_claimed(claimed, 1) if not claimed else machine.sas_chosen(chosen, 1)
    assert machine.reason is EndReason.SAS_MISMATCH


def test_one_confirmation_alone_does_not_verify() -> None:
    """Both the customer's choice and the agent's word are needed."""
    for one in ("sas_chosen", "sas_claimed"):
        machine = machine_in(Phase.UNVERIFIED)
        getattr(machine, one)(True, 1)
        assert machine.phase is Phase.UNVERIFIED


EVENTS = [
    "opened",
    "consented",
    "connected",
    "go_on_unverified",
    "confirmed",
    "agent_active",
    "cut",
    "tick",
    "sas_chosen+",
    "sas_chosen-",
    "sas_claimed+",
    "sas_claimed-",
    "pause:customer",
    "pause:agent",
    "resume:customer",
    "resume:agent",
    "heard:0",
    "heard:9000",
    "end",
]


def fire(machine: SessionMachine, event: str, now: int) -> list[Effect]:
    name, _, argument = event.partition(":")
    if name in ("pause", "resume"):
        effects: list[Effect] = getattr(machine, name)(argument, now)
    elif name == "heard":
        effects = machine.heard(now, int(argument))
    elif name[-1] in "+-":
        effects = getattr(machine, name[:-1])(name[-1] == "+", now)
    elif name == "end":
        effects = machine.end(EndReason.STOPPED, "agent", now)
    else:
        effects = getattr(machine, name)(now)
    return effects


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(Role)),
    st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 400_000)), max_size=40),
)
def test_a_phase_never_goes_back_and_a_session_ends_once(role: Role, events: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order: one direction, one end, one reason."""
    machine, now, ends = SessionMachine(role, 0), 0, 0
    for event, wait in events:
        now += wait
        before, reason = machine.phase, machine.reason
        ends += fire(machine, event, now).count(Effect.ENDED)
        assert PHASE_ORDER.index(machine.phase) >= PHASE_ORDER.index(before)
        assert (machine.reason is not None) == (machine.phase is Phase.ENDED)
        assert reason in (None, machine.reason)
        assert machine.flowing <= machine.live
        if machine.phase is Phase.ENDED:
            assert machine.deadline_ms is None
    assert ends <= 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([e for e in EVENTS if e not in ("consented", "end")]), st.integers(0, 200_000)),
        max_size=40,
    )
)
def test_without_the_customers_consent_nothing_becomes_live(events: list[tuple[str, int]]) -> None:
    """Silence and everybody else's words never grant."""
    machine, now = SessionMachine(Role.CUSTOMER, 0), 0
    for event, wait in events:
        now += wait
        fire(machine, event, now)
        assert not machine.live
        assert machine.consented_ms is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PHASE_ORDER[:-1]), st.integers(1, 10 * 3600 * S))
def test_silence_ends_every_phase_and_grants_nothing(phase: Phase, step: int) -> None:
    """Left alone, any session ends; it never moves forward."""
    machine = machine_in(phase)
    now = 0
    while machine.phase is not Phase.ENDED:
        now += step
        machine.tick(now)
        assert machine.phase in (phase, Phase.ENDED)
    assert now <= 60 * MIN + step
