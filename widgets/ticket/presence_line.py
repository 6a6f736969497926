# SPDX-License-Identifier: GPL-3.0-or-later
"""In the head of a ticket: who else looks (an eye) and who else writes (a pen), in words as well (UX-19)."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QWidget

from app.domain.ports import Choices
from app.domain.presence import NOBODY, Others
from app.services.texts_presence import reading_words, unknown_words, writing_words
from widgets.foundation import ElidedLabel, PlainLabel, Theme, row
from widgets.foundation.flow import Flow

__all__ = ["PresenceLine"]


class _Word(QWidget):
    """An icon and a sentence."""

    def __init__(self, theme: Theme, icon: str, tone: str) -> None:
        super().__init__()
        self.picture = PlainLabel()
        self.words = ElidedLabel(type="caption", tone=tone)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        box = row(self.picture, self.words, gap=theme.tokens.space.tiny)
        box.setStretch(1, 1)
        self.setLayout(box)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.set_label_icon(self.picture, icon, "fg.muted" if tone == "muted" else f"{tone}.fg")
        self.hide()

    def say(self, text: str) -> None:
        """Show a sentence; "" hides it."""
        if text != self.words.text():
            self.words.setText(text)
        self.setVisible(bool(text))


class PresenceLine(QWidget):
    """Hidden while nobody else is there."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.reading = _Word(theme, "eye", "muted")
        self.writing = _Word(theme, "pen-line", "warning")
        self.unknown = _Word(theme, "wifi-off", "muted")
        self._others, self._choices = NOBODY, Choices()
        words = Flow(theme.tokens.space.medium)
        for word in (self.writing, self.reading, self.unknown):
            words.addWidget(word)
        self.setLayout(words)
        self.hide()

    def show_others(self, others: Others, choices: Choices) -> None:
        """Say who else is here."""
        self._others, self._choices = others, choices
        self.retranslate()

    def retranslate(self) -> None:
        """Say it in the language spoken now."""
        others = self._others
        self.reading.say(reading_words(others.reading, self._choices) if others.reading else "")
        self.writing.say(writing_words(others.writing, self._choices) if others.writing else "")
        self.unknown.say("" if others.known else unknown_words())
        self.setVisible(bool(others.reading or others.writing) or not others.known)
