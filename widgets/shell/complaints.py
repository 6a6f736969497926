# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with the complaint guide: texts into the reply, steps into the history, the end of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QTextCursor

from app.domain.complaints import Closing, Step
from app.domain.ports import DraftKind, TicketDetails, TicketRow
from app.services.complaints import Complaints, guide_of
from app.services.triage import Done
from widgets.foundation import Theme, commit_composition
from widgets.shell.frame import Ports
from widgets.ticket.survey_window import Answers, SurveyWindow

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["ComplaintPart"]

_LOOK_MS = 400  # after the last key


class ComplaintPart(QObject):
    """GUI thread."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports = window, theme, ports
        self.dialog: SurveyWindow | None = None
        self._complaints = Complaints(ports.commits)
        guide = window.customer.complaint
        guide.insert_asked.connect(self.insert)
        guide.stepped.connect(self._step)
        guide.marked.connect(self._mark)
        guide.closed.connect(self._close)
        guide.answers_asked.connect(self.ask_answers)
        guide.promise_asked.connect(lambda: window.promises.ask())
        self._soon = QTimer(self, singleShot=True, interval=_LOOK_MS)
        self._soon.timeout.connect(self.look)
        window.ticket.composer.sheets[DraftKind.REPLY].edit.textChanged.connect(self._typed)

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {"ticket.complaint": self.focus, "ticket.answers": self.ask_answers}

    def show_details(self, details: TicketDetails) -> None:
        """Know the open ticket: the customer's words stay above the reply to a complaint."""
        guide = guide_of(details)
        words = self._window.ticket.composer.sheets[DraftKind.REPLY].pinned
        words.show_words(guide.name if guide is not None else "", guide.said if guide is not None else "")
        self._window.customer.show_guide(guide, self._window.desk.choices, self._window.desk.me, self._ports.now_ms())

    def focus(self) -> None:
        """Go to the first open step of the guide."""
        window = self._window
        if window.customer.complaint.guide is None:
            return
        if not window.customer.isVisible():
            window.toggle_details()
        window.customer.finish()
        if not window.customer.complaint.focus():
            window.customer.setFocus()

    def ask_answers(self) -> None:
        """Ask what the customer answered to the two questions."""
        details = self._window.desk.details
        if details is None:
            return
        row, dialog = details.row, SurveyWindow(self._theme, details.row.label, self._window)
        dialog.agreed.connect(lambda said: self._answered(row, said))
        dialog.finished.connect(lambda _result: setattr(self, "dialog", None))
        self.dialog = dialog
        dialog.open()

    def _answered(self, row: TicketRow, said: Answers) -> None:
        guide = self._window.customer.complaint.guide
        self._window.desk.do(lambda: self._complaints.answered(row, said.solved, said.treated_well, said.comment))
        if guide is not None and guide.ticket == row.id and Step.CHECK not in guide.done:
            self._step(Step.CHECK, True)

    def insert(self, text: str, step: Step) -> None:
        """Put a text into the reply, a greeting at its begin; the step is done by it."""
        composer = self._window.ticket.composer
        if composer.kind() is not DraftKind.REPLY:
            composer.write(DraftKind.REPLY)
        if composer.kind() is not DraftKind.REPLY:
            return  # a reply is about to go out: that comes back first
        edit = composer.sheets[DraftKind.REPLY].edit
        commit_composition()
        cursor = edit.textCursor()
        if step is Step.GREET:
            cursor.movePosition(QTextCursor.MoveOperation.Start)
        elif cursor.positionInBlock() and not text.startswith("\n"):
            text = f" {text}"
        cursor.insertText(text)
        edit.setTextCursor(cursor)
        edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        guide = self._window.customer.complaint.guide
        if guide is not None and step not in guide.done:
            self._step(step, True)

    def look(self) -> None:
        """Look at the reply as it stands."""
        self._soon.stop()
        self._window.customer.complaint.show_draft(
            self._window.ticket.composer.sheets[DraftKind.REPLY].edit.toPlainText()
        )

    def _typed(self) -> None:
        if self._window.customer.complaint.guide is not None:
            self._soon.start()

    def _do(self, work: Callable[[TicketDetails], Done]) -> None:
        details = self._window.desk.details
        if details is not None:
            self._window.desk.do(lambda: work(details))

    def _step(self, step: Step, done: bool) -> None:
        self._do(lambda details: self._complaints.step(details.row, step, done=done))

    def _mark(self, mark: str, text: str) -> None:
        self._do(lambda details: self._complaints.step(details.row, Step.LISTEN, mark=mark, text=text))

    def _close(self, closing: Closing) -> None:
        self._do(lambda details: self._complaints.close(details.row, closing))
