# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer of the journeys does with files in a session, through the Companion's windows."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from PySide6.QtWidgets import QLineEdit

from app.entry.companion_files import FilePlace
from app.entry.demo_companion import Customer, press
from app.entry.demo_driver import Step, Steps
from widgets.foundation import PlainLabel

__all__ = ["FilesCustomer"]


class FilesCustomer(Customer):
    """Orders about files."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "take_file": self.take_file,
            "kill_child_at": self.kill_child_at,
            "give_file": self.give_file,
            "refuse_file": self.refuse_file,
        }
        return super().steps() | more

    def take_file(self, folder: str) -> Steps:
        """Read the question and say yes; the file is to lie in this folder."""
        files = self._session().files
        files._place = FilePlace(Path(folder))
        yield lambda: files.question is not None
        question = files.question
        assert question is not None
        yield question.yes.isEnabled
        read = [label.text() for label in question.findChildren(PlainLabel)]
        press(question.yes)
        return {"read": read}

    def refuse_file(self) -> Steps:
        """Say no to what the agent offers."""
        files = self._session().files
        yield lambda: files.question is not None
        assert files.question is not None
        files.question.no.click()
        return {}

    def kill_child_at(self, name: str, count: int) -> Steps:
        """Kill the session child once so many bytes of a file are here."""
        session, pid = self._session(), self._session()._host.pid
        killed: list[int] = []

        def look(_message: object) -> None:
            moves = session.files.window.moves.values() if session.files.window is not None else ()
            done = max((move.view.done for move in moves if move.view.name == name), default=0)
            if done >= count and not killed:
                killed.append(done)
                os.kill(pid, signal.SIGKILL)

        session._host.message.connect(look)  # with each part that comes: a poll may be late for all of them
        yield lambda: bool(killed)
        session._host.message.disconnect(look)
        return {"done": killed[0]}

    def give_file(self, path: str) -> Steps:
        """Pick a file in the question, read it named, and send it."""
        files = self._session().files
        yield lambda: files.request is not None
        request = files.request
        assert request is not None
        yield request.yes.isEnabled
        press(request.yes)
        yield lambda: request.dialog is not None and request.dialog.isVisible()
        dialog = request.dialog
        assert dialog is not None
        name = dialog.findChild(QLineEdit, "fileNameEdit")
        assert name is not None
        name.setText(path)  # typed: `selectFile` leaves a field alone that has the focus, which it has by chance here
        dialog.accept()
        yield lambda: not request.again.isHidden() and request.yes.isEnabled()
        read = [label.text() for label in request.findChildren(PlainLabel)]
        press(request.yes)
        return {"read": read}
