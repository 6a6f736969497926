# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with calls: the list of the day, planning one, an attempt written down, the apology's draft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from shiboken6 import isValid

from app.domain.callback_ports import CallItem, CallStore
from app.domain.callbacks import Callback
from app.domain.complaints import Step
from app.domain.entities import CALLBACK
from app.domain.ids import TeamId
from app.domain.ports import TicketDetails, TicketRow
from app.services.callbacks import Attempt, Callbacks
from app.services.texts_callbacks import apology
from app.services.triage import Done
from widgets.foundation import Theme, fmt
from widgets.reports.callbacks import CallsWindow
from widgets.shell.frame import Ports
from widgets.ticket.callback_window import CallbackWindow, slot_words

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["CallbackPart"]


class CallbackPart(QObject):
    """GUI thread."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports, store: CallStore) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports, self._store = window, theme, ports, store
        self._use = Callbacks(ports.commits)
        self.list: CallsWindow | None = None
        self.dialog: CallbackWindow | None = None
        window.customer.calls_opened.connect(self.open)
        window.customer.apology_asked.connect(self._apologise_here)
        window.customer.complaint.call_asked.connect(self.plan)
        window.desk.rows_changed.connect(lambda _ids: self._read())

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {"ticket.callback": self.plan, "nav.callbacks": self.open}

    def rows_changed(self, types: frozenset[int]) -> None:
        """Rows of these entities changed."""
        if CALLBACK.number in types:
            self._read()

    # --- the list -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Show the calls to make; the list stands beside the work."""
        if self.list is not None and isValid(self.list):
            self.list.raise_()
            self.list.activateWindow()
            return
        made = self.list = CallsWindow(self._theme, self._ports.now_ms, self._window)
        made.opened.connect(lambda item: self._window.open_ticket(item.row.id))
        made.taken.connect(self._take)
        made.attempted.connect(self._attempted)
        made.cancelled.connect(lambda item: self._do(lambda: self._use.cancel(item.row, item.call)))
        made.moved.connect(lambda item: self._ask(item.row, item.team, item.call.phone))
        made.apology_asked.connect(self._apologise)
        made.finished.connect(lambda _result: setattr(self, "list", None))
        made.show()
        self._read()

    def _read(self) -> None:
        if self.list is not None and isValid(self.list):
            self._ports.jobs.query(self._store.owed, self._show, lambda _why: None, key="calls.owed")

    def _show(self, items: Sequence[CallItem]) -> None:
        if self.list is not None and isValid(self.list):
            self.list.show_items(items)

    def _take(self, item: CallItem) -> None:
        me = self._window.desk.me
        if me is not None:
            self._do(lambda: self._use.take(item.row, item.call, me))

    def _attempted(self, item: CallItem, attempt: Attempt) -> None:
        self._do(lambda: self._use.attempted(item.row, item.call, attempt))

    def _do(self, work: Callable[[], Done]) -> None:
        self._window.desk.do(work)

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Ask for a half hour on the open ticket."""
        details = self._window.desk.details
        if details is not None:
            self._ask(details.row, details.team, _phone(details))

    def _ask(self, row: TicketRow, team: TeamId, phone: str) -> None:
        store = self._store
        self._ports.jobs.query(
            lambda: store.slots(team), lambda slots: self._offer(row, slots, phone),
            lambda _why: self._offer(row, (), phone), key="calls.slots",
        )  # fmt: skip

    def _offer(self, row: TicketRow, slots: Sequence[int], phone: str) -> None:
        dialog = self.dialog = CallbackWindow(
            self._theme, row.label, slots, phone, self._ports.now_ms, self.list or self._window
        )
        dialog.agreed.connect(lambda start, number: self._planned(row, start, number))
        dialog.finished.connect(lambda _result: setattr(self, "dialog", None))
        dialog.open()

    def _planned(self, row: TicketRow, start: int, number: str) -> None:
        when = slot_words(start, self._ports.now_ms())
        self._do(lambda: self._use.plan(row, start, number, when))

    # --- a missed one -------------------------------------------------------------------------------------------------

    def _apologise(self, item: CallItem) -> None:
        self._window.open_ticket(item.row.id)
        name = item.row.customer_name
        self._draft(item.call, item.team, name, korean=item.language.startswith("ko"))

    def _apologise_here(self, call: Callback) -> None:
        details = self._window.desk.details
        if details is not None:
            korean = (details.customer.language if details.customer else "ko").startswith("ko")
            name = details.customer.name if details.customer else details.row.customer_name
            self._draft(call, details.team, name, korean=korean)

    def _draft(self, call: Callback, team: TeamId, name: str, *, korean: bool) -> None:
        """Write the apology into the reply: nothing is sent before somebody has read it."""
        store = self._store

        def write(slots: Sequence[int]) -> None:
            details = self._window.desk.details
            if details is None or details.row.id != call.ticket:
                return
            text = apology(name, call.start, slots, korean, lambda ms: fmt.day(fmt.today(ms), year=False))
            self._window.complaints.insert(text, Step.GREET)

        self._ports.jobs.query(lambda: store.slots(team), write, lambda _why: write(()), key="calls.apology")


def _phone(details: TicketDetails) -> str:
    card = details.customer
    return next((each.value for each in card.addresses if each.kind == "phone"), "") if card is not None else ""
