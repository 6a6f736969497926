# SPDX-License-Identifier: GPL-3.0-or-later
"""What both sides of the journeys do on one ticket's whole way: the customer in its window, the agent in the desk.

Each step waits for words on the screen and gives them back.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.domain.attachments import BlobState
from app.domain.entities import Category
from app.domain.ports import DraftKind
from app.entry.demo_agent import Agent
from app.entry.demo_companion import Customer, press
from app.entry.demo_driver import Step, Steps
from widgets.companion.compose import TicketWindow
from widgets.companion.model import Line
from widgets.customer.callbacks import CallBlock
from widgets.foundation import Button, PlainLabel
from widgets.foundation.file_chip import FileChip

__all__ = ["WholeAgent", "WholeCustomer"]


def _labels(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(PlainLabel) if label.isVisible()]


class WholeCustomer(Customer):
    """Follows an own ticket in its window."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "ask_with_pictures": self.ask_with_pictures,
            "files_kept": self.files_kept,
            "all_sent": self.all_sent,
            "acknowledged": self.acknowledged,
            "view_ticket": self.view_ticket,
            "say": self.say,
            "sees": self.sees,
            "ask_for_call": self.ask_for_call,
            "call_says": self.call_says,
            "answer_no": self.answer_no,
        }
        return super().steps() | more

    @property
    def _ticket(self) -> TicketWindow:
        assert self._app.writing.ticket is not None
        return self._app.writing.ticket

    def ask_with_pictures(self, subject: str, colours: list[str]) -> Steps:
        """While the server is away: paste screenshots into the text with Ctrl+V, see them, and send the request."""
        app = self._app
        yield lambda: app.line.line is Line.OFFLINE
        assert app.home is not None
        press(app.home.ask)
        yield lambda: app.writing.ask is not None and app.writing.ask.isVisible()
        window = app.writing.ask
        assert window is not None
        window.subject.setText(subject)
        for n, colour in enumerate(colours, 1):
            image = QImage(1280, 720, QImage.Format.Format_RGB32)
            image.fill(QColor(colour))
            QGuiApplication.clipboard().setImage(image)
            QTest.keyClick(window.text, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            yield lambda n=n: len(window.files.attachments()) == n  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        yield lambda: all(not row.picture.pixmap().isNull() for row in window.files.rows)
        marks = [each.sha256.hex() for each in window.files.attachments()]
        press(window.send)
        yield lambda: any(item.subject == subject and item.files == len(colours) for item in app.writing.written)
        ticket = next(item.ticket for item in app.writing.written if item.subject == subject)
        return {"ticket": ticket, "pictures": marks}

    def files_kept(self, subject: str) -> Steps:
        """A later start: how many files wait with a request that was written before."""
        written = self._app.writing
        yield lambda: any(item.subject == subject for item in written.written)
        return {"files": [item.files for item in written.written if item.subject == subject]}

    def all_sent(self) -> Steps:
        """Wait until nothing that was written here waits, files included."""
        yield lambda: not self._app.writing.written
        return {}

    def acknowledged(self) -> Steps:
        """Wait until Home says that a request has arrived."""
        home = self._app.home
        assert home is not None
        yield lambda: home.notice.isVisible() and "we have your request" in home.notice.text.text()
        return {"notice": home.notice.text.text()}

    def view_ticket(self, subject: str) -> Steps:
        """Press View beside a ticket of Home."""
        home = self._app.home
        assert home is not None

        def shown() -> list[Button]:
            return [b for b in home.findChildren(Button) if b.isVisible() and f", {subject}, " in b.accessibleName()]

        yield lambda: bool(shown())
        press(shown()[0])
        yield lambda: self._app.writing.ticket is not None and self._ticket.isVisible()
        return {"title": self._ticket.windowTitle(), "told": self._ticket.calls.told.text()}

    def say(self, text: str) -> Steps:
        """Write a message, and wait until it stands in the conversation."""
        self._ticket.text.setPlainText(text)
        press(self._ticket.send)
        yield lambda: text in _labels(self._ticket.area)
        return {}

    def sees(self, text: str) -> Steps:
        """Wait until a text stands in the window; return all of it, with the acknowledgment if it still shows."""
        yield lambda: text in _labels(self._ticket)
        return {"words": _labels(self._ticket), "told": self._ticket.calls.told.isVisible()}

    def ask_for_call(self, phone: str) -> Steps:
        """Choose the second half hour that is free, and wait until somebody but this program has confirmed it."""
        calls = self._ticket.calls
        yield lambda: calls.open.isVisible()
        press(calls.open)
        yield lambda: calls.slots.isVisible() and calls.slots.count() > 1
        calls.slots.setCurrentIndex(1)
        chosen = calls.slots.currentText()
        calls.phone.setText(phone)
        yield calls.send.isEnabled
        press(calls.send)
        yield lambda: calls.state.isVisible() and calls.state.text().startswith("We call you: ")
        return {"chosen": chosen, "state": calls.state.text()}

    def call_says(self, text: str) -> Steps:
        """Wait until the ticket says this of its call; "" for nothing."""
        state = self._ticket.calls.state
        yield lambda: text in state.text() if text else not state.isVisible()
        return {"state": state.text().strip()}

    def answer_no(self) -> Steps:
        """Once the two questions stand there: no, and no; wait for the call that is offered."""
        window = self._ticket
        yield window.check.isVisible
        asked = _labels(window.check)
        window.check.choose(0, yes=False)
        window.check.choose(1, yes=False)
        yield window.check.send.isEnabled
        press(window.check.send)
        yield lambda: window.calls.slots.isVisible() and window.calls.slots.count() > 0 and not window.check.isVisible()
        return {"asked": asked, "offer": window.calls.state.text()}


class WholeAgent(Agent):
    """Works on the open ticket."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "reads": self.reads,
            "has_files": self.has_files,
            "reply": self.reply,
            "call_to_make": self.call_to_make,
            "called": self.called,
            "solve": self.solve,
            "state": self.state,
        }
        return super().steps() | more

    def reads(self, text: str) -> Steps:
        """Wait until something in the conversation says this; return what does."""
        conversation = self._window.ticket.conversation
        yield lambda: any(text in line for line in conversation.texts())
        return {"lines": [line for line in conversation.texts() if text in line]}

    def has_files(self, count: int) -> Steps:
        """Wait until so many files of the conversation are on this computer whole; return their hashes, in order."""

        def here() -> list[FileChip]:
            chips = self._window.ticket.conversation.findChildren(FileChip)
            return [c for c in chips if c.isVisible() and c.status is not None and c.status.state is BlobState.HERE]

        yield lambda: len(here()) == count
        return {"pictures": [chip.attachment.sha256.hex() for chip in here()]}

    def reply(self, text: str) -> Steps:
        """Send a reply."""
        yield from self._write(DraftKind.REPLY, text)
        return {}

    def call_to_make(self) -> Steps:
        """Wait until the details say that a call is owed, open the calls to make from there, and read the first."""

        def block() -> CallBlock | None:
            return next((b for b in self._window.customer.findChildren(CallBlock) if b.isVisible()), None)

        def button() -> Button | None:
            shown = block()
            buttons = shown.findChildren(Button) if shown is not None else []
            return next((b for b in buttons if b.text().strip() == "Calls to make…"), None)

        yield lambda: button() is not None
        shown, pressed = block(), button()
        assert shown is not None
        assert pressed is not None
        beside = _labels(shown)
        press(pressed)
        calls = self._window.calls
        assert calls is not None
        yield lambda: calls.list is not None and calls.list.isVisible() and calls.list.table.rowCount() > 0
        assert calls.list is not None
        table = calls.list.table
        cells = [item.text() if (item := table.item(0, at)) is not None else "" for at in range(table.columnCount())]
        return {"beside": beside, "cells": cells, "calls": table.rowCount()}

    def called(self, note: str) -> Steps:
        """Write down that the customer was reached, and wait until no call is owed."""
        assert self._window.calls is not None
        shown = self._window.calls.list
        assert shown is not None
        shown.note.setText(note)
        press(shown.reached)
        yield lambda: shown.table.rowCount() == 0
        words = shown.words.text()
        shown.reject()
        return {"words": words}

    def solve(self) -> Steps:
        """Choose a solved state in the ticket's head."""
        solved = {s.id for s in self._window.desk.choices.states if s.category is Category.SOLVED}
        flow = self._window.flow
        if flow is not None and flow.session is not None:
            flow.session.close()  # the picker lives in the window that has the keyboard
        self._window.activateWindow()
        yield self._window.isActiveWindow
        yield from self._choose(self._window.ticket.header.state, lambda option: option.value in solved)
        yield lambda: self._open.row.category is Category.SOLVED
        return {"state": self._window.ticket.header.state.text().strip()}

    def state(self, other_than: str) -> Steps:
        """Wait until the ticket's head names another state."""
        state = self._window.ticket.header.state
        yield lambda: state.text().strip() != other_than
        return {"state": state.text().strip()}
