# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's newest words above a reply to a complaint: they stay in view while one writes."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.services.texts import polite
from widgets.foundation import PlainEdit, PlainLabel, Theme, column

__all__ = ["PinnedWords"]

_LINES = 3
_MOST_CHARS = 4000


class PinnedWords(QWidget):
    """Hidden without words. Three lines high; the rest is scrolled to, by the keyboard too."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        space = theme.tokens.space
        self.head = PlainLabel(type="caption", tone="reply")
        self.area = PlainEdit(name="-")
        self.area.setReadOnly(True)
        self.area.setProperty("frame", "none")
        self.area.setFixedHeight(self.area.fontMetrics().lineSpacing() * _LINES + space.medium)
        self.setLayout(column(self.head, self.area, gap=space.hair))
        self.hide()

    def show_words(self, name: str, words: str) -> None:
        """Show what the customer wrote last; nothing hides it."""
        head = _("{name} wrote").format(name=polite(name) or _("The customer"))
        if (head, words[:_MOST_CHARS]) != (self.head.text(), self.area.toPlainText()):
            self.head.setText(head)
            self.area.setPlainText(words[:_MOST_CHARS])
            self.area.setAccessibleName(f"{head}: {words[:_MOST_CHARS]}")
        self.setVisible(bool(words))
