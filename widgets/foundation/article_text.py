# SPDX-License-Identifier: GPL-3.0-or-later
"""An article's text as it is read in desktop and Companion: headings, paragraphs, lists, steps. All plain."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.domain.articles import Part, parts_of_text
from widgets.foundation.labels import PlainLabel, Words
from widgets.foundation.layout import clear, column, row
from widgets.foundation.theme import Theme

__all__ = ["ArticleText"]


class ArticleText(QWidget):
    """GUI thread. Every line can be selected and copied."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._space = theme.tokens.space
        self._parts = column(gap=self._space.medium)
        self._said = ""
        self.setLayout(self._parts)

    def show_text(self, body: str) -> None:
        """Show another text."""
        if body == self._said:
            return
        self._said = body
        clear(self._parts)
        for part in parts_of_text(body):
            self._parts.addWidget(self._widget(part))
        self._parts.addStretch(1)

    def _widget(self, part: Part) -> QWidget:
        if part.heading:
            return PlainLabel(part.heading, type="strong", wrap=True)
        if not part.items and not part.steps:
            return Words(part.text, selectable=True)
        signs = [f"{n}." for n in range(1, len(part.steps) + 1)] or ["•"] * len(part.items)
        lines = [self._line(sign, text) for sign, text in zip(signs, part.steps or part.items, strict=True)]
        holder = QWidget()
        holder.setLayout(column(*lines, gap=self._space.tiny))
        return holder

    def _line(self, sign: str, text: str) -> QWidget:
        mark = PlainLabel(sign, tone="muted")
        mark.setMinimumWidth(mark.fontMetrics().horizontalAdvance("00."))
        mark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        words = Words(text, selectable=True)
        words.setAccessibleName(f"{sign} {text}")
        box = row(mark, words, gap=self._space.small)
        box.setStretch(1, 1)
        holder = QWidget()
        holder.setLayout(box)
        return holder
