# SPDX-License-Identifier: GPL-3.0-or-later
"""The day's calls as work: what is owed in the order of the day, and what can be done about each, by keyboard too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QLineEdit,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.config.i18n import _, ngettext
from app.domain.addresses import phone_text
from app.domain.callback_ports import CallItem
from app.domain.callbacks import CallState, as_it_stands, is_open
from app.services.callbacks import Attempt
from app.services.texts import polite
from app.services.texts_callbacks import call_words
from widgets.foundation import Button, Look, PlainLabel, Theme, column, fit, fmt, read_text, row
from widgets.foundation.due import MOMENTS, TONES
from widgets.foundation.flow import Flow

__all__ = ["CallsWindow"]

_MOST_MINUTES = 480


class CallsWindow(QDialog):
    """Stands beside the work. Each signal gives the CallItem that is chosen; Enter opens its ticket."""

    opened = Signal(object)
    taken = Signal(object)
    attempted = Signal(object, object)  # CallItem, Attempt
    moved = Signal(object)
    cancelled = Signal(object)
    apology_asked = Signal(object)

    def __init__(self, theme: Theme, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._now_ms = theme, now_ms
        self._items: list[CallItem] = []
        space = theme.tokens.space
        self.setWindowTitle(_("Calls to make"))
        self.words = PlainLabel(tone="muted", wrap=True)
        heads = [_("Call"), _("Customer"), _("Number"), _("Ticket"), _("Who calls")]
        self.table = QTableWidget(0, len(heads))
        self.table.setHorizontalHeaderLabels(heads)
        self.table.setAccessibleName(_("Calls to make"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.table.itemSelectionChanged.connect(self._arm)
        self.table.itemActivated.connect(lambda _item: self._with(self.opened.emit))
        self.note = QLineEdit()
        self.note.setPlaceholderText(_("What was said; becomes an internal note"))
        self.note.setAccessibleName(_("What was said; becomes an internal note"))
        self.minutes = QSpinBox()
        self.minutes.setRange(0, _MOST_MINUTES)
        self.minutes.setSuffix(_(" min"))
        self.minutes.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.minutes.setAccessibleName(_("Minutes on the phone"))
        self.reached = Button(theme, _("Reached"), look=Look.PRIMARY, pressed=lambda: self._attempt(reached=True))
        self.tried = Button(theme, _("Not reached"), pressed=lambda: self._attempt(reached=False))
        self.take = Button(theme, _("I will call"), pressed=lambda: self._with(self.taken.emit))
        self.move_ = Button(theme, _("Another time…"), pressed=lambda: self._with(self.moved.emit))
        self.sorry = Button(theme, _("Write an apology"), pressed=lambda: self._with(self.apology_asked.emit))
        self.off = Button(theme, _("Off the list"), look=Look.QUIET, pressed=lambda: self._with(self.cancelled.emit))
        see = _("Open ticket")
        self.show_ticket = Button(theme, see, look=Look.QUIET, pressed=lambda: self._with(self.opened.emit))
        close = Button(theme, _("Close"), pressed=self.reject)
        said = row(self.note, self.minutes, self.reached, self.tried, gap=space.small)
        said.setStretch(0, 1)
        more = Flow(space.small, self.take, self.move_, self.sorry, self.off, self.show_ticket, close)
        edge = (space.large, space.large, space.large, space.large)
        box = column(self.words, self.table, said, more, gap=space.small, margins=edge)
        box.setStretch(1, 1)
        self.setLayout(box)
        fit(self, space.vast * 18, space.vast * 9)
        self.show_items(())
        self.table.setFocus()

    def show_items(self, items: Sequence[CallItem]) -> None:
        """Show the calls; the one that is chosen stays chosen."""
        chosen = self.chosen()
        self._items = list(items)
        now = self._now_ms()
        n = len(self._items)
        told = ngettext("{n} call to make", "{n} calls to make", n).format(n=n)
        self.words.setText(told if n else _("No call is owed. Calls that customers ask for appear here."))
        self.table.horizontalHeader().setVisible(bool(n))  # an empty list has no heads
        self.table.blockSignals(True)
        self.table.setRowCount(n)
        for at, item in enumerate(self._items):
            words = call_words(item.call, now, lambda ms: fmt.weekday(ms, now), MOMENTS)
            texts = (
                words.text, polite(item.row.customer_name), phone_text(item.call.phone),
                f"{item.row.label} {item.row.subject}", polite(item.call.assignee_name),
            )  # fmt: skip
            tone = TONES[words.level]
            for place, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                cell.setToolTip(text)
                if not place and tone in ("warning", "danger"):
                    cell.setForeground(self._theme.colour(f"{tone}.fg"))
                self.table.setItem(at, place, cell)
        self.table.blockSignals(False)
        ids = [item.call.id for item in self._items]
        if n:
            self.table.selectRow(ids.index(chosen.call.id) if chosen is not None and chosen.call.id in ids else 0)
        self._arm()

    def chosen(self) -> CallItem | None:
        """Return the call that is chosen."""
        at = self.table.currentRow()
        return self._items[at] if 0 <= at < len(self._items) else None

    def _arm(self) -> None:
        item = self.chosen()
        what = as_it_stands(item.call, self._now_ms()) if item is not None else None
        for button in (self.reached, self.tried, self.off, self.show_ticket, self.move_):
            button.setEnabled(item is not None)
        self.take.setEnabled(item is not None and is_open(item.call.state) and item.call.assignee is None)
        self.sorry.setEnabled(what is CallState.MISSED)

    def _attempt(self, *, reached: bool) -> None:
        item = self.chosen()
        if item is None:
            return
        attempt = Attempt(reached, self.minutes.value(), read_text(self.note).strip())
        self.note.clear()
        self.minutes.setValue(0)
        self.attempted.emit(item, attempt)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _with(self, tell: Callable[[CallItem], object]) -> None:
        item = self.chosen()
        if item is not None:
            tell(item)
