# SPDX-License-Identifier: GPL-3.0-or-later
"""The block of the details pane for promises: each with what is left or what it came to, true to the minute."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.promises import Promise, Standing, standings
from app.services.texts import polite
from app.services.texts_promises import promise_words
from widgets.foundation import IconButton, PlainLabel, Theme, Words, clear, column, row
from widgets.foundation.due import ICONS, MOMENTS, TONES

__all__ = ["PromiseBlock"]

_SHOWN = 8


class PromiseBlock(QWidget):
    """Open ones first. `withdrawn` gives a Promise that the customer was not told of."""

    withdrawn = Signal(object)

    def __init__(self, theme: Theme, promises: Sequence[Promise], now_ms: int) -> None:
        super().__init__()
        self._theme, self._promises = theme, promises
        space = theme.tokens.space
        self._box = column(gap=space.tiny, margins=(space.tiny, 0, space.tiny, 0))
        self.setLayout(self._box)
        self._lines: list[tuple[Promise, Standing, PlainLabel, Words]] = []
        self._build(now_ms)

    def tick(self, now_ms: int) -> None:
        """Say how they stand now; built anew only when one came to something."""
        found = standings(self._promises, now_ms)[:_SHOWN]
        if found != [(promise, what) for promise, what, _icon, _words in self._lines]:
            self._build(now_ms)
            return
        for promise, what, icon, words in self._lines:
            self._say(promise, what, icon, words, now_ms)

    def _build(self, now_ms: int) -> None:
        clear(self._box)
        self._lines = []
        gap = self._theme.tokens.space.tiny
        for promise, what in standings(self._promises, now_ms)[:_SHOWN]:
            icon, words = PlainLabel(), Words()
            self._say(promise, what, icon, words, now_ms)
            line = row(icon, words, gap=gap)
            line.setStretch(1, 1)
            if what is Standing.UNTOLD:
                name = _("Take the promise back")
                line.addWidget(IconButton(self._theme, "x", name, pressed=partial(self.withdrawn.emit, promise)))
            by = " · ".join(filter(None, (promise.text, polite(promise.author_name))))
            below = [PlainLabel(by, type="caption", tone="muted", wrap=True)] if by else []
            holder = QWidget()
            holder.setLayout(column(line, *below, margins=(0, 0, 0, gap)))
            self._box.addWidget(holder)
            self._lines.append((promise, what, icon, words))

    def _say(self, promise: Promise, what: Standing, icon: PlainLabel, label: Words, now_ms: int) -> None:
        words = promise_words(promise, what, now_ms, MOMENTS)
        tone = TONES[words.level]
        self._theme.set_label_icon(icon, ICONS[words.level], f"{tone}.fg" if tone != "muted" else "fg.muted")
        if label.text() != words.text:
            label.setText(words.text)
        label.set_tone(tone)
