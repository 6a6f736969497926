# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact card: what is already known of the matter, so that nobody asks for it again. All of it is plain text."""

from __future__ import annotations

from datetime import date

from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.fact_card import FactCard
from app.services.texts_customers import fact_lines
from widgets.foundation import CopyButton, PlainLabel, Theme, Words, column, fmt, row

__all__ = ["fact_rows"]


def fact_rows(theme: Theme, card: FactCard, today: date) -> QWidget:
    """Return the card's facts under each other, each with Copy, and when and how they were collected."""
    space = theme.tokens.space
    box = column(gap=space.small)
    for name, value in fact_lines(card, today, fmt.day):
        words = Words(value, selectable=True)
        words.setAccessibleName(f"{name}: {value}")
        copy = CopyButton(
            theme,
            value,
            label=_("Copy"),
            done=_("Copied"),
            name=_("Copy {what} {value}").format(what=name, value=value),
        )
        line = row(words, copy, gap=space.small)
        line.setStretch(0, 1)
        box.addLayout(column(PlainLabel(name, type="caption", tone="muted"), line))
    told = _("Told by the customer's computer on {when}, with consent") if card.by_customer else _("Written on {when}")
    box.addWidget(Words(told.format(when=fmt.moment(card.collected_at)), type="caption", tone="muted"))
    holder = QWidget()
    holder.setLayout(box)
    return holder
