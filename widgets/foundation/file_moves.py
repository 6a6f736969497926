# SPDX-License-Identifier: GPL-3.0-or-later
"""A file on its way in a session: name, how far it is, a way to stop it, and in the end what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from app.config.i18n import N_, _
from app.domain.attachments import MAX_FILE_BYTES
from app.domain.session_files import FileStep, FileView
from widgets.foundation import format as fmt
from widgets.foundation.buttons import Button, Look
from widgets.foundation.labels import ElidedLabel, PlainLabel
from widgets.foundation.layout import column, row
from widgets.foundation.states import announce
from widgets.foundation.theme import Theme

__all__ = ["FileMove", "file_outcome"]

_STEPS = 1000
_OUTCOMES: Mapping[str, str] = {
    "refused": N_("Not accepted. Nothing was sent."),
    "no_answer": N_("Nobody answered, which counts as no. Nothing was sent."),
    "not_allowed": N_("It cannot be asked for at the moment. Nothing was sent."),
    "cancelled": N_("Stopped. What had arrived was removed."),
    "revoked": N_("The permission was taken back. What had arrived was removed."),
    "ended": N_("The session ended first. What had arrived was removed."),
    "busy": N_("Another file is on its way. Send it again when that one is through."),
    "program_refused": N_("Programs are not taken over. Nothing was sent."),
    "disguised_program": N_("It is a program under another kind of name. It was stopped and removed."),
    "too_large": N_("A file may have up to {size}. What had arrived was removed."),
    "session_full": N_("The files of this session are too large together. Nothing was sent."),
    "too_many": N_("There were too many files in this session. Nothing was sent."),
    "disk_full": N_("The disk of the computer that receives it has too little room. What had arrived was removed."),
    "changed": N_("The file was changed while it was sent. What had arrived was removed. Send it again."),
    "part_changed": N_("Something else wrote into the file while it came. It was removed. Send it again."),
    "hash_differs": N_("What arrived is not what was sent. It was removed. Send it again."),
    "incomplete": N_("Not all of it arrived. It was removed. Send it again."),
    "file_missing": N_("The file is not there any more. Nothing was sent."),
    "not_a_file": N_("This is a folder or no ordinary file. Nothing was sent."),
    "not_readable": N_("The file cannot be read. What had arrived was removed."),
    "folder_unsafe": N_("The folder for received files is not safe to use. Nothing was kept."),
    "folder_gone": N_("The folder for received files is not there. Nothing was kept."),
    "not_written": N_("The folder for received files cannot be written. Nothing was kept."),
}


def file_outcome(view: FileView) -> str:
    """Return in one sentence what came of a file that is over."""
    if not view.code:
        if view.path:
            return _("Arrived whole and unchanged. It was not opened. It lies here: {path}").format(path=view.path)
        return _("Arrived whole and unchanged.")
    text = _(_OUTCOMES[view.code]) if view.code in _OUTCOMES else _("It did not work. Nothing was kept.")
    return text.format(size=fmt.size(MAX_FILE_BYTES))


class FileMove(QWidget):
    """One file. `stopped` and `closed` carry its number."""

    stopped = Signal(int)
    closed = Signal(int)

    def __init__(self, theme: Theme, view: FileView, title: str, waits: str) -> None:
        """`title` says what goes where; `waits` is shown while the other end has not answered."""
        super().__init__()
        self._theme, self._waits = theme, waits
        self.view = view
        self._told = ""
        space = theme.tokens.space
        self.title = ElidedLabel(title, type="strong")
        self.state = PlainLabel(type="caption", tone="muted", wrap=True, selectable=True)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setRange(0, _STEPS)
        self.bar.setAccessibleName(title)
        self.stop = Button(theme, _("Stop"), look=Look.QUIET, pressed=self._press)
        head = row(self.title, self.stop, gap=space.medium)
        head.setStretch(0, 1)
        edge = (space.tiny, space.tiny, space.tiny, space.tiny)  # room for the ring of the focus
        self.setLayout(column(head, self.bar, self.state, gap=space.hair, margins=edge))
        self.show_view(view)

    def show_view(self, view: FileView) -> None:
        """Show how it stands now."""
        self.view = view
        over = view.step is FileStep.OVER
        self.bar.setVisible(not over)
        self.bar.setValue(_STEPS * view.done // view.size if view.size else 0)
        self.state.setText(self._words(view))
        self.state.set_tone(("success" if not view.code else "danger") if over else "muted")
        self.stop.setText(_("Close") if over else _("Stop"))
        self.stop.setAccessibleName(f"{self.stop.text()}: {view.name}")
        if self._told != f"{view.step} {view.code}" and view.step in (FileStep.OVER, FileStep.HELD):
            announce(self, f"{view.name}: {self.state.text()}", urgent=bool(view.code))
        self._told = f"{view.step} {view.code}"

    def _words(self, view: FileView) -> str:
        if view.step is FileStep.OVER:
            return file_outcome(view)
        if view.step is FileStep.ASKED:
            return self._waits
        if view.step is FileStep.OPENING:
            return _("Getting ready…")
        if view.step is FileStep.HELD:
            return _("On hold. It goes on by itself when the picture does.")
        if view.step is FileStep.CHECKING:
            return _("Checking…")
        return _("{done} of {size}").format(done=fmt.size(view.done), size=fmt.size(view.size))

    def _press(self) -> None:
        (self.closed if self.view.step is FileStep.OVER else self.stopped).emit(self.view.id)
