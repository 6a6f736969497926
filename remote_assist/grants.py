# SPDX-License-Identifier: GPL-3.0-or-later
"""Scopes: what each needs, what is granted now, in which order grants fall, and how often one may be asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.assist import Phase, Scope

__all__ = [
    "ASK_AGAIN_MS",
    "ASK_ANSWER_MS",
    "ASK_MAX",
    "BUILT_SCOPES",
    "ITEM_SCOPES",
    "SCOPE_RULES",
    "GrantBook",
    "ScopeRule",
    "in_order",
]

ASK_ANSWER_MS = 120_000  # without an answer it counts as no
ASK_AGAIN_MS = 30_000
ASK_MAX = 3
# scopes whose feature exists; no other is asked for, offered or granted
BUILT_SCOPES = (
    Scope.VIEW,
    Scope.POINTER,
    Scope.CONTROL,
    Scope.CLIPBOARD_TO_CUSTOMER,
    Scope.CLIPBOARD_TO_AGENT,
    Scope.DIAGNOSTICS,
    Scope.RECORDING,
    Scope.FILES_TO_CUSTOMER,
    Scope.FILES_TO_AGENT,
)
# granted together with the one file that is named in the question, or the text in it, never alone
ITEM_SCOPES = frozenset({Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT, Scope.CLIPBOARD_TO_AGENT})


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """`verified`: only after the check number was confirmed. `single_use`: the grant covers one action and is spent."""

    needs_view: bool
    verified: bool
    single_use: bool = False


SCOPE_RULES: dict[Scope, ScopeRule] = {
    Scope.VIEW: ScopeRule(needs_view=False, verified=False),
    Scope.POINTER: ScopeRule(needs_view=True, verified=False),
    Scope.CONTROL: ScopeRule(needs_view=True, verified=True),
    Scope.CLIPBOARD_TO_CUSTOMER: ScopeRule(needs_view=True, verified=True, single_use=True),
    Scope.CLIPBOARD_TO_AGENT: ScopeRule(needs_view=True, verified=True, single_use=True),
    Scope.FILES_TO_CUSTOMER: ScopeRule(needs_view=True, verified=True, single_use=True),
    Scope.FILES_TO_AGENT: ScopeRule(needs_view=True, verified=True, single_use=True),
    Scope.DIAGNOSTICS: ScopeRule(needs_view=True, verified=True, single_use=True),
    Scope.RECORDING: ScopeRule(needs_view=True, verified=False),
}

# The most dangerous falls first; view, on which all depend, last.
_FALL_ORDER = (
    Scope.CONTROL,
    Scope.FILES_TO_CUSTOMER,
    Scope.CLIPBOARD_TO_CUSTOMER,
    Scope.FILES_TO_AGENT,
    Scope.CLIPBOARD_TO_AGENT,
    Scope.DIAGNOSTICS,
    Scope.RECORDING,
    Scope.POINTER,
    Scope.VIEW,
)


def in_order(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Return the scopes in the order in which people read them: looking first."""
    wanted = set(scopes)
    return tuple(scope for scope in Scope if scope in wanted)


class GrantBook:
    """The grants of one session at the customer's end. Only `give`, called for a customer's click, adds one."""

    def __init__(self, maximum: Iterable[Scope], forbidden: Iterable[Scope] = ()) -> None:
        """`maximum` is what the invitation allows at most, `forbidden` what managed policy takes away."""
        self._possible = frozenset(maximum) - frozenset(forbidden)
        self._live: set[Scope] = set()
        self._asked: dict[Scope, int] = {}
        self._refused_ms: dict[Scope, int] = {}
        self.seq = 0

    @property
    def live(self) -> tuple[Scope, ...]:
        """The scopes granted now."""
        return in_order(self._live)

    def possible(self, scope: Scope, phase: Phase) -> bool:
        """Tell whether the customer could grant this now."""
        rule = SCOPE_RULES[scope]
        if scope not in self._possible or phase not in (Phase.UNVERIFIED, Phase.VERIFIED):
            return False
        if rule.needs_view and Scope.VIEW not in self._live:
            return False
        return phase is Phase.VERIFIED or not rule.verified

    def give(self, scope: Scope, phase: Phase) -> bool:
        """Grant a scope after the customer's own click; False when it is impossible now or already given."""
        if scope in self._live or not self.possible(scope, phase):
            return False
        self._live.add(scope)
        self.seq += 1
        if SCOPE_RULES[scope].single_use:  # each is asked for anew: only what was refused counts
            self._asked[scope] = max(0, self._asked.get(scope, 0) - 1)
        return True

    def revoke(self, scope: Scope) -> tuple[Scope, ...]:
        """Take a scope back and, with view, everything. Returns what fell, in the order in which it must stop."""
        if scope not in self._live:
            return ()
        fallen = tuple(s for s in _FALL_ORDER if s in self._live and scope in (Scope.VIEW, s))
        self._live.difference_update(fallen)
        self.seq += 1
        return fallen

    def allows(self, scope: Scope, phase: Phase, *, flowing: bool) -> bool:
        """The broker's check before every effect: granted, in a live phase, verified if needed, not paused or lost."""
        if scope not in self._live or not flowing:
            return False
        return phase is Phase.VERIFIED or (phase is Phase.UNVERIFIED and not SCOPE_RULES[scope].verified)

    def may_ask(self, scope: Scope, phase: Phase, now_ms: int) -> bool:
        """Tell whether a request may be shown: possible, at most three times, 30 s after a refusal."""
        if scope in self._live or not self.possible(scope, phase) or self._asked.get(scope, 0) >= ASK_MAX:
            return False
        refused_ms = self._refused_ms.get(scope)
        return refused_ms is None or now_ms - refused_ms >= ASK_AGAIN_MS

    def asked(self, scope: Scope) -> None:
        """A request for this scope was shown."""
        self._asked[scope] = self._asked.get(scope, 0) + 1

    def refused(self, scope: Scope, now_ms: int) -> None:
        """A request for this scope was refused, by the customer or by silence."""
        self._refused_ms[scope] = now_ms
