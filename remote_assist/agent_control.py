# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of mouse and keyboard: at most 200 deeds a second, moves that wait become one."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from app.domain.assist import Phase, Scope
from app.domain.control import Deed, Key, MoveTo, Press
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action
from remote_assist.agent_wishes import AgentWishes
from remote_assist.control_actions import OwnHands
from remote_assist.input_messages import encode, from_deed
from remote_assist.marks import Bucket
from remote_assist.session import Effect

__all__ = ["AgentControl"]

QUEUE_MAX: Final = 64
_RATE: Final = (200, 8)  # a second, at once
_NEXT_MS: Final = 5


class AgentControl(AgentWishes):
    """Nothing here is a right: the customer's end checks everything again."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `AgentCore`."""
        super().__init__(*args, **more)
        self._deeds: deque[tuple[Deed, int]] = deque()
        self._deed_rate = Bucket(*_RATE)
        self._deed_seq = 0
        self._deeds_due: int | None = None
        self._down: dict[tuple[str, int], Deed] = {}
        self._own_hands = False

    # --- the agent's deeds -----------------------------------------------------------------------------------------

    def steer(self, deed: Deed, frame_id: int) -> list[Action]:
        """Do this on the customer's screen, as an answer to the picture with this number."""
        if self._may_steer:
            self._put(deed, frame_id)
            self._drain()
        return self._flush()

    def let_go(self) -> list[Action]:
        """The agent's hands are elsewhere: whatever is held down there goes up."""
        if self._may_steer:
            for up in list(self._down.values()):
                self._put(up, 0)
            self._drain()
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def _may_steer(self) -> bool:
        machine = self._machine
        verified = machine is not None and machine.phase is Phase.VERIFIED and machine.flowing
        return verified and Scope.CONTROL in self._grants

    def _put(self, deed: Deed, frame_id: int) -> None:
        waiting = self._deeds
        if isinstance(deed, MoveTo) and waiting and isinstance(waiting[-1][0], MoveTo):
            waiting.pop()
        if isinstance(deed, Press | Key):
            name = ("key", deed.code) if isinstance(deed, Key) else ("button", deed.button)
            if not deed.down and self._down.pop(name, None) is None:
                return  # its press was never sent
            if deed.down and len(waiting) < QUEUE_MAX:
                self._down[name] = _up(deed)
        if len(waiting) < QUEUE_MAX or (isinstance(deed, Press | Key) and not deed.down):
            waiting.append((deed, frame_id))

    def _drain(self) -> None:
        while self._deeds and self._deed_rate.take(self._now):
            deed, frame_id = self._deeds.popleft()
            self._deed_seq += 1
            self._tell(child.Send("inp", encode(from_deed(deed, self._deed_seq, frame_id))))
        self._deeds_due = self._now + _NEXT_MS if self._deeds else None

    def _show_own_hands(self, on: bool) -> None:
        if on != self._own_hands:
            self._own_hands = on
            self._out.append(OwnHands(on))

    def _forget_deeds(self) -> None:
        self._show_own_hands(False)
        self._deeds.clear()
        self._down.clear()
        self._deeds_due = None

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Target) or (isinstance(message, wire.Grants) and not self._may_steer):
            self._forget_deeds()
        if isinstance(message, wire.OwnHands):
            self._show_own_hands(message.on and self._may_steer)

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect in (Effect.PAUSED, Effect.LOST):
            self._forget_deeds()

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._deeds_due]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        if self._deeds_due is not None and now >= self._deeds_due:
            self._drain()

    def _before_end(self) -> None:
        self._forget_deeds()
        super()._before_end()


def _up(deed: Press | Key) -> Deed:
    if isinstance(deed, Press):
        return Press(deed.x, deed.y, deed.button, down=False)
    return Key(deed.code, deed.char, down=False)
