# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of scopes, as the customer's end applies it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.assist import Phase, Scope
from remote_assist.grants import ASK_AGAIN_MS, GrantBook

BEFORE = [Phase.INVITED, Phase.PROMPTED, Phase.CONNECTING, Phase.ENDED]
UNVERIFIED_OK = {Scope.VIEW, Scope.POINTER, Scope.RECORDING}


def book_with(*scopes: Scope, phase: Phase = Phase.VERIFIED) -> GrantBook:
    book = GrantBook(Scope)
    for scope in scopes:
        assert book.give(scope, phase)
    return book


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("phase", BEFORE)
def test_nothing_can_be_granted_outside_a_live_session(scope: Scope, phase: Phase) -> None:
    """Not before the connection, not after the end."""
    book = book_with(Scope.VIEW) if scope is not Scope.VIEW else GrantBook(Scope)
    assert not book.give(scope, phase)


@pytest.mark.parametrize("scope", list(Scope))
def test_only_looking_pointing_and_recording_are_possible_unverified(scope: Scope) -> None:
    """Everything that reaches into the computer waits for the check number."""
    book = GrantBook(Scope)
    if scope is not Scope.VIEW:
        book.give(Scope.VIEW, Phase.UNVERIFIED)
    assert book.give(scope, Phase.UNVERIFIED) == (scope in UNVERIFIED_OK)


@pytest.mark.parametrize("scope", [s for s in Scope if s is not Scope.VIEW])
def test_every_scope_needs_looking(scope: Scope) -> None:
    """Nobody acts unseen."""
    assert not GrantBook(Scope).give(scope, Phase.VERIFIED)


def test_a_forbidden_or_uninvited_scope_cannot_be_granted() -> None:
    """Policy takes away, the invitation bounds; neither gives."""
    book = GrantBook({Scope.VIEW, Scope.CONTROL}, forbidden={Scope.CONTROL})
    book.give(Scope.VIEW, Phase.VERIFIED)
    assert not book.give(Scope.CONTROL, Phase.VERIFIED)
    assert not book.give(Scope.POINTER, Phase.VERIFIED)


def test_taking_back_looking_takes_back_everything_control_first() -> None:
    """The most dangerous grant falls first, looking last."""
    book = book_with(Scope.VIEW, Scope.POINTER, Scope.CONTROL, Scope.RECORDING)
    assert book.revoke(Scope.VIEW) == (Scope.CONTROL, Scope.RECORDING, Scope.POINTER, Scope.VIEW)
    assert book.live == ()


def test_taking_back_one_grant_leaves_the_others() -> None:
    """Each grant is revocable alone."""
    book = book_with(Scope.VIEW, Scope.POINTER, Scope.CONTROL)
    assert book.revoke(Scope.CONTROL) == (Scope.CONTROL,)
    assert book.live == (Scope.VIEW, Scope.POINTER)
    assert book.revoke(Scope.CONTROL) == ()


def test_a_refused_scope_may_be_asked_again_after_thirty_seconds_and_thrice_at_most() -> None:
    """Nagging is bounded."""
    book = book_with(Scope.VIEW)
    now = 0
    for _ in range(3):
        assert book.may_ask(Scope.POINTER, Phase.VERIFIED, now)
        book.asked(Scope.POINTER)
        book.refused(Scope.POINTER, now)
        assert not book.may_ask(Scope.POINTER, Phase.VERIFIED, now + ASK_AGAIN_MS - 1)
        now += ASK_AGAIN_MS
    assert not book.may_ask(Scope.POINTER, Phase.VERIFIED, now)


@pytest.mark.parametrize("scope", list(Scope))
def test_no_effect_without_its_grant_a_live_phase_the_number_and_a_picture_that_flows(scope: Scope) -> None:
    """Each of the four alone is enough to forbid it, for every scope."""
    book = GrantBook(Scope)
    assert book.give(Scope.VIEW, Phase.VERIFIED)
    if scope is not Scope.VIEW:
        assert not book.allows(scope, Phase.VERIFIED, flowing=True), "without its grant"
        assert book.give(scope, Phase.VERIFIED)
    allowed = {phase for phase in Phase if book.allows(scope, phase, flowing=True)}
    assert allowed == {Phase.VERIFIED} | ({Phase.UNVERIFIED} if scope in UNVERIFIED_OK else set())
    assert not any(book.allows(scope, phase, flowing=False) for phase in Phase), "while the picture is held"
    book.revoke(scope)
    assert not book.allows(scope, Phase.VERIFIED, flowing=True), "after it was taken back"


@given(
    st.lists(st.tuples(st.sampled_from(list(Scope)), st.booleans(), st.sampled_from(list(Phase))), max_size=30),
    st.sampled_from(list(Scope)),
    st.sampled_from(list(Phase)),
    st.booleans(),
)
def test_an_effect_is_allowed_only_where_the_table_says(
    steps: list[tuple[Scope, bool, Phase]], scope: Scope, phase: Phase, flowing: bool
) -> None:
    """Granted, live, verified where needed, not paused and not lost; and never without looking."""
    book = GrantBook(Scope)
    for item, give, in_phase in steps:
        if give:
            book.give(item, in_phase)
        else:
            book.revoke(item)
    live = phase in (Phase.UNVERIFIED, Phase.VERIFIED)
    verified_enough = phase is Phase.VERIFIED or scope in UNVERIFIED_OK
    expected = scope in book.live and live and flowing and verified_enough
    assert book.allows(scope, phase, flowing=flowing) == expected
    assert not book.live or Scope.VIEW in book.live
