# SPDX-License-Identifier: GPL-3.0-or-later
"""The list pane: a view's or a search's tickets, with title, order, empty and error states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QAbstractItemView, QMenu, QStackedWidget

from app.config.i18n import N_, _, ngettext
from app.domain.ids import TicketId
from app.domain.ports import Choices, SearchHit, SortKey, TicketQueries, TicketRow, ViewKey
from app.services.messages import error_text
from app.services.texts import view_name
from widgets.foundation import (
    Button,
    ElidedLabel,
    EmptyState,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    column,
    fmt,
    row,
)
from widgets.foundation.focus import has_keyboard
from widgets.foundation.jobs import Jobs
from widgets.foundation.long_list import LongList
from widgets.inbox.delegate import TicketDelegate
from widgets.inbox.model import TicketListModel, TicketRole

__all__ = ["InboxPane"]

_SORTS = {
    SortKey.LAST_ACTIVITY: N_("Newest activity first"),
    SortKey.PRIORITY: N_("Most urgent first"),
    SortKey.CREATED: N_("Newest ticket first"),
    SortKey.NUMBER: N_("Highest number first"),
}
_EMPTY = {
    ViewKey.MINE: N_("Tickets you take or are given stand here."),
    ViewKey.UNASSIGNED: N_("Every ticket has an owner."),
    ViewKey.TEAM: N_("Open tickets of your teams stand here."),
    ViewKey.WAITING: N_("Tickets that wait for an answer of the customer stand here."),
    ViewKey.SNOOZED: N_("Tickets that come back later stand here."),
}


class InboxPane(Panel):
    """Shows one view or the hits of a search. `selected` follows the current row; `opened`: Enter was pressed."""

    selected = Signal(object)  # TicketId or None
    opened = Signal(object)  # TicketId
    search_left = Signal()
    elsewhere_asked = Signal()  # the empty view's button
    shown = Signal()  # what was read is in the list, or could not be read

    def __init__(self, theme: Theme, queries: TicketQueries, jobs: Jobs, now_ms: Callable[[], int]) -> None:
        super().__init__("surface")
        self._queries = queries
        self._jobs = jobs
        self._view = ViewKey.MINE
        self._sort = SortKey.LAST_ACTIVITY
        self._search: str | None = None
        self._current: TicketId | None = None
        self.model = TicketListModel(queries, jobs, now_ms, self)
        self._delegate = TicketDelegate(theme)
        self.list = LongList(theme, "", self._delegate)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setModel(self.model)
        self.list.opened.connect(self._open)
        self.list.selectionModel().currentChanged.connect(self._moved)
        self._build(theme)
        self.retranslate()

    def _build(self, theme: Theme) -> None:
        space = theme.tokens.space
        self.title = ElidedLabel(type="title")
        self.count = PlainLabel(tone="muted")
        self.sort_button = Button(theme, "", look=Look.QUIET, icon="arrow-up-down")
        self.sort_menu = QMenu(self.sort_button)
        self.sort_menu.aboutToShow.connect(self._fill_sort_menu)
        self.sort_button.setMenu(self.sort_menu)
        self.close_search = Button(theme, "", look=Look.QUIET, icon="x", pressed=self.search_left.emit)
        self.close_search.hide()
        head = row(
            self.title, self.count, self.sort_button, self.close_search, gap=space.small,
            margins=(space.large, space.small, space.small, space.small),
        )  # fmt: skip
        head.setStretch(0, 1)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.empty = EmptyState(theme, "", "-", action="-", icon="inbox", pressed=self._empty_action)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        box = column(head, self.problem, self.stack)
        box.setStretch(2, 1)
        self.setLayout(box)

    # --- what the window says --------------------------------------------------------------------------------

    def show_view(self, view: ViewKey) -> None:
        """Show a view from its top."""
        if view is not self._view or self._search is not None:
            self._current = None
        self._view, self._search = view, None
        self.retranslate()
        self.refresh()

    def show_search(self, text: str) -> None:
        """Show what a search finds; old rows stay until new ones are there."""
        self._search = text
        self.retranslate()
        self.refresh()

    def show_choices(self, choices: Choices) -> None:
        """Names of states and people came or changed."""
        self.model.choices = self._delegate.choices = choices
        self.list.viewport().update()

    def refresh(self) -> None:
        """Read the list again; the ticket the person is on stays where it is."""
        search, view, sort = self._search, self._view, self._sort
        if search is not None:
            self._jobs.query(lambda: self._queries.search(search), self._show_hits, self._failed, key="list.ids")
        else:
            self._jobs.query(lambda: self._queries.ids(view, sort), self._show_ids, self._failed, key="list.ids")

    def rows_changed(self, ids: frozenset[bytes]) -> None:
        """Rows changed: read those on screen again, and the order."""
        self.model.forget(ids)
        self.refresh()

    def view(self) -> ViewKey:
        """Return the view shown, or the one a search started from."""
        return self._view

    def search_text(self) -> str | None:
        """Return what is searched for, or None."""
        return self._search

    def current(self) -> TicketId | None:
        """Return the ticket the person is on."""
        return self._current

    def current_rows(self) -> list[TicketRow]:
        """Return the selected rows, of those loaded; the current one when no more are selected."""
        rows = [index.data(TicketRole.ROW) for index in self.list.selectedIndexes()[:1000]]
        return [r for r in rows if isinstance(r, TicketRow)]

    def step(self, by: int) -> None:
        """Go to the next or previous ticket."""
        place = self.list.currentIndex().row() + by
        if 0 <= place < self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(place))

    def toggle(self) -> None:
        """Add the current row to the selection, or take it out."""
        flags = QItemSelectionModel.SelectionFlag.Toggle
        self.list.selectionModel().select(self.list.currentIndex(), flags)

    def select(self, ticket: TicketId) -> None:
        """Put the selection on a ticket when the list has it near its top; the list itself stays."""
        for place in range(min(self.model.rowCount(), 2000)):
            if self.model.id_at(place) == ticket:
                self._put(place)
                return
        self.list.selectionModel().clear()
        self._current = ticket  # last: clearing says that there is none

    # --- inside ----------------------------------------------------------------------------------------------

    def _show_ids(self, ids: Sequence[TicketId]) -> None:
        self.problem.hide()
        self._keep(lambda: self.model.show_ids(ids))
        self._tell(len(ids))

    def _show_hits(self, hits: Sequence[SearchHit]) -> None:
        self.problem.hide()
        self._keep(lambda: self.model.show_hits(hits))
        self._tell(len(hits))

    def _keep(self, change: Callable[[], None]) -> None:
        ticket, bar = self._current, self.list.verticalScrollBar()
        before = bar.value()
        blocked = self.list.selectionModel().blockSignals(True)
        change()
        self.list.selectionModel().blockSignals(blocked)
        if ticket is None:
            return
        for place in range(min(self.model.rowCount(), 2000)):
            if self.model.id_at(place) == ticket:
                self._put(place, quiet=True)
                break
        bar.setValue(before)

    def _put(self, place: int, *, quiet: bool = False) -> None:
        model = self.list.selectionModel()
        blocked = model.blockSignals(quiet)
        model.setCurrentIndex(self.model.index(place), QItemSelectionModel.SelectionFlag.ClearAndSelect)
        model.blockSignals(blocked)
        self.list.viewport().update()

    def focus(self) -> None:
        """Take the keyboard: the tickets, or what helps when there are none."""
        (self.empty.action if self.stack.currentWidget() is self.empty else self.list).setFocus()

    def _tell(self, n: int) -> None:
        self.count.setText(fmt.number(n))
        self.count.setAccessibleName(ngettext("{n} ticket", "{n} tickets", n).format(n=fmt.number(n)))
        had = has_keyboard(self.stack)
        self.stack.setCurrentWidget(self.list if n else self.empty)
        if had:
            self.focus()
        self.shown.emit()

    def _failed(self, why: Exception) -> None:
        self.problem.tell(error_text(why), "warning")
        self.problem.show()
        self.shown.emit()

    def _moved(self, index: QModelIndex, _previous: QModelIndex) -> None:
        self._current = self.model.id_at(index.row()) if index.isValid() else None
        if self._current is not None:
            self.selected.emit(self._current)

    def _open(self, index: QModelIndex) -> None:
        ticket = self.model.id_at(index.row())
        if ticket is not None:
            self.opened.emit(ticket)

    def _empty_action(self) -> None:
        (self.search_left if self._search is not None else self.elsewhere_asked).emit()

    def _fill_sort_menu(self) -> None:
        self.sort_menu.clear()
        group = QActionGroup(self.sort_menu)
        for key, text in _SORTS.items():
            action = self.sort_menu.addAction(_(text))
            action.setCheckable(True)
            action.setChecked(key is self._sort)
            action.triggered.connect(lambda _on=False, key=key: self._sort_by(key))
            group.addAction(action)

    def _sort_by(self, key: SortKey) -> None:
        self._sort = key
        self.retranslate()
        self.refresh()

    # --- words -----------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        searching = self._search is not None
        self.list.setAccessibleName(_("Tickets"))
        self.close_search.setVisible(searching)
        self.close_search.setText("")
        self.close_search.setAccessibleName(_("End the search"))
        self.close_search.setToolTip(_("End the search"))
        self.sort_button.setVisible(not searching)
        self.sort_button.setText("")
        self.sort_button.setAccessibleName(_("Order: {order}").format(order=_(_SORTS[self._sort])))
        self.sort_button.setToolTip(_("Order: {order}").format(order=_(_SORTS[self._sort])))
        if searching:
            self.title.setText(_("Search: {text}").format(text=self._search))
            self.empty.title.setText(_("Nothing found for “{text}”").format(text=self._search))
            self.empty.text.setText(
                _("The search looked through everything on this computer. Try fewer or other words.")
            )
            self.empty.action.setText(_("End the search"))
        else:
            self.title.setText(view_name(self._view))
            self.empty.title.setText(_("Nothing here"))
            self.empty.text.setText(_(_EMPTY.get(self._view, N_("Tickets stand here."))))
            self.empty.action.setText(_("Show all open tickets"))
        self.model.forget(())
