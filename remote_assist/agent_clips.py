# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of the clipboard: a text waits here for the customer's yes; one that was asked for comes here."""

from __future__ import annotations

from typing import Any

from app.domain.assist import Scope
from remote_assist import messages as wire
from remote_assist.actions import Action, ClipArrived, ClipGiven
from remote_assist.agent_wishes import AgentWishes
from remote_assist.clips import BadClip
from remote_assist.end_clips import EndClips, givable

__all__ = ["AgentClips"]

_GIVES = Scope.CLIPBOARD_TO_CUSTOMER
_TAKES = Scope.CLIPBOARD_TO_AGENT


class AgentClips(EndClips, AgentWishes):
    """Nothing here is a right: the customer's end checks everything again."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `AgentWishes`."""
        super().__init__(*args, **more)
        self._clip_waits = ""  # for the customer's answer
        self._clip_came = False  # with the grant that stands now

    def offer_clip(self, text: str, why: str = "") -> list[Action]:
        """Ask whether this text may be put on the customer's clipboard; it leaves when the customer allows it."""
        text = givable(text)
        if not text or self._clip_out or self._clip_waits:
            return self._flush()
        if _GIVES in self._grants:
            self._give_clip(text)
            return self._flush()
        self._clip_waits = text
        actions = self.request(_GIVES, why)
        self._follow()
        return actions + self._flush()

    def _follow(self) -> None:
        """What waits goes when it may, and is forgotten when it may not."""
        if self._clip_waits and _GIVES in self._grants:
            text, self._clip_waits = self._clip_waits, ""
            self._give_clip(text)
        elif self._clip_waits and _GIVES not in self._ask_book.waiting:
            self._clip_waits = ""
        if _GIVES not in self._grants:
            self._clip_over(ok=False)
        if _TAKES not in self._grants:
            self._clip_came = False

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Grants | wire.Refused):
            self._follow()

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        self._follow()

    def _clip_answered(self, *, ok: bool) -> None:
        if self._clip_out:
            self._ask_book.used(_GIVES)
        self._clip_over(ok=ok)

    def _clip_part(self, part: wire.ClipPart) -> None:
        asked = _TAKES in self._grants or _TAKES in self._ask_book.waiting
        if not asked or self._clip_came:
            return  # nobody asked for it, or it came twice
        try:
            text = self._clip_in.take(part.part, part.of, part.data)
        except BadClip:
            self._say(wire.ClipEnd(False))
            return
        if text is not None:
            self._clip_came = True
            self._ask_book.used(_TAKES)
            self._out.append(ClipArrived(text))
            self._say(wire.ClipEnd(True))

    def _before_end(self) -> None:
        if self._clip_waits:
            self._clip_waits = ""
            self._out.append(ClipGiven(False))
        super()._before_end()
