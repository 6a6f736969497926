# SPDX-License-Identifier: GPL-3.0-or-later
"""In the invitation window: why the agent asks, where the organisation wants that written before an invitation."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.config.i18n import _
from widgets.foundation import (
    Button,
    Card,
    EnterFilter,
    Look,
    Notice,
    PlainLabel,
    Theme,
    announce,
    column,
    read_text,
    restyle,
    row,
)

__all__ = ["NoteCard"]

_MOST: Final = 500


class NoteCard(QWidget):
    """Enter in the field submits; an empty one says what is missing and stays."""

    submitted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._on = False
        space = theme.tokens.space
        self.words = PlainLabel(wrap=True)
        self.label = PlainLabel(type="strong", wrap=True)
        self.field = QLineEdit()
        self.field.setMaxLength(_MOST)
        self.label.setBuddy(self.field)
        EnterFilter(self.field, self._submit)
        self.field.textEdited.connect(self._typed)
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.submit = Button(theme, "", look=Look.PRIMARY, pressed=self._submit)
        foot = row(None, self.submit, gap=space.small)
        self.setLayout(column(Card(theme, self.label, self.words, self.field, self.problem, foot), margins=(0,) * 4))
        self.retranslate()

    def show_ask(self, *, on: bool) -> None:
        """Ask, or ask no more: then what was written is gone."""
        before, self._on = self._on, on
        if on and not before:
            self.field.setFocus()
            announce(self, f"{self.label.text()} {self.words.text()}")
        elif before and not on:
            self.field.clear()
            self._typed()

    def _typed(self) -> None:
        self.problem.hide()
        restyle(self.field, invalid=False)

    def _submit(self) -> None:
        text = read_text(self.field)
        if text.strip():
            self.submitted.emit(text)
            return
        told = _("Please fill in: {fields}.").format(fields=_("Reason"))
        self.problem.tell(told, "danger")
        self.problem.show()
        restyle(self.field, invalid=True)
        self.field.setFocus()
        announce(self, told, urgent=True)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.label.setText(_("Why do you ask to see the screen?"))
        self.words.setText(
            _(
                "Your organisation wants a reason before each invitation. It becomes an internal note on the ticket; "
                "the customer does not see it."
            )
        )
        self.field.setAccessibleName(self.label.text())
        self.submit.setText(_("Invite"))
