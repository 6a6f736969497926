# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with attachments: asks how they stand, fetches, saves and opens them when a person says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.config.i18n import _
from app.domain.attachments import Attachment, BlobDesk, BlobState, BlobStatus
from app.domain.entities import MESSAGE, NOTE
from app.domain.ports import ItemKind, SyncLink, ThreadItem
from app.services.messages import error_text
from app.services.texts_files import open_warning, save_warning
from widgets.foundation import Question, Theme
from widgets.foundation.jobs import Jobs

__all__ = ["FileDesk"]


class FileDesk(QObject):
    """GUI thread. Dialogs belong to `window`."""

    status_known = Signal(bytes, object)  # hash, BlobStatus
    told = Signal(str)
    failed = Signal(str)
    open_wanted = Signal(object)  # the Path of a plain copy: another program is to show it

    def __init__(self, theme: Theme, blobs: BlobDesk, link: SyncLink, jobs: Jobs, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._blobs, self._link, self._jobs, self._window = theme, blobs, link, jobs, window
        self.dialog: Question | QFileDialog | None = None

    def look(self, attachments: Sequence[Attachment]) -> None:
        """Find out how attachments stand; `status_known` tells."""
        self._jobs.query(lambda: self._blobs.statuses(attachments), self._show, lambda _why: None)

    def _show(self, found: Mapping[bytes, BlobStatus]) -> None:
        for sha256, status in found.items():
            self.status_known.emit(sha256, status)

    def act(self, what: str, attachment: Attachment, item: ThreadItem) -> None:
        """Fetch, look for, save or open an attachment of a message or note."""
        if what == "fetch":
            size = attachment.size_bytes
            self.status_known.emit(attachment.sha256, BlobStatus(BlobState.FETCHING, 0, size))
            type_ = NOTE.number if item.kind is ItemKind.NOTE else MESSAGE.number
            self._link.fetch_blob(attachment, type_, item.id)
        elif what == "look":
            self.look([attachment])
        elif what == "save":
            warning = save_warning(attachment)
            self._warned(warning, _("Save this program?"), _("Save"), lambda: self._ask_place(attachment))
        else:
            self._warned(open_warning(attachment), _("Open this file?"), _("Open"), lambda: self._open(attachment))

    def _warned(self, text: str, title: str, deed: str, then: Callable[[], None]) -> None:
        if not text:
            then()
            return
        self.dialog = Question(
            self._theme, title, text, safe=_("Cancel"), deed=deed, parent=self._window,
            answered=lambda yes: then() if yes else None,
        )  # fmt: skip
        self.dialog.open()

    def _ask_place(self, attachment: Attachment) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        dialog = self.dialog = QFileDialog(self._window, _("Save attachment"), folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile(attachment.filename)
        dialog.fileSelected.connect(lambda name: self.save(attachment, Path(name)))
        dialog.open()

    def save(self, attachment: Attachment, target: Path) -> None:
        """Write the plain content to a place."""
        self._jobs.query(
            lambda: self._blobs.save_as(attachment, target),
            lambda _done: self.told.emit(_("“{file}” is saved").format(file=target.name)),
            lambda why: self._not_given(attachment, why),
        )

    def _open(self, attachment: Attachment) -> None:
        self._jobs.query(
            lambda: self._blobs.open_copy(attachment),
            self.open_wanted.emit,
            lambda why: self._not_given(attachment, why),
        )

    def _not_given(self, attachment: Attachment, why: Exception) -> None:
        self.failed.emit(error_text(why))
        self.look([attachment])
