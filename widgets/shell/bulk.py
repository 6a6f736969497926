# SPDX-License-Identifier: GPL-3.0-or-later
"""One deed on many tickets: in parts, so that drafts are saved between them, with progress where it happens and Cancel.

What was done when the person cancels stays done, and is undone with one key like the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.ports import TicketRow
from app.services.triage import Done, joined
from widgets.foundation import BusyStrip, Button, Theme, fmt, row
from widgets.foundation.jobs import Jobs

__all__ = ["PART", "BulkStrip"]

PART = 25  # so many are saved before other writers get their turn

Make = Callable[[Sequence[TicketRow]], Done]


class BulkStrip(QWidget):
    """Runs one such deed after the other; hidden unless one takes more than a second. GUI thread."""

    finished = Signal(object)  # Done, of all that was done
    failed = Signal(object)  # the exception; what was done before it is told by `finished`

    def __init__(self, theme: Theme, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._waiting: list[tuple[Sequence[TicketRow], Make]] = []
        self._rest: Sequence[TicketRow] = ()
        self._make: Make | None = None
        self._parts: list[Done] = []
        self._total = 0
        space = theme.tokens.space
        self.busy = BusyStrip(theme)
        self.cancel = Button(theme, _("Cancel"), pressed=self.stop)
        box = row(self.busy, self.cancel, gap=space.small, margins=(space.large, 0, space.small, 0))
        box.setStretch(0, 1)
        self.setLayout(box)
        self.cancel.hide()

    def run(self, rows: Sequence[TicketRow], make: Make) -> None:
        """Do `make` to all rows, after what was asked for before."""
        self._waiting.append((rows, make))
        if self._make is None:
            self._begin()

    def is_running(self) -> bool:
        """Tell whether something is being done."""
        return self._make is not None

    def stop(self) -> None:
        """Do no further part; what is done stays."""
        self._rest = ()
        self._waiting.clear()
        self.cancel.setEnabled(False)

    def _begin(self) -> None:
        if not self._waiting:
            return
        self._rest, self._make = self._waiting.pop(0)
        self._parts, self._total = [], len(self._rest)
        self.cancel.setEnabled(True)
        self.cancel.setText(_("Cancel"))
        self.busy.start(self._words())
        self._next()

    def _words(self) -> str:
        done = self._total - len(self._rest)
        return _("{n} of {total} tickets done").format(n=fmt.number(done), total=fmt.number(self._total))

    def _next(self) -> None:
        make, part = self._make, self._rest[:PART]
        if make is None:
            return
        if not part:
            self._end()
            return
        self._rest = self._rest[PART:]
        self._jobs.change(lambda: make(part), self._did, self._failed)

    def _did(self, done: Done) -> None:
        self._parts.append(done)
        self.busy.progress(100 * (self._total - len(self._rest)) // self._total, self._words())
        self.cancel.setVisible(not self.busy.isHidden())
        self._next()

    def _failed(self, why: Exception) -> None:
        self._rest = ()
        self._end()
        self.failed.emit(why)

    def _end(self) -> None:
        parts, self._parts, self._make = self._parts, [], None
        self.busy.stop()
        self.cancel.hide()
        if parts:
            self.finished.emit(joined(parts))
        self._begin()
