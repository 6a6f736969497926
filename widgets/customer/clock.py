# SPDX-License-Identifier: GPL-3.0-or-later
"""The block of the details pane that says how a ticket's targets stand, true to the minute."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.config.i18n import _, language
from app.domain.ports import ClockFacts
from app.services.texts_due import TargetWords, clock_words
from widgets.foundation import PlainLabel, Theme, Words, column, row
from widgets.foundation.due import ICONS, MOMENTS, TONES

__all__ = ["ClockBlock"]


class ClockBlock(QWidget):
    """Shows one clock; `tick` keeps it true. It is made anew when the ticket's events change."""

    def __init__(self, theme: Theme, facts: ClockFacts, now_ms: int) -> None:
        super().__init__()
        self._theme = theme
        self._facts = facts
        self._lines: list[TargetWords] = []
        self._now_ms = now_ms
        space = theme.tokens.space
        self._box = column(gap=space.tiny, margins=(space.tiny, 0, space.tiny, 0))
        self.setLayout(self._box)
        self._said: list[tuple[PlainLabel, Words]] = []
        self._note = Words(tone="muted")
        self._build()

    def tick(self, now_ms: int) -> None:
        """Say how the clock stands now; nothing is built unless another target speaks."""
        self._now_ms = now_ms
        lines = self._words()
        if [line.name for line in lines] != [line.name for line in self._lines]:
            self._clear()
            self._build()
            return
        for line, (icon, label) in zip(lines, self._said, strict=True):
            self._say(line, icon, label)
        self._lines = lines

    def _words(self) -> list[TargetWords]:
        return list(clock_words(self._facts.at(self._now_ms), self._now_ms, MOMENTS))

    def _clear(self) -> None:
        while (item := self._box.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._said = []
        self._note = Words(tone="muted")

    def _build(self) -> None:
        view = self._facts.at(self._now_ms)
        self._lines = self._words()
        for line in self._lines:
            icon, said = PlainLabel(), Words()
            self._say(line, icon, said)
            holder = QWidget()
            gap = self._theme.tokens.space.hair
            top = row(icon, PlainLabel(line.name, type="strong"), None, gap=self._theme.tokens.space.tiny)
            holder.setLayout(column(top, said, gap=gap, margins=(0, 0, 0, self._theme.tokens.space.tiny)))
            self._said.append((icon, said))
            self._box.addWidget(holder)
        notes = []
        name = self._facts.name_ko if language() == "ko" else self._facts.name_en
        if name:
            notes.append(_("Policy: {name}").format(name=name))
        if view.estimated:
            notes.append(_("Estimated until the server confirms it"))
        self._note.setText(" · ".join(notes))
        self._box.addWidget(self._note)  # first: what shows before it has a place is a window of its own
        self._note.setVisible(bool(notes))

    def _say(self, line: TargetWords, icon: PlainLabel, label: Words) -> None:
        tone = TONES[line.words.level]
        self._theme.set_label_icon(icon, ICONS[line.words.level], f"{tone}.fg" if tone != "muted" else "fg.muted")
        if label.text() != line.words.text:
            label.setText(line.words.text)
        label.set_tone(tone)
        label.setAccessibleName(f"{line.name}: {line.words.text}")
