# SPDX-License-Identifier: GPL-3.0-or-later
"""The block of the details pane for calls: each with when it is or what came of it, true to the minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.addresses import phone_text
from app.domain.callbacks import Callback, owed
from app.services.texts import polite
from app.services.texts_callbacks import call_words
from widgets.foundation import Button, Look, PlainLabel, Theme, Words, column, fmt, row
from widgets.foundation.due import ICONS, MOMENTS, TONES

__all__ = ["CallBlock"]

_SHOWN = 4


class CallBlock(QWidget):
    """`opened` asks for the list of calls, where they are worked on; `apology_asked` gives a missed Callback."""

    opened = Signal()
    apology_asked = Signal(object)

    def __init__(self, theme: Theme, calls: Sequence[Callback], now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._theme, self._now_ms = theme, now_ms
        gap = theme.tokens.space.tiny
        self._lines = [(call, PlainLabel(), Words()) for call in calls[:_SHOWN]]
        box = column(gap=gap, margins=(gap, 0, gap, 0))
        for call, icon, words in self._lines:
            line = row(icon, words, gap=gap)
            line.setStretch(1, 1)
            box.addLayout(line)
            by = " · ".join(filter(None, (phone_text(call.phone), polite(call.assignee_name))))
            box.addWidget(PlainLabel(by, type="caption", tone="muted", wrap=True))
        now = now_ms()
        missed = next((call for call in calls if owed(call, now) and call.end < now and not call.attempts), None)
        if missed is not None:
            pressed = partial(self.apology_asked.emit, missed)
            box.addWidget(Button(theme, _("Write an apology with new times"), pressed=pressed))
        if any(owed(call, now) for call in calls):
            box.addWidget(Button(theme, _("Calls to make…"), look=Look.QUIET, icon="phone", pressed=self.opened.emit))
        self.setLayout(box)
        self.tick()

    def tick(self) -> None:
        """Say how they stand now."""
        now = self._now_ms()
        for call, icon, label in self._lines:
            words = call_words(call, now, lambda ms: fmt.weekday(ms, now), MOMENTS)
            tone = TONES[words.level]
            self._theme.set_label_icon(icon, ICONS[words.level], f"{tone}.fg" if tone != "muted" else "fg.muted")
            if label.text() != words.text:
                label.setText(words.text)
            label.set_tone(tone)
