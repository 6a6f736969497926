# SPDX-License-Identifier: GPL-3.0-or-later
"""The session's state machine: phases, flags and every timer. Pure; the time comes with each call.

Both ends run one. The customer's copy decides; the agent's copy follows it and is at most stricter. A phase never goes
back, silence never grants, and a session ends once, with one reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from app.domain.assist import EndReason, Phase, Question, Role, SessionView
from remote_assist.limits import UNDER_WAY_MS, Limits

__all__ = ["PHASE_ORDER", "Effect", "SessionMachine"]

PHASE_ORDER = (Phase.INVITED, Phase.PROMPTED, Phase.CONNECTING, Phase.UNVERIFIED, Phase.VERIFIED, Phase.ENDED)


class Effect(StrEnum):
    """What a call to the machine brought about, for its owner to act on."""

    PHASE = "phase"
    IDLE_SOON = "idle_soon"
    ASK_UNVERIFIED = "ask_unverified"
    ASK_CONTINUE = "ask_continue"
    LOST = "lost"
    BACK = "back"
    PAUSED = "paused"
    PAUSE_SOON = "pause_soon"
    RESUMED = "resumed"
    ENDED = "ended"


class _Timer(StrEnum):
    INVITED = "invited"
    PROMPTED = "prompted"
    CONNECTING = "connecting"
    UNVERIFIED = "unverified"
    IDLE_SOON = "idle_soon"
    IDLE = "idle"
    CONFIRM = "confirm"
    LIMIT = "limit"
    PAUSE_SOON = "pause_soon"
    PAUSED = "paused"
    SILENT = "silent"
    LOST = "lost"
    ASKED_UNVERIFIED = "asked_unverified"
    ASKED_CONTINUE = "asked_continue"


_ENDS = {
    _Timer.INVITED: EndReason.EXPIRED,
    _Timer.PROMPTED: EndReason.REFUSED,
    _Timer.CONNECTING: EndReason.UNREACHABLE,
    _Timer.IDLE: EndReason.IDLE,
    _Timer.LIMIT: EndReason.LIMIT,
    _Timer.PAUSED: EndReason.IDLE,
    _Timer.LOST: EndReason.LOST,
    _Timer.ASKED_UNVERIFIED: EndReason.UNVERIFIED,
    _Timer.ASKED_CONTINUE: EndReason.NOT_CONFIRMED,
}


class SessionMachine:
    """One end's state. Methods take the monotonic time in ms and return effects; those out of place return none."""

    def __init__(self, role: Role, now_ms: int, limits: Limits | None = None) -> None:
        self.role = role
        self.limits = limits or Limits()
        self.phase = Phase.INVITED
        self.reason: EndReason | None = None
        self.ended_by = ""
        self.consented_ms: int | None = None
        self.ended_ms: int | None = None
        self.lost = False
        self._believe_from: int | None = None
        self._pause_causes: set[str] = set()
        self._chosen = False
        self._claimed = False
        self._now_ms = now_ms
        self._timers: dict[_Timer, int] = {_Timer.INVITED: now_ms + self.limits.invited_ms}

    # --- what is ---------------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """True while anybody or the system holds the picture back."""
        return bool(self._pause_causes)

    @property
    def live(self) -> bool:
        """True in the phases in which pictures are possible."""
        return self.phase in (Phase.UNVERIFIED, Phase.VERIFIED)

    @property
    def flowing(self) -> bool:
        """True while media and messages beyond `ctl` and `hb` may pass."""
        return self.live and not self.paused and not self.lost

    @property
    def question(self) -> Question | None:
        """The question the customer sees now."""
        if _Timer.ASKED_UNVERIFIED in self._timers:
            return Question.GO_ON_UNVERIFIED
        return Question.CONTINUE if _Timer.ASKED_CONTINUE in self._timers else None

    @property
    def questions(self) -> frozenset[Question]:
        """All questions open towards the customer; seldom more than one."""
        open_ = {Question.GO_ON_UNVERIFIED: _Timer.ASKED_UNVERIFIED, Question.CONTINUE: _Timer.ASKED_CONTINUE}
        return frozenset(question for question, timer in open_.items() if timer in self._timers)

    def would_resume(self, cause: str) -> bool:
        """Tell whether `resume` by this cause would let the picture go on."""
        lifted = {"customer": {"customer", "agent"}, "system": {"system"}}.get(cause, set())
        return self.paused and self._pause_causes <= lifted

    def question_deadline_ms(self, question: Question) -> int:
        """When silence ends the session. Raises KeyError when this question is not open."""
        timer = _Timer.ASKED_UNVERIFIED if question is Question.GO_ON_UNVERIFIED else _Timer.ASKED_CONTINUE
        return self._timers[timer]

    @property
    def deadline_ms(self) -> int | None:
        """When `tick` must be called at the latest."""
        return min(self._timers.values(), default=None)

    def view(self) -> SessionView:
        """State for the windows, without grants."""
        ends = [self._timers.get(timer) for timer in (_Timer.PAUSED, _Timer.IDLE, _Timer.LIMIT)]
        return SessionView(
            self.phase, self.paused, self.lost, self.reason, self.ended_by, self.question, self.consented_ms,
            rests_until_ms=min((at for at in ends if at is not None), default=None) if self.paused else None,
        )  # fmt: skip

    # --- events that move it ---------------------------------------------------------------------------------------

    def opened(self, now_ms: int) -> list[Effect]:
        """The customer opened the invitation."""
        return self._step(Phase.INVITED, now_ms, lambda now: self._enter(Phase.PROMPTED, now, self.limits.prompted_ms))

    def consented(self, now_ms: int) -> list[Effect]:
        """The customer allowed looking, by a click."""

        def go(now: int) -> list[Effect]:
            self.consented_ms = now
            effects = self._enter(Phase.CONNECTING, now, self.limits.connecting_ms)
            self._timers[_Timer.LIMIT] = now + self.limits.hard_ms
            if self.role is Role.CUSTOMER:
                self._timers[_Timer.CONFIRM] = now + self.limits.confirm_ms
            return effects

        return self._step(Phase.PROMPTED, now_ms, go)

    def connected(self, now_ms: int) -> list[Effect]:
        """`hello` went both ways over the encrypted connection: the first time, or again after a rebuild."""
        if self.live:
            self._believe_from = None  # a new connection is its own proof
            return self.heard(now_ms, 0)

        def go(now: int) -> list[Effect]:
            effects = self._enter(Phase.UNVERIFIED, now)
            if self.role is Role.CUSTOMER:
                self._timers[_Timer.UNVERIFIED] = now + self.limits.unverified_ms
            self._timers[_Timer.SILENT] = now + self.limits.silent_ms
            self._set_idle(now)
            return effects

        return self._step(Phase.CONNECTING, now_ms, go)

    def sas_chosen(self, right: bool, now_ms: int) -> list[Effect]:
        """The customer picked a number; the agent's copy is told the outcome."""

        def go(_now: int) -> list[Effect]:
            self._chosen = right
            return self._verify_if_both() if right else self._end(EndReason.SAS_MISMATCH, "customer")

        return self._step(Phase.UNVERIFIED, now_ms, go)

    def sas_claimed(self, same: bool, now_ms: int) -> list[Effect]:
        """The agent said whether the customer reported a match."""

        def go(_now: int) -> list[Effect]:
            self._claimed = same
            return self._verify_if_both() if same else self._end(EndReason.SAS_MISMATCH, "agent")

        return self._step(Phase.UNVERIFIED, now_ms, go)

    def go_on_unverified(self, now_ms: int) -> list[Effect]:
        """The customer answered "go on, looking only, unverified"."""
        return self._answer(_Timer.ASKED_UNVERIFIED, now_ms)

    def confirmed(self, now_ms: int) -> list[Effect]:
        """The customer answered "continue"."""
        effects = self._answer(_Timer.ASKED_CONTINUE, now_ms)
        if self.live and Effect.PHASE in effects:
            self._timers[_Timer.CONFIRM] = self._now_ms + self.limits.confirm_ms
        return effects

    def pause(self, cause: str, now_ms: int) -> list[Effect]:
        """Hold the picture. `cause` is "customer", "agent" or "system" (locked screen and the like)."""
        effects = self.tick(now_ms)
        if not self.live or cause in self._pause_causes:
            return effects
        first = not self.paused
        self._pause_causes.add(cause)
        if first:
            life = self.limits.paused_ms
            self._timers[_Timer.PAUSED] = self._now_ms + life
            self._timers[_Timer.PAUSE_SOON] = self._now_ms + max(life - self.limits.idle_warning_ms, life // 2)
            effects.append(Effect.PAUSED)
        return effects

    def resume(self, cause: str, now_ms: int) -> list[Effect]:
        """Let the picture go on. Only the customer lifts a person's pause; "system" lifts its own."""
        effects = self.tick(now_ms)
        if not self.live or not self.paused or cause not in ("customer", "system"):
            return effects
        self._pause_causes -= {"customer", "agent"} if cause == "customer" else {"system"}
        if not self._pause_causes:
            for timer in (_Timer.PAUSED, _Timer.PAUSE_SOON):
                self._timers.pop(timer, None)
            effects.append(Effect.RESUMED)
        return effects

    def heard(self, now_ms: int, silent_ms: int) -> list[Effect]:
        """The child says that the last packet of the peer came `silent_ms` ago."""
        effects = self.tick(now_ms)
        if not self.live:
            return effects
        if silent_ms >= self.limits.silent_ms:
            return effects + self._lose()
        if self.lost and self._believe_from is not None and self._now_ms - silent_ms < self._believe_from:
            return effects  # it came before the network changed
        self._timers[_Timer.SILENT] = self._now_ms - max(silent_ms, 0) + self.limits.silent_ms
        if self.lost:
            self.lost = False
            self._timers.pop(_Timer.LOST, None)
            effects.append(Effect.BACK)
        return effects

    def cut(self, now_ms: int) -> list[Effect]:
        """The connection is known to be gone (child died, other end asks for a new one)."""
        effects = self.tick(now_ms)
        return effects + self._lose() if self.live else effects

    def doubted(self, now_ms: int) -> list[Effect]:
        """The network of this computer changed: the connection is taken for lost until a later packet proves it."""
        effects = self.tick(now_ms)
        if self.live and not self.lost:
            self._believe_from = self._now_ms + UNDER_WAY_MS
            effects += self._lose()
        return effects

    def agent_active(self, now_ms: int) -> list[Effect]:
        """The agent did something."""
        effects = self.tick(now_ms)
        if self.live:
            self._set_idle(self._now_ms)
        return effects

    def shorten(self, *, idle_ms: int, hard_ms: int, now_ms: int) -> None:
        """Take over the other end's limits where they are stricter than the own."""
        self._now_ms = max(self._now_ms, now_ms)
        self.limits = replace(
            self.limits, idle_ms=min(self.limits.idle_ms, idle_ms), hard_ms=min(self.limits.hard_ms, hard_ms)
        )
        if self.live and self.consented_ms is not None:
            self._timers[_Timer.LIMIT] = self.consented_ms + self.limits.hard_ms

    def end(self, reason: EndReason, by: str, now_ms: int) -> list[Effect]:
        """End, from any phase, once."""
        effects = self.tick(now_ms)
        return effects + self._end(reason, by)

    def tick(self, now_ms: int) -> list[Effect]:
        """Let every timer that is due act, in the order of their times."""
        self._now_ms = max(self._now_ms, now_ms)
        effects: list[Effect] = []
        while self._timers:
            timer, due = min(self._timers.items(), key=lambda item: item[1])
            if due > self._now_ms:
                break
            del self._timers[timer]
            effects += self._due(timer, due)
        return effects

    # --- inside ----------------------------------------------------------------------------------------------------

    def _step(self, needed: Phase, now_ms: int, go: Callable[[int], list[Effect]]) -> list[Effect]:
        effects = self.tick(now_ms)
        return effects + go(self._now_ms) if self.phase is needed else effects

    def _enter(self, phase: Phase, now: int, life_ms: int | None = None) -> list[Effect]:
        for timer in (_Timer.INVITED, _Timer.PROMPTED, _Timer.CONNECTING):
            self._timers.pop(timer, None)
        self.phase = phase
        if life_ms is not None:
            self._timers[_Timer(phase.value)] = now + life_ms
        return [Effect.PHASE]

    def _verify_if_both(self) -> list[Effect]:
        if not (self._chosen and self._claimed):
            return []
        for timer in (_Timer.UNVERIFIED, _Timer.ASKED_UNVERIFIED):
            self._timers.pop(timer, None)
        return self._enter(Phase.VERIFIED, self._now_ms)

    def _answer(self, timer: _Timer, now_ms: int) -> list[Effect]:
        effects = self.tick(now_ms)
        if self._timers.pop(timer, None) is not None:
            effects.append(Effect.PHASE)
        return effects

    def _set_idle(self, now: int) -> None:
        idle = self.limits.idle_ms
        self._timers[_Timer.IDLE] = now + idle
        self._timers[_Timer.IDLE_SOON] = now + max(idle - self.limits.idle_warning_ms, idle // 2)

    def _lose(self) -> list[Effect]:
        if self.lost:
            return []
        self.lost = True
        self._timers.pop(_Timer.SILENT, None)
        self._timers[_Timer.LOST] = self._now_ms + self.limits.lost_ms
        return [Effect.LOST]

    def _end(self, reason: EndReason, by: str) -> list[Effect]:
        if self.phase is Phase.ENDED:
            return []
        self.phase, self.reason, self.ended_by, self.ended_ms = Phase.ENDED, reason, by, self._now_ms
        self.lost = False
        self._pause_causes.clear()
        self._timers.clear()
        return [Effect.ENDED]

    def _due(self, timer: _Timer, due: int) -> list[Effect]:
        if timer in _ENDS:
            return self._end(_ENDS[timer], "system")
        if timer is _Timer.SILENT:
            # nobody reports, or this computer slept: then the child's silence does not count the sleep
            self._believe_from = self._now_ms
            return self._lose()
        if timer in (_Timer.IDLE_SOON, _Timer.PAUSE_SOON):
            return [Effect(timer.value)]
        # Counted from the due time, not from now: a computer that slept through the question was silent.
        if timer is _Timer.UNVERIFIED:
            self._timers[_Timer.ASKED_UNVERIFIED] = due + self.limits.question_ms
            return [Effect.ASK_UNVERIFIED]
        self._timers[_Timer.ASKED_CONTINUE] = due + self.limits.question_ms
        return [Effect.ASK_CONTINUE]
