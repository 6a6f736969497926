# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end beyond looking: asks for scopes, points and draws, and follows the customer's cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.domain.assist import WHY_MAX, Notice, Phase, Scope, SessionView
from app.domain.marks import MARK_POINTS_MAX, MARKS_MAX, UNIT, Mark, Marks
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, CursorDrawn, CursorMoved, MarksChanged, Notify
from remote_assist.agent_asks import AskBook
from remote_assist.agent_core import AgentCore
from remote_assist.marks import POINTER_LIFE_MS, MarkBoard
from remote_assist.session import Effect

__all__ = ["AgentWishes"]

OWN_MARKS_MAX: Final = MARKS_MAX // 2  # what goes by itself there may go later than here
_REPEAT_MS: Final = POINTER_LIFE_MS // 3


class AgentWishes(AgentCore):
    """Nothing here is a right: the customer's end checks everything again."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `AgentCore`."""
        super().__init__(*args, **more)
        self._ask_book = AskBook()
        self._why: dict[Scope, str] = {}
        self._board = MarkBoard()
        self._pointer: wire.Pointer | None = None
        self._pointer_due: int | None = None
        self._cursor_us = -1

    # --- the agent's deeds -----------------------------------------------------------------------------------------

    def request(self, scope: Scope, why: str = "") -> list[Action]:
        """Ask the customer for a scope. `view.asks` says when that is possible and what came of it."""
        if self._ask_book.ask(scope, self.view.phase, self._now):
            self._why[scope] = why[:WHY_MAX]
            self._say(wire.Request(scope, self._why[scope]))
        return self._flush()

    def point(self, at: tuple[int, int] | None) -> list[Action]:
        """Show the customer where the agent points, x and y from 0 to UNIT; None takes the pointer away."""
        if self._may_mark and (at is not None or self._pointer is not None):
            last = self._pointer
            if at is not None:
                self._pointer = wire.Pointer(_step(at[0]), _step(at[1]), visible=True)
            elif last is not None:
                self._pointer = wire.Pointer(last.x, last.y, visible=False)
            self._send_pointer()
        return self._flush()

    def draw(self, mark: Mark) -> list[Action]:
        """Show a drawing on the customer's screen, or another form of one with the same id."""
        if self._may_mark and mark.points:
            points = [(_step(x), _step(y)) for x, y in mark.points[:MARK_POINTS_MAX]]
            drawn = {shown.id for shown in self._board.shown.drawn}
            if mark.id not in drawn and len(drawn) >= OWN_MARKS_MAX:
                self._take_away(min(drawn))
            if self._board.add(mark, self._now):
                self._mark(wire.AddMark(mark.id, mark.kind, points, mark.colour, mark.ttl_s))
                self._tell_marks()
        return self._flush()

    def unmark(self, mark_id: int) -> list[Action]:
        """Take one drawing away."""
        if self._may_mark:
            self._take_away(mark_id)
            self._tell_marks()
        return self._flush()

    def clear_marks(self) -> list[Action]:
        """Take all drawings and the pointer away."""
        if self._may_mark:
            self._mark(wire.ClearMarks())
        self._forget_marks()
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def view(self) -> SessionView:
        """The state as windows show it, with what may be asked for."""
        view = super().view
        return view if view.phase is Phase.ENDED else replace(view, asks=self._ask_book.states(view.phase))

    @property
    def _may_mark(self) -> bool:
        return self._machine is not None and self._machine.flowing and Scope.POINTER in self._grants

    def _send_pointer(self) -> None:
        if self._pointer is not None:
            self._tell(child.Send("ptr", wire.encode(self._pointer)))
            self._pointer_due = self._now + _REPEAT_MS if self._pointer.visible else None

    def _mark(self, message: wire.Ann) -> None:
        self._tell(child.Send("ann", wire.encode(message)))

    def _take_away(self, mark_id: int) -> None:
        if self._board.remove(mark_id, self._now):
            self._mark(wire.RemoveMark(mark_id))

    def _tell_marks(self) -> None:
        self._out.append(MarksChanged(self._board.shown))

    def _forget_marks(self) -> None:
        self._pointer = self._pointer_due = None
        if self._board.clear():
            self._out.append(MarksChanged(Marks()))

    # --- what the customer says ------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Grants):
            self._ask_book.granted(self._grants)
            if Scope.POINTER not in self._grants:
                self._forget_marks()
        elif isinstance(message, wire.Refused):
            self._ask_book.refused(message.scope, self._now)
            if message.why == "policy":
                self._ask_book.forbid((message.scope,), "customer")
        elif isinstance(message, wire.Limits):
            self._ask_book.forbid(message.forbidden, "customer")
        elif isinstance(message, wire.Target):
            self._forget_marks()
        elif isinstance(message, wire.Cursor):
            self._on_cursor(message)
        elif isinstance(message, wire.CursorImage):
            self._out.append(CursorDrawn(message.id, message.hot, message.w, message.h, message.bgra))

    def _on_cursor(self, message: wire.Cursor) -> None:
        if message.us > self._cursor_us and self._machine is not None and self._machine.flowing:
            self._cursor_us = message.us  # the channel keeps no order: the newest wins
            self._out.append(CursorMoved((message.x, message.y) if message.visible else None, message.shape))

    def _on_join(self, raw: bytes) -> None:
        super()._on_join(raw)
        if self._invitation is not None:
            allowed = (scope for scope in Scope if scope.value in self._invitation.scopes_max)
            self._ask_book.offer(allowed, self._supported)
        if self._request is not None:
            self._ask_book.forbid(self._request.forbidden, "agent")

    def _on_line(self) -> None:
        super()._on_line()
        for scope in self._ask_book.waiting:  # the question may have been lost with the old connection
            self._say_wish(scope)

    def _say_wish(self, scope: Scope) -> None:
        self._say(wire.Request(scope, self._why.get(scope, "")))

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect in (Effect.PAUSED, Effect.LOST):
            self._forget_marks()
            self._out.append(CursorMoved(None, 0))

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._ask_book.deadline_ms, self._board.deadline_ms, self._pointer_due]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        for scope in self._ask_book.tick(now):
            self._out.append(Notify(Notice.REFUSED, scope.value))
        if self._board.tick(now):
            self._tell_marks()
        if self._pointer_due is not None and now >= self._pointer_due:
            self._send_pointer()

    def _before_end(self) -> None:
        self._ask_book.end()
        self._forget_marks()
        super()._before_end()


def _step(value: int) -> int:
    return min(max(value, 0), UNIT)
