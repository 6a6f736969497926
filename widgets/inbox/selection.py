# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tickets of a list are selected: by place, at the cost of one for a million, and kept while the list changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QItemSelection, QItemSelectionModel

from app.domain.ids import TicketId
from app.services.picked import Picked, PlacedIds, spans_among
from widgets.foundation.long_list import LongList
from widgets.inbox.model import TicketListModel

Spans = Sequence[tuple[int, int]]

__all__ = ["SHORT", "Chosen", "Selection"]

SHORT = 2000  # a list of so many is walked through at once
_FEW = 50  # so many selected tickets are looked up among the rows that are here
_MOST_RANGES = 200  # a selection in more pieces is not put back when the list changes


@dataclass(frozen=True, slots=True)
class Chosen:
    """Several selected rows of a list: its ids, and their places; no places when it is one row or none."""

    ids: Sequence[TicketId]
    spans: tuple[tuple[int, int], ...]

    def spans_in(self, ids: Sequence[TicketId]) -> list[tuple[int, int]]:
        """Return where they stand in another list. A long one is walked through: not on the GUI thread."""
        if not self.spans or ids == self.ids:
            return list(self.spans)
        return spans_among(ids, PlacedIds(self.ids, self.spans), _MOST_RANGES)


class Selection:
    """GUI thread."""

    def __init__(self, view: LongList, model: TicketListModel) -> None:
        self._view, self._model = view, model

    def count(self) -> int:
        """Return how many tickets are selected."""
        return sum(bottom - top + 1 for top, bottom in self._view.spans())

    def picked(self) -> Picked:
        """Return the selected tickets in the list's order; no row is read for it."""
        ids = PlacedIds(self._model.ids(), self._view.spans())
        return Picked(ids, {i: row for i in ids[:_FEW] if (row := self._model.row_of(i)) is not None})

    def chosen(self) -> Chosen:
        """Return what is selected, when that is more than the ticket the person is on."""
        spans = self._view.spans()
        several = len(spans) > 1 or any(bottom > top for top, bottom in spans)
        return Chosen(self._model.ids(), tuple(spans) if several else ())

    def spans_now(
        self, ids: Sequence[TicketId], asked: Chosen, found: Sequence[tuple[int, int]]
    ) -> Sequence[tuple[int, int]]:
        """Return where the selected stand in a list that was read: `found`, if nothing was selected since `asked`."""
        now = self.chosen()
        if now.spans == asked.spans and now.ids is asked.ids:
            return found
        return now.spans_in(ids) if len(ids) <= SHORT else ()

    def choose(self, spans: Spans) -> None:
        """Select these rows and say nothing of it; the person stays on the one that is current."""
        rows = QItemSelection()
        for top, bottom in spans:
            rows.select(self._model.index(top), self._model.index(bottom))
        model = self._view.selectionModel()
        blocked = model.blockSignals(True)
        model.select(rows, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        model.blockSignals(blocked)
        self._view.viewport().update()
