# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses another ticket by number or words: for merging and linking."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.ids import TicketId
from app.domain.ports import SearchHit, TicketQueries, TicketRow
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser, Option
from widgets.foundation.jobs import Jobs

__all__ = ["TicketChooser"]

FOUND = 12


class TicketChooser(Chooser):
    """`ticket_chosen` gives the row. Without a word it offers `first`; `leave_out` are never offered."""

    ticket_chosen = Signal(object)

    def __init__(
        self, theme: Theme, name: str, queries: TicketQueries, jobs: Jobs, parent: QWidget,
        first: Sequence[TicketRow] = (), leave_out: Collection[TicketId] = (),
    ) -> None:  # fmt: skip
        super().__init__(theme, name, parent, wide=theme.tokens.space.vast * 11)
        self._queries, self._jobs = queries, jobs
        self._leave_out = frozenset(leave_out)
        self._first = [row for row in first if row.id not in self._leave_out]
        self._rows: dict[TicketId, TicketRow] = {}
        self.set_nothing(_("Type a number, a name or words of the ticket."))
        self.typed.connect(self._ask)
        self.chosen.connect(self._chose)
        self._offer(self._first)

    def _ask(self, text: str) -> None:
        wanted = text.strip()
        if len(wanted) < 2:
            self._offer(self._first)
            return
        self._jobs.query(
            lambda: self._queries.search(wanted, FOUND), self._found, lambda _why: self._offer(()), key="ticket.choose"
        )

    def _found(self, hits: Sequence[SearchHit]) -> None:
        self._offer([hit.row for hit in hits if hit.row.id not in self._leave_out])

    def _offer(self, rows: Sequence[TicketRow]) -> None:
        self._rows = {row.id: row for row in rows}
        options = [Option(r.id, r.subject, "ticket", detail=f"{r.label} · {r.customer_name}") for r in rows]
        self.show_options(options, narrow=False)

    def _chose(self, value: object) -> None:
        row = self._rows.get(TicketId(value)) if isinstance(value, bytes) else None
        if row is not None:
            self.ticket_chosen.emit(row)
