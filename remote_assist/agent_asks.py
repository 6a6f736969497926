# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent asked for beyond looking, and how each wish stands. The customer's end decides; this only follows."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from remote_assist.grants import ASK_AGAIN_MS, ASK_ANSWER_MS, ASK_MAX, BUILT_SCOPES, SCOPE_RULES, in_order

__all__ = ["ANSWER_LATE_MS", "AskBook"]

_AFTER_NUMBER = frozenset({Scope.RECORDING})  # stricter here: nobody is asked for a film before they are sure of whom
ANSWER_LATE_MS = 3_000  # the customer's clock decides that it was silence; its word needs a moment to come


class AskBook:
    """The agent's copy of which scopes wait, are refused or may be asked for. Methods take the monotonic time in ms."""

    def __init__(self) -> None:
        self._offered: frozenset[Scope] = frozenset()
        self._granted: frozenset[Scope] = frozenset()
        self._asked: dict[Scope, int] = {}
        self._waits_until: dict[Scope, int] = {}
        self._free_at: dict[Scope, int] = {}
        self._taken: set[Scope] = set()
        self._used: set[Scope] = set()
        self._forbidden: dict[Scope, str] = {}

    def offer(self, allowed: Iterable[Scope], supported: Iterable[str]) -> None:
        """Only what the invitation allows and both programs can do may be asked for."""
        theirs = set(supported)
        built = set(BUILT_SCOPES) - {Scope.VIEW}
        self._offered = frozenset(scope for scope in allowed if scope in built and scope.value in theirs)

    def forbid(self, scopes: Iterable[Scope], by: str) -> None:
        """Policy of this side ("agent") or the other ("customer") takes these away; nothing gives them back."""
        for scope in scopes:
            if scope in BUILT_SCOPES and scope is not Scope.VIEW:
                self.withdrawn(scope)
                self._free_at.pop(scope, None)
                self._forbidden.setdefault(scope, by)

    @property
    def deadline_ms(self) -> int | None:
        """When `tick` has something to do."""
        return min([*self._waits_until.values(), *self._free_at.values()], default=None)

    @property
    def waiting(self) -> tuple[Scope, ...]:
        """Scopes whose answer is awaited."""
        return in_order(self._waits_until)

    def ask(self, scope: Scope, phase: Phase, now_ms: int) -> bool:
        """Note that a scope is asked for; False when it must not be asked for now."""
        if self._state(scope, phase) is not AskState.POSSIBLE:
            return False
        self._asked[scope] = self._asked.get(scope, 0) + 1
        self._waits_until[scope] = now_ms + ASK_ANSWER_MS + ANSWER_LATE_MS
        return True

    def refused(self, scope: Scope, now_ms: int) -> bool:
        """The customer said no; False when nobody had asked."""
        if self._waits_until.pop(scope, None) is None:
            return False
        self._free_at[scope] = now_ms + ASK_AGAIN_MS
        return True

    def withdrawn(self, scope: Scope) -> None:
        """The question is no question any more, without a no of a person."""
        if self._waits_until.pop(scope, None) is not None:
            self._asked[scope] -= 1

    def granted(self, scopes: Iterable[Scope]) -> None:
        """The scopes granted now."""
        now = frozenset(scopes)
        self._taken = (self._taken | (self._granted - now - self._used)) - now
        self._used &= now
        self._granted = now
        for scope in now:
            if self._waits_until.pop(scope, None) is not None and SCOPE_RULES[scope].single_use:
                self._asked[scope] -= 1  # each is asked for anew: only what was refused counts
            self._free_at.pop(scope, None)

    def used(self, scope: Scope) -> None:
        """The one deed that this grant covers is done: when it falls, nobody took it back."""
        self._used.add(scope)

    def tick(self, now_ms: int) -> tuple[Scope, ...]:
        """Return the scopes for which nobody answered."""
        self._free_at = {scope: at for scope, at in self._free_at.items() if at > now_ms}
        silent = tuple(scope for scope, at in self._waits_until.items() if at <= now_ms)
        for scope in silent:
            self.refused(scope, self._waits_until[scope])
        return silent

    def end(self) -> None:
        """Nothing is awaited any more."""
        self._waits_until.clear()
        self._free_at.clear()
        self._offered = frozenset()
        self._forbidden.clear()

    def states(self, phase: Phase) -> tuple[ScopeAsk, ...]:
        """Return how each scope on offer stands."""
        return tuple(
            ScopeAsk(
                scope,
                self._state(scope, phase),
                self._waits_until.get(scope, self._free_at.get(scope, 0)),
                revoked=scope in self._taken,
                by=self._forbidden.get(scope, ""),
            )
            for scope in in_order(self._offered | self._forbidden.keys())
        )

    def _state(self, scope: Scope, phase: Phase) -> AskState:
        if scope in self._granted:
            return AskState.GRANTED
        if scope in self._forbidden:
            live = phase in (Phase.UNVERIFIED, Phase.VERIFIED)
            return AskState.FORBIDDEN if live else AskState.NOT_NOW
        if scope not in self._offered or phase not in (Phase.UNVERIFIED, Phase.VERIFIED):
            return AskState.NOT_NOW
        if scope in self._waits_until:
            return AskState.WAITING
        if self._asked.get(scope, 0) >= ASK_MAX:
            return AskState.TOO_OFTEN
        if scope in self._free_at:
            return AskState.REFUSED
        if (SCOPE_RULES[scope].verified or scope in _AFTER_NUMBER) and phase is not Phase.VERIFIED:
            return AskState.NOT_NOW
        return AskState.POSSIBLE
