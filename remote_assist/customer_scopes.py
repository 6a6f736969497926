# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end beyond looking: the agent's requests, their answers, and what a grant then shows.

Every effect is checked here against the grants of this end; what the child lets pass is only a first sieve.
"""

from __future__ import annotations

from typing import Final

from app.domain.assist import EntryType, Notice, Scope
from app.domain.marks import Mark, Marks
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import AskScope, MarksChanged, Notify, ScopeSettled, TargetMoved
from remote_assist.customer_link import CustomerLink
from remote_assist.grants import ASK_ANSWER_MS
from remote_assist.session import Effect

__all__ = ["LATE_MS", "CustomerScopes"]

LATE_MS: Final = 5_000  # what the agent sent before it knew that a grant fell or the picture was held is no violation
_REQUESTS_MAX: Final = 3
_FAR: Final = 65_536
_FLOW = (Effect.PAUSED, Effect.RESUMED, Effect.LOST, Effect.BACK)


class CustomerScopes(CustomerLink):
    """Asks the customer for more, and shows what was allowed. Grants come from `CustomerEnd.grant` alone."""

    # --- what the agent wants --------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Request):
            self._on_request(message)
        elif isinstance(message, wire.Pointer | wire.AddMark | wire.RemoveMark | wire.ClearMarks):
            self._on_marks(message)

    def _on_request(self, request: wire.Request) -> None:
        """Ask the customer, unless it is impossible now or was asked too often: then it is a no at once."""
        scope, now = request.scope, self._now
        if scope in self._scope_asks:
            return  # the agent repeats it on a new connection; the question still stands
        if scope in self._book.live:
            self._say(wire.Grants(self._book.seq, list(self._book.live)))
            return
        if not self._book.may_ask(scope, self.view.phase, now):
            self._refuse_at_once(scope)
            return
        self._book.asked(scope)
        self._scope_asks[scope] = now + ASK_ANSWER_MS
        self._out.append(AskScope(scope, request.why, self._scope_asks[scope]))

    def _refuse_at_once(self, scope: Scope) -> None:
        """Nobody is asked, but it stands on the record; who goes on asking breaks the rules."""
        policy = scope in self._identity.forbidden
        asked = self._requests[scope] = self._requests.get(scope, 0) + 1
        if asked > _REQUESTS_MAX:
            self._on_violation("request")
        else:
            self._note(EntryType.REFUSAL, "system", {"scope": scope.value} | ({"policy": True} if policy else {}))
            self._say(wire.Refused(scope, "policy" if policy else ""))
            if policy:
                self._out.append(Notify(Notice.FORBIDDEN, scope.value))

    def _refuse_scope(self, scope: Scope, by: str, at_ms: int) -> None:
        """A click on no, or silence. Written before the agent hears of it."""
        if self._scope_asks.pop(scope, None) is None:
            return
        self._book.refused(scope, at_ms)
        self._note(EntryType.REFUSAL, by, {"scope": scope.value})
        self._say(wire.Refused(scope))
        self._out.append(ScopeSettled(scope))

    def _on_fallen(self, fallen: tuple[Scope, ...]) -> None:
        """What the customer took back does nothing any more; it is on the record, and child and agent know."""
        if Scope.POINTER in fallen:
            self._clear_marks()

    def _spend(self, scope: Scope) -> None:
        """A grant that covers one deed has done its work: it falls without anybody having taken it back."""
        if self._book.revoke(scope):
            self._fell_at[scope] = self._now
            if self._record is not None:
                self._record.spent(scope)
            self._tell_grants()

    # --- what a grant shows ----------------------------------------------------------------------------------------

    def _on_marks(self, message: wire.Pointer | wire.AddMark | wire.RemoveMark | wire.ClearMarks) -> None:
        machine, now = self._machine, self._now
        if machine is None:
            return
        flowing = machine.flowing
        if not self._book.allows(Scope.POINTER, machine.phase, flowing=flowing):
            self._on_violation("ptr" if isinstance(message, wire.Pointer) else "ann")
            return
        before = self._board.shown
        if isinstance(message, wire.Pointer):
            self._board.point((message.x, message.y) if message.visible else None, now)
        elif isinstance(message, wire.AddMark):
            points = tuple((x, y) for x, y in message.points)
            if not self._board.add(Mark(message.id, message.kind, points, message.colour, message.ttl), now):
                self._on_violation("ann number")
        elif isinstance(message, wire.RemoveMark):
            self._board.remove(message.id, now)
        else:
            self._board.clear()
        if self._board.shown != before:
            self._tell_marks()
            self._apply(machine.agent_active(now))  # a pointer that holds still is repeated; that is no activity

    def _tell_marks(self) -> None:
        self._out.append(MarksChanged(self._board.shown))

    def _clear_marks(self) -> None:
        if self._board.clear():
            self._out.append(MarksChanged(Marks()))

    # --- what happens by itself ------------------------------------------------------------------------------------

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._board.deadline_ms, *self._scope_asks.values()]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        for scope, deadline in list(self._scope_asks.items()):
            if now >= deadline:
                self._refuse_scope(scope, "system", deadline)
        if self._board.tick(now):
            self._tell_marks()

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect in _FLOW:
            self._flow_changed_at = self._now
            self._clear_marks()

    def _on_violation(self, what: str) -> None:
        scope = wire.CHANNEL_SCOPE.get(what)
        if scope is not None:
            fell = self._fell_at.get(scope, self._flow_changed_at if scope in self._book.live else None)
            lost = self._machine is not None and self._machine.lost and scope in self._book.live
            if lost or (fell is not None and self._now - fell < LATE_MS):
                return
        super()._on_violation(what)

    def _before_end(self) -> None:
        for scope in list(self._scope_asks):
            del self._scope_asks[scope]
            self._out.append(ScopeSettled(scope))
        self._clear_marks()
        super()._before_end()

    def _on_other(self, message: child.FromChild) -> None:
        if isinstance(message, child.Place) and self.view.live:
            x, y, width, height = message.rect
            rect = (_near(x), _near(y), max(0, _near(width)), max(0, _near(height)))
            if rect != self._place:
                self._place = rect
                self._out.append(TargetMoved(rect))
        super()._on_other(message)


def _near(value: int) -> int:
    return min(max(value, -_FAR), _FAR)
