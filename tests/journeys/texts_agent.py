# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent of the journeys does with texts: clipboard and chat, through the session's window."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from app.domain.ports import ItemKind
from app.entry.demo_agent import Agent
from app.entry.demo_driver import Step, Steps
from widgets.remote.talk import SessionTalk


class TextsAgent(Agent):
    """Orders about texts."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "give_text": self.give_text,
            "text_given": self.text_given,
            "get_text": self.get_text,
            "text_came": self.text_came,
            "write_chat": self.write_chat,
            "read_chat": self.read_chat,
            "newest_note": self.newest_note,
        }
        return super().steps() | more

    @property
    def _talk(self) -> SessionTalk:
        flow = self._window.flow
        assert flow is not None
        assert flow.session is not None
        return flow.session.talk

    def give_text(self, text: str) -> Steps:
        """Fill in a text and press Ask and give."""
        talk = self._talk
        yield lambda: talk.clip_button.isVisible()
        talk.clip_button.click()
        yield talk.clips.isVisible
        talk.clips.text.setPlainText(text)
        yield talk.clips.give.isEnabled
        talk.clips.give.click()
        return {}

    def text_given(self) -> Steps:
        """Wait until the window says that the customer has it."""
        clips = self._talk.clips
        yield lambda: "has the text on the clipboard" in clips.give_words.text()
        return {}

    def get_text(self) -> Steps:
        """Press Ask for the clipboard text."""
        clips = self._talk.clips
        yield clips.ask.isEnabled
        clips.ask.click()
        return {}

    def text_came(self) -> Steps:
        """Wait for the customer's text, and copy it."""
        clips, clipboard = self._talk.clips, QGuiApplication.clipboard()
        yield lambda: bool(clips.came.toPlainText())
        before = clipboard.text()
        clips.copy.click()
        return {"text": clips.came.toPlainText(), "before": before, "copied": clipboard.text()}

    def write_chat(self, text: str) -> Steps:
        """Open the chat if it is closed, and send a text."""
        talk = self._talk
        if not talk.panel.isVisible():
            talk.chat_button.click()
        yield talk.chat.text.isEnabled
        talk.chat.text.setPlainText(text)
        talk.chat.send.click()
        return {}

    def read_chat(self, texts: int, sent: bool = True) -> Steps:
        """What the chat shows, once it holds so many texts and all are there."""
        chat = self._talk.chat
        yield lambda: len(chat._lines) == texts and all(line.sent for line in chat._lines) is sent
        return {"texts": [line.text for line in chat._lines], "state": chat.state.text()}

    def newest_note(self, begins: str) -> Steps:
        """The newest note of the open ticket, once it begins so."""

        def notes() -> list[str]:
            return [item.body for item in self._open.items if item.kind is ItemKind.NOTE]

        yield lambda: bool(notes()) and notes()[-1].startswith(begins)
        return {"note": notes()[-1]}
