# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with promises: the command, the offer under a reply, the block in the details."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.domain.calendars import Span
from app.domain.ports import DraftKind, TicketDetails
from app.domain.promises import Promise
from app.domain.told_times import ToldTime
from app.services.promises import NewPromise, Promises, promise_times
from app.services.texts import polite
from widgets.foundation import Theme, fmt
from widgets.shell.frame import Ports
from widgets.ticket.promise_window import PromiseWindow

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["PromisePart"]


class PromisePart(QObject):
    """GUI thread."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports = window, theme, ports
        self.dialog: PromiseWindow | None = None
        strip = window.ticket.composer.sheets[DraftKind.REPLY].promise
        strip.asked.connect(self._register)
        strip.withdrawn.connect(self.withdraw)
        strip.other_asked.connect(self.ask)
        window.customer.promise_withdrawn.connect(self.withdraw)

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {"ticket.promise": self.ask}

    def show_details(self, details: TicketDetails) -> None:
        """Know the promises of the open ticket."""
        self._window.ticket.composer.sheets[DraftKind.REPLY].promise.show_promises(details.related.promises)

    def ask(self) -> None:
        """Ask for a time; the one that the reply tells stands there already."""
        details = self._window.desk.details
        if details is None:
            return
        team, queries = details.team, self._ports.queries
        self._ports.jobs.query(
            lambda: queries.open_spans(team), lambda spans: self._open(details, spans),
            lambda _why: self._open(details, ()), key="promise.spans",
        )  # fmt: skip

    def _open(self, details: TicketDetails, spans: Sequence[Span]) -> None:
        now = self._ports.now_ms()
        times = promise_times(spans, now)
        strip = self._window.ticket.composer.sheets[DraftKind.REPLY].promise
        told = strip.told()
        name = polite(details.customer.name if details.customer else details.row.customer_name)
        dialog = self.dialog = PromiseWindow(
            self._theme, details.row.label, name, times, told.at if told is not None else times[1][1],
            self._ports.now_ms, self._window,
        )  # fmt: skip
        dialog.agreed.connect(lambda new: self._make(details, new))
        dialog.finished.connect(lambda _result: setattr(self, "dialog", None))
        dialog.open()

    def _make(self, details: TicketDetails, new: NewPromise) -> None:
        row, when, promises = details.row, fmt.near(new.due_at, self._ports.now_ms()), Promises(self._ports.commits)
        self._window.desk.do(lambda: promises.make(row, new, when))

    def _register(self, told: ToldTime) -> None:
        details = self._window.desk.details
        if details is not None:
            self._make(details, NewPromise(told.at))
            self._window.ticket.composer.focus()

    def withdraw(self, promise: Promise) -> None:
        """Take one back that the customer does not know of."""
        details, promises = self._window.desk.details, Promises(self._ports.commits)
        if details is not None:
            row = details.row
            self._window.desk.do(lambda: promises.withdraw(row, promise))
