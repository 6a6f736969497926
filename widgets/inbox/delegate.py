# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints a ticket of the list: two lines, subject and time above, customer, number and state below."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter

from app.domain.entities import Category, Priority
from app.domain.ports import Choices, TicketRow
from app.services.texts import state_name
from widgets.foundation import Index, Ink, RowDelegate, Theme
from widgets.inbox.model import TicketRole

__all__ = ["STATE_CHIPS", "TicketDelegate"]

STATE_CHIPS = {
    Category.NEW: "accent",
    Category.OPEN: "reply",
    Category.WAITING_CUSTOMER: "warning",
    Category.WAITING_INTERNAL: "warning",
    Category.HELD: "danger",
    Category.SOLVED: "success",
}


class TicketDelegate(RowDelegate):
    """Two-line rows made of tokens."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "comfortable")
        self.choices = Choices()

    def picture_key(self, index: Index) -> Hashable | None:
        """A ticket's line looks the same until one of these changes."""
        row = index.data(TicketRole.ROW)
        if not isinstance(row, TicketRow):
            return None
        name = state_name(self.choices, row.state, row.category) if row.category in STATE_CHIPS else ""
        return (row, name, index.data(TicketRole.WHEN), index.data(TicketRole.SNIPPET))

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Paint a ticket, or two quiet bars while it is being read."""
        row = index.data(TicketRole.ROW)
        space = self.theme.tokens.space
        inner = rect.adjusted(space.wide, space.tiny + space.hair, -space.medium, -space.tiny - space.hair)
        half = inner.height() // 2
        top = QRect(inner.left(), inner.top(), inner.width(), half)
        foot = QRect(inner.left(), inner.top() + half, inner.width(), inner.height() - half)
        if isinstance(row, TicketRow):
            self._top(painter, top, index, row, ink)
            self._foot(painter, foot, index, row, ink)
            self._dot(painter, rect, top, row, ink)
        else:
            self._ghost(painter, top, foot)
        painter.setPen(self.theme.colour("border.subtle"))
        painter.drawLine(rect.left() + space.medium, rect.bottom(), rect.right() - space.medium, rect.bottom())

    def _dot(self, painter: QPainter, rect: QRect, top: QRect, row: TicketRow, ink: Ink) -> None:
        if not row.unanswered:
            return
        space = self.theme.tokens.space
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.text if ink.selected and self.theme.scheme.is_contrast else self.theme.colour("accent.bg"))
        middle = top.center().y()
        painter.drawEllipse(rect.left() + space.small, middle - space.tiny + 1, space.small, space.small)

    def _top(self, painter: QPainter, rect: QRect, index: Index, row: TicketRow, ink: Ink) -> None:
        space = self.theme.tokens.space
        when = str(index.data(TicketRole.WHEN) or "")
        width = self.draw(painter, rect, when, ink.muted, "caption", right=True, tabular=True)
        left = rect.left()
        if row.priority >= Priority.HIGH:
            urgent = row.priority == Priority.URGENT
            name, colour = ("chevrons-up", "danger.fg") if urgent else ("chevron-up", "warning.fg")
            colour = "selected.fg" if ink.selected else colour
            left += self.draw_icon(painter, left, rect.center().y() + 1, name, colour, ink.scale) + space.hair
        place = QRect(left, rect.top(), rect.right() - width - space.small - left, rect.height())
        self.draw(painter, place, row.subject, ink.text, "strong" if row.unanswered else "body")

    def _foot(self, painter: QPainter, rect: QRect, index: Index, row: TicketRow, ink: Ink) -> None:
        space = self.theme.tokens.space
        right = rect.right()
        middle = rect.center().y() + 1
        if row.category in STATE_CHIPS:
            name = state_name(self.choices, row.state, row.category)
            right -= self.state_chip(painter, right, middle, name, STATE_CHIPS[row.category], ink) + space.tiny
        badges = (
            (row.needs_you, "circle-alert", "warning.fg"),
            (row.pending, "cloud-upload", "fg.muted"),
            (row.has_draft, "pen-line", "fg.link"),
        )
        for wanted, icon, colour in badges:
            if wanted:
                side = self.theme.tokens.icon_small
                shown = "selected.fg" if ink.selected else colour
                self.draw_icon(painter, right - side, middle, icon, shown, ink.scale)
                right -= side + space.tiny
        snippet = index.data(TicketRole.SNIPPET)
        words = " · ".join(filter(None, (row.customer_name, row.label, str(snippet or row.preview))))
        self.draw(
            painter, QRect(rect.left(), rect.top(), right - rect.left() - space.tiny, rect.height()), words, ink.muted
        )

    def state_chip(self, painter: QPainter, right: int, middle: int, text: str, kind: str, ink: Ink) -> int:
        """Paint the state at the right edge; on the selected row only its words, the grounds would clash."""
        metrics = self.metrics("caption")
        room = self.theme.tokens.space.vast * 3
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        if ink.selected:
            width = metrics.horizontalAdvance(shown)
            box = QRect(right - width - 1, middle - metrics.height(), width + 1, metrics.height() * 2)
            self.draw(painter, box, shown, ink.text, "caption", right=True)
            return width + 1
        return self.draw_chip(painter, right, middle, shown, "selected" if kind == "accent" else kind, right=True)

    def _ghost(self, painter: QPainter, top: QRect, foot: QRect) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("bg.hover"))
        radius = self.theme.tokens.radius_small
        height = self.theme.tokens.space.small
        for box, share in ((top, 0.7), (foot, 0.4)):
            painter.drawRoundedRect(
                box.left(), box.center().y() - height // 2, int(box.width() * share), height, radius, radius
            )
