# SPDX-License-Identifier: GPL-3.0-or-later
"""Use cases on callbacks: plan one, take it on, write down an attempt, cancel. Blocks on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.config.i18n import _
from app.domain.callbacks import Callback
from app.domain.changes import (
    AnyChange,
    CallbackAttempt,
    CallbackCancel,
    CallbackRequest,
    CallbackTake,
    NoteAdd,
    TimeAdd,
)
from app.domain.ids import new_id
from app.domain.ports import Commits, TicketRow
from app.services.triage import Done, run_changes

__all__ = ["Attempt", "Callbacks"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody called. `minutes` and `note` become working time and an internal note; 0 and "" for none."""

    reached: bool
    minutes: int = 0
    note: str = ""


class Callbacks:
    """Thread: a worker. Saved when a call returns; a rule that forbids it stands in the answer."""

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits, self._make_id = commits, make_id

    def plan(self, row: TicketRow, start_ms: int, phone: str, when: str) -> Done:
        """Ask for a call; the server confirms it. `when` is the half hour in words."""
        change = CallbackRequest(self._make_id(), self._make_id(), row.id, start_ms, phone)
        words = _("{what}: call asked for, {when}; the server confirms it")
        return self._run(row, change, words.format(what="{what}", when=when))

    def take(self, row: TicketRow, call: Callback, user: bytes | None) -> Done:
        """Say who will call."""
        words = _("{what}: you will call") if user is not None else _("{what}: nobody in particular will call")
        return self._run(row, CallbackTake(self._make_id(), call.id, row.id, user), words)

    def cancel(self, row: TicketRow, call: Callback) -> Done:
        """End a call that is not wanted any more, or one that was missed and made up for."""
        return self._run(row, CallbackCancel(self._make_id(), call.id, row.id), _("{what}: the call is off the list"))

    def attempted(self, row: TicketRow, call: Callback, attempt: Attempt) -> Done:
        """Write down that somebody called."""
        changes: list[AnyChange] = [CallbackAttempt(self._make_id(), call.id, row.id, attempt.reached)]
        if attempt.minutes > 0:
            changes.append(TimeAdd(self._make_id(), self._make_id(), row.id, attempt.minutes, attempt.note, "call"))
        if attempt.note:
            changes.append(NoteAdd(self._make_id(), self._make_id(), row.id, attempt.note))
        words = _("{what}: called and reached") if attempt.reached else _("{what}: called and not reached")
        return run_changes(self._commits, [(row, each) for each in changes], lambda what: words.format(what=what))

    def _run(self, row: TicketRow, change: AnyChange, words: str) -> Done:
        return run_changes(self._commits, [(row, change)], lambda what: words.format(what=what))
