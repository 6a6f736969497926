# SPDX-License-Identifier: GPL-3.0-or-later
"""The two questions to a customer whose ticket is solved: is it, and were you treated well."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QWidget

from app.config.i18n import _
from widgets.foundation import Button, Panel, PlainLabel, Theme, column, row

__all__ = ["CheckQuestions"]


class CheckQuestions(Panel):
    """`answered` gives both answers, None for a question without one; one answer is enough."""

    answered = Signal(object, object)

    def __init__(self, theme: Theme) -> None:
        super().__init__("bar")
        space = theme.tokens.space
        self._rows: list[tuple[QRadioButton, QRadioButton]] = []
        self.send = Button(theme, _("Send answers"), pressed=self._send)
        self.send.setEnabled(False)
        hint = PlainLabel(_("A “no” opens the ticket again."), type="caption", tone="muted", wrap=True)
        foot = row(hint, self.send, gap=space.small)
        foot.setStretch(0, 1)
        questions = (_("Is your problem solved?"), _("Were you treated well?"))
        edge = (space.large, space.small, space.large, space.small)
        self.setLayout(
            column(*(self._question(q, space.medium) for q in questions), foot, gap=space.tiny, margins=edge)
        )
        self.setAccessibleName(", ".join(questions))
        self.hide()

    def choose(self, question: int, *, yes: bool) -> None:
        """Choose an answer, as a press does."""
        self._rows[question][0 if yes else 1].setChecked(True)
        self._chosen()

    def _question(self, text: str, gap: int) -> QWidget:
        yes, no = QRadioButton(_("Yes")), QRadioButton(_("No"))
        holder = QWidget()
        group = QButtonGroup(holder)
        for button in (yes, no):
            group.addButton(button)
            button.setAccessibleName(f"{text} {button.text()}")
            button.clicked.connect(lambda _on: self._chosen())
        words = PlainLabel(text, wrap=True)
        line = row(words, yes, no, gap=gap)
        line.setStretch(0, 1)
        holder.setLayout(line)
        self._rows.append((yes, no))
        return holder

    def _answers(self) -> list[bool | None]:
        return [True if yes.isChecked() else False if no.isChecked() else None for yes, no in self._rows]

    def _chosen(self) -> None:
        self.send.setEnabled(any(answer is not None for answer in self._answers()))

    def _send(self) -> None:
        solved, treated_well = self._answers()
        self.answered.emit(solved, treated_well)
