# SPDX-License-Identifier: GPL-3.0-or-later
"""The list pane: a view's or a search's tickets, with title, filters, order, look, empty and error states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy, QStackedWidget, QWidget

from app.config.i18n import _, ngettext
from app.domain.ids import TicketId
from app.domain.ports import (
    Choices,
    Commits,
    Found,
    SavedView,
    SortKey,
    SyncStatus,
    TicketQueries,
    ViewKey,
)
from app.domain.search_text import Hint, with_operator, without_part
from app.services.messages import error_text
from app.services.picked import Picked
from app.services.saved_views import short_name
from app.services.texts import view_name
from app.services.texts_lists import as_search, missing_words, nothing_fits, nothing_found, nothing_here
from app.services.texts_views import filters_in_words
from app.services.view_looks import ViewLook
from widgets.foundation import Button, ElidedLabel, EmptyState, Look, Notice, Panel, PlainLabel, Theme, column, fmt
from widgets.foundation.flow import Flow
from widgets.foundation.focus import has_keyboard
from widgets.foundation.jobs import Jobs
from widgets.foundation.long_list import LongList
from widgets.inbox.columns import ColumnHeads
from widgets.inbox.delegate import TicketDelegate
from widgets.inbox.filter_bar import FilterBar
from widgets.inbox.looks import Looks
from widgets.inbox.model import TicketListModel
from widgets.inbox.selection import SHORT, Chosen, Selection

__all__ = ["InboxPane"]

FIRST_HITS = 40  # what a person sees first of a search
MORE_MS = 250  # after so long without a key the rest is looked for


@dataclass(frozen=True, slots=True)
class _Read:
    """A list that was read, of what, and where the selected tickets stand in it."""

    what: tuple[ViewKey, SortKey, str]
    ids: Sequence[TicketId]
    hints: Sequence[Hint]
    chosen: Chosen
    spans: Sequence[tuple[int, int]]


class InboxPane(Panel):
    """Shows one view or the hits of a search. `selected` follows the current row; `opened`: Enter was pressed."""

    selected = Signal(object)  # TicketId or None
    opened = Signal(object)  # TicketId
    search_left = Signal()
    elsewhere_asked = Signal()  # the empty view's button
    search_narrowed = Signal(str)  # the search with one filter more
    save_asked = Signal()  # keep what shows as a view
    several = Signal(bool)  # more than one ticket is selected now, or no longer
    shown = Signal()  # what was read is in the list, or could not be read

    def __init__(
        self, theme: Theme, queries: TicketQueries, jobs: Jobs, now_ms: Callable[[], int],
        commits: Commits | None = None,
    ) -> None:  # fmt: skip
        super().__init__("surface")
        self._queries = queries
        self._jobs = jobs
        self._view = ViewKey.MINE
        self._saved: SavedView | None = None
        self._filter = ""
        self._search: str | None = None
        self._held: _Read | None = None  # the view's list, to be there again at once after a search
        self._stale = False  # whether something changed behind the search
        self._current: TicketId | None = None
        self._more = QTimer(self, singleShot=True, interval=MORE_MS)
        self._more.timeout.connect(self._find_more)
        self._total = 0
        self._several = False
        self._status: SyncStatus | None = None
        self.looks = Looks(commits, jobs, self)
        self.looks.loaded.connect(self._wear_look)
        self.model = TicketListModel(queries, jobs, now_ms, self)
        self._delegate = TicketDelegate(theme)
        self.list = LongList(theme, "", self._delegate)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setModel(self.model)
        self.selection = Selection(self.list, self.model)
        self.list.opened.connect(self._open)
        self.list.selectionModel().currentChanged.connect(self._moved)
        self.list.selectionModel().selectionChanged.connect(lambda *_: self._tell_count())
        self._build(theme)
        self.retranslate()

    def _build(self, theme: Theme) -> None:
        space = theme.tokens.space
        self.title = ElidedLabel(type="title")
        self.title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.count = PlainLabel(tone="muted")
        self.close_search = Button(theme, "", look=Look.QUIET, icon="x", pressed=self.search_left.emit)
        self.close_search.hide()
        words = Flow(space.small, self.title, self.count, self.close_search, spread=True)
        head = column(words, margins=(space.large, space.small, space.small, space.tiny))
        self.bar = FilterBar(theme)
        self.bar.removed.connect(lambda part: self.narrow(without_part(self._filter, part)))
        self.bar.added.connect(self._add)
        self.bar.sort_chosen.connect(self.sort_by)
        self.bar.look_chosen.connect(self.wear)
        self.bar.save_asked.connect(self.save_asked)
        self.heads = ColumnHeads(theme, ViewLook().columns, self.list)
        self.heads.hide()
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.empty = EmptyState(theme, "", "-", action="-", icon="inbox", pressed=self._empty_action)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        box = column(head, self.bar, self.problem, self.heads, self.stack)
        box.setStretch(4, 1)
        self._box = box
        self.setLayout(box)

    def stand_above(self, widget: QWidget) -> None:
        """Give a widget a place between the title and the tickets."""
        self._box.insertWidget(1, widget)

    # --- what the window says --------------------------------------------------------------------------------

    def show_view(self, view: ViewKey) -> None:
        """Show a view from its top; the one that shows already keeps its filters."""
        self._show(view, None, self._filter if view is self._view and self._saved is None else "")

    def show_saved(self, saved: SavedView) -> None:
        """Show a saved view; the one that shows already keeps what was added to its condition, unless that changed."""
        same = self._saved is not None and (self._saved.id, self._saved.condition) == (saved.id, saved.condition)
        self._show(ViewKey.ALL, saved, self._filter if same else saved.condition)

    def _show(self, view: ViewKey, saved: SavedView | None, text: str) -> None:
        before = (self._view, self._saved.id if self._saved else None, self._filter)
        if before != (view, saved.id if saved else None, text) or self._search is not None:
            self._current = None
            self.list.clearSelection()
        self._view, self._saved, self._filter, self._search = view, saved, text, None
        self._wear_look()
        self._say()
        self.refresh()

    def show_search(self, text: str) -> None:
        """Show what a search finds; old rows stay until new ones are there."""
        if text != self._search:
            self.list.clearSelection()  # a deed must not reach what another search found
        if self._search is None:
            self._stale = False
        self._search = text
        self._say()
        self._ask()

    def end_search(self) -> None:
        """Show the view again from which the search started; it is read only if something changed meanwhile.

        A long one takes as long to read as several searches, and the next would wait for it.
        """
        held = self._held
        if self._search is None or held is None or held.what != self._what():
            self._show(self._view, self._saved, self._filter)
            return
        self._more.stop()
        self._search, self._current = None, None
        self.list.clearSelection()
        self._say()
        if self._stale:
            self._ask()
        else:  # as a query too, so that no answer of the search comes after it
            again = replace(held, chosen=self.selection.chosen(), spans=())
            self._jobs.query(lambda: again, self._show_read, self._failed, key="list.ids")

    def narrow(self, text: str) -> None:
        """Show the tickets of the view that fit this filter text too; "" shows all of the view."""
        self._filter = text
        self._say()
        self.refresh()

    def _add(self, name: str, value: str) -> None:
        if self._search is not None:
            self.search_narrowed.emit(with_operator(self._search, name, value))
        else:
            self.narrow(with_operator(self._filter, name, value))

    def clear_filter(self) -> None:
        """Show all of the view again: a saved one's own condition, another one whole."""
        self.narrow(self._saved.condition if self._saved is not None else "")

    def sort_by(self, key: SortKey) -> None:
        """Order the view another way, now and the next time."""
        self.wear(replace(self.look(), sort=key))

    def wear(self, look: ViewLook) -> None:
        """Let the view look like this, now and the next time."""
        before = self.look()
        self.looks.set(self._view, self._saved, look)
        self._wear_look()
        if before.sort is not look.sort:
            self.refresh()

    def look(self) -> ViewLook:
        """Return how the view that shows looks."""
        return self.looks.of(self._view, self._saved)

    def _wear_look(self) -> None:
        look = self.look()
        self.bar.show_look(look)
        self._delegate.show_look(look)
        self.heads.show_columns(look.columns)
        self.heads.setVisible(look.table and self.stack.currentWidget() is self.list)
        self.list.measure()

    def show_choices(self, choices: Choices) -> None:
        """Names of states and people came or changed."""
        self.model.choices = self._delegate.choices = self.bar.choices = choices
        self.list.viewport().update()

    def show_status(self, status: SyncStatus) -> None:
        """Know how sync stands: an empty list says what is not on this computer yet."""
        known = (self._status.phase, self._status.percent) if self._status else None
        self._status = status
        if known != (status.phase, status.percent) and self.stack.currentWidget() is self.empty:
            self.retranslate()

    def refresh(self) -> None:
        """Read the list again; the ticket the person is on stays where it is, and those selected stay selected."""
        self._stale = True
        self._ask()

    def _ask(self) -> None:
        self._more.stop()
        search = self._search
        if search is not None:
            self._jobs.query(lambda: self._find(search), self._show_first, self._failed, key="list.ids")
        else:
            what, chosen, self._held = self._what(), self.selection.chosen(), None
            self._jobs.query(lambda: self._read(what, chosen), self._show_read, self._failed, key="list.ids")

    def _what(self) -> tuple[ViewKey, SortKey, str]:
        return self._view, self.look().sort, self._filter

    def _read(self, what: tuple[ViewKey, SortKey, str], chosen: Chosen) -> _Read:
        view, sort, text = what
        ids = self._queries.ids(view, sort, text)
        return _Read(what, ids, self._queries.hints(text) if text else (), chosen, chosen.spans_in(ids))

    def rows_changed(self, ids: frozenset[bytes]) -> None:
        """Rows changed: read those on screen again, and then the order."""
        self._stale = True
        if not self.model.forget(ids, self._ask):
            self._ask()

    def forget(self, ids: frozenset[bytes]) -> None:
        """Rows changed while something else stands in the list's place: they are read when it shows again."""
        self._stale = True
        self.model.forget(ids)

    def view(self) -> ViewKey:
        """Return the view shown, or the one a search started from."""
        return self._view

    def saved(self) -> SavedView | None:
        """Return the saved view shown, or None."""
        return self._saved

    def condition(self) -> str:
        """Return what shows as one search text, to be kept as a view."""
        if self._search is not None:
            return self._search
        return " ".join(filter(None, (as_search(self._view), self._filter)))

    def suggested_name(self) -> str:
        """Return a name for what shows, to be kept as a view."""
        if self._search is not None:
            return short_name(self._search)
        parts = [view_name(self._view)] if self._saved is None and self._view is not ViewKey.ALL else []
        return short_name(" · ".join(filter(None, (*parts, filters_in_words(self.bar.parts())))))

    def search_text(self) -> str | None:
        """Return what is searched for, or None."""
        return self._search

    def current(self) -> TicketId | None:
        """Return the ticket the person is on."""
        return self._current

    def selected_count(self) -> int:
        """Return how many tickets are selected; a million cost what one costs."""
        return self.selection.count()

    def picked(self) -> Picked:
        """Return the selected tickets in the list's order; no row is read for it."""
        return self.selection.picked()

    def is_selected(self, ticket: TicketId) -> bool:
        """Tell whether the ticket the person is on is this one, and selected."""
        return self._current == ticket and self.list.selectionModel().isSelected(self.list.currentIndex())

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
        place = self.model.place_of(ticket, SHORT)
        if place is not None:
            self._put(place)
            return
        self.list.selectionModel().clear()
        self._current = ticket  # last: clearing says that there is none

    # --- inside ----------------------------------------------------------------------------------------------

    def _show_read(self, read: _Read) -> None:
        self.problem.hide()
        self.bar.show_hints(read.hints)
        spans = self.selection.spans_now(read.ids, read.chosen, read.spans)
        self._keep(lambda: self.model.show_ids(read.ids), spans)
        self._held = replace(read, chosen=self.selection.chosen(), spans=())  # keeps no list from before in memory
        self._tell(len(read.ids))

    def _find(self, search: str) -> tuple[Found, bool]:
        """Find the first tickets, or all where they are few; and tell whether there is more to find."""
        first = self._queries.find(search, FIRST_HITS)
        return (first, True) if len(first.hits) >= FIRST_HITS else (self._queries.find(search), False)

    def _show_first(self, read: tuple[Found, bool]) -> None:
        found, is_more = read
        self._show_found(found)
        if is_more:
            self._more.start()

    def _find_more(self) -> None:
        search = self._search
        if search is not None:
            self._jobs.query(lambda: self._queries.find(search), self._show_found, self._failed, key="list.ids")

    def _show_found(self, found: Found) -> None:
        self.problem.hide()
        self.bar.show_hints(found.hints)
        spans = self.selection.chosen().spans_in([hit.row.id for hit in found.hits])
        self._keep(lambda: self.model.show_hits(found.hits), spans)
        self._tell(len(found.hits))

    def _keep(self, change: Callable[[], None], spans: Sequence[tuple[int, int]]) -> None:
        ticket, bar, ids = self._current, self.list.verticalScrollBar(), self.model.ids()
        before = bar.value()
        model = self.list.selectionModel()
        blocked = model.blockSignals(True)
        change()
        model.blockSignals(blocked)
        if self.model.ids() is ids:
            return  # nothing moved
        if ticket is not None:
            for place in range(min(self.model.rowCount(), SHORT)):
                if self.model.id_at(place) == ticket:
                    self._put(place, quiet=True)
                    break
            bar.setValue(before)
        if spans:
            self.selection.choose(spans)

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
        self._total = n
        self._tell_count()
        had = has_keyboard(self.stack)
        self.stack.setCurrentWidget(self.list if n else self.empty)
        self.heads.setVisible(bool(n) and self.look().table)
        if not n:
            self._tell_empty()
        if had:
            self.focus()
        self.shown.emit()

    def _tell_count(self) -> None:
        n, chosen = self._total, self.selected_count()
        words = ngettext("{n} ticket", "{n} tickets", n).format(n=fmt.number(n))
        if (chosen > 1) != self._several:
            self._several = chosen > 1
            self.several.emit(self._several)
        if chosen > 1:
            self.count.setText(_("{n} of {total} selected").format(n=fmt.number(chosen), total=fmt.number(n)))
            self.count.setAccessibleName(self.count.text())
        else:
            self.count.setText(fmt.number(n))
            self.count.setAccessibleName(words)

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

    def _is_narrowed(self) -> bool:
        own = self._saved.condition if self._saved is not None else ""
        return self._search is None and self._filter != own

    def _empty_action(self) -> None:
        if self._search is not None:
            self.search_left.emit()
        elif self._is_narrowed():
            self.clear_filter()
        else:
            self.elsewhere_asked.emit()

    # --- words -----------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self._say()
        self.model.forget(())

    def _say(self) -> None:
        """Say what shows. The rows stay as they are: another key of a search must not have them read again."""
        searching = self._search is not None
        self.list.setAccessibleName(_("Tickets"))
        self.close_search.setVisible(searching)
        self.close_search.setText("")
        self.close_search.setAccessibleName(_("End the search"))
        self.close_search.setToolTip(_("End the search"))
        name = self._saved.name if self._saved is not None else view_name(self._view)
        self.title.setText(_("Search: {text}").format(text=self._search) if searching else name)
        self.bar.show_filter(
            self._search or "" if searching else self._filter, can_save=searching or self._is_narrowed(),
            searching=searching,
        )  # fmt: skip
        self._tell_empty()

    def _tell_empty(self) -> None:
        """Say what belongs here or why nothing does, and offer one way out."""
        parts, status = self.bar.parts(), self._status
        if self._search is not None:
            words = nothing_found(self._search)
        elif self._is_narrowed():
            words = nothing_fits(parts)
        else:
            words = nothing_here(self._view, self._saved, parts)
        self.empty.title.setText(words.title)
        self.empty.text.setText("\n".join(filter(None, (words.text, missing_words(status, fmt.moment)))))
        self.empty.action.setText(words.action)
