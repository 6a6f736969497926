# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of mouse and keyboard: the broker of every deed, before the desktop itself is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.domain.assist import EntryType, Scope
from app.domain.capture import window_number
from app.domain.control import Deed, Key, MoveTo, Press, Wheel
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action
from remote_assist.control_actions import Inject, LetGo, ShareNow
from remote_assist.control_rules import Pictures, to_pixel
from remote_assist.customer_scopes import CustomerScopes
from remote_assist.input_hands import Sharing
from remote_assist.input_messages import Inp, deed_of
from remote_assist.marks import Bucket
from remote_assist.session import Effect

__all__ = ["CustomerControl"]

_RATE: Final = (200, 600)  # a second, and at once when three seconds of it were held up on the way
_COUNTED: Final = ("moves", "presses", "turns", "keys")


class CustomerControl(CustomerScopes):
    """Everything is checked against this end's own state; the message says only what the agent would like."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `CustomerCore`."""
        super().__init__(*args, **more)
        self._pictures = Pictures()
        self._input_rate = Bucket(*_RATE)
        self._input_seq = -1
        self._control_since: int | None = None
        self._done_before: Mapping[str, int] = {}
        self._done: Mapping[str, int] = {}
        self._last_spot: tuple[int, int] | None = None
        self._place_of = ""
        self._own_hands = False
        self._hands_know: Sharing | None = None  # None when nothing of the agent's can wait there

    # --- for the host ----------------------------------------------------------------------------------------------

    def note_control(self, counts: Mapping[str, int]) -> None:
        """How many deeds of each kind were carried out in this session, by name."""
        self._done = dict(counts)

    def note_own_hands(self, on: bool) -> list[Action]:
        """The customer's own mouse or keyboard keeps the agent's away, or no longer: the agent is told, no more."""
        on = on and Scope.CONTROL in self._book.live
        if on != self._own_hands:
            self._own_hands = on
            if self.view.live:
                self._say(wire.OwnHands(on))
        return self._flush()

    # --- what the agent does ---------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, Inp):
            self._on_input(message)

    def _on_input(self, message: Inp) -> None:
        machine, now = self._machine, self._now
        if machine is None:
            return
        if not self._book.allows(Scope.CONTROL, machine.phase, flowing=machine.flowing):
            self._on_violation("inp")
            return
        if message.seq <= self._input_seq or not self._input_rate.take(now):
            self._on_violation("inp order" if message.seq <= self._input_seq else "inp rate")
            return
        self._input_seq = message.seq
        sharing = self._sharing
        if sharing is not None and self._inject(deed_of(message), message.frame_id, sharing):
            self._apply(machine.agent_active(now))

    def _inject(self, deed: Deed, frame_id: int, sharing: Sharing) -> bool:
        """Hand a deed on if it may take effect. What lets go always may, wherever the mouse is and whatever shows."""
        fresh = self._pictures.is_fresh(frame_id, self._now)
        lets_go = isinstance(deed, Press | Key) and not deed.down
        if isinstance(deed, MoveTo | Press | Wheel):
            x, y = to_pixel(deed.x, deed.y, sharing.rect)
            free = fresh and not self.masks.covers((x, y))
            last = (x, y) if free else self._last_spot if lets_go else None
            if last is None:
                return False
            x, y = self._last_spot = last
            if isinstance(deed, Press) and lets_go and free:
                self._out.append(Inject(MoveTo(x, y), sharing))
            deed = _moved(deed, x, y)
        elif (self.masks.hold or not fresh) and not lets_go:
            return False
        self._out.append(Inject(deed, sharing))
        self._hands_know = sharing
        return True

    def _flush(self) -> list[Action]:
        """Whatever changed: the hands hear first what is shared and hidden now, for text takes seconds to be typed."""
        if self._hands_know is not None and (sharing := self._sharing) != self._hands_know:
            self._out.insert(0, LetGo() if sharing is None else ShareNow(sharing))
            self._hands_know = sharing
        return super()._flush()

    @property
    def _sharing(self) -> Sharing | None:
        """What the customer chose, and where the child says that it is; the desktop itself is asked at each deed."""
        chosen = self._chosen
        if chosen is None or chosen.target.kind == "drawn":
            return None
        window = window_number(chosen.target.id) if chosen.target.kind == "window" else None
        hidden = (*self.masks.drawn, *self.masks.found)
        left, top, width, height = chosen.target.rect
        if chosen.region is not None:
            left, top, width, height = left + chosen.region[0], top + chosen.region[1], *chosen.region[2:]
        if window is not None and self._place is not None and self._place_of == chosen.target.id:
            left, top, width, height = self._place
        if width <= 0 or height <= 0:
            return None
        return Sharing((left, top, width, height), window, chosen.target.id, chosen.region, hidden)

    # --- begin and end ---------------------------------------------------------------------------------------------

    def _tell_grants(self, *, show: bool = True) -> None:
        if Scope.CONTROL in self._book.live and self._control_since is None:
            self._control_since = self._now
            self._done_before = self._done
            self._note(EntryType.CONTROL, "customer", {"on": True})
        super()._tell_grants(show=show)

    def _on_fallen(self, fallen: tuple[Scope, ...]) -> None:
        if Scope.CONTROL in fallen:
            self._own_hands = False  # the agent hears that control is over
            self._hands_know = None
            self._out.append(LetGo())
            self._sum_up()
        super()._on_fallen(fallen)

    def _sum_up(self) -> None:
        """Write down how much the agent did; what it was stays out of the record."""
        if self._control_since is None:
            return
        seconds, self._control_since = (self._now - self._control_since) // 1000, None
        counts = {name: self._done.get(name, 0) - self._done_before.get(name, 0) for name in _COUNTED}
        self._note(EntryType.CONTROL, "agent", {"on": False, "seconds": seconds, **counts})

    def _tell_source(self, *, preview: bool) -> None:
        """Another target, or a child that begins anew: the agent has seen nothing of it yet."""
        self._let_go()
        self._pictures.forget()
        self._last_spot = None
        super()._tell_source(preview=preview)

    def _let_go(self) -> None:
        self._hands_know = None
        if self._control_since is not None:
            self._out.append(LetGo())

    def _on_effect(self, effect: Effect) -> None:
        if effect in (Effect.PAUSED, Effect.LOST):
            self._let_go()
        super()._on_effect(effect)

    def _on_connected(self) -> None:
        super()._on_connected()
        if self._own_hands:
            self._say(wire.OwnHands(True))

    def _before_end(self) -> None:
        self._let_go()
        self._sum_up()
        super()._before_end()

    def _on_other(self, message: child.FromChild) -> None:
        if isinstance(message, child.PictureLeft):
            self._pictures.left(message.frame_id, self._now, changed=message.changed)
        elif isinstance(message, child.Place) and self._chosen is not None:
            self._place_of = self._chosen.target.id
        super()._on_other(message)


def _moved(deed: MoveTo | Press | Wheel, x: int, y: int) -> Deed:
    match deed:
        case MoveTo():
            return MoveTo(x, y)
        case Press():
            return Press(x, y, deed.button, deed.down)
    return Wheel(x, y, deed.dx, deed.dy)
