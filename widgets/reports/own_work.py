# SPDX-License-Identifier: GPL-3.0-or-later
"""What one did in the last days: two charts, and with one key the same figures as a table (UX-65)."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.config.i18n import _, ngettext
from app.domain.own_work import Day
from widgets.foundation import Button, Look, PlainLabel, Theme, column, fmt, row

__all__ = ["DayChart", "OwnWorkWindow"]

_SWITCH = "Ctrl+T"


class DayChart(QWidget):
    """A bar for each day, its figure above it. A screen reader gets the figures as its description."""

    def __init__(self, theme: Theme, title: str, colour: str) -> None:
        super().__init__()
        self._theme, self._colour = theme, colour
        self._days: Sequence[tuple[str, int]] = ()
        self.setAccessibleName(title)
        space = theme.tokens.space
        self.setMinimumHeight(space.vast * 2)
        theme.changed.connect(self.update)

    def show_days(self, days: Sequence[tuple[str, int]]) -> None:
        """Show (day, figure), the oldest first."""
        self._days = days
        self.setAccessibleDescription("; ".join(f"{day}: {figure}" for day, figure in days))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars on their line."""
        del event
        if not self._days:
            return
        painter = QPainter(self)
        centred = Qt.AlignmentFlag.AlignCenter
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("caption", tabular=True))
        line = painter.fontMetrics().height()
        space = self._theme.tokens.space
        width = self.width() / len(self._days)
        most = max((figure for _day, figure in self._days), default=0) or 1
        room = self.height() - 2 * line - space.small
        for place, (day, figure) in enumerate(self._days):
            left, bar = place * width, room * figure / most
            top = line + space.tiny + room - bar
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour(self._colour))
            painter.drawRect(QRectF(left + width / 5, top, width * 3 / 5, max(bar, 1)))
            painter.setPen(self._theme.colour("fg.default"))
            painter.drawText(
                QRectF(left, top - line - space.hair, width, line), Qt.AlignmentFlag.AlignCenter, str(figure)
            )
            painter.setPen(self._theme.colour("fg.muted"))
            name = painter.fontMetrics().elidedText(day, Qt.TextElideMode.ElideRight, int(width))
            painter.drawText(QRectF(left, self.height() - line, width, line), centred, name)
        painter.end()


class OwnWorkWindow(QDialog):
    """Charts first; Ctrl+T or the button turns to the table and back."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self.setWindowTitle(_("My work"))
        self.words = PlainLabel(tone="muted", wrap=True)
        self.replies = DayChart(theme, _("Replies sent"), "accent.bg")
        self.solved = DayChart(theme, _("Tickets solved"), "success.fg")
        self.kept = DayChart(theme, _("Promises kept"), "success.fg")
        self.broken = DayChart(theme, _("Promises broken"), "danger.fg")
        heads = [_("Day"), _("Replies sent"), _("Tickets solved"), _("Promises kept"), _("Promises broken")]
        self.table = QTableWidget(0, len(heads))
        self.table.setHorizontalHeaderLabels(heads)
        self.table.setAccessibleName(_("The same figures as a table"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setTabKeyNavigation(False)
        charts = QWidget()
        charts.setLayout(
            column(
                PlainLabel(_("Replies sent"), type="strong"), self.replies,
                PlainLabel(_("Tickets solved"), type="strong"), self.solved,
                row(
                    column(PlainLabel(_("Promises kept"), type="strong"), self.kept, gap=space.small),
                    column(PlainLabel(_("Promises broken"), type="strong"), self.broken, gap=space.small),
                    gap=space.large,
                ),
                gap=space.small,
            )
        )  # fmt: skip
        self.pages = QStackedWidget()
        self.pages.addWidget(charts)
        self.pages.addWidget(self.table)
        self.switch = Button(theme, "", icon="list", pressed=self.turn)
        close = Button(theme, _("Close"), look=Look.PRIMARY, pressed=self.accept)
        hint = PlainLabel(
            _("Counted on this computer from what you did yourself. Nobody else sees it."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        title = PlainLabel(_("My work"), type="title")
        edge = (space.wide, space.wide, space.wide, space.large)
        buttons = row(self.switch, None, close, gap=space.small)
        self.setLayout(column(title, self.words, self.pages, hint, buttons, gap=space.medium, margins=edge))
        self.resize(space.vast * 14, space.vast * 13)
        QShortcut(QKeySequence(_SWITCH), self, self.turn)
        self._name_switch()
        self.switch.setFocus()

    def show_days(self, days: Sequence[Day]) -> None:
        """Show the figures, the oldest day first."""
        names = [fmt.day(each.date, year=False) for each in days]
        self.replies.show_days([(str(d.date.day), d.replies) for d in days])
        self.solved.show_days([(str(d.date.day), d.solved) for d in days])
        self.kept.show_days([(str(d.date.day), d.kept) for d in days])
        self.broken.show_days([(str(d.date.day), d.broken) for d in days])
        self.table.setRowCount(len(days))
        for place, (name, each) in enumerate(zip(names, days, strict=True)):
            for at, text in enumerate((name, *map(str, (each.replies, each.solved, each.kept, each.broken)))):
                item = QTableWidgetItem(text)
                if at:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(place, at, item)
        replies, solved = sum(d.replies for d in days), sum(d.solved for d in days)
        said = [
            ngettext("{n} reply", "{n} replies", replies).format(n=replies),
            ngettext("{n} ticket solved", "{n} tickets solved", solved).format(n=solved),
        ]
        kept, broken = sum(d.kept for d in days), sum(d.broken for d in days)
        if kept or broken:
            said.append(ngettext("{n} promise kept", "{n} promises kept", kept).format(n=kept))
            said.append(ngettext("{n} promise broken", "{n} promises broken", broken).format(n=broken))
        self.words.setText(_("In the last {days} days: {what}.").format(days=len(days), what=", ".join(said)))

    def show_problem(self, text: str) -> None:
        """The history could not be read."""
        self.words.setText(text)

    def turn(self) -> None:
        """Turn from the charts to the table, or back."""
        self.pages.setCurrentIndex(1 - self.pages.currentIndex())
        self._name_switch()
        if self.pages.currentIndex():
            self.table.setFocus()
        else:
            self.switch.setFocus()

    def _name_switch(self) -> None:
        self.switch.setText(_("As charts") if self.pages.currentIndex() else _("As a table"))
        self.switch.setToolTip(QKeySequence(_SWITCH).toString(QKeySequence.SequenceFormat.NativeText))
