# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends share about the clipboard: one text on its way out, sent again on a further connection, and parts in.

Who may send and what a text does is in `customer_clips` and `agent_clips`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from app.domain.assist import Role
from app.domain.plain_text import fits_clipboard, tidied
from remote_assist import child_protocol as child
from remote_assist import clips
from remote_assist import messages as wire
from remote_assist.actions import ClipGiven
from remote_assist.end_link import EndLink
from remote_assist.session import Effect

__all__ = ["EndClips", "givable"]

_ARRIVE_MS: Final = 180_000  # a text that the other end has not got by then does not come any more
_AGAIN_MS: Final = 1_000
_AT_ONCE: Final = 8  # parts that may wait in the child; each that leaves calls the next


def givable(text: str) -> str:
    """Return the text as it may be given, or "" when there is nothing, or too much, to give."""
    tidy = tidied(text)
    return tidy if fits_clipboard(tidy) else ""


class EndClips(EndLink):
    """One text at a time. The other end answers `clipend`; until then it is sent anew on every new beginning."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `EndLink`."""
        super().__init__(*args, **more)
        self._clip_in = clips.ClipReader()
        self._clip_out = b""
        self._clip_feed: Iterator[bytes] = iter(())
        self._clip_until: int | None = None
        self._clip_again: int | None = None

    def _give_clip(self, text: str) -> None:
        self._clip_out, self._clip_until = text.encode(), self._now + _ARRIVE_MS
        self._send_clip()

    def _send_clip(self) -> None:
        """Send all of it, from the beginning: the other end may have seen a part, or nothing."""
        self._clip_again = None
        if self._clip_out and self._machine is not None and self._machine.flowing:
            way: Literal["to_customer", "to_agent"] = "to_customer" if self.role is Role.AGENT else "to_agent"
            self._say(wire.Clip(way, clips.count(self._clip_out)))
            self._clip_feed = clips.parts(self._clip_out)
            for _ in range(_AT_ONCE):
                self._feed_clip()

    def _feed_clip(self) -> None:
        data = next(self._clip_feed, None)
        if data is not None:
            self._tell(child.Send("clip", data))

    def _clip_over(self, *, ok: bool) -> bool:
        """Nothing is on its way any more; tell the person what became of it. False: nothing was."""
        if not self._clip_out:
            return False
        self._clip_out, self._clip_feed = b"", iter(())
        self._clip_until = self._clip_again = None
        self._out.append(ClipGiven(ok))
        return True

    def _clip_answered(self, *, ok: bool) -> None:
        """The other end has the text, or cannot take it; or nothing was heard of it for long."""
        self._clip_over(ok=ok)

    def _clip_part(self, part: wire.ClipPart) -> None:
        """A part came."""

    # --- what happens by itself ------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.ClipPart):
            self._clip_part(message)
        elif isinstance(message, wire.ClipEnd):
            self._clip_answered(ok=message.ok)

    def _on_other(self, message: child.FromChild) -> None:
        super()._on_other(message)
        if isinstance(message, child.Sent) and message.channel == "clip":
            self._feed_clip()

    def _on_fault(self, message: child.Fault) -> None:
        super()._on_fault(message)
        if message.code == "not_sent" and message.detail == "clip" and self._clip_out:
            self._clip_feed, self._clip_again = iter(()), self._now + _AGAIN_MS

    def _on_line(self) -> None:
        super()._on_line()
        self._send_clip()

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect in (Effect.RESUMED, Effect.BACK):
            self._send_clip()

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._clip_until, self._clip_again]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        if self._clip_until is not None and now >= self._clip_until:
            self._clip_answered(ok=False)
        if self._clip_again is not None and now >= self._clip_again:
            self._send_clip()

    def _before_end(self) -> None:
        self._clip_in.forget()
        self._clip_over(ok=False)
        super()._before_end()
