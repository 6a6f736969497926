# SPDX-License-Identifier: GPL-3.0-or-later
"""Chat of a session: what both wrote, numbered, so that nothing is shown twice and nothing is lost on a break. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.domain.assist import Role
from app.domain.plain_text import CHAT_CHARS_MAX, ChatLine, tidied
from remote_assist import messages as wire
from remote_assist.actions import Action, ChatChanged
from remote_assist.end_link import CHAT, EndLink
from remote_assist.session import Effect

__all__ = ["LINES_MAX", "WAITING_MAX", "ChatBook", "EndChat"]

LINES_MAX: Final = 500  # of each end, in one session
WAITING_MAX: Final = 20  # texts that the other end has not got yet


class ChatBook:
    """The texts of one session in the order in which this end saw them."""

    def __init__(self) -> None:
        self._lines: list[ChatLine] = []
        self._said = self._got = self._heard = 0

    @property
    def lines(self) -> tuple[ChatLine, ...]:
        """All texts, oldest first."""
        return tuple(self._lines)

    @property
    def heard_up_to(self) -> int:
        """The number of the other end's last text."""
        return self._heard

    def say(self, text: str, at_ms: int) -> bool:
        """Write a text; False for an empty one, one too many or one that is too long."""
        text = tidied(text).strip()
        if not 0 < len(text) <= CHAT_CHARS_MAX or self._said >= LINES_MAX or self._said - self._got >= WAITING_MAX:
            return False
        self._said += 1
        self._lines.append(ChatLine(True, self._said, text, at_ms, sent=False))
        return True

    def after(self, n: int) -> list[ChatLine]:
        """Return the own texts behind this number that the other end has not confirmed."""
        return [line for line in self._lines if line.mine and line.n > max(n, self._got)]

    def got(self, n: int) -> bool:
        """The other end has everything up to here; tell whether that is news."""
        n = min(n, self._said)
        if n <= self._got:
            return False
        self._got = n
        self._lines = [replace(line, sent=True) if line.mine and line.n <= n else line for line in self._lines]
        return True

    def heard(self, n: int, text: str, at_ms: int) -> bool:
        """The other end wrote; False for what is here already, out of its order, or one too many."""
        if n != self._heard + 1 or n > LINES_MAX:
            return False
        self._heard = n
        if text := tidied(text).strip():
            self._lines.append(ChatLine(False, n, text, at_ms))
        return True


class EndChat(EndLink):
    """Chat at either end, from the first picture's permission on. It gives no access and needs no grant."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `EndLink`."""
        super().__init__(*args, **more)
        self._chat = ChatBook()
        self._chat_pushed = 0  # on the connection in use

    def say_chat(self, text: str) -> list[Action]:
        """Write to the other person. While the session is paused or the line is broken it waits, and goes after."""
        if self.view.live and self._peer_can(CHAT) and self._chat.say(text, self._clock.utc_ms()):
            self._agent_wrote(Role.AGENT)
            self._push_chat()
            self._tell_chat()
        return self._flush()

    def _push_chat(self) -> None:
        if self.view.flowing:
            for line in self._chat.after(self._chat_pushed):
                self._say(wire.Chat(line.n, line.text))
                self._chat_pushed = line.n

    def _agent_wrote(self, seen_by: Role) -> None:
        """Who writes is there: the session is not idle, at either end."""
        if self.role is seen_by and self._machine is not None:
            self._apply(self._machine.agent_active(self._now))

    def _tell_chat(self) -> None:
        self._out.append(ChatChanged(self._chat.lines, open=self._peer_can(CHAT)))

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.ChatGot):
            if self._chat.got(message.n):
                self._tell_chat()
        elif isinstance(message, wire.Chat):
            if self._chat.heard(message.n, message.text, self._clock.utc_ms()):
                self._agent_wrote(Role.CUSTOMER)
                self._tell_chat()
            self._say(wire.ChatGot(self._chat.heard_up_to))

    def _on_connected(self) -> None:
        super()._on_connected()
        self._tell_chat()

    def _on_line(self) -> None:
        super()._on_line()
        self._chat_pushed = 0
        self._push_chat()

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect in (Effect.RESUMED, Effect.BACK):
            self._push_chat()
