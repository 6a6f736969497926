# SPDX-License-Identifier: GPL-3.0-or-later
"""The hint "3 similar tickets": tickets that may be about the same, while one is taken down or read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.domain.deed_ports import SimilarTicket
from app.domain.ports import Choices
from app.services.texts import polite, state_name
from app.services.texts_links import same_name, similar_title
from widgets.foundation import ElidedButton, Look, PlainLabel, Theme, Words, announce, clear, column, fmt

__all__ = ["SimilarList"]


class SimilarList(QWidget):
    """Shows what was found; `chosen` gives the row that was pressed. Empty, it says what will stand here."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, now_ms: Callable[[], int], waiting: str = "") -> None:
        """`waiting` stands there while nothing is found."""
        super().__init__()
        self._theme, self._now_ms = theme, now_ms
        self._shown: Sequence[SimilarTicket] = ()
        space = theme.tokens.space
        self.title = PlainLabel(type="strong", wrap=True)
        self._waiting = PlainLabel(waiting, tone="muted", wrap=True)
        self._list = column(gap=space.medium)
        self.setLayout(column(self.title, self._waiting, self._list, None, gap=space.small))
        self.show_found((), Choices())

    def show_found(self, found: Sequence[SimilarTicket], choices: Choices) -> None:
        """Show these; said aloud only when others than before were found."""
        if found == self._shown and found:
            return
        self._shown = tuple(found)
        clear(self._list)
        n = len(found)
        text = similar_title(n)
        self.title.setText(text)
        self._waiting.setVisible(not n and bool(self._waiting.text()))
        for each in found:
            self._list.addWidget(self._entry(each, choices))
        if n:
            announce(self, text)

    def count(self) -> int:
        """Return how many show."""
        return len(self._shown)

    def _entry(self, each: SimilarTicket, choices: Choices) -> QWidget:
        line = each.row
        state = state_name(choices, line.state, line.category)
        button = ElidedButton(self._theme, "", look=Look.LINK, pressed=lambda: self.chosen.emit(line))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        text = f"{line.label} {line.subject}"
        button.setText(text)
        why = same_name(each.same) or polite(line.customer_name)
        facts = " · ".join(filter(None, (why, state, fmt.when(line.last_at, self._now_ms()))))
        button.setAccessibleName(f"{text}, {facts}")
        foot = Words(facts, type="caption", tone="muted")
        preview = Words(line.preview[:120], type="caption")
        holder = QWidget()
        holder.setLayout(column(button, preview, foot, gap=self._theme.tokens.space.hair))
        return holder
