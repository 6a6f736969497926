# SPDX-License-Identifier: GPL-3.0-or-later
"""A file as a chip: its name with the ending always in view, its size, and how its content stands."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.config.i18n import _
from app.domain.attachments import Attachment, BlobState, BlobStatus, is_program
from app.services.texts_files import short_name, state_text
from widgets.foundation import fmt
from widgets.foundation.buttons import Button
from widgets.foundation.labels import plain_tooltip
from widgets.foundation.theme import Theme

__all__ = ["FileChip"]

_AIR = "\u2009"  # as in every button between icon and text
_LEAST_NAME = 14
_ICONS = {
    BlobState.ABSENT: "download", BlobState.FETCHING: "download", BlobState.WAITING: "cloud-upload",
    BlobState.SENDING: "cloud-upload", BlobState.FAILED: "circle-alert",
}  # fmt: skip


class FileChip(Button):
    """Pressing it is up to whoever made it. Without a status it claims nothing about the content."""

    def __init__(self, theme: Theme, attachment: Attachment, status: BlobStatus | None = None) -> None:
        super().__init__(theme, "", icon="file")
        self.attachment = attachment
        if not attachment.sha256:
            status = BlobStatus(BlobState.NEVER, 0, attachment.size_bytes)
        self.status = status
        self._icon = "file"
        self._name = self._rest = ""
        self.setProperty("small", True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._say()

    def show_status(self, status: BlobStatus) -> None:
        """Show how its content stands."""
        self.status = status
        self._say()

    def _say(self) -> None:
        status = self.status
        size = fmt.size(self.attachment.size_bytes)
        state = state_text(status) if status is not None else _("looking for it")
        self._name = short_name(self.attachment.filename)
        self._rest = "".join(f" · {part}" for part in (size, state) if part)
        self.setText(self._name + self._rest)
        if self.isVisible():
            self._fit()
        whole = ", ".join(part for part in (self.attachment.filename, size, state) if part)
        self.setAccessibleName(whole)
        self.setToolTip(plain_tooltip(whole))
        usual = "shield-alert" if is_program(self.attachment) else "file"
        icon = _ICONS.get(status.state, usual) if status is not None else usual
        if icon != self._icon:
            self._icon = icon
            self._theme.set_icon(self, icon, "fg.default")

    def sizeHint(self) -> QSize:
        """As wide as everything said, however much of it fits now."""
        hint, metrics = super().sizeHint(), self.fontMetrics()
        shown, whole = self.text().replace("&&", "&"), _AIR + self._name + self._rest
        return hint + QSize(metrics.horizontalAdvance(whole) - metrics.horizontalAdvance(shown), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the name in its middle where there is no room; what became of the content shows as long as it can."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics, shown = self.fontMetrics(), self._name + self._rest
        missing = self.sizeHint().width() - self.width()
        if missing > 0:
            room = metrics.horizontalAdvance(shown) - missing
            for_name = max(room - metrics.horizontalAdvance(self._rest), _LEAST_NAME * metrics.averageCharWidth())
            name = metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, for_name)
            shown = metrics.elidedText(name + self._rest, Qt.TextElideMode.ElideRight, max(room, 0))
        text = _AIR + shown.replace("&", "&&")
        if text != self.text():
            QPushButton.setText(self, text)

    def minimumSizeHint(self) -> QSize:
        """As narrow as its pane: a width of its own would spoil the heights of the whole column."""
        return QSize(0, super().minimumSizeHint().height())
