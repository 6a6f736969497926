# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clipboard or the mouse gives beside text: files and pictures. One way to take them, for every editor."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, Signal
from PySide6.QtGui import QImage, QImageWriter

from widgets.foundation.text import PlainEdit

__all__ = ["GivenEdit", "given_files", "gives_picture", "png_of"]


class GivenEdit(PlainEdit):
    """A plain editor that takes files and pictures from the clipboard or the mouse."""

    files_given = Signal(list)  # of Path
    image_given = Signal(object)  # QImage

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text, local files and pictures."""
        return source.hasImage() or bool(given_files(source)) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Text goes into the text; anything else is attached."""
        if files := given_files(source):
            self.files_given.emit(files)
        elif gives_picture(source):
            self.image_given.emit(source.imageData())
        else:
            super().insertFromMimeData(source)


def given_files(source: QMimeData) -> list[Path]:
    """Return the files of this computer that are given."""
    return [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()] if source.hasUrls() else []


def gives_picture(source: QMimeData) -> bool:
    """Whether a picture is given, and not a text that also has one."""
    return source.hasImage() and not source.hasText()


def png_of(image: QImage) -> bytes:
    """Return a picture as a file. Any thread."""
    raw = QByteArray()
    buffer = QBuffer(raw)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(raw.data())
