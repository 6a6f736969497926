# SPDX-License-Identifier: GPL-3.0-or-later
"""Which state may follow which."""

from __future__ import annotations

import itertools

import pytest

from app.domain.entities import Category
from app.domain.errors import Refused
from app.domain.states import TransitionFacts, check_transition

C = Category
ANSWERED = TransitionFacts(answered=True, close_reason=None)
SPAM = TransitionFacts(answered=False, close_reason="spam")
LEAD = TransitionFacts(answered=True, close_reason=None, is_lead=True)

ALLOWED = {
    (C.NEW, C.OPEN), (C.NEW, C.WAITING_CUSTOMER), (C.NEW, C.WAITING_INTERNAL), (C.NEW, C.HELD), (C.NEW, C.SOLVED),
    (C.OPEN, C.WAITING_CUSTOMER), (C.OPEN, C.WAITING_INTERNAL), (C.OPEN, C.HELD), (C.OPEN, C.SOLVED),
    (C.WAITING_CUSTOMER, C.OPEN), (C.WAITING_CUSTOMER, C.WAITING_INTERNAL), (C.WAITING_CUSTOMER, C.HELD),
    (C.WAITING_CUSTOMER, C.SOLVED),
    (C.WAITING_INTERNAL, C.OPEN), (C.WAITING_INTERNAL, C.WAITING_CUSTOMER), (C.WAITING_INTERNAL, C.HELD),
    (C.WAITING_INTERNAL, C.SOLVED),
    (C.HELD, C.OPEN), (C.HELD, C.SOLVED), (C.SOLVED, C.OPEN),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(Category, 2)))
def test_an_agent_may_make_exactly_the_changes_of_the_table(old: Category, new: Category) -> None:
    """With an answer given and no close reason, everything outside the table is refused."""
    if (old, new) in ALLOWED:
        check_transition(old, new, ANSWERED)
    else:
        with pytest.raises(Refused):
            check_transition(old, new, ANSWERED)


def test_spam_closes_without_an_answer() -> None:
    """Close reasons stand in for an answer only where nothing is sent."""
    check_transition(C.NEW, C.CLOSED, SPAM)
    check_transition(C.OPEN, C.SOLVED, SPAM)


def test_only_a_lead_reopens_a_closed_ticket() -> None:
    """Closed is read-only for agents."""
    check_transition(C.CLOSED, C.OPEN, LEAD)
    with pytest.raises(Refused):
        check_transition(C.CLOSED, C.OPEN, ANSWERED)
