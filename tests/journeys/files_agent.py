# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent of the journeys does with files in a session, through the session's window."""

from __future__ import annotations

from pathlib import Path

from app.domain.session_files import FileStep, FileView
from app.entry.demo_agent import Agent
from app.entry.demo_driver import Step, Steps
from widgets.remote.files import FilePanel

__all__ = ["FilesAgent"]


class FilesAgent(Agent):
    """Orders about files."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "offer_files": self.offer_files,
            "ask_for_file": self.ask_for_file,
            "file_over": self.file_over,
        }
        return super().steps() | more

    @property
    def _panel(self) -> FilePanel:
        flow = self._window.flow
        assert flow is not None
        assert flow.session is not None
        return flow.session.files

    def offer_files(self, paths: list[str]) -> Steps:
        """Drop files on the window."""
        yield self._panel.send.isEnabled
        self._panel.offered.emit([Path(path) for path in paths])
        return {}

    def ask_for_file(self, folder: str) -> Steps:
        """Press Ask for a file; what comes is to lie in this folder."""
        session = self._session
        assert session is not None
        assert session._files is not None
        session._files.base = Path(folder)
        yield self._panel.ask.isEnabled
        self._panel.ask.click()
        return {}

    def file_over(self, name: str) -> Steps:
        """Wait until it is said what came of a file."""

        def over() -> list[FileView]:
            views = [move.view for move in self._panel.moves.values()]
            return [view for view in views if view.name == name and view.step is FileStep.OVER]

        yield lambda: bool(over())
        view = over()[-1]
        return {"code": view.code, "path": view.path, "said": self._panel.moves[view.id].state.text()}
