# SPDX-License-Identifier: GPL-3.0-or-later
"""Which state category may follow which: one function, run by client and server."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.entities import LIVE, Category
from app.domain.errors import Refused

_C = Category
# by agents; the server's own moves (solved -> closed, customer messages, holds) do not pass through here
ALLOWED: dict[Category, frozenset[Category]] = {
    _C.NEW: frozenset({_C.OPEN, _C.WAITING_CUSTOMER, _C.WAITING_INTERNAL, _C.HELD, _C.SOLVED, _C.CLOSED}),
    _C.OPEN: frozenset({_C.WAITING_CUSTOMER, _C.WAITING_INTERNAL, _C.HELD, _C.SOLVED, _C.CLOSED}),
    _C.WAITING_CUSTOMER: frozenset({_C.OPEN, _C.WAITING_INTERNAL, _C.HELD, _C.SOLVED}),
    _C.WAITING_INTERNAL: frozenset({_C.OPEN, _C.WAITING_CUSTOMER, _C.HELD, _C.SOLVED}),
    _C.HELD: frozenset({_C.OPEN, _C.SOLVED}),
    _C.SOLVED: frozenset({_C.OPEN}),
    _C.CLOSED: frozenset({_C.OPEN}),
    _C.MERGED: frozenset(),
}
_CLOSE_WITHOUT_ANSWER = frozenset({"spam", "automatic", "test", "duplicate"})


@dataclass(frozen=True, slots=True)
class TransitionFacts:
    """What the rules need to know about the ticket and the person."""

    answered: bool  # an agent's reply exists after the newest customer message
    close_reason: str | None
    is_lead: bool = False
    missing: str = ""  # the refusal code of what a complaint still needs to be solved (app.domain.complaints)


def check_transition(old: Category, new: Category, facts: TransitionFacts) -> None:
    """Raise Refused("transition_refused", "reply_first", …) unless an agent may make this change."""
    if old == new:
        return
    if new not in ALLOWED[old]:
        raise Refused("transition_refused", old=old.value, new=new.value)
    if old is _C.CLOSED and not facts.is_lead:
        raise Refused("transition_refused", old=old.value, new=new.value)
    if new is _C.WAITING_CUSTOMER and not facts.answered:
        raise Refused("reply_first")
    if new is _C.SOLVED and old in LIVE and not (facts.answered or facts.close_reason):
        raise Refused("reply_first")
    if new is _C.SOLVED and facts.missing == "root_cause_needed":
        raise Refused("root_cause_needed")
    if new is _C.SOLVED and facts.missing:
        raise Refused("follow_up_needed")
    if new is _C.CLOSED and facts.close_reason not in _CLOSE_WITHOUT_ANSWER:
        raise Refused("close_reason_needed")
