# SPDX-License-Identifier: GPL-3.0-or-later
"""The ticket list's model: holds ids, fetches rows page by page when they are painted, shows old rows while busy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer

from app.domain.ids import TicketId
from app.domain.ports import Choices, SearchHit, TicketQueries, TicketRow
from app.services.texts import row_words
from app.services.texts_due import Words, due_words
from widgets.foundation import fmt
from widgets.foundation.due import MOMENTS
from widgets.foundation.jobs import Jobs

__all__ = ["Face", "TicketListModel", "TicketRole"]

PAGE = 50
PAGES_KEPT = 16
PAGES_ASKED = 4
FEW = 20  # so many changed rows are read by themselves

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()


class TicketRole(IntEnum):
    """Roles beside Qt's own."""

    ROW = Qt.ItemDataRole.UserRole + 1
    SNIPPET = Qt.ItemDataRole.UserRole + 2
    WHEN = Qt.ItemDataRole.UserRole + 3
    DUE = Qt.ItemDataRole.UserRole + 4
    WRITTEN_ON = Qt.ItemDataRole.UserRole + 5
    FACE = Qt.ItemDataRole.UserRole + 6


@dataclass(frozen=True, slots=True)
class Face:
    """All that a painted line says: asked for at once, because each question to a model costs."""

    row: TicketRow
    when: str
    due: Words | None
    snippet: str
    written_on: bool


class TicketListModel(QAbstractListModel):
    """Rows of tickets by place. GUI thread; reads go through `jobs`."""

    def __init__(
        self, queries: TicketQueries, jobs: Jobs, now_ms: Callable[[], int], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._queries = queries
        self._jobs = jobs
        self._now_ms = now_ms
        self._ids: Sequence[TicketId] = ()
        self._rows: dict[TicketId, TicketRow] = {}
        self._snippets: dict[TicketId, str] = {}
        self._pages: OrderedDict[int, None] = OrderedDict()  # loaded and not stale, oldest first
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self.choices = Choices()
        self._written_on: frozenset[TicketId] = frozenset()
        self._fetch_soon = QTimer(self, singleShot=True, interval=0)
        self._fetch_soon.timeout.connect(self._fetch)

    # --- what the view asks ----------------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """How many tickets the view has."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A row's text or the row itself; asks the store when it is not here."""
        if not index.isValid() or index.row() >= len(self._ids):
            return None
        self._want(index.row() // PAGE)
        row = self._rows.get(self._ids[index.row()])
        if row is None:
            return None
        if role == TicketRole.FACE:
            when = fmt.when(row.last_at, self._now_ms())
            return Face(row, when, self._due(row), self._snippets.get(row.id, ""), row.id in self._written_on)
        if role == TicketRole.ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.subject
        if role == TicketRole.WHEN:
            return fmt.when(row.last_at, self._now_ms())
        if role == TicketRole.DUE:
            return self._due(row)
        if role == TicketRole.SNIPPET:
            return self._snippets.get(row.id)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            due = self._due(row)
            when = fmt.when(row.last_at, self._now_ms())
            written_on = row.id in self._written_on
            return row_words(row, self.choices, when, due.text if due else "", written_on=written_on)
        if role == TicketRole.WRITTEN_ON:
            return row.id in self._written_on
        return None

    def _due(self, row: TicketRow) -> Words | None:
        return due_words(row.due, self._now_ms(), MOMENTS) if row.due is not None else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """No headings: a row's own words are all there is to hear."""
        del section, orientation, role
        return None

    # --- what the pane says ----------------------------------------------------------------------------------

    def id_at(self, place: int) -> TicketId | None:
        """Return the ticket at a place."""
        return self._ids[place] if 0 <= place < len(self._ids) else None

    def place_of(self, ticket: TicketId, among: int) -> int | None:
        """Return the place of a ticket if it is one of the first so many."""
        first = self._ids[:among]
        return first.index(ticket) if ticket in first else None

    def ids(self) -> Sequence[TicketId]:
        """Return all ids in order; another list has another sequence, this one does not change."""
        return self._ids

    def row_of(self, ticket: TicketId) -> TicketRow | None:
        """Return the row when it is loaded."""
        return self._rows.get(ticket)

    def show_ids(self, ids: Sequence[TicketId]) -> None:
        """Show another list of tickets. Rows already known stay visible until they are read again."""
        if ids == self._ids and not self._snippets:
            self.forget(())
            return
        self.beginResetModel()
        self._ids = ids
        self._snippets = {}
        self._drop_pages()
        self.endResetModel()

    def show_hits(self, hits: Sequence[SearchHit]) -> None:
        """Show what a search found."""
        self.beginResetModel()
        self._ids = [hit.row.id for hit in hits]
        self._rows = {hit.row.id: hit.row for hit in hits}
        self._snippets = {hit.row.id: hit.snippet for hit in hits}
        self._drop_pages()
        for page in range((len(hits) + PAGE - 1) // PAGE):
            self._pages[page] = None
        self.endResetModel()

    def forget(self, ids: Collection[bytes], then: Callable[[], object] = lambda: None) -> bool:
        """These tickets changed (all, when empty): rows on screen are read again, old ones stay until then.

        Tell whether they are read at once; `then` is called when they are here.
        """
        known = [TicketId(i) for i in ids if i in self._rows]
        if 0 < len(known) <= FEW:  # without waiting for a paint to ask: a person did something to them
            self._jobs.query(
                lambda: self._queries.rows(known),
                then=lambda rows: self._take(rows, then),
                error=lambda _why: then(),
                key="list.few",
            )
            return True
        if known or not ids:
            self._drop_pages()
            if self._ids:
                self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))
        return False

    def show_written_on(self, tickets: frozenset[TicketId]) -> None:
        """These are the tickets that others write on now."""
        turned, self._written_on = self._written_on ^ tickets, tickets
        if not turned:
            return
        for page in self._pages:
            for place in range(page * PAGE, min((page + 1) * PAGE, len(self._ids))):
                if self._ids[place] in turned:
                    self.dataChanged.emit(self.index(place), self.index(place))

    # --- inside ----------------------------------------------------------------------------------------------

    def _drop_pages(self) -> None:
        self._pages.clear()
        self._wanted.clear()

    def _want(self, page: int) -> None:
        if page in self._pages or page in self._wanted:
            return
        self._wanted[page] = None
        while len(self._wanted) > PAGES_ASKED:
            self._wanted.popitem(last=False)
        self._fetch_soon.start()

    def _fetch(self) -> None:
        pages, all_ids = list(self._wanted), self._ids
        ids = [i for page in pages for i in all_ids[page * PAGE : (page + 1) * PAGE]]
        if not ids:
            return
        self._jobs.query(
            lambda: self._queries.rows(ids),
            then=lambda rows: self._loaded(all_ids, pages, rows),
            error=lambda _why: self._wanted.clear(),
            key="list.rows",
        )

    def _loaded(self, all_ids: Sequence[TicketId], pages: list[int], rows: Mapping[TicketId, TicketRow]) -> None:
        if all_ids is not self._ids:
            return
        changed = {i for i, row in rows.items() if self._rows.get(i) != row}
        self._rows.update(rows)
        for page in pages:
            self._wanted.pop(page, None)
            self._pages[page] = None
        self._tell_changed(pages, changed)
        while len(self._pages) > PAGES_KEPT:
            page, _none = self._pages.popitem(last=False)
            for i in self._ids[page * PAGE : (page + 1) * PAGE]:
                self._rows.pop(i, None)

    def _take(self, rows: Mapping[TicketId, TicketRow], then: Callable[[], object]) -> None:
        """Rows of which nobody asked for the page came."""
        changed = {i for i, row in rows.items() if i in self._rows and self._rows[i] != row}
        self._rows.update({i: rows[i] for i in changed})
        self._tell_changed([*self._pages, *self._wanted], changed)  # those asked for again show what was here before
        then()

    def _tell_changed(self, pages: Iterable[int], changed: Collection[TicketId]) -> None:
        if not changed:
            return
        for page in pages:
            places = range(page * PAGE, min((page + 1) * PAGE, len(self._ids)))
            anew = [place for place in places if self._ids[place] in changed]
            if anew:  # the others look as they did when they were last painted
                self.dataChanged.emit(self.index(anew[0]), self.index(anew[-1]))
