# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person has read: marks follow the eyes quietly; marking as unread is a deed with undo. Blocks on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.config.i18n import _
from app.domain.changes import AnyChange
from app.domain.changes_reading import ReadMark, read_mark_id
from app.domain.ids import UserId, new_id
from app.domain.ports import Commits, Committed, TicketRow
from app.services.triage import Done, run_changes

__all__ = ["Reading"]


class Reading:
    """Thread: a worker, one call at a time; what was marked is saved when a call returns."""

    def __init__(self, commits: Commits, me: UserId, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits, self._me, self._make_id = commits, me, make_id

    def saw(self, row: TicketRow, upto: int) -> Committed:
        """The newest message, of this number, was on screen."""
        return self._commits.commit(self._mark(row, max(upto, row.last_in_no)))

    def mark_read(self, rows: Sequence[TicketRow]) -> Done:
        """Take tickets as read, seen or not."""
        changes: list[tuple[TicketRow, AnyChange]] = [(row, self._mark(row, row.last_in_no)) for row in rows]
        return run_changes(self._commits, changes, lambda what: _("{what}: marked as read").format(what=what))

    def mark_unread(self, rows: Sequence[TicketRow]) -> Done:
        """Let the customer's newest message count as unread."""
        changes: list[tuple[TicketRow, AnyChange]] = [
            (row, self._mark(row, row.last_in_no - 1, unread=True)) for row in rows
        ]
        return run_changes(self._commits, changes, lambda what: _("{what}: marked as unread").format(what=what))

    def _mark(self, row: TicketRow, upto: int, *, unread: bool = False) -> ReadMark:
        return ReadMark(self._make_id(), read_mark_id(self._me, row.id), row.id, upto, unread)
