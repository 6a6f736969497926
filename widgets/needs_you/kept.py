# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wrote and is kept, under the newer messages that came in between."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.config.i18n import _, ngettext
from app.domain.ports import ThreadItem
from app.services.texts import polite
from widgets.foundation import Panel, PlainLabel, Theme, clear, column, fmt
from widgets.needs_you.marked import MarkedText

__all__ = ["Kept"]

NEWS_SHOWN = 10
SHOWN_CHARS = 4_000


class Kept(QWidget):
    """News above, the kept text below."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        space = theme.tokens.space
        self.news_heading = PlainLabel(type="strong", wrap=True)
        self._news = QVBoxLayout()
        self._news.setSpacing(space.small)
        self.card = Panel("reply")
        self.heading = PlainLabel(type="strong", wrap=True)
        self.text = MarkedText(theme)
        edge = (space.medium, space.small, space.medium, space.medium)
        self.card.setLayout(column(self.heading, self.text, gap=space.tiny, margins=edge))
        self.setLayout(column(self.news_heading, self._news, self.card, gap=space.small))

    def show_kept(self, heading: str, text: str, kind: str, news: Sequence[ThreadItem]) -> None:
        """Show a kept text; `kind` is the role of its ground."""
        clear(self._news)
        shown = news[-NEWS_SHOWN:]
        self.news_heading.setVisible(bool(news))
        self.news_heading.setText(
            ngettext("{n} new message since you began", "{n} new messages since you began", len(news)).format(
                n=len(news)
            )
        )
        for item in shown:
            self._news.addWidget(self._block(item))
        self.card.set_kind(kind)
        self.heading.setText(heading)
        self.text.setAccessibleName(heading)
        self.text.show_text(text)
        self.card.setAccessibleName(f"{heading}: {text[:2000]}")

    def _block(self, item: ThreadItem) -> Panel:
        space = self._theme.tokens.space
        who = polite(item.author_name) or _("Unknown sender")
        head = PlainLabel(f"{who} · {fmt.moment(item.at)}", type="caption", tone="muted", wrap=True)
        body = MarkedText(self._theme, f"{who}, {fmt.moment(item.at)}")
        body.show_text(item.body[:SHOWN_CHARS])
        edge = (space.medium, space.small, space.medium, space.medium)
        card = Panel("card", column(head, body, gap=space.tiny, margins=edge))
        card.setAccessibleName(f"{who}, {fmt.moment(item.at)}: {item.body[:2000]}")
        return card
