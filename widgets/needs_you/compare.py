# SPDX-License-Identifier: GPL-3.0-or-later
"""Yours, theirs and before beside each other, or below each other where the pane is narrow."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.needs import NeedDetail, NeedKind
from app.domain.ports import Choices
from app.services.needs_you import can_edit
from app.services.texts import polite
from app.services.texts_needs import value_words
from app.services.worddiff import Mark, Piece, word_diff
from widgets.foundation import Panel, PlainLabel, Theme, column, fmt, restyle
from widgets.needs_you.marked import MarkedText

__all__ = ["Compare"]


class _Side(Panel):
    def __init__(self, theme: Theme) -> None:
        super().__init__("card")
        space = theme.tokens.space
        self.heading = PlainLabel(type="strong", wrap=True)
        self.who = PlainLabel(type="caption", tone="muted", wrap=True)
        self.text = MarkedText(theme)
        edge = (space.medium, space.small, space.medium, space.medium)
        self.setLayout(column(self.heading, self.who, space.tiny, self.text, None, gap=space.hair, margins=edge))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def show_side(self, heading: str, who: str, pieces: list[Piece], *, is_text: bool) -> None:
        """Show a value with who set it and when; a short one stands out."""
        restyle(self.text, type="body" if is_text else "title")
        self.heading.setText(heading)
        self.who.setText(who)
        self.who.setVisible(bool(who))
        self.text.show_pieces(pieces)
        spoken = ", ".join(filter(None, (heading, who)))
        self.text.setAccessibleName(spoken)
        self.setAccessibleName(f"{spoken}: {self.text.toPlainText()}")


class Compare(QWidget):
    """Three cards in UX order: yours, theirs, before."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.mine, self.theirs, self.before = _Side(theme), _Side(theme), _Side(theme)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(theme.tokens.space.small)
        for side in (self.mine, self.theirs, self.before):
            self._box.addWidget(side, 1)
        self.setLayout(self._box)

    def show_detail(self, detail: NeedDetail, choices: Choices) -> None:
        """Show an entry's three values."""
        item = detail.item
        is_text = item.kind is NeedKind.TEXT or can_edit(item)
        words = [value_words(item, v, choices, fmt.moment) for v in (item.mine, item.theirs, item.base)]
        mine, theirs, base = words
        has_base = item.base is not None
        # without the value from before, what differs is shown between the two
        pairs = ((base, mine), (base, theirs)) if has_base else ((theirs, mine), (mine, theirs))
        who_mine = fmt.moment(detail.mine_at) if detail.mine_at else ""
        self.mine.show_side(_("Yours"), _joined(_("You"), who_mine), _pieces(*pairs[0], is_text), is_text=is_text)
        who = polite(item.author_name) or _("Somebody else")
        at = fmt.moment(item.author_at) if item.author_at else ""
        self.theirs.show_side(_("Theirs, in place now"), _joined(who, at), _pieces(*pairs[1], is_text), is_text=is_text)
        self.before.show_side(_("Before"), "", [Piece(Mark.SAME, base)], is_text=is_text)
        self.before.setVisible(has_base)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Columns where there is room for them."""
        super().resizeEvent(event)
        directions = QBoxLayout.Direction
        wide = event.size().width() >= self._theme.tokens.space.vast * 12
        wanted = directions.LeftToRight if wide else directions.TopToBottom
        if self._box.direction() is not wanted:
            self._box.setDirection(wanted)


def _pieces(before: str, after: str, is_text: bool) -> list[Piece]:
    return word_diff(before, after) if is_text else [Piece(Mark.SAME, after)]


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))
