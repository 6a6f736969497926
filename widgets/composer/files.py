# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a draft: chosen, dropped or pasted, taken in one after the other in the order they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext
from app.domain.attachments import MAX_FILE_BYTES, MAX_FILES, Attachment, BlobDesk, BlobStatus, known_statuses
from app.domain.ids import TicketId
from app.services.messages import error_text
from widgets.foundation import IconButton, Theme, column, fmt, row, scroll
from widgets.foundation.file_chip import FileChip
from widgets.foundation.flow import Flow
from widgets.foundation.giving import png_of
from widgets.foundation.jobs import Jobs

__all__ = ["DraftFiles", "limits_text"]


def limits_text() -> str:
    """Say what can be attached."""
    return ngettext(
        "Up to {n} file of {size} each", "Up to {n} files of {size} each", MAX_FILES
    ).format(n=MAX_FILES, size=fmt.size(MAX_FILE_BYTES))  # fmt: skip


@dataclass(eq=False, slots=True)
class _Slot:
    """A place in the list of a ticket's draft; without an attachment it is still being taken in."""

    ticket: TicketId | None
    made: Attachment | None = None


class _DraftChip(QWidget):
    """A chip with a button that takes the file out again; so does Delete."""

    def __init__(
        self, theme: Theme, attachment: Attachment, status: BlobStatus | None, removed: Callable[[], object]
    ) -> None:
        super().__init__()
        self._removed = removed
        self.chip = FileChip(theme, attachment, status)
        name = _("Remove {file}").format(file=attachment.filename)
        self.remove = IconButton(theme, "x", name, pressed=removed)
        self.setLayout(row(self.chip, self.remove, gap=0))

    def minimumSizeHint(self) -> QSize:
        """As narrow as the sheet."""
        return QSize(0, super().minimumSizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes it out."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._removed()
            return
        super().keyPressEvent(event)


class DraftFiles(QWidget):
    """What hangs on one draft. `changed` after every change a person made; `failed` tells why a file was not taken."""

    changed = Signal()
    failed = Signal(str)
    dropped = Signal(object)  # an Attachment that was taken out again
    late = Signal(object, object)  # TicketId and Attachment: taken in when another ticket showed already

    def __init__(self, theme: Theme, jobs: Jobs, blobs: BlobDesk | None) -> None:
        super().__init__()
        self._theme, self._jobs, self._blobs = theme, jobs, blobs
        self._slots: list[_Slot] = []
        self._ticket: TicketId | None = None
        self._chips: list[_DraftChip] = []
        self._known: dict[bytes, BlobStatus] = {}
        self._flow = Flow(theme.tokens.space.small)
        holder = QWidget()
        holder.setLayout(self._flow)
        self.area = scroll(holder)
        self.setLayout(column(self.area))
        self._fit_soon = QTimer(self, singleShot=True, interval=0)
        self._fit_soon.timeout.connect(self._fit)
        self.hide()

    def minimumSizeHint(self) -> QSize:
        """As narrow as the sheet."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As high as the chips need, but two lines at most: the text has the room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._chips:
            return
        line, gap = self._chips[0].sizeHint().height(), self._theme.tokens.space.small
        wanted = self._flow.heightForWidth(max(1, self.area.viewport().width()))
        self.area.setFixedHeight(min(wanted, 2 * line + gap) + 1)

    def attachments(self) -> tuple[Attachment, ...]:
        """Return what hangs on the draft, in order."""
        return tuple(slot.made for slot in self._slots if slot.made is not None)

    def is_busy(self) -> bool:
        """Whether a file is still being taken in."""
        return any(slot.made is None for slot in self._slots)

    def load(
        self,
        attachments: Sequence[Attachment],
        ticket: TicketId | None,
        known: Mapping[bytes, BlobStatus] | None = None,
    ) -> None:
        """Show the files of a ticket's draft; nothing is saved by this. What is still being taken in comes `late`.

        `known` is how their contents stand.
        """
        self._ticket = ticket
        self._known = dict(known or {})
        self._slots = [_Slot(ticket, each) for each in attachments]
        self._show()

    def clear(self) -> None:
        """The draft is sent or thrown away, and with it what was still being taken in."""
        for slot in self._slots:
            if slot.made is None:
                slot.ticket = None
        self.load((), self._ticket)

    def add(self, paths: Sequence[Path]) -> None:
        """Take files in."""
        blobs = self._blobs
        if blobs is not None:
            self._take([lambda path=path: blobs.add(path) for path in paths])  # type: ignore[misc]  # mypy cannot infer a lambda with defaults

    def attach(self, attachment: Attachment) -> None:
        """Let a file hang on the draft that is known already: nothing is read or sent again."""
        if len(self._slots) >= MAX_FILES:
            self.failed.emit(limits_text())
        elif attachment not in self.attachments():
            slot = _Slot(self._ticket)
            self._slots.append(slot)
            self._jobs.query(
                lambda: (attachment, known_statuses(self._blobs, [attachment])),
                lambda taken: self._taken(slot, *taken),
                lambda why: self._not_taken(slot, why),
            )

    def add_image(self, image: QImage) -> None:
        """Take a pasted picture in."""
        blobs = self._blobs
        if blobs is not None:
            name = _("Picture {n}").format(n=len(self._slots) + 1) + ".png"
            self._take([lambda: blobs.add_content(png_of(image), name, "image/png")])

    def _take(self, works: Sequence[Callable[[], Attachment]]) -> None:
        for work in works:
            if len(self._slots) >= MAX_FILES:
                self.failed.emit(limits_text())
                return
            slot = _Slot(self._ticket)
            self._slots.append(slot)
            self._jobs.query(
                lambda work=work: self._take_in(work),  # type: ignore[misc]  # as above
                lambda taken, slot=slot: self._taken(slot, *taken),  # type: ignore[misc]  # as above
                lambda why, slot=slot: self._not_taken(slot, why),  # type: ignore[misc]  # as above
            )

    def _take_in(self, work: Callable[[], Attachment]) -> tuple[Attachment, Mapping[bytes, BlobStatus]]:
        made = work()
        return made, known_statuses(self._blobs, [made])

    def _taken(self, slot: _Slot, made: Attachment, known: Mapping[bytes, BlobStatus]) -> None:
        if slot.ticket is None:
            self.dropped.emit(made)
            return
        if slot.ticket != self._ticket:
            self.late.emit(slot.ticket, made)
            return
        if slot not in self._slots:  # the draft was read meanwhile
            self._slots.append(slot)
        if made in self.attachments():
            self._slots.remove(slot)  # the same file twice
        slot.made = made
        self._known.update(known)
        self._show()
        self.changed.emit()

    def _not_taken(self, slot: _Slot, why: Exception) -> None:
        if slot in self._slots:
            self._slots.remove(slot)
            self.failed.emit(error_text(why))

    def _remove(self, attachment: Attachment) -> None:
        self._slots = [slot for slot in self._slots if slot.made != attachment]
        self._show()
        self.changed.emit()
        self.dropped.emit(attachment)

    def show_status(self, sha256: bytes, status: BlobStatus) -> None:
        """Show how far an upload is."""
        self._known[sha256] = status
        for chip in self._chips:
            if chip.chip.attachment.sha256 == sha256:
                chip.chip.show_status(status)
                self._fit_soon.start()

    def _show(self) -> None:
        shown = self.attachments()
        for chip in self._chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self._chips = []
        for each in shown:
            chip = _DraftChip(self._theme, each, self._known.get(each.sha256), lambda each=each: self._remove(each))  # type: ignore[misc]  # as above
            self._chips.append(chip)
            self._flow.addWidget(chip)
        self.setVisible(bool(shown))
        self._fit_soon.start()
        self.setAccessibleName(_("Attachments"))
        self.updateGeometry()
