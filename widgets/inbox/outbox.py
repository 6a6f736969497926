# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox page: what is saved here and has not reached the server, oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.config.i18n import _, ngettext
from app.domain.ports import OutboxItem, PlannedSend, SendWhy, TicketQueries
from app.services.messages import error_text
from app.services.texts_status import change_name
from widgets.foundation import (
    Button,
    EmptyState,
    Index,
    Ink,
    Notice,
    Panel,
    PlainLabel,
    RowDelegate,
    RowList,
    Theme,
    column,
    fmt,
    row,
)
from widgets.foundation.focus import has_keyboard
from widgets.foundation.jobs import Jobs

__all__ = ["OutboxPage"]

_PLANNED = "planned"
_ICONS = {
    "message.add": ("reply", "reply.fg"), "note.add": ("sticky-note", "note.fg"), _PLANNED: ("alarm-clock", "reply.fg"),
}  # fmt: skip
_NO_INDEX = QModelIndex()


class _Model(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[OutboxItem | PlannedSend] = ()

    def show_items(self, items: Sequence[OutboxItem | PlannedSend]) -> None:
        self.beginResetModel()
        self._items = items
        self.endResetModel()

    def item(self, place: int) -> OutboxItem | PlannedSend:
        return self._items[place]

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NO_INDEX) -> int:
        """How many wait."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words of a change, or the item."""
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(_words(item))
        return None


def _words(item: OutboxItem | PlannedSend) -> tuple[str, str, str]:
    """What, for which ticket, since when or until when."""
    if isinstance(item, OutboxItem):
        return change_name(item), item.ticket_label, fmt.time_of_day(item.created)
    order = item.order
    if order.why is SendWhy.STOPPED:
        return _("Reply, not sent"), item.label, fmt.time_of_day(order.at)
    if order.why is SendWhy.UNDO:
        return _("Reply, in a moment"), item.label, fmt.time_of_day(order.at)
    return _("Reply, later"), item.label, fmt.moment(order.at)


class _Delegate(RowDelegate):
    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """What, for which ticket, since when."""
        item = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(item, OutboxItem | PlannedSend):
            return
        what, ticket, when = _words(item)
        space = self.theme.tokens.space
        inner = rect.adjusted(space.large, 0, -space.large, 0)
        icon, colour = _ICONS.get(item.name if isinstance(item, OutboxItem) else _PLANNED, ("pen-line", "fg.muted"))
        self.draw_icon(painter, inner.left(), inner.center().y(), icon, colour, ink.scale)
        left = inner.left() + self.theme.tokens.icon_small + space.medium
        width = self.draw(painter, inner, when, ink.muted, tabular=True, right=True)
        room = inner.right() - width - space.small - left
        middle = left + (room // 2 if isinstance(item, OutboxItem) else room * 2 // 3)
        self.draw(painter, QRect(left, inner.top(), middle - left, inner.height()), what, ink.text, "strong")
        rest = QRect(middle, inner.top(), inner.right() - width - space.small - middle, inner.height())
        self.draw(painter, rest, ticket, ink.muted, tabular=True)


class OutboxPage(Panel):
    """Lists what waits: replies with a time first, then changes. `ticket_chosen` gives a TicketId.

    `sync_asked`: the person wants changes sent now; `take_back_asked` and `send_now_asked` give a reply's ticket.
    """

    ticket_chosen = Signal(object)
    sync_asked = Signal()
    take_back_asked = Signal(object)
    send_now_asked = Signal(object)
    emptied = Signal()  # the last one went while the keyboard was on it

    def __init__(self, theme: Theme, queries: TicketQueries, jobs: Jobs) -> None:
        super().__init__("surface")
        self._queries = queries
        self._jobs = jobs
        self._items: Sequence[OutboxItem] = ()
        self._planned: Sequence[PlannedSend] = ()
        space = theme.tokens.space
        self.title = PlainLabel(type="title")
        self.words = PlainLabel(tone="muted", wrap=True)
        self.send = Button(theme, "", icon="refresh-cw", pressed=self.sync_asked.emit)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.model = _Model()
        self.list = RowList(theme, "", _Delegate(theme, "normal"))
        self.list.setModel(self.model)
        self.list.opened.connect(self._open)
        self.list.selectionModel().currentChanged.connect(lambda *_: self._tell_chosen())
        self.back = Button(theme, "", icon="undo-2", pressed=lambda: self._emit(self.take_back_asked))
        self.hurry = Button(theme, "", icon="send", pressed=lambda: self._emit(self.send_now_asked))
        self.empty = EmptyState(theme, "", "-", icon="cloud-check")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        edge = (space.large, space.medium, space.large, space.small)
        head = row(self.title, None, self.send, gap=space.small)
        self.deeds = QWidget()
        self.deeds.setLayout(row(self.back, self.hurry, None, gap=space.small))
        top = column(head, self.words, self.deeds, gap=space.tiny, margins=edge)
        box = column(top, self.problem, self.stack)
        box.setStretch(2, 1)
        self.setLayout(box)
        self.retranslate()

    def refresh(self) -> None:
        """Read again what waits."""
        self._jobs.query(self._queries.outbox, self._show, self._failed, key="outbox")

    def focus(self) -> bool:
        """Take the keyboard; False when nothing waits, for then there is nothing to stand on."""
        if self.stack.currentWidget() is self.list:
            self.list.setFocus()
            return True
        return False

    def show_planned(self, planned: Sequence[PlannedSend]) -> None:
        """Show the replies that have a time."""
        if planned != self._planned:
            self._planned = planned
            self._fill()

    def _show(self, items: Sequence[OutboxItem]) -> None:
        self.problem.hide()
        self._items = items
        self._fill()

    def _fill(self) -> None:
        had = has_keyboard(self.stack) or has_keyboard(self.deeds)
        place = self.list.currentIndex().row()
        self.model.show_items([*self._planned, *self._items])
        rows = self.model.rowCount()
        self.stack.setCurrentWidget(self.list if rows else self.empty)
        if rows:
            self.list.setCurrentIndex(self.model.index(min(max(place, 0), rows - 1)))
        if had and not self.focus():
            self.emptied.emit()
        self._tell()

    def _chosen(self) -> PlannedSend | None:
        index = self.list.currentIndex()
        item = self.model.item(index.row()) if index.isValid() else None
        return item if isinstance(item, PlannedSend) else None

    def _emit(self, signal: SignalInstance) -> None:
        chosen = self._chosen()
        if chosen is not None:
            signal.emit(chosen.draft.ticket)

    def _tell_chosen(self) -> None:
        chosen = self._chosen()
        self.deeds.setVisible(chosen is not None and chosen.order.why is not SendWhy.STOPPED)

    def _failed(self, why: Exception) -> None:
        self.problem.tell(error_text(why), "warning")
        self.problem.show()

    def _open(self, index: QModelIndex) -> None:
        item = self.model.item(index.row())
        ticket = item.ticket if isinstance(item, OutboxItem) else item.draft.ticket
        if ticket is not None:
            self.ticket_chosen.emit(ticket)

    def _tell(self) -> None:
        self._tell_chosen()
        n = len(self._items)
        self.send.setVisible(n > 0)
        text = ngettext(
            "{n} change is safe on this computer and goes to the server when there is a connection.",
            "{n} changes are safe on this computer and go to the server when there is a connection.",
            n,
        )
        self.words.setText(text.format(n=n) if n else "")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("Outbox"))
        self.list.setAccessibleName(_("Outbox"))
        self.title.setText(_("Outbox"))
        self.send.setText(_("Sync now"))
        self.back.setText(_("Take back"))
        self.hurry.setText(_("Send now"))
        self.empty.title.setText(_("Everything is sent"))
        self.empty.text.setText(_("Replies and changes that wait for the server stand here."))
        self._tell()
