# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps how each view's list looks in the local file."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.domain.ports import Commits, SavedView, ViewKey
from app.services.view_looks import USUAL_COLUMNS, ViewLook, dump_looks, load_looks, look_key
from widgets.foundation.jobs import Jobs

__all__ = ["Looks"]

KEY = "agent.views.looks"


class Looks(QObject):
    """GUI thread. `loaded`: what was kept is here."""

    loaded = Signal()

    def __init__(self, commits: Commits | None, jobs: Jobs, parent: QObject | None = None) -> None:
        """Without `commits` a look lasts as long as the window."""
        super().__init__(parent)
        self._commits, self._jobs = commits, jobs
        self._looks: dict[str, ViewLook] = {}

    def load(self) -> None:
        """Read what was kept."""
        commits = self._commits
        if commits is not None:
            self._jobs.query(lambda: commits.ui_state(KEY), self._take, lambda _why: None, key="looks")

    def _take(self, text: str | None) -> None:
        self._looks = load_looks(text) | self._looks
        self.loaded.emit()

    def of(self, view: ViewKey, saved: SavedView | None) -> ViewLook:
        """Return the look of a view: as it was set here, else as it was saved, else as usual."""
        kept = self._looks.get(look_key(saved.id if saved is not None else view))
        if kept is not None:
            return kept
        if saved is None:
            return ViewLook()
        return ViewLook(saved.sort, table=bool(saved.columns), columns=saved.columns or USUAL_COLUMNS)

    def set(self, view: ViewKey, saved: SavedView | None, look: ViewLook) -> None:
        """Keep a view's look."""
        key = look_key(saved.id if saved is not None else view)
        self._looks.pop(key, None)
        self._looks[key] = look
        commits, text = self._commits, dump_looks(self._looks)
        if commits is not None:
            self._jobs.change(lambda: commits.save_ui_state(KEY, text), error=lambda _why: None)
