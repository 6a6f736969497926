# SPDX-License-Identifier: GPL-3.0-or-later
"""Clipboard and chat of the agent's sessions: texts for the windows, and the chat on the ticket at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.config.i18n import _
from app.domain.changes import AnyChange, NoteAdd
from app.domain.ids import new_id
from app.domain.plain_text import ChatLine
from app.services.texts import polite
from remote_assist import actions as act
from remote_assist.agent_end import AgentEnd
from widgets.foundation import fmt
from widgets.remote.ports import SessionScreen

__all__ = ["SessionTalkDesk", "TalkControls", "transcripts"]

_NOTE_BYTES = 16_000


class SessionTalkDesk:
    """What a session does with texts."""

    def __init__(
        self, screen: SessionScreen, customer: str, ticket: bytes, record: Callable[[AnyChange], None]
    ) -> None:
        self._screen, self._customer, self._ticket, self._record = screen, customer, ticket, record
        self._lines: tuple[ChatLine, ...] = ()
        self._kept = False

    def take(self, action: object) -> bool:
        """Carry out an action of clipboard or chat; False for any other."""
        if isinstance(action, act.ChatChanged):
            self._lines = action.lines
            self._screen.show_chat(action.lines, open_=action.open)
        elif isinstance(action, act.ClipArrived):
            self._screen.show_clip(action.text)
        elif isinstance(action, act.ClipGiven):
            self._screen.show_given(ok=action.ok)
        else:
            return False
        return True

    def ended(self) -> None:
        """Keep what was written as notes of staff on the ticket, once."""
        if not self._kept:
            self._kept = True
            for text in transcripts(self._lines, self._customer):
                self._record(NoteAdd(new_id(), new_id(), self._ticket, text))


class TalkControls:
    """A session's part of it; see `app.entry.agent_session.AgentSession`."""

    _end_: AgentEnd | None

    def say_chat(self, text: str) -> None:
        """Write to the customer."""
        if self._end_ is not None:
            self._perform(self._end_.say_chat(text))

    def offer_clip(self, text: str, why: str = "") -> None:
        """Ask whether this text may be put on the customer's clipboard; when allowed it is."""
        if self._end_ is not None:
            self._perform(self._end_.offer_clip(text, why))

    def _perform(self, actions: Sequence[act.Action]) -> None:
        raise NotImplementedError


def transcripts(lines: Sequence[ChatLine], customer: str) -> Iterator[str]:
    """Yield the chat as texts for notes, each no longer than a note may be."""
    head = _("Chat during the screen sharing")
    text = head
    for line in lines:
        who = _("Agent") if line.mine else polite(customer)
        said = f"{fmt.time_of_day(line.at_ms)} {who}: {line.text}"
        if not line.sent:
            said += " " + _("(did not get there)")
        if len(text.encode()) + len(said.encode()) > _NOTE_BYTES:
            yield text
            text = _("Chat during the screen sharing, continued")
        text += "\n\n" + said
    if text != head:
        yield text
