# SPDX-License-Identifier: GPL-3.0-or-later
"""Where panes and windows stood: kept in the local file, put back at the next start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

from app.domain.ports import Commits
from widgets.foundation.jobs import Jobs

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["WindowState"]

KEY = "agent.window"


class WindowState:
    """Loads once, saves when the window closes and when a block is folded."""

    def __init__(self, window: AgentWindow, commits: Commits, jobs: Jobs) -> None:
        self._window, self._commits, self._jobs = window, commits, jobs
        self._folds: dict[str, bool] = {}
        window.customer.fold_changed.connect(self._fold)

    def load(self) -> None:
        """Read and apply; a state that cannot be read is left alone."""
        self._jobs.query(lambda: self._commits.ui_state(KEY), self._apply, lambda _why: None, key="ui_state")

    def save(self) -> None:
        """Keep the state as it is now."""
        window = self._window
        data = {
            "geometry": _text(window.saveGeometry()),
            "split": _text(window.split.saveState()),
            "folds": self._folds,
        }
        text = json.dumps(data)
        self._jobs.change(lambda: self._commits.save_ui_state(KEY, text), error=lambda _why: None)

    def _fold(self, key: str, open_: bool) -> None:
        self._folds[key] = open_

    def _apply(self, text: str | None) -> None:
        try:
            data = json.loads(text or "")
            geometry, split, folds = data["geometry"], data["split"], data["folds"]
        except (ValueError, KeyError, TypeError):
            return
        self._window.restoreGeometry(_bytes(geometry))
        self._window.split.restoreState(_bytes(split))
        self._folds = {str(k): bool(v) for k, v in folds.items()}
        self._window.customer.set_folds(self._folds)


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode()


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode())
