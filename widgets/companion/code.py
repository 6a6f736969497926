# SPDX-License-Identifier: GPL-3.0-or-later
"""Typing a session code or pasting an invitation link."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from app.config.i18n import _
from widgets.foundation import Button, EnterFilter, Look, Notice, PlainLabel, Theme, column, fit, read_text, row

__all__ = ["CodeWindow"]


class CodeWindow(QDialog):
    """Nine digits that the person on the phone reads, or a link. It only opens the request; it allows nothing."""

    given = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self.setWindowTitle(_("Enter a session code"))
        self.code = QLineEdit()
        self.code.setAccessibleName(_("Session code or link"))
        self.code.setPlaceholderText("123 456 789")
        self.code.setFont(theme.font("title", tabular=True))
        EnterFilter(self.code, self._give)
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.go = Button(theme, _("Show the request"), look=Look.PRIMARY, pressed=self._give)
        cancel = Button(theme, _("Cancel"), pressed=self.reject)
        text = _("The code is in your ticket, or the person on the phone reads it to you. It allows nothing by itself.")
        edge = (space.wide, space.wide, space.wide, space.large)
        title = PlainLabel(_("Enter a session code"), type="title")
        body = column(title, PlainLabel(text, tone="muted", wrap=True), self.code, self.problem, gap=space.medium)
        self.setLayout(column(body, None, row(None, cancel, self.go, gap=space.small), gap=space.medium, margins=edge))
        fit(self, space.vast * 9, space.vast * 5)
        self.code.setFocus()

    def show_problem(self, text: str) -> None:
        """Say why it did not open; what was typed stays."""
        self.go.setEnabled(True)
        self.problem.tell(text, "danger")
        self.problem.show()
        fit(self, self.width(), self.height())
        self.code.setAccessibleDescription(text)
        self.code.setFocus()

    def _give(self) -> None:
        text = read_text(self.code).strip()
        if text:
            self.go.setEnabled(False)
            self.given.emit(text)
