# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing down what a customer answered to the two questions, on the phone or in a message."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QRadioButton, QWidget

from app.config.i18n import _
from app.domain.changes_surveys import MAX_COMMENT_CHARS
from widgets.foundation import PlainLabel, Theme, fit, read_text, row
from widgets.foundation.form_window import FormWindow

__all__ = ["Answers", "SurveyWindow"]


@dataclass(frozen=True, slots=True)
class Answers:
    """None: no answer to that question."""

    solved: bool | None
    treated_well: bool | None
    comment: str


class _Question(QWidget):
    """A question with yes and no, and neither at the begin."""

    def __init__(self, theme: Theme, text: str) -> None:
        super().__init__()
        self.yes, self.no = QRadioButton(_("Yes")), QRadioButton(_("No"))
        self._group = QButtonGroup(self)
        for button in (self.yes, self.no):
            self._group.addButton(button)
            button.setAccessibleName(f"{text} {button.text()}")
        self.setLayout(row(PlainLabel(text, wrap=True), None, self.yes, self.no, gap=theme.tokens.space.medium))

    def answer(self) -> bool | None:
        """Return what was chosen."""
        return True if self.yes.isChecked() else False if self.no.isChecked() else None


class SurveyWindow(FormWindow):
    """`agreed` gives Answers."""

    agreed = Signal(object)

    def __init__(self, theme: Theme, label: str, parent: QWidget | None) -> None:
        title = _("What the customer answered on {ticket}").format(ticket=label)
        super().__init__(theme, parent, title=title, deed=_("Write it down"))
        self.solved = _Question(theme, _("Is your problem solved?"))
        self.well = _Question(theme, _("Were you treated well?"))
        self.comment = QLineEdit()
        self.comment.setMaxLength(MAX_COMMENT_CHARS)
        self.body.addWidget(self.solved)
        self.body.addWidget(self.well)
        hint = _("Either “no” opens the ticket again.")
        self.body.addLayout(self.field(_("In the customer's words"), self.comment, hint=hint))
        fit(self, theme.tokens.space.vast * 10, 0)
        self.solved.yes.setFocus()

    def submit(self) -> None:
        """Write it down."""
        answers = Answers(self.solved.answer(), self.well.answer(), read_text(self.comment).strip())
        if answers.solved is None and answers.treated_well is None:
            self.tell(_("Choose the answer to one question at least."), self.solved.yes)
            return
        self.agreed.emit(answers)
        self.accept()
