# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer of the journeys does with texts: clipboard and chat, through the Companion's windows."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from app.domain.assist import Scope
from app.entry.demo_companion import Customer, press
from app.entry.demo_driver import Step, Steps
from widgets.companion.clipboard import ClipQuestion


class TextsCustomer(Customer):
    """Orders about texts."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "allow_text": self.allow_text,
            "copy": self.copy,
            "send_text": self.send_text,
            "answer_chat": self.answer_chat,
            "see_chat": self.see_chat,
            "hold": self.hold,
        }
        return super().steps() | more

    def allow_text(self) -> Steps:
        """Read the question, allow one text, and see what was put on the clipboard."""
        session = self._session()
        yield lambda: Scope.CLIPBOARD_TO_CUSTOMER in session.more.questions
        question = session.more.questions[Scope.CLIPBOARD_TO_CUSTOMER]
        yield question.yes.isEnabled
        press(question.yes)
        yield lambda: session.talk.shown is not None and session.talk.shown.isVisible()
        shown = session.talk.shown
        assert shown is not None
        text = shown.field.toPlainText()
        shown.fine.click()
        return {"shown": text, "clipboard": QGuiApplication.clipboard().text()}

    def copy(self, text: str) -> Steps:
        """Copy something: the question shows what is there when it comes."""
        yield lambda: True
        QGuiApplication.clipboard().setText(text)
        return {}

    def send_text(self) -> Steps:
        """Read in the question what would be sent, and send it."""
        session = self._session()
        yield lambda: Scope.CLIPBOARD_TO_AGENT in session.more.questions
        question = session.more.questions[Scope.CLIPBOARD_TO_AGENT]
        assert isinstance(question, ClipQuestion)
        yield question.yes.isEnabled
        read = question.field.toPlainText()
        QGuiApplication.clipboard().setText("copied after reading")
        press(question.yes)
        return {"read": read}

    def answer_chat(self, text: str) -> Steps:
        """Write in the window that came by itself."""
        session = self._session()
        yield lambda: session.talk.chat is not None and session.talk.chat.isVisible()
        chat = session.talk.chat
        assert chat is not None
        chat.panel.text.setPlainText(text)
        chat.panel.send.click()
        return {}

    def see_chat(self, texts: int) -> Steps:
        """What the chat shows, once it holds so many texts."""
        session = self._session()
        yield lambda: len(session.talk.lines) == texts
        return {"texts": [line.text for line in session.talk.lines]}

    def hold(self, on: bool) -> Steps:
        """Press Pause, or Resume, on the bar."""
        session = self._session()
        assert session.bar is not None
        session.bar.pause.click()
        yield lambda: session.view.paused is on
        return {}
