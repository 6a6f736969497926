# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in small steps that take turns: a few in each turn of the event loop, so that keys and painting come between.

Every widget that has much to build or to delete cuts it into steps. With a timer each they would all step in the same
turn, and that turn would last as long as all of them together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntEnum

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QObject, QTimer
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

__all__ = ["Rank", "Steps", "delete_later", "is_building"]

BUDGET_NS = 1_500_000  # in one turn a further step begins only before this is used up


class Rank(IntEnum):
    """Whose steps come first: what the person reads, what stands beside it, what nobody sees."""

    READ = 0
    BESIDE = 1
    UNSEEN = 2


class Steps:
    """One owner's work: `step` does a little and tells whether there is more. GUI thread; ends with its owner."""

    def __init__(self, step: Callable[[], bool], rank: Rank, owner: QObject) -> None:
        self.step, self.rank, self.owner = step, rank, owner

    def start(self) -> None:
        """Begin, or go on; the next step is done in a later turn."""
        _turns().add(self)

    def stop(self) -> None:
        """Do no more steps until `start`."""
        _turns().remove(self)


class _Turns(QObject):
    """The one queue of an application."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting: tuple[deque[Steps], ...] = tuple(deque() for _rank in Rank)
        self._done_with: deque[QWidget] = deque()
        self._deletion = Steps(self._delete, Rank.UNSEEN, self)
        self._used = QElapsedTimer()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._turn)

    def add(self, steps: Steps) -> None:
        waiting = self._waiting[steps.rank]
        if steps not in waiting:
            waiting.append(steps)
        self._timer.start()

    def remove(self, steps: Steps) -> None:
        if steps in self._waiting[steps.rank]:
            self._waiting[steps.rank].remove(steps)

    def is_building(self) -> bool:
        return any(waiting for rank, waiting in zip(Rank, self._waiting, strict=True) if rank is not Rank.UNSEEN)

    def delete(self, widget: QWidget) -> None:
        self._done_with.append(widget)
        self.add(self._deletion)

    def _turn(self) -> None:
        self._used.start()
        while True:
            steps = next((waiting.popleft() for waiting in self._waiting if waiting), None)
            if steps is None:
                self._timer.stop()
                return
            if isValid(steps.owner) and steps.step():
                self.add(steps)
            if self._used.nsecsElapsed() >= BUDGET_NS:
                return

    def _delete(self) -> bool:
        widget = self._done_with.popleft()
        if isValid(widget):
            widget.deleteLater()
        return bool(self._done_with)


_made: list[_Turns] = []


def _turns() -> _Turns:
    app = QCoreApplication.instance()
    assert app is not None  # noqa: S101  # widgets need one
    if not _made or not isValid(_made[0]):
        _made[:] = [_Turns(app)]
    return _made[0]


def is_building() -> bool:
    """Tell whether anything that will be seen is still being built."""
    return _turns().is_building()


def delete_later(widget: QWidget) -> None:
    """Hide a widget now and delete it when there is time: Qt takes longer over a page of them than a frame lasts."""
    widget.hide()
    _turns().delete(widget)
