# SPDX-License-Identifier: GPL-3.0-or-later
"""The undo stack: what was done last, and the changes that reverse it. Survives a change of view, not a restart."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from app.domain.changes import AnyChange

__all__ = ["UndoEntry", "UndoStack"]

DEPTH = 50


@dataclass(frozen=True, slots=True)
class UndoEntry:
    """One deed: its label and the changes that reverse it."""

    label: str
    changes: tuple[AnyChange, ...]


class UndoStack:
    """Bounded; a new deed forgets what could be redone. One thread."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._undo: deque[UndoEntry] = deque(maxlen=depth)
        self._redo: deque[UndoEntry] = deque(maxlen=depth)

    def did(self, entry: UndoEntry) -> None:
        """A person did something new."""
        if entry.changes:
            self._undo.append(entry)
            self._redo.clear()

    def take_undo(self, entry: UndoEntry | None = None) -> UndoEntry | None:
        """Take the last deed off, or `entry` wherever it stands; None when there is nothing (any more)."""
        if entry is not None:
            if entry not in self._undo:
                return None
            self._undo.remove(entry)
            return entry
        return self._undo.pop() if self._undo else None

    def take_redo(self) -> UndoEntry | None:
        """Take the last undone deed off; None when there is none."""
        return self._redo.pop() if self._redo else None

    def undid(self, entry: UndoEntry) -> None:
        """Something was undone; `entry` brings it back."""
        if entry.changes:
            self._redo.append(entry)

    def redid(self, entry: UndoEntry) -> None:
        """Something was redone; `entry` undoes it again."""
        if entry.changes:
            self._undo.append(entry)
