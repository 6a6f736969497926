# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with attachments: asks how they stand, fetches, saves and opens them when a person says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.config.i18n import _, ngettext
from app.domain.attachments import Attachment, BlobDesk, BlobState, BlobStatus, clean_name, is_program
from app.domain.entities import MESSAGE, NOTE
from app.domain.errors import Refused
from app.domain.ports import ItemKind, SyncLink, ThreadItem
from app.services.messages import error_text
from app.services.texts_files import open_warning, save_warning
from widgets.foundation import Question, Theme
from widgets.foundation.jobs import Jobs

__all__ = ["FileDesk", "free_place"]

_HERE = (BlobState.HERE, BlobState.WAITING, BlobState.SENDING)


class FileDesk(QObject):
    """GUI thread. Dialogs belong to `window`."""

    status_known = Signal(bytes, object)  # hash, BlobStatus
    told = Signal(str)
    failed = Signal(str)
    attach_wanted = Signal(object)  # Attachment: it is to hang on the draft that is written too
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
        elif what == "attach":
            self.attach_wanted.emit(attachment)
        elif what == "save_all":
            self._ask_folder(item)
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

    def _ask_folder(self, item: ThreadItem) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        dialog = self.dialog = QFileDialog(self._window, _("Save all attachments"), folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self.save_all(item, Path(name)))
        dialog.open()

    def save_all(self, item: ThreadItem, folder: Path) -> None:
        """Write what is here of an item's attachments into a folder, over nothing; what is not here is fetched."""

        def save() -> tuple[int, list[Attachment]]:
            states, saved, absent = self._blobs.statuses(item.attachments), 0, list[Attachment]()
            for each in item.attachments:
                status = states.get(each.sha256)
                if is_program(each) or not each.sha256:
                    continue  # one by one, with its warning
                if status is None or status.state not in _HERE:
                    absent.append(each)
                    continue
                try:
                    self._blobs.save_as(each, free_place(folder, each.filename))
                    saved += 1
                except Refused as why:
                    if why.code == "attachment_not_saved":  # the disk: no use to go on
                        raise
                    absent.append(each)
            return saved, absent

        self._jobs.query(save, lambda done: self._saved_all(item, *done), lambda why: self.failed.emit(error_text(why)))

    def _saved_all(self, item: ThreadItem, saved: int, absent: Sequence[Attachment]) -> None:
        for each in absent:
            self.act("fetch", each, item)
        words = ngettext("{n} file is saved", "{n} files are saved", saved).format(n=saved)
        more = ngettext(
            "{n} file is being fetched; save again when it is here.",
            "{n} files are being fetched; save again when they are here.", len(absent),
        ).format(n=len(absent))  # fmt: skip
        self.told.emit(f"{words}. {more}" if absent else words)

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


def free_place(folder: Path, filename: str) -> Path:
    """Return a place in a folder where no file is yet: the name, or the name with a number."""
    name = Path(clean_name(filename))
    place, n = folder / name, 1
    while place.exists():
        n += 1
        place = folder / f"{name.stem} ({n}){name.suffix}"
    return place
