# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of the clipboard: one text for each grant, in one direction, by a click, and never by itself.

The record has the direction and the length, neither the text nor a mark of it.
"""

from __future__ import annotations

from app.domain.assist import EntryType, Scope
from remote_assist import messages as wire
from remote_assist.actions import Action, ClipArrived, ScopeSettled
from remote_assist.clips import BadClip
from remote_assist.customer_scopes import CustomerScopes
from remote_assist.end_clips import EndClips, givable

__all__ = ["CustomerClips"]

_GIVES = Scope.CLIPBOARD_TO_AGENT
_TAKES = Scope.CLIPBOARD_TO_CUSTOMER


class CustomerClips(EndClips, CustomerScopes):
    """A grant towards the customer is spent by the text that comes; one towards the agent is given with its text."""

    def give_clip(self, text: str) -> list[Action]:
        """The customer's click on sending exactly this text, which was on the screen."""
        self._on_tick(self._now)  # a question that is over was answered by silence
        machine = self._machine
        if machine is None or _GIVES not in self._scope_asks or givable(text) != text or not text:
            return self._flush()
        del self._scope_asks[_GIVES]
        self._out.append(ScopeSettled(_GIVES))
        if self._book.possible(_GIVES, machine.phase):
            self._note(EntryType.GRANT, "customer", {"scope": _GIVES.value})
            self._book.give(_GIVES, machine.phase)
            self._fell_at.pop(_GIVES, None)
            self._tell_grants()
            self._note_clip("to_agent", text)
            self._give_clip(text)
        return self._flush()

    def _note_clip(self, way: str, text: str) -> None:
        by = "customer" if way == "to_agent" else "agent"
        self._note(EntryType.CLIPBOARD, by, {"dir": way, "length": len(text)})

    def _clip_part(self, part: wire.ClipPart) -> None:
        machine = self._machine
        if machine is None or not self._book.allows(_TAKES, machine.phase, flowing=machine.flowing):
            self._on_violation("clip")
            return
        try:
            text = self._clip_in.take(part.part, part.of, part.data)
        except BadClip as error:
            self._on_violation(f"clip {error}")
            self._say(wire.ClipEnd(False))
            self._spend(_TAKES)
            return
        if text is not None:
            self._note_clip("to_customer", text)
            self._out.append(ClipArrived(text))
            self._say(wire.ClipEnd(True))
            self._spend(_TAKES)
            self._apply(machine.agent_active(self._now))

    def _clip_answered(self, *, ok: bool) -> None:
        if self._clip_over(ok=ok):
            self._spend(_GIVES)

    def _tell_grants(self, *, show: bool = True) -> None:
        super()._tell_grants(show=show)
        if _TAKES not in self._book.live:
            self._clip_in.forget()
        if _GIVES not in self._book.live:
            self._clip_over(ok=False)
