# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a message or note: chips that fetch, save or open only when a person says so."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.config.i18n import _
from app.domain.attachments import Attachment, BlobState, BlobStatus, is_program
from widgets.foundation import Theme
from widgets.foundation.file_chip import FileChip
from widgets.foundation.flow import Flow

__all__ = ["AttachmentChips"]

_HERE = (BlobState.HERE, BlobState.WAITING, BlobState.SENDING)


class AttachmentChips(QWidget):
    """`asked` gives fetch, look, save, save_all, attach or open, and the attachment."""

    asked = Signal(str, object)

    def __init__(
        self, theme: Theme, attachments: tuple[Attachment, ...], known: Mapping[bytes, BlobStatus] | None = None
    ) -> None:
        """`known` is how their contents stand."""
        super().__init__()
        flow = Flow(theme.tokens.space.small)
        self.chips = [FileChip(theme, each, (known or {}).get(each.sha256)) for each in attachments]
        for chip in self.chips:
            flow.addWidget(chip)
            chip.setEnabled(bool(chip.attachment.sha256))
            chip.clicked.connect(lambda _on=False, chip=chip: self._pressed(chip))
        self.setLayout(flow)
        self.setAccessibleName(_("Attachments"))
        self.menu = QMenu(self)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the pane."""
        return QSize(0, super().minimumSizeHint().height())

    def show_status(self, sha256: bytes, status: BlobStatus) -> None:
        """Show how one stands now."""
        for chip in self.chips:
            if chip.attachment.sha256 == sha256:
                chip.show_status(status)

    def _pressed(self, chip: FileChip) -> None:
        status = chip.status
        if status is None:
            self.asked.emit("look", chip.attachment)
            return
        is_own_failed = status.state is BlobState.FAILED and status.code in ("too_large", "quota")
        if status.state not in _HERE and not is_own_failed:
            self.asked.emit("fetch", chip.attachment)
            return
        self.menu.clear()
        self.menu.addAction(_("Save as…")).triggered.connect(lambda: self.asked.emit("save", chip.attachment))
        if not is_program(chip.attachment):  # a program is never started from here
            self.menu.addAction(_("Open…")).triggered.connect(lambda: self.asked.emit("open", chip.attachment))
        if len([each for each in self.chips if each.attachment.sha256]) > 1:
            self.menu.addAction(_("Save all…")).triggered.connect(lambda: self.asked.emit("save_all", chip.attachment))
        self.menu.addAction(_("Attach to my draft")).triggered.connect(
            lambda: self.asked.emit("attach", chip.attachment)
        )
        self.menu.popup(chip.mapToGlobal(chip.rect().bottomLeft()))
