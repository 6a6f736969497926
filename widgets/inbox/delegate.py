# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints a ticket of the list: as a card of one or two lines, or as a row of a table."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter

from app.domain.entities import Category, Priority
from app.domain.ports import Choices, TicketRow
from app.services.texts import owner_name, polite, priority_name, state_name
from app.services.view_looks import ViewLook
from widgets.foundation import Index, Ink, RowDelegate, Theme
from widgets.foundation.due import ICONS, TONES
from widgets.inbox.columns import Cell, cells
from widgets.inbox.model import Face, TicketRole

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
    """Rows made of tokens, as the view's look wants them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "comfortable")
        self.choices = Choices()
        self.look = ViewLook()
        self._face: Face | None = None  # of the line that is being painted

    def show_look(self, look: ViewLook) -> None:
        """Paint rows this way from now on; the list must measure them again."""
        self.look = look
        self.set_density(look.density)
        self._forget_looks()

    def picture_key(self, index: Index) -> Hashable | None:
        """A ticket's line looks the same until one of these changes."""
        face = index.data(TicketRole.FACE)
        self._face = face if isinstance(face, Face) else None
        if self._face is None:
            return None
        row = self._face.row
        name = state_name(self.choices, row.state, row.category) if row.category in STATE_CHIPS else ""
        owner = self.choices.users.get(row.owner, "") if row.owner is not None and self.look.table else ""
        return (self._face, name, owner)

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Paint a ticket, or two quiet bars while it is being read."""
        del index  # what it says is known from its key
        face = self._face
        space = self.theme.tokens.space
        two = self.density.lines > 1
        edge = space.tiny + space.hair if two else 0
        inner = rect.adjusted(space.wide, edge, -space.medium, -edge)
        half = inner.height() // 2 if two else inner.height()
        top = QRect(inner.left(), inner.top(), inner.width(), half)
        foot = QRect(inner.left(), inner.top() + half, inner.width(), inner.height() - half)
        if face is None:
            self._ghost(painter, top, foot)
        elif self.look.table:
            self._table(painter, inner, top, foot, face, ink)
            self._dot(painter, rect, top, face.row, ink)
        else:
            (self._top if two else self._line)(painter, top, face, ink)
            if two:
                self._foot(painter, foot, face, ink)
            self._dot(painter, rect, top, face.row, ink)
        painter.setPen(self.theme.colour("border.subtle"))
        painter.drawLine(rect.left() + space.medium, rect.bottom(), rect.right() - space.medium, rect.bottom())

    def _dot(self, painter: QPainter, rect: QRect, top: QRect, row: TicketRow, ink: Ink) -> None:
        if not row.unread:
            return
        space = self.theme.tokens.space
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink.text if ink.selected and self.theme.scheme.is_contrast else self.theme.colour("accent.bg"))
        middle = top.center().y()
        painter.drawEllipse(rect.left() + space.small, middle - space.tiny + 1, space.small, space.small)

    def _due(self, painter: QPainter, right: int, rect: QRect, face: Face, ink: Ink) -> int:
        """Paint how the clock stands, with its right edge at `right`; return where the words before it must end."""
        words = face.due
        if words is None:
            return right
        space, tone = self.theme.tokens.space, TONES[words.level]
        plain = ink.selected or tone == "muted"
        colour = ink.muted if plain else self.theme.colour(f"{tone}.fg")
        place = QRect(rect.left(), rect.top(), right - rect.left(), rect.height())
        left = right - self.draw(painter, place, words.text, colour, "caption", right=True, tabular=True) - space.tiny
        name = "selected.fg" if ink.selected else "fg.muted" if plain else f"{tone}.fg"
        side = self.theme.tokens.icon_small
        self.draw_icon(painter, left - side, rect.center().y() + 1, ICONS[words.level], name, ink.scale)
        return left - side - space.small

    def _line(self, painter: QPainter, rect: QRect, face: Face, ink: Ink) -> None:
        """Paint a card of one line: subject, customer, time."""
        space = self.theme.tokens.space
        row = face.row
        name = self.metrics("caption").elidedText(row.customer_name, Qt.TextElideMode.ElideRight, rect.width() // 4)
        width = self.draw(painter, rect, f"{name}  {face.when}", ink.muted, "caption", right=True, tabular=True)
        right = self._due(painter, rect.right() - width - space.small, rect, face, ink)
        right = self._badges(painter, right, rect.center().y() + 1, face, ink)
        left = self._urgency(painter, rect.left(), rect.center().y() + 1, row, ink)
        place = QRect(left, rect.top(), right - space.small - left, rect.height())
        self.draw(painter, place, row.subject, ink.text, "strong" if row.unread else "body")

    def _table(self, painter: QPainter, inner: QRect, top: QRect, foot: QRect, face: Face, ink: Ink) -> None:
        """Paint a row of the table; comfortable rows have the last words below the subject."""
        space = self.theme.tokens.space
        figure = self.metrics("body").horizontalAdvance("0")
        for cell in cells(self.look.columns, inner.width(), figure, space.medium):
            place = QRect(inner.left() + cell.left, top.top(), cell.width, top.height())
            if cell.name == "subject":
                self._subject(painter, place, face, ink)
                if self.density.lines > 1:
                    below = QRect(place.left(), foot.top(), place.width(), foot.height())
                    self.draw(painter, below, face.snippet or face.row.preview, ink.muted)
            else:
                self._cell(painter, place, cell, face, ink)

    def _subject(self, painter: QPainter, place: QRect, face: Face, ink: Ink) -> None:
        row = face.row
        left = self._urgency(painter, place.left(), place.center().y() + 1, row, ink)
        right = self._badges(painter, place.right(), place.center().y() + 1, face, ink)
        self.draw(
            painter, QRect(left, place.top(), right - left, place.height()), row.subject, ink.text,
            "strong" if row.unread else "body",
        )  # fmt: skip

    def _cell(self, painter: QPainter, place: QRect, cell: Cell, face: Face, ink: Ink) -> None:
        row = face.row
        if cell.name == "when":
            self.draw(painter, place, face.when, ink.muted, "caption", right=True, tabular=True)
            return
        if cell.name == "due":
            self._due(painter, place.right(), place, face, ink)
            return
        if cell.name == "state" and row.category in STATE_CHIPS and not ink.selected:
            metrics, space = self.metrics("caption"), self.theme.tokens.space
            text = state_name(self.choices, row.state, row.category)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width() - 2 * space.small)
            kind = STATE_CHIPS[row.category]
            self.draw_chip(
                painter, place.left(), place.center().y() + 1, shown, "selected" if kind == "accent" else kind
            )
            return
        words = {
            "number": row.label,
            "customer": row.customer_name,
            "state": state_name(self.choices, row.state, row.category),
            "priority": priority_name(row.priority),
            "owner": polite(owner_name(self.choices, row.owner)) if row.owner is not None else "–",
        }
        self.draw(painter, place, words.get(cell.name, ""), ink.muted, tabular=cell.name == "number")

    def _urgency(self, painter: QPainter, left: int, middle: int, row: TicketRow, ink: Ink) -> int:
        """Paint the mark of a high priority; return where the words begin."""
        if row.priority < Priority.HIGH:
            return left
        urgent = row.priority == Priority.URGENT
        name, colour = ("chevrons-up", "danger.fg") if urgent else ("chevron-up", "warning.fg")
        colour = "selected.fg" if ink.selected else colour
        return left + self.draw_icon(painter, left, middle, name, colour, ink.scale) + self.theme.tokens.space.hair

    def _badges(self, painter: QPainter, right: int, middle: int, face: Face, ink: Ink) -> int:
        """Paint what else is true of the ticket, from the right; return where the words must end."""
        row = face.row
        badges = (
            (row.needs_you, "circle-alert", "warning.fg"),
            (row.unanswered, "message-circle", "fg.muted"),
            (row.pending, "cloud-upload", "fg.muted"),
            (row.has_draft, "pen-line", "fg.link"),
            (face.written_on, "users", "warning.fg"),
        )
        for wanted, icon, colour in badges:
            if wanted:
                side = self.theme.tokens.icon_small
                shown = "selected.fg" if ink.selected else colour
                self.draw_icon(painter, right - side, middle, icon, shown, ink.scale)
                right -= side + self.theme.tokens.space.tiny
        return right

    def _top(self, painter: QPainter, rect: QRect, face: Face, ink: Ink) -> None:
        space = self.theme.tokens.space
        row = face.row
        width = self.draw(painter, rect, face.when, ink.muted, "caption", right=True, tabular=True)
        right = self._due(painter, rect.right() - width - space.small, rect, face, ink)
        left = self._urgency(painter, rect.left(), rect.center().y() + 1, row, ink)
        place = QRect(left, rect.top(), right - left, rect.height())
        self.draw(painter, place, row.subject, ink.text, "strong" if row.unread else "body")

    def _foot(self, painter: QPainter, rect: QRect, face: Face, ink: Ink) -> None:
        space = self.theme.tokens.space
        row = face.row
        right = rect.right()
        middle = rect.center().y() + 1
        if row.category in STATE_CHIPS:
            name = state_name(self.choices, row.state, row.category)
            right -= self.state_chip(painter, right, middle, name, STATE_CHIPS[row.category], ink) + space.tiny
        right = self._badges(painter, right, middle, face, ink)
        words = " · ".join(filter(None, (row.customer_name, row.label, face.snippet or row.preview)))
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
            if box.height() <= 0:
                continue
            painter.drawRoundedRect(
                box.left(), box.center().y() - height // 2, int(box.width() * share), height, radius, radius
            )
