# SPDX-License-Identifier: GPL-3.0-or-later
"""The block of the details pane for the two questions: what the customer answered, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.surveys import Answered
from app.services.texts import polite
from app.services.texts_surveys import answer_lines
from widgets.foundation import PlainLabel, Theme, Words, column, fmt, row

__all__ = ["answer_row", "newest"]

_SHOWN = 3


def newest(answers: Sequence[Answered]) -> Sequence[Answered]:
    """Return those that show."""
    return answers[:_SHOWN]


def answer_row(theme: Theme, answered: Answered) -> QWidget:
    """Return one answer: both questions, the customer's words, when, and who wrote it down."""
    space = theme.tokens.space
    box = column(gap=space.hair, margins=(space.tiny, 0, 0, space.small))
    for text, tone, icon in answer_lines(answered):
        picture, words = PlainLabel(), Words(text, tone=tone)
        theme.set_label_icon(picture, icon, f"{tone}.fg")
        line = row(picture, words, gap=space.tiny)
        line.setStretch(1, 1)
        box.addLayout(line)
    if answered.comment:
        box.addWidget(PlainLabel(f"“{answered.comment}”", wrap=True, selectable=True))
    noted = _("written down by {name}").format(name=polite(answered.noted_by)) if answered.noted_by else ""
    foot = " · ".join(filter(None, (fmt.moment(answered.at), noted)))
    box.addWidget(PlainLabel(foot, type="caption", tone="muted", wrap=True))
    holder = QWidget()
    holder.setLayout(box)
    return holder
