# SPDX-License-Identifier: GPL-3.0-or-later
"""One deed on many tickets: in parts, so that drafts are saved between them, with progress where it happens and Cancel.

What was done when the person cancels stays done, and is undone with one key like the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.services.triage import Done, joined
from widgets.foundation import BusyStrip, Button, Theme, fmt, row
from widgets.foundation.jobs import Jobs

__all__ = ["PART", "BulkStrip"]

PART = 25  # so many are saved before other writers get their turn


@dataclass
class _Work:
    """One deed: what it is done to and what came of it so far."""

    items: Sequence[Any]
    make: Callable[[Sequence[Any]], Done]
    then: Callable[[Done, Sequence[Any]], object] | None
    is_undo: bool
    at: int = 0
    parts: list[Done] = field(default_factory=list)
    stopped: bool = False
    why: Exception | None = None


class BulkStrip(QWidget):
    """Runs one such deed after the other; hidden unless one takes more than a second. GUI thread."""

    finished = Signal(object)  # Done, of all that was done
    failed = Signal(object)  # the exception; what was done before it is told by `finished`

    def __init__(self, theme: Theme, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._waiting: list[_Work] = []
        self._now: _Work | None = None
        space = theme.tokens.space
        self.busy = BusyStrip(theme)
        self.cancel = Button(theme, _("Cancel"), pressed=self.stop)
        box = row(self.busy, self.cancel, gap=space.small, margins=(space.large, 0, space.small, 0))
        box.setStretch(0, 1)
        self.setLayout(box)
        self.cancel.hide()

    def run(
        self, items: Sequence[Any], make: Callable[[Sequence[Any]], Done],
        then: Callable[[Done, Sequence[Any]], object] | None = None, *, is_undo: bool = False,
    ) -> None:  # fmt: skip
        """Do `make` to all items, after what was asked for before. Parts of `items` are taken on the writer's thread.

        `then` gets what was done and the items that are left; without it `finished` tells.
        """
        self._waiting.append(_Work(items, make, then, is_undo))
        if self._now is None:
            self._begin()

    def is_running(self) -> bool:
        """Tell whether something is being done."""
        return self._now is not None

    def is_doing(self) -> bool:
        """Tell whether a deed is being done, and not undone."""
        return self._now is not None and not self._now.is_undo

    def stop(self) -> None:
        """Do no further part; what is done stays."""
        if self._now is not None:
            self._now.stopped = True
        self._waiting.clear()
        self.cancel.setEnabled(False)

    def _begin(self) -> None:
        if not self._waiting:
            return
        work = self._now = self._waiting.pop(0)
        self.cancel.setEnabled(True)
        self.cancel.setText(_("Cancel"))
        self.busy.start(_words(work))
        self._next(work)

    def _next(self, work: _Work) -> None:
        if work.stopped or work.at >= len(work.items):
            self._end(work)
            return
        start, work.at = work.at, min(work.at + PART, len(work.items))
        end = work.at
        self._jobs.change(
            lambda: work.make(work.items[start:end]),
            lambda done: self._did(work, done),
            lambda why: self._broke(work, start, why),
        )

    def _did(self, work: _Work, done: Done) -> None:
        work.parts.append(done)
        self.busy.progress(100 * work.at // len(work.items), _words(work))
        self.cancel.setVisible(not self.busy.isHidden())
        self._next(work)

    def _broke(self, work: _Work, start: int, why: Exception) -> None:
        work.at, work.why = start, why
        self._end(work)

    def _end(self, work: _Work) -> None:
        self.busy.stop()
        self.cancel.hide()
        if not work.parts:
            self._told(work, Done("", (), frozenset()))
            return
        # thousands of changes are put together where nobody waits for it
        self._jobs.change(lambda: joined(work.parts), lambda done: self._told(work, done))

    def _told(self, work: _Work, done: Done) -> None:
        self._now = None
        if work.then is not None:
            work.then(done, work.items[work.at :])
        elif work.parts:
            self.finished.emit(done)
        if work.why is not None:
            self.failed.emit(work.why)
        self._begin()


def _words(work: _Work) -> str:
    done, total = fmt.number(work.at), fmt.number(len(work.items))
    if work.is_undo:
        return _("{n} of {total} changes undone").format(n=done, total=total)
    return _("{n} of {total} tickets done").format(n=done, total=total)
